package cli

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
)

// TestReading runs testdata/reading, each script in a namespace of its own.
// Beside the commands of TestTwins there is
//
//	twinfull ARGS...     twin, with --full for slipway
//	twinsecrets ARGS...  twin, with --show-secrets for slipway
//	remove KIND NAME     deletes an object, KIND as in v1's paths
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
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
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
