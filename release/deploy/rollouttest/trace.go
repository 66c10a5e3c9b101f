package rollouttest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/e6d26078/slipway/release/rollout"
)

// Fields is an object as the API server has it. It is not changed.
type Fields = map[string]any

// Event is one change of an object.
type Event struct {
	// Version is the resourceVersion: all objects of a cluster share one count,
	// so that it orders the events of different kinds.
	Version int64
	At      time.Time // when the recorder got it
	Kind    string
	Name    string
	Object  Fields // as it is then; nil: it is gone
	// State is what a Secret with the state of a rollout holds, else nil.
	State *rollout.State
}

func (e Event) String() string {
	verb := "is"
	if e.Object == nil {
		verb = "gone is"
	}
	return fmt.Sprintf("%s %s/%s at %d", verb, e.Kind, e.Name, e.Version)
}

// Trace is what happened in a namespace while a release was rolled out.
type Trace struct {
	Before []Event // the objects that were there at the start
	Events []Event // in order
}

// Violation is an invariant that did not hold.
type Violation struct {
	Invariant string
	Version   int64 // of the event after which it did not hold
	What      string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s, after %d: %s", v.Invariant, v.Version, v.What)
}

// World is the namespace at one moment of a trace.
type World struct {
	objects map[string]map[string]Fields
	state   *rollout.State
}

// Replay calls a function with the world after each event; first with the
// world at the start and a zero event.
func (t *Trace) Replay(visit func(w *World, e Event)) {
	w := &World{objects: map[string]map[string]Fields{}}
	for _, e := range t.Before {
		w.take(e)
	}
	visit(w, Event{})
	for _, e := range t.Events {
		w.take(e)
		visit(w, e)
	}
}

// Start is the world before the first event.
func (t *Trace) Start() *World {
	w := &World{objects: map[string]map[string]Fields{}}
	for _, e := range t.Before {
		w.take(e)
	}
	return w
}

// End is the world after the last event.
func (t *Trace) End() *World {
	var end *World
	t.Replay(func(w *World, _ Event) { end = w })
	return end
}

func (w *World) take(e Event) {
	if e.State != nil {
		w.state = e.State
		if e.Object == nil {
			w.state = nil
		}
	}
	if e.Object == nil {
		delete(w.objects[e.Kind], e.Name)
		return
	}
	if w.objects[e.Kind] == nil {
		w.objects[e.Kind] = map[string]Fields{}
	}
	w.objects[e.Kind][e.Name] = e.Object
}

// State is that of the rollout, nil without one.
func (w *World) State() *rollout.State { return w.state }

// Get returns an object, nil if there is none.
func (w *World) Get(kind, name string) Fields { return w.objects[kind][name] }

// Names are those of the objects of a kind, sorted.
func (w *World) Names(kind string) []string {
	return slices.Sorted(maps.Keys(w.objects[kind]))
}

// All visits the objects of a kind in no order.
func (w *World) All(kind string) map[string]Fields { return w.objects[kind] }

func sortEvents(events []Event) {
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.Version, b.Version) })
}

func text(object Fields, path ...string) string {
	s, _, _ := unstructured.NestedString(object, path...)
	return s
}

func number(object Fields, path ...string) int {
	v, found, _ := unstructured.NestedFieldNoCopy(object, path...)
	if !found {
		return 0
	}
	switch v := v.(type) {
	case int64:
		return int(v)
	case int:
		return v
	case float64:
		return int(v)
	}
	return 0
}

func truth(object Fields, path ...string) bool {
	b, _, _ := unstructured.NestedBool(object, path...)
	return b
}

func list(object Fields, path ...string) []any {
	v, _, _ := unstructured.NestedFieldNoCopy(object, path...)
	items, _ := v.([]any)
	return items
}

func table(object Fields, path ...string) Fields {
	v, _, _ := unstructured.NestedFieldNoCopy(object, path...)
	m, _ := v.(map[string]any)
	return m
}
