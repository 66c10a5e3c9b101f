package deploy_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/deploy"
)

// gate is a proxy to the API server that does to requests what a test says.
type gate struct {
	*httptest.Server
	proxy http.Handler

	mu      sync.Mutex
	treat   func(r *http.Request) treatment
	changes []string // the requests that changed something: "PATCH /api/v1/..."
}

// treatment is what becomes of a request. The zero value lets it pass.
type treatment struct {
	cut    bool // the connection ends before the server gets it
	lose   bool // the server gets it, and the connection ends before the answer
	status int  // the answer instead of the server's
	reason string
	after  string        // Retry-After of that answer
	delay  time.Duration // before anything else
	block  bool          // there is no answer until the client gives up
	do     func()        // done first
}

func newGate(t *testing.T, rc *rest.Config) *gate {
	t.Helper()
	transport, err := rest.TransportFor(rc)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(rc.Host)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{}
	g.proxy = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	g.Server = httptest.NewServer(g)
	t.Cleanup(func() {
		g.CloseClientConnections()
		g.Close()
	})
	return g
}

// on has requests treated by a function, nil for none.
func (g *gate) on(treat func(r *http.Request) treatment) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.treat = treat
}

// changed are the changes that have reached the server so far.
func (g *gate) changed() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.changes...)
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var what treatment
	g.mu.Lock()
	if g.treat != nil {
		what = g.treat(r)
	}
	g.mu.Unlock()
	if what.do != nil {
		what.do()
	}
	if what.delay > 0 {
		body, _ := io.ReadAll(r.Body) // the server sees that the client has gone only then
		r.Body = io.NopCloser(bytes.NewReader(body))
		select {
		case <-time.After(what.delay):
		case <-r.Context().Done():
		}
	}
	switch {
	case what.block:
		_, _ = io.Copy(io.Discard, r.Body) // likewise
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case what.cut, r.Context().Err() != nil:
		panic(http.ErrAbortHandler)
	case what.status != 0:
		what.answer(w)
		return
	}
	if isChange(r) && !strings.Contains(r.URL.Path, "/leases/") {
		g.mu.Lock()
		g.changes = append(g.changes, r.Method+" "+r.URL.Path)
		g.mu.Unlock()
	}
	if what.lose {
		g.proxy.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	g.proxy.ServeHTTP(w, r)
}

func (t treatment) answer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	if t.after != "" {
		w.Header().Set("Retry-After", t.after)
	}
	w.WriteHeader(t.status)
	_, _ = io.WriteString(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "made up", "reason": "`+t.reason+`"}`)
}

// config acts through the gate, for an owner with a name.
func (g *gate) config(t *testing.T, namespace string, lease, patience time.Duration) deploy.Config {
	t.Helper()
	client, err := cluster.New(&rest.Config{Host: g.URL}, cluster.Options{Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	store, err := cluster.NewSecrets(client.Kubernetes(), client.Metadata(), namespace, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	locks, err := cluster.NewLeases(client.Kubernetes(), namespace, cluster.LeaseOptions{Duration: lease})
	if err != nil {
		t.Fatal(err)
	}
	return deploy.Config{
		Cluster: client, Store: store, Locker: locks, Namespace: namespace, Clock: time.Now, NewID: newID, Owner: "run-1",
	}
}

// isApply reports whether a request applies an object of the kind, as in "deployments".
func isApply(r *http.Request, resource string) bool {
	return r.Method == http.MethodPatch && isChange(r) && strings.Contains(r.URL.Path, "/"+resource+"/")
}
