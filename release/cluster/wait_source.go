package cluster

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/e6d26078/slipway/release/manifest"
)

var (
	podResource   = resource{schema.GroupVersionResource{Version: "v1", Resource: "pods"}, true}
	eventResource = resource{schema.GroupVersionResource{Version: "v1", Resource: "events"}, true}
	sliceResource = resource{discoveryv1.SchemeGroupVersion.WithResource("endpointslices"), true}
)

// source is a stream and what becomes of its changes.
type source struct {
	stream    *stream
	namespace string
	group     *group        // nil for pods, events and EndpointSlices
	watch     chan struct{} // closed: watch after the list
	apply     func(change)
	lost      func(error) error // the stream has ended; what that means for the wait
}

// group is the targets of one kind in one namespace.
type group struct {
	kind      kindKey
	version   string
	namespace string
	targets   []*target
}

// groups sorts targets by kind and namespace. Services are not among them:
// their EndpointSlices are looked at.
func (t *tracker) groups() []*group {
	type key struct{ version, kind, namespace string }
	var all []*group
	byKey := map[key]*group{}
	for _, o := range t.targets {
		if o.kind == serviceKind {
			continue
		}
		k := key{o.ref.APIVersion, o.ref.Kind, o.ref.Namespace}
		g := byKey[k]
		if g == nil {
			g = &group{kind: o.kind, version: o.ref.APIVersion, namespace: o.ref.Namespace}
			byKey[k], all = g, append(all, g)
		}
		g.targets = append(g.targets, o)
	}
	return all
}

// newSource adds a source for the objects of a kind in a namespace.
func (w *waiter) newSource(r resource, namespace string, apply func(change)) *source {
	s := &source{
		stream:    &stream{resource: w.client.objects(r, namespace)},
		namespace: namespace,
		watch:     make(chan struct{}),
		apply:     apply,
	}
	s.lost = func(err error) error { return explainStream(err, r, namespace) }
	w.sources = append(w.sources, s)
	return s
}

// explainStream says what a stream failed with in the words of package deploy.
func explainStream(err error, r resource, namespace string) error {
	verb := "list"
	var stream *streamError
	if errors.As(err, &stream) {
		verb, err = stream.verb, stream.err
	}
	return explain(err, verb, r.Resource, r.Group, namespace, "")
}

// addObjectSources makes a source of each kind and namespace.
func (w *waiter) addObjectSources(ctx context.Context) error {
	for _, g := range w.tracker.groups() {
		r, err := w.client.resourceOf(ctx, manifest.Ref{APIVersion: g.version, Kind: g.kind.kind})
		if err != nil {
			return err
		}
		s := w.newSource(r, g.namespace, func(c change) { w.tracker.take(g, c) })
		s.group = g
		s.stream.fields = nameSelector(g.names())
	}
	return nil
}

func (g *group) names() []string {
	names := make([]string, len(g.targets))
	for i, o := range g.targets {
		names[i] = o.ref.Name
	}
	return names
}

// nameSelector selects a single object, which a Role may be restricted to;
// several ones are looked for among all.
func nameSelector(names []string) string {
	if len(names) != 1 {
		return ""
	}
	return "metadata.name=" + names[0]
}

// take applies a change of a group's objects.
func (t *tracker) take(g *group, c change) {
	switch {
	case c.listed != nil:
		t.list(g, c.listed.objects)
	case c.updated != nil:
		t.update(g, c.updated)
	case c.deleted != nil:
		t.remove(g, c.deleted)
	}
}

// addSliceSources makes a source of the EndpointSlices of each namespace with
// Services that pods of the release may stand behind.
func (w *waiter) addSliceSources() {
	services := map[string][]string{}
	for _, s := range w.tracker.services {
		if len(s.selects) > 0 {
			services[s.ref.Namespace] = append(services[s.ref.Namespace], s.ref.Name)
		}
	}
	for namespace, names := range services {
		s := w.newSource(sliceResource, namespace, func(c change) { w.tracker.takeSlices(namespace, c) })
		s.stream.labels = labelIn(discoveryv1.LabelServiceName, names)
		lost := s.lost
		s.lost = func(err error) error {
			if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
				w.blind[namespace] = true
				return nil
			}
			return lost(err)
		}
	}
}

// labelIn selects objects with one of some values of a label, or with any
// value if there are too many for an address.
func labelIn(label string, values []string) string {
	const most = 40
	if len(values) > most {
		return label
	}
	slices.Sort(values)
	return label + " in (" + strings.Join(values, ",") + ")"
}

func (t *tracker) takeSlices(namespace string, c change) {
	switch {
	case c.listed != nil:
		t.listSlices(namespace, c.listed.objects)
	case c.updated != nil:
		t.updateSlice(c.updated)
	case c.deleted != nil:
		t.removeSlice(c.deleted)
	}
}

// watchPending lets those sources go on whose objects are not all ready, and
// adds the pods of workloads that are not.
func (w *waiter) watchPending(ctx context.Context) {
	workloads := map[string][]*target{} // by namespace
	for _, s := range w.sources {
		if s.group == nil {
			if w.tracker.unsteady(s.namespace) {
				close(s.watch)
			}
			continue
		}
		if !slices.ContainsFunc(s.group.targets, (*target).pending) {
			continue
		}
		close(s.watch)
		if podOwners[s.group.kind] {
			workloads[s.namespace] = append(workloads[s.namespace], s.group.targets...)
		}
	}
	for namespace, targets := range workloads {
		w.watchPods(ctx, namespace, targets)
		if slices.ContainsFunc(targets, func(g *target) bool { return tellsRefusals[g.kind] }) {
			w.watchRefusals(ctx, namespace)
		}
	}
}

// unsteady says that a Service of a namespace is not ready or that something
// which it selects changes.
func (t *tracker) unsteady(namespace string) bool {
	return slices.ContainsFunc(t.services, func(s *target) bool {
		return s.ref.Namespace == namespace && (s.pending() || slices.ContainsFunc(s.selects, (*target).pending))
	})
}

// watchPods follows the pods of workloads. Without permission the wait goes on
// and does not learn why a workload is not ready.
func (w *waiter) watchPods(ctx context.Context, namespace string, workloads []*target) {
	s := w.newSource(podResource, namespace, func(c change) { w.tracker.takePods(namespace, c) })
	s.stream.labels = commonSelector(workloads)
	w.watchToo(ctx, s)
}

// tellsRefusals are the workloads that say only by events that a pod of theirs
// could not be created; the others have a condition.
var tellsRefusals = map[kindKey]bool{
	{"apps", "StatefulSet"}: true, {"apps", "DaemonSet"}: true, {"batch", "Job"}: true,
}

// watchRefusals follows the events that say that a pod could not be created.
// Those of the past are left out: they may be about what has been mended.
func (w *waiter) watchRefusals(ctx context.Context, namespace string) {
	s := w.newSource(eventResource, namespace, func(c change) {
		if c.updated != nil {
			w.tracker.refusal(c.updated)
		}
	})
	s.stream.fields = "reason=FailedCreate"
	w.watchToo(ctx, s)
}

// watchToo starts a source that the wait can do without.
func (w *waiter) watchToo(ctx context.Context, s *source) {
	lost := s.lost
	s.lost = func(err error) error {
		if apierrors.IsForbidden(err) {
			return nil
		}
		return lost(err)
	}
	close(s.watch)
	w.start(ctx, s)
}

func (t *tracker) takePods(namespace string, c change) {
	switch {
	case c.listed != nil:
		t.listPods(namespace, c.listed.objects)
	case c.updated != nil:
		t.updatePod(c.updated)
	case c.deleted != nil:
		t.removePod(c.deleted)
	}
}

// commonSelector selects the pods of all workloads, and others too if they have
// few labels in common: it takes the labels that every workload selects by.
func commonSelector(workloads []*target) string {
	values := map[string][]string{}
	for _, g := range workloads {
		for label, value := range matchLabels(g.pods) {
			if !slices.Contains(values[label], value) {
				values[label] = append(values[label], value)
			}
		}
	}
	var parts []string
	for _, label := range slices.Sorted(maps.Keys(values)) {
		everywhere := !slices.ContainsFunc(workloads, func(g *target) bool {
			_, has := matchLabels(g.pods)[label]
			return !has
		})
		if everywhere {
			parts = append(parts, labelIn(label, values[label]))
		}
	}
	return strings.Join(parts, ",")
}

// matchLabels are the plain labels of a workload's selector. That of a
// ReplicationController has nothing else.
func matchLabels(selector map[string]any) map[string]string {
	labels, found, err := unstructured.NestedStringMap(selector, "matchLabels")
	if found && err == nil {
		return labels
	}
	labels = map[string]string{}
	for label, value := range selector {
		if s, isString := value.(string); isString {
			labels[label] = s
		}
	}
	return labels
}

// findLateBinding learns which claims are not bound before a pod uses them, if
// there are unbound ones. If that must not be known no claim is waited for: one
// that is used is bound when the workload is ready.
func (w *waiter) findLateBinding(ctx context.Context) {
	unbound := slices.ContainsFunc(w.tracker.targets, func(g *target) bool { return g.kind == claimKind && g.pending() })
	if !unbound {
		return
	}
	classes, err := w.client.kubernetes.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	late := map[string]bool{}
	if err == nil {
		for _, class := range classes.Items {
			late[class.Name] = class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
		}
	}
	w.tracker.lateBinding = func(class string) bool { return late[class] || err != nil }
}
