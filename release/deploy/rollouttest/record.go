package rollouttest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strconv"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/e6d26078/slipway/release/rollout"
)

// recorded are the kinds that a Recorder watches.
var recorded = []schema.GroupVersionResource{
	{Version: "v1", Resource: "pods"}, {Version: "v1", Resource: "services"}, {Version: "v1", Resource: "secrets"},
	{Version: "v1", Resource: "configmaps"},
	{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"},
	{Group: "apps", Version: "v1", Resource: "deployments"}, {Group: "apps", Version: "v1", Resource: "replicasets"},
	{Group: "apps", Version: "v1", Resource: "statefulsets"},
	{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"},
	{Group: "batch", Version: "v1", Resource: "jobs"},
	{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"},
}

// Recorder watches a namespace from its start to the end of the test.
type Recorder struct {
	client    dynamic.Interface
	namespace string

	mu     sync.Mutex
	kinds  []*stream
	before map[string]Event // the world at the last cut, by kind and name
	events []Event          // since then
	failed error
}

// stream is what is known of one kind.
type stream struct {
	resource schema.GroupVersionResource
	versions map[string]string // by name of object
}

// Record begins to note what happens in a namespace.
func Record(tb testing.TB, config *rest.Config, namespace string) *Recorder {
	tb.Helper()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &Recorder{client: client, namespace: namespace, before: map[string]Event{}}
	var running sync.WaitGroup
	for _, resource := range recorded {
		list, err := client.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			tb.Fatal(err)
		}
		s := &stream{resource: resource, versions: map[string]string{}}
		for i := range list.Items {
			s.versions[list.Items[i].GetName()] = list.Items[i].GetResourceVersion()
			e := eventOf(&list.Items[i], false)
			r.before[e.Kind+"/"+e.Name] = e
		}
		r.kinds = append(r.kinds, s)
		running.Go(func() { r.follow(ctx, s, list.GetResourceVersion()) })
	}
	tb.Cleanup(func() {
		stop()
		running.Wait()
	})
	return r
}

// follow takes in the changes of one kind from a version on.
func (r *Recorder) follow(ctx context.Context, s *stream, version string) {
	for ctx.Err() == nil {
		w, err := r.client.Resource(s.resource).Namespace(r.namespace).Watch(ctx, metav1.ListOptions{ResourceVersion: version})
		if err != nil {
			r.fail(ctx, err)
			return
		}
		for e := range w.ResultChan() {
			object, ok := e.Object.(*unstructured.Unstructured)
			if !ok || e.Type == watch.Error {
				r.fail(ctx, &unexpected{e})
				w.Stop()
				return
			}
			version = object.GetResourceVersion()
			if e.Type != watch.Bookmark {
				r.take(s, object, e.Type == watch.Deleted)
			}
		}
	}
}

type unexpected struct{ event watch.Event }

func (u *unexpected) Error() string {
	text, _ := json.Marshal(u.event.Object)
	return "watch: " + string(u.event.Type) + " " + string(text)
}

func (r *Recorder) fail(ctx context.Context, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() == nil && r.failed == nil {
		r.failed = err
	}
}

func (r *Recorder) take(s *stream, object *unstructured.Unstructured, gone bool) {
	e := eventOf(object, gone)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	s.versions[e.Name] = object.GetResourceVersion()
	if gone {
		delete(s.versions, e.Name)
	}
}

func eventOf(object *unstructured.Unstructured, gone bool) Event {
	e := Event{At: time.Now(), Kind: object.GetKind(), Name: object.GetName(), Object: object.Object}
	e.Version, _ = strconv.ParseInt(object.GetResourceVersion(), 10, 64)
	if e.Kind == kindSecret && text(object.Object, "type") == stateTypeName {
		e.State = stateOf(object.Object)
	}
	if e.Kind == kindSecret { // large, and of no use here
		trimmed := maps.Clone(object.Object)
		delete(trimmed, "data")
		e.Object = trimmed
	}
	if gone {
		e.Object = nil
	}
	return e
}

// stateOf reads the state of a rollout from its Secret, nil if there is none in it.
func stateOf(secret Fields) *rollout.State {
	for _, value := range table(secret, "data") {
		encoded, _ := value.(string)
		packed, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			continue
		}
		unpacked, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			continue
		}
		var s rollout.State
		if json.NewDecoder(unpacked).Decode(&s) == nil && s.Phase != "" {
			return &s
		}
	}
	return nil
}

// Cut returns the trace since the last cut, or since the recorder began, after
// everything has been noted that happened before the call.
func (r *Recorder) Cut(tb testing.TB) *Trace {
	tb.Helper()
	until := r.catchUp(tb)
	r.mu.Lock()
	defer r.mu.Unlock()
	sortEvents(r.events)
	t := &Trace{}
	for _, e := range r.before {
		t.Before = append(t.Before, e)
	}
	sortEvents(t.Before)
	for len(r.events) > 0 && r.events[0].Version <= until {
		e := r.events[0]
		r.events = r.events[1:]
		t.Events = append(t.Events, e)
		if key := e.Kind + "/" + e.Name; e.Object == nil {
			delete(r.before, key)
		} else {
			r.before[key] = e
		}
	}
	return t
}

// catchUp waits until what was noted of each kind is what a list says, and
// returns the version up to which that is so for all.
func (r *Recorder) catchUp(tb testing.TB) int64 {
	tb.Helper()
	until := int64(0)
	deadline := time.Now().Add(time.Minute)
	for _, s := range r.kinds {
		for {
			list, err := r.client.Resource(s.resource).Namespace(r.namespace).List(context.Background(), metav1.ListOptions{})
			if err != nil {
				tb.Fatal(err)
			}
			versions := map[string]string{}
			for i := range list.Items {
				versions[list.Items[i].GetName()] = list.Items[i].GetResourceVersion()
			}
			r.mu.Lock()
			same, failed := maps.Equal(versions, s.versions), r.failed
			r.mu.Unlock()
			if failed != nil {
				tb.Fatal(failed)
			}
			if same {
				version, _ := strconv.ParseInt(list.GetResourceVersion(), 10, 64)
				if until == 0 || version < until {
					until = version
				}
				break
			}
			if time.Now().After(deadline) {
				tb.Fatalf("the watch of %s does not catch up", s.resource.Resource)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	return until
}
