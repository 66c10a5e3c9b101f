package cluster

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// fixture is a client of a real API server in a namespace of the test's own.
type fixture struct {
	*Client
	t         *testing.T
	cluster   *clustertest.Cluster
	namespace string
	requests  *requests
}

// requests are those that a client has made: "PATCH /api/v1/...".
type requests struct {
	mu   sync.Mutex
	made []string
	next http.RoundTripper
}

func (r *requests) RoundTrip(request *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.made = append(r.made, request.Method+" "+request.URL.Path)
	r.mu.Unlock()
	return r.next.RoundTrip(request)
}

// during are the requests made by a function, in order.
func (r *requests) during(f func()) []string {
	r.mu.Lock()
	before := len(r.made)
	r.mu.Unlock()
	f()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.made[before:]
}

// newFixture makes a namespace and a client of one who may do everything.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	c := clustertest.Shared(t)
	f := &fixture{t: t, cluster: c, namespace: c.Namespace(t)}
	f.connect(ConnectOptions{Kubeconfig: c.Kubeconfig()})
	return f
}

func (f *fixture) connect(o ConnectOptions) {
	f.t.Helper()
	config, err := o.RESTConfig()
	if err != nil {
		f.t.Fatal(err)
	}
	f.requests = &requests{}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		f.requests.next = next
		return f.requests
	})
	if f.Client, err = New(config, Options{Version: "test"}); err != nil {
		f.t.Fatal(err)
	}
}

// as is the same fixture for a user who has the rules given, in the namespace.
func (f *fixture) as(user string, rules ...string) *fixture {
	f.t.Helper()
	var list []string
	var granted []Permission
	for _, rule := range rules {
		verbs, rest, _ := strings.Cut(rule, " ")
		group, resources, _ := strings.Cut(rest, " ")
		if group == "core" {
			group = ""
		}
		for verb := range strings.SplitSeq(verbs, ",") {
			for resource := range strings.SplitSeq(resources, ",") {
				granted = append(granted, Permission{Verb: strings.Trim(verb, " '"), Group: group, Resource: strings.Trim(resource, " '"), Namespace: f.namespace})
			}
		}
		list = append(list, fmt.Sprintf("{verbs: [%s], apiGroups: [%q], resources: [%s]}", verbs, group, resources))
	}
	f.apply(fmt.Sprintf(`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: %s}, rules: [%s]}`, user, strings.Join(list, ", ")))
	f.apply(fmt.Sprintf(`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: %s},
		roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %s}, subjects: [{kind: User, name: %s, apiGroup: rbac.authorization.k8s.io}]}`, user, user, user))
	other := &fixture{t: f.t, cluster: f.cluster, namespace: f.namespace}
	other.connect(ConnectOptions{Kubeconfig: f.cluster.Kubeconfig(), AsUser: user, AsGroups: []string{"system:authenticated"}})
	awaitRights(f.t, other.Client, granted...)
	return other
}

// awaitRights waits until the API server knows of rights that were just granted.
func awaitRights(t *testing.T, user *Client, granted ...Permission) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		missing, err := user.CanI(t.Context(), granted)
		if err != nil {
			t.Fatal(err)
		}
		if len(missing) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v are granted, and not known yet", missing)
		}
	}
}

// object is a document, resolved.
func (f *fixture) object(text string) manifest.Object {
	f.t.Helper()
	fields := parse(f.t, text)
	apiVersion, _ := fields["apiVersion"].(string)
	kind, _ := fields["kind"].(string)
	name, _ := nested(fields, "metadata", "name").(string)
	resolved, err := f.Resolve(f.t.Context(), []manifest.Object{{Ref: manifest.Ref{APIVersion: apiVersion, Kind: kind, Name: name}, Fields: fields}}, f.namespace)
	if err != nil {
		f.t.Fatal(err)
	}
	if len(resolved.Unknown) > 0 {
		f.t.Fatalf("unknown kind %s", resolved.Unknown[0].Kind)
	}
	return resolved.Objects[0]
}

// live reads one object, nil if there is none.
func (f *fixture) live(ref manifest.Ref) deploy.Live {
	f.t.Helper()
	live, err := f.Read(f.t.Context(), []manifest.Ref{ref})
	if err != nil {
		f.t.Fatal(err)
	}
	return live[ref]
}

// apply applies a document over what is there.
func (f *fixture) apply(text string) deploy.Live {
	f.t.Helper()
	o := f.object(text)
	live, err := f.Apply(f.t.Context(), o, deploy.ApplyOptions{Live: f.live(o.Ref)})
	if err != nil {
		f.t.Fatal(err)
	}
	return live
}

// managersOf are the field managers of an object but those of the status: "helm Apply".
func managersOf(live deploy.Live) []string {
	var names []string
	for _, m := range managedFields(live) {
		if m.subresource != "status" {
			names = append(names, m.manager+" "+m.operation)
		}
	}
	return names
}

// helm runs a real Helm, of version "3" or "4", in the fixture's namespace.
func (f *fixture) helm(version string, args ...string) string {
	f.t.Helper()
	peers := os.Getenv("SLIPWAY_PEERS")
	if peers == "" {
		f.t.Skip("needs Helm: run `make peers` and set SLIPWAY_PEERS to the path of .cache/peers")
	}
	command := exec.CommandContext(f.t.Context(), filepath.Join(peers, "helm"+version), append(args, "--namespace", f.namespace, "--kubeconfig", f.cluster.Kubeconfig())...)
	command.Env = []string{"HOME=" + f.t.TempDir(), "PATH=" + os.Getenv("PATH")}
	out, err := command.CombinedOutput()
	if err != nil {
		f.t.Fatalf("Helm %s %v: %v\n%s", version, args, err, out)
	}
	return string(out)
}

// chartOf writes a chart of the templates given and returns its folder.
func chartOf(t *testing.T, templates map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"Chart.yaml": "apiVersion: v2\nname: sample\nversion: 1.0.0\n"}
	for name, text := range templates {
		files["templates/"+name] = text
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// createAs creates an object as another field manager.
func (f *fixture) createAs(manager string, r resource, o manifest.Object) deploy.Live {
	f.t.Helper()
	live, err := f.objects(r, o.Namespace).Create(f.t.Context(), &unstructured.Unstructured{Object: o.Fields}, metav1.CreateOptions{FieldManager: manager})
	if err != nil {
		f.t.Fatal(err)
	}
	return live.Object
}
