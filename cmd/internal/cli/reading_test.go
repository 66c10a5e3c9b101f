package cli

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
)

// TestReading runs testdata/reading, each script in a namespace of its own.
// Beside the commands of TestTwins there is
//
//	twinfull ARGS...     twin, with --full for slipway
//	twinsecrets ARGS...  twin, with --show-secrets for slipway
//	remove KIND NAME     deletes an object, KIND as in v1's paths
//
// User "reader" may read everything in the namespace.
func TestReading(t *testing.T) {
	c := clustertest.Shared(t)
	peers := peersFolder(t)
	twin := func(extra ...string) func(*testscript.TestScript, bool, []string) {
		return func(ts *testscript.TestScript, neg bool, args []string) {
			runTwin(ts, neg, filepath.Join(peers, "helm3"), args, extra)
		}
	}
	client, err := dynamic.NewForConfig(c.RESTConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/reading",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("HELM3", filepath.Join(peers, "helm3"))
			env.Setenv("KUBECONFIG", c.Kubeconfig())
			env.Setenv("HELM_NAMESPACE", c.Namespace(env.T().(testing.TB)))
			return mayRead(c.RESTConfig(t), env.Getenv("HELM_NAMESPACE"), "reader")
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"valid":    validFile,
			"twin":     twin(),
			"twinfull": twin("--full"),

			"twinsecrets": twin("--show-secrets"),
			"remove": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 2 {
					ts.Fatalf("usage: remove KIND NAME")
				}
				objects := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: args[0]}).Namespace(ts.Getenv("HELM_NAMESPACE"))
				ts.Check(objects.Delete(context.Background(), args[1], metav1.DeleteOptions{}))
			},
		},
	})
}

// mayRead lets a user read everything in a namespace.
func mayRead(config *rest.Config, namespace, user string) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"get", "list"}}},
	}
	if _, err := client.RbacV1().Roles(namespace).Create(context.Background(), role, metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err = client.RbacV1().RoleBindings(namespace).Create(context.Background(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}, metav1.CreateOptions{})
	return err
}
