package cluster

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// patience ends a test that would hang.
const patience = time.Minute

// settle is long enough for controllers to act and short enough for tests.
const settle = 700 * time.Millisecond

// rig is a namespace of a real cluster and a client whose requests are noted.
type rig struct {
	*Client
	ctx       context.Context
	namespace string
	requests  *askedFor
}

func newRig(t *testing.T) *rig {
	t.Helper()
	c := clustertest.Shared(t)
	return newRigFor(t, c.RESTConfig(t), c.Namespace(t))
}

func newRigFor(t *testing.T, config *rest.Config, namespace string) *rig {
	t.Helper()
	r := &rig{namespace: namespace, requests: &askedFor{}}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		r.requests.next = next
		return r.requests
	})
	client, err := New(config, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	r.Client, r.ctx = client, ctx
	return r
}

// as is the same namespace seen by another user.
func (r *rig) as(t *testing.T, user string) *rig {
	t.Helper()
	config, err := ConnectOptions{Kubeconfig: clustertest.Shared(t).KubeconfigFor(t, user)}.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	return newRigFor(t, config, r.namespace)
}

// askedFor is a transport that notes what is asked for.
type askedFor struct {
	next    http.RoundTripper
	instead func(*http.Request) *http.Response // may answer in place of the API server

	mu  sync.Mutex
	all []string // "list pods", "watch pods", "get pods/log"
}

func (r *askedFor) RoundTrip(request *http.Request) (*http.Response, error) {
	query := request.URL.Query()
	resource := resourceIn(request.URL)
	verb := strings.ToLower(request.Method)
	switch {
	case query.Get("watch") == "true":
		verb = "watch"
	case verb == "get" && !strings.Contains(resource, " "):
		verb = "list"
	}
	r.mu.Lock()
	r.all = append(r.all, verb+" "+resource)
	r.mu.Unlock()
	if r.instead != nil {
		if response := r.instead(request); response != nil {
			return response, nil
		}
	}
	return r.next.RoundTrip(request)
}

// resourceIn is the plural of a kind, and after a space the name and subresource.
func resourceIn(u *url.URL) string {
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if parts[0] == "api" {
		parts = parts[min(2, len(parts)):]
	} else {
		parts = parts[min(3, len(parts)):]
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	if len(parts) == 0 {
		return "discovery"
	}
	return strings.TrimSpace(parts[0] + " " + strings.Join(parts[1:], "/"))
}

// taken are the requests noted since the last call, those of discovery left out.
func (r *askedFor) taken() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := map[string]int{}
	for _, s := range r.all {
		if !strings.HasSuffix(s, " discovery") {
			counts[s]++
		}
	}
	r.all = nil
	return counts
}

// seen says how often a request was made.
func (r *askedFor) seen(request string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, s := range r.all {
		if s == request {
			n++
		}
	}
	return n
}

// install creates objects and returns them as those of a release.
func (r *rig) install(t *testing.T, documents ...string) []manifest.Object {
	t.Helper()
	all := make([]manifest.Object, len(documents))
	for i, document := range documents {
		u := object(t, document)
		ref := manifest.Ref{APIVersion: u.GetAPIVersion(), Kind: u.GetKind(), Name: u.GetName()}
		kind, err := r.resourceOf(r.ctx, ref)
		if err != nil {
			t.Fatal(err)
		}
		if kind.Namespaced {
			ref.Namespace = r.namespace
			u.SetNamespace(r.namespace)
		}
		all[i] = manifest.Object{Ref: ref, Fields: u.DeepCopy().Object}
		if _, err := r.objects(kind, ref.Namespace).Create(r.ctx, u, metav1.CreateOptions{}); err != nil {
			t.Fatalf("create %s: %v", ref, err)
		}
	}
	return all
}

// patch changes an object by a JSON merge patch.
func (r *rig) patch(t *testing.T, ref manifest.Ref, patch string, subresources ...string) {
	t.Helper()
	kind, err := r.resourceOf(r.ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.objects(kind, ref.Namespace).Patch(r.ctx, ref.Name, "application/merge-patch+json", []byte(patch), metav1.PatchOptions{}, subresources...)
	if err != nil {
		t.Fatalf("patch %s: %v", ref, err)
	}
}

// until waits for a condition of an object, by a watch.
func (r *rig) until(t *testing.T, ref manifest.Ref, reached func(*unstructured.Unstructured) bool) {
	t.Helper()
	kind, err := r.resourceOf(r.ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	w, err := r.objects(kind, ref.Namespace).Watch(r.ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + ref.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		if u, isObject := event.Object.(*unstructured.Unstructured); isObject && reached(u) {
			return
		}
	}
	t.Fatalf("%s did not get there", ref)
}

// firstPod waits for a pod in the namespace.
func (r *rig) firstPod(t *testing.T) *corev1.Pod {
	t.Helper()
	w, err := r.kubernetes.CoreV1().Pods(r.namespace).Watch(r.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		if pod, isPod := event.Object.(*corev1.Pod); isPod {
			return pod
		}
	}
	t.Fatal("there is no pod")
	return nil
}

// untilServed waits until the API server serves a kind: it does so shortly
// after its definition is established.
func (r *rig) untilServed(t *testing.T, ref manifest.Ref) {
	t.Helper()
	for {
		r.Refresh()
		_, err := r.resourceOf(r.ctx, ref)
		if err == nil {
			return
		}
		select {
		case <-r.ctx.Done():
			t.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// playing is a Deployment of pods that play a part.
func playing(name, stage string, replicas int, more ...string) string {
	annotations := append([]string{"slipway.dev/stage: " + stage}, more...)
	return fmt.Sprintf("{apiVersion: apps/v1, kind: Deployment, metadata: {name: %[1]s}, spec: {replicas: %[2]d, selector: {matchLabels: {app: %[1]s, release: r}}, "+
		"template: {metadata: {labels: {app: %[1]s, release: r}, annotations: {%[3]s}}, spec: {containers: [{name: main, image: example.com/a:1}]}}}}",
		name, replicas, strings.Join(annotations, ", "))
}

func serviceOf(name string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: %[1]s}, spec: {selector: {app: %[1]s}, ports: [{port: 80}]}}", name)
}

// jobOf is a Job of one pod that plays a part.
func jobOf(name, stage, annotations string) string {
	return fmt.Sprintf("{apiVersion: batch/v1, kind: Job, metadata: {name: %s}, spec: {backoffLimit: 0, template: {metadata: {annotations: {slipway.dev/stage: %s%s}}, "+
		"spec: {restartPolicy: Never, containers: [{name: main, image: example.com/a:1}]}}}}", name, stage, annotations)
}

// proxy hands connections on to the API server until they are cut.
type proxy struct {
	net.Listener
	target string
	mu     sync.Mutex
	open   []net.Conn
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, target: target}
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
	})
	go p.serve()
	return p
}

func (p *proxy) serve() {
	for {
		near, err := p.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp4", p.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		p.mu.Lock()
		p.open = append(p.open, near, far)
		p.mu.Unlock()
		for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
			go func() {
				_, _ = io.Copy(way[0], way[1])
				_ = way[0].Close()
			}()
		}
	}
}

// cut ends all connections that are open.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.open {
		_ = c.Close()
	}
	p.open = nil
}

// told notes what a wait tells.
type told []string

func (p *told) note(progress deploy.Progress) { *p = append(*p, words(progress)) }
