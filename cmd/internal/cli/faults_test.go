package cli

import (
	"context"
	"encoding/base64"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
)

// TestFaults runs testdata/faults: what slipway says and leaves when the
// cluster or the machine fails it. Each script has a namespace, and a proxy to
// the API server in between. Beside the commands of TestDeploying there are
//
//	fault KIND METHOD PART  from the first request on that has the method and the part in its path, each is treated so:
//	                        cut (no answer), slow (10 s later), stolen (the Lease gets another holder first) or the status of the answer
//	fault none              no more of it
//	admission FILE...       applies objects that concern admission, with NAMESPACE in them replaced; they go at the end, or with ! admission
//	quota NUMBER RESOURCE   allows no more than that of a resource in the namespace
//	leak FILE...            fails if the text $CANARY, plain or encoded, is in a file; with a folder, in any file in it
//	terminate ARGS...       runs slipway ARGS, sends it SIGTERM once the proxy has met its fault, and prints its exit code
//	none RESOURCE LABELS    fails if there is an object with the labels in the namespace
//	filled NUMBER FILE      writes that many random characters; with a third word, equal ones
func TestFaults(t *testing.T) {
	postgres := startPostgres(t)
	runOnCluster(t, "testdata/faults", clusterScripts{
		commands: func(objects scriptObjects) scriptCommands {
			return scriptCommands{
				"fault": setFault, "admission": objects.admission, "quota": objects.quota, "leak": leak, "none": objects.none,
				"terminate": terminate, "filled": filled,
			}
		},
		setup: func(env *testscript.Env, c *clustertest.Cluster) error {
			tb := env.T().(testing.TB)
			proxy := newFaultProxy(tb, c.RESTConfig(tb), dynamic.NewForConfigOrDie(c.RESTConfig(tb)))
			proxy.namespace = env.Getenv("HELM_NAMESPACE")
			proxy.fault = filepath.Join(env.WorkDir, "fault-met")
			env.Values[proxyKey{}] = proxy
			env.Setenv("PROXY", proxy.URL)
			env.Setenv("POSTGRES", postgres)
			env.Setenv("CANARY", "zq7-canary-Xw93")
			return os.WriteFile(filepath.Join(env.WorkDir, "through-proxy"), proxy.kubeconfig(), 0o600)
		},
	})
}

// startPostgres runs a server of the test's own on a socket in a temporary
// directory and returns the connection string.
func startPostgres(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = []string{filepath.Dir(path)}
	}
	if len(found) == 0 {
		t.Skip("PostgreSQL is not installed: neither initdb in PATH nor /usr/lib/postgresql/*/bin")
	}
	dir, err := os.MkdirTemp("", "pg") // short: it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	attr, err := asNobody(dir)
	if err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) error {
		c := exec.Command(filepath.Join(found[len(found)-1], name), args...)
		c.Dir, c.SysProcAttr = dir, attr
		return c.Run()
	}
	data := filepath.Join(dir, "data")
	if err := run("initdb", "-D", data, "-U", "test", "-A", "trust", "-N"); err != nil {
		t.Fatalf("initdb: %v", err)
	}
	if err := run("pg_ctl", "-D", data, "-l", filepath.Join(dir, "log"), "-w", "-o", "-c listen_addresses= -c fsync=off -k "+dir, "start"); err != nil {
		t.Fatalf("pg_ctl start: %v", err)
	}
	t.Cleanup(func() {
		if err := run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop"); err != nil {
			t.Errorf("pg_ctl stop: %v", err)
		}
	})
	return "host=" + dir + " user=test dbname=postgres sslmode=disable"
}

type proxyKey struct{}

// faultProxy is between slipway and the API server.
type faultProxy struct {
	*httptest.Server
	next      http.Handler
	client    dynamic.Interface
	namespace string
	fault     string // file that is made when the fault is met

	mu                 sync.Mutex
	kind, method, part string
	met                bool
}

func newFaultProxy(tb testing.TB, rc *rest.Config, client dynamic.Interface) *faultProxy {
	tb.Helper()
	transport, err := rest.TransportFor(rc)
	if err != nil {
		tb.Fatal(err)
	}
	target, err := url.Parse(rc.Host)
	if err != nil {
		tb.Fatal(err)
	}
	p := &faultProxy{client: client}
	p.next = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.Server = httptest.NewServer(p)
	tb.Cleanup(func() {
		p.CloseClientConnections()
		p.Close()
	})
	return p
}

func (p *faultProxy) kubeconfig() []byte {
	return []byte("apiVersion: v1\nkind: Config\ncurrent-context: proxy\ncontexts: [{name: proxy, context: {cluster: proxy, user: proxy}}]\n" +
		"clusters: [{name: proxy, cluster: {server: \"" + p.URL + "\"}}]\nusers: [{name: proxy, user: {}}]\n")
}

func setFault(ts *testscript.TestScript, neg bool, args []string) {
	p := ts.Value(proxyKey{}).(*faultProxy)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kind, p.method, p.part, p.met = "", "", "", false
	_ = os.Remove(p.fault)
	switch {
	case neg || len(args) != 3 && (len(args) != 1 || args[0] != "none"):
		ts.Fatalf("usage: fault KIND METHOD PART, or fault none")
	case len(args) == 3:
		p.kind, p.method, p.part = args[0], args[1], args[2]
	}
}

func (p *faultProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	isFirst := !p.met && p.kind != "" && r.Method == p.method && strings.Contains(r.URL.Path, p.part) && r.URL.Query().Get("dryRun") == ""
	p.met = p.met || isFirst
	kind := ""
	if p.met {
		kind = p.kind
	}
	p.mu.Unlock()
	if isFirst {
		_ = os.WriteFile(p.fault, nil, 0o600)
	}
	switch kind {
	case "":
	case "cut":
		panic(http.ErrAbortHandler)
	case "slow":
		_, _ = io.Copy(io.Discard, r.Body) // the server sees that the client has gone only then
		select {
		case <-time.After(10 * time.Second):
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case "stolen":
		if isFirst {
			p.steal()
		}
		if !strings.Contains(r.URL.Path, "/leases/") {
			time.Sleep(3 * time.Second)
		}
	default:
		status, _ := strconv.Atoi(kind)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "made up", "code": ` + kind + `}`))
		return
	}
	p.next.ServeHTTP(w, r)
}

// steal writes another holder, who keeps it for an hour, into the Lease of release web.
func (p *faultProxy) steal() {
	leases := p.client.Resource(schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}).Namespace(p.namespace)
	lease, err := leases.Get(context.Background(), "slipway-web", metav1.GetOptions{})
	if err != nil {
		return
	}
	_ = unstructured.SetNestedField(lease.Object, "a thief", "spec", "holderIdentity")
	_ = unstructured.SetNestedField(lease.Object, int64(99), "spec", "leaseTransitions")
	_ = unstructured.SetNestedField(lease.Object, int64(3600), "spec", "leaseDurationSeconds")
	_, _ = leases.Update(context.Background(), lease, metav1.UpdateOptions{})
}

// admission applies objects outside of namespaces.
func (l scriptObjects) admission(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		for _, document := range strings.Split(ts.ReadFile(name), "---\n") {
			object := &unstructured.Unstructured{}
			ts.Check(yaml.Unmarshal([]byte(strings.ReplaceAll(document, "NAMESPACE", ts.Getenv("HELM_NAMESPACE"))), &object.Object))
			gvk := object.GroupVersionKind()
			resource := strings.ToLower(gvk.Kind) + "s"
			if strings.HasSuffix(resource, "ys") {
				resource = strings.TrimSuffix(resource, "ys") + "ies"
			}
			client := l.client.Resource(gvk.GroupVersion().WithResource(resource))
			if neg {
				ts.Check(client.Delete(context.Background(), object.GetName(), metav1.DeleteOptions{}))
				continue
			}
			_, err := client.Create(context.Background(), object, metav1.CreateOptions{})
			ts.Check(err)
			ts.Defer(func() { _ = client.Delete(context.Background(), object.GetName(), metav1.DeleteOptions{}) })
		}
	}
	l.untilHeeded(ts, !neg)
}

// untilHeeded waits until the API server heeds what was said about admission: that ConfigMaps are refused, or not.
func (l scriptObjects) untilHeeded(ts *testscript.TestScript, refused bool) {
	probe := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "refused"}}}
	for range 300 {
		_, err := l.of(ts, "configmaps").Create(context.Background(), probe, metav1.CreateOptions{DryRun: []string{"All"}})
		if (err != nil) == refused {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	ts.Fatalf("admission is not heeded")
}

func (l scriptObjects) quota(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: quota NUMBER RESOURCE")
	}
	quotas := l.of(ts, "resourcequotas")
	name := "q-" + args[1]
	err := quotas.Delete(context.Background(), name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		ts.Check(err)
	}
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ResourceQuota",
		"metadata": map[string]any{"name": name}, "spec": map[string]any{"hard": map[string]any{"count/" + args[1]: args[0]}}}}
	_, err = quotas.Create(context.Background(), object, metav1.CreateOptions{})
	ts.Check(err)
	for range 300 {
		q, err := quotas.Get(context.Background(), name, metav1.GetOptions{})
		ts.Check(err)
		if used, _, _ := unstructured.NestedMap(q.Object, "status", "used"); len(used) > 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	ts.Fatalf("the quota is not counted")
}

func (l scriptObjects) none(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: none RESOURCE LABELS")
	}
	list, err := l.of(ts, args[0]).List(context.Background(), metav1.ListOptions{LabelSelector: args[1]})
	ts.Check(err)
	if (len(list.Items) == 0) == neg {
		ts.Fatalf("there are %d %s with %s", len(list.Items), args[0], args[1])
	}
}

// leak looks for the canary.
func leak(ts *testscript.TestScript, neg bool, args []string) {
	canary := ts.Getenv("CANARY")
	found := ""
	look := func(name, text string) {
		for _, form := range []string{canary, base64.StdEncoding.EncodeToString([]byte(canary))} {
			if strings.Contains(text, form) {
				found = name
			}
		}
	}
	for _, name := range args {
		if name == "stdout" || name == "stderr" {
			look(name, ts.ReadFile(name))
			continue
		}
		ts.Check(filepath.WalkDir(ts.MkAbs(name), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			look(path, string(text))
			return err
		}))
	}
	if (found != "") != neg {
		ts.Fatalf("canary found: %q, wanted: %t", found, neg)
	}
}

func terminate(ts *testscript.TestScript, neg bool, args []string) {
	script := `slipway "$@" 2>progress & pid=$!
until [ -e fault-met ]; do kill -0 $pid || break; sleep 0.05; done
sleep 0.2; kill -TERM $pid; (sleep 4; kill -KILL $pid) 2>/dev/null & wait $pid; code=$?; cat progress >&2; echo code $code`
	ts.Check(ts.Exec("sh", append([]string{"-c", script, "sh"}, args...)...))
}

// filled writes characters that do not compress well.
func filled(ts *testscript.TestScript, neg bool, args []string) {
	size, err := strconv.Atoi(args[0])
	ts.Check(err)
	if len(args) > 2 {
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Repeat("a", size)), 0o600))
		return
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	text := make([]byte, size)
	state := uint64(88172645463325252)
	for i := range text {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		text[i] = letters[state>>58]
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o600))
}
