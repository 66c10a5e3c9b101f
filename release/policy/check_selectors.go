package policy

import (
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// selecting is an object of the set that selects pods.
type selecting struct {
	object *manifest.Object
	selector
	field []string
	what  string // what happens if it selects nothing
}

// selections are the objects that select pods of the release's namespace. What
// a rollout has made follows what it was made from, and is not among them.
func (in *inspection) selections() []selecting {
	var list []selecting
	add := func(o *manifest.Object, plain bool, what string, field ...string) {
		s := selecting{o, selectorOf(at(o.Fields, field...), plain), field, what}
		if s.present && !s.everything() && o.Annotations()[rolloutAnnotation] == nil {
			list = append(list, s)
		}
	}
	for _, o := range in.services {
		if at(o.Fields, "spec", "type") != "ExternalName" {
			add(o, true, "nobody answers its requests", "spec", "selector")
		}
	}
	for _, o := range in.budgets {
		add(o, false, "it protects nothing", "spec", "selector")
	}
	for _, o := range in.policies {
		add(o, false, "it guards nothing", "spec", "podSelector")
	}
	return list
}

// findUnmatched finds selectors that select nothing.
func findUnmatched(in *inspection) {
	for _, s := range in.selections() {
		matches := func(w *workload) bool {
			return w.namespace == in.namespace(s.object) && s.matches(w.labels)
		}
		if len(in.selected(in.namespace(s.object), s.selector)) > 0 || slices.ContainsFunc(in.hookPods, matches) || in.custom && !in.asked(s.object) {
			continue
		}
		if in.asked(s.object) && slices.ContainsFunc(in.set.Live.Pods, func(pod Fields) bool { return s.matches(labelsOf(pod)) && !in.isOwnPod(pod) }) {
			continue // an operator's, or another release's, which is another finding
		}
		where := "of this release"
		if in.asked(s.object) {
			where = "of this release or of the cluster"
		}
		in.add(s.object, s.field, "make it the labels of the pods that are meant"+in.nearest(s),
			"the selector %s matches no pods %s: %s", s.selector, where, s.what)
	}
	in.findTargets()
}

// isOwnPod reports whether a live pod is of a workload that is the release's now.
// What the release is to have says which pods there will be instead.
func (in *inspection) isOwnPod(pod Fields) bool {
	return slices.ContainsFunc(in.set.Live.Workloads, func(w Fields) bool {
		return (in.isOwn(w) || in.planned(w)) && selectorOf(at(w, "spec", "selector"), false).matches(labelsOf(pod))
	})
}

// asked reports whether the live pods of an object's namespace are known.
func (in *inspection) asked(o *manifest.Object) bool {
	return in.set.Live != nil && in.set.Live.Complete && in.namespace(o) == in.set.Namespace
}

// nearest names the workload that shares the most labels with a selector.
func (in *inspection) nearest(s selecting) string {
	best, most := (*workload)(nil), 0
	for _, w := range in.workloads {
		same := 0
		for key, value := range s.labels {
			if w.labels[key] == value {
				same++
			}
		}
		if same > most && w.namespace == in.namespace(s.object) {
			best, most = w, same
		}
	}
	if best == nil {
		return ""
	}
	var other []string
	for key, value := range s.labels {
		if has, ok := best.labels[key]; !ok {
			other = append(other, "no "+key)
		} else if has != value {
			other = append(other, key+"="+has)
		}
	}
	slices.Sort(other)
	return "; " + best.Ref.String() + " has " + strings.Join(other, ", ")
}

// findTargets finds autoscalers of nothing.
func (in *inspection) findTargets() {
	for _, o := range in.scalers {
		target, _ := at(o.Fields, "spec", "scaleTargetRef").(map[string]any)
		group := (&manifest.Ref{APIVersion: textOf(target["apiVersion"])}).Group()
		if group != "apps" && group != "" || target["kind"] == nil {
			continue // of a kind that is not known
		}
		is := func(kind, name any, namespace string) bool {
			return kind == target["kind"] && name == target["name"] && namespace == in.namespace(o)
		}
		if slices.ContainsFunc(in.workloads, func(w *workload) bool { return is(w.Kind, w.Name, w.namespace) }) {
			continue
		}
		if in.set.Live != nil && slices.ContainsFunc(in.set.Live.Workloads, func(f Fields) bool {
			return is(f["kind"], at(f, "metadata", "name"), textOf(at(f, "metadata", "namespace")))
		}) {
			continue
		}
		in.add(o, []string{"spec", "scaleTargetRef", "name"}, "make it the name of a workload",
			"there is no %v %v in this release: it scales nothing", target["kind"], target["name"])
	}
}

// findForeign finds selectors that select pods which belong to somebody else.
func findForeign(in *inspection) {
	in.findOverlaps()
	in.findLiveOverlaps()
}

// findOverlaps finds two workloads of the set that each take the pods of the other for their own.
func (in *inspection) findOverlaps() {
	for _, w := range in.workloads {
		s := w.selector()
		if w.made || !s.present {
			continue
		}
		for _, other := range in.selected(w.namespace, s) {
			if other == w || other.made || !other.endless() {
				continue
			}
			in.add(w.Object, []string{"spec", "selector"}, "add a label that only its pods have to its selector and to its pods",
				"its selector %s matches the pods of %s too: autoscalers, budgets and whatever else goes by it take those for its own", s, other.Ref)
			break
		}
	}
}

// selector is that of the workload itself.
func (w *workload) selector() selector {
	switch w.Kind {
	case "ReplicationController":
		return selectorOf(at(w.Fields, "spec", "selector"), true)
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
		return selectorOf(at(w.Fields, "spec", "selector"), false)
	}
	return selector{}
}

// findLiveOverlaps finds selectors that match pods of other releases, and those
// of other releases that match pods of this one.
func (in *inspection) findLiveOverlaps() {
	live := in.set.Live
	if live == nil {
		return
	}
	selections := in.selections()
	for _, w := range in.workloads {
		if s := w.selector(); s.present && !w.made {
			selections = append(selections, selecting{w.Object, s, []string{"spec", "selector"}, ""})
		}
	}
	for _, s := range selections {
		if s.object.Kind == "NetworkPolicy" || in.namespace(s.object) != in.set.Namespace {
			continue
		}
		for _, fields := range live.Workloads {
			if !in.isOwn(fields) && !in.planned(fields) && s.matches(texts(at(fields, "spec", "template", "metadata", "labels"))) {
				in.add(s.object, s.field, "add the label app.kubernetes.io/instance to it and to the pods that are meant",
					"the selector %s matches the pods of the live %s%s", s.selector, liveObject(fields).Ref, ofRelease(fields))
				break
			}
		}
	}
	for _, fields := range live.Services {
		s := selectorOf(at(fields, "spec", "selector"), true)
		if in.isOwn(fields) || in.planned(fields) || !s.present {
			continue
		}
		for _, w := range in.workloads {
			if w.endless() && !w.made && w.namespace == in.set.Namespace && s.matches(w.labels) {
				in.add(w.Object, under(w.path[:len(w.path)-1], "metadata", "labels"), "add a label that only its pods have, and to the selectors that are meant for them",
					"its pods would get the requests of the live %s%s, whose selector is %s", liveObject(fields).Ref, ofRelease(fields), s)
			}
		}
	}
}

// planned reports whether a live object is one of the set.
func (in *inspection) planned(fields Fields) bool {
	o := liveObject(fields)
	return slices.ContainsFunc(in.set.Objects, func(p manifest.Object) bool {
		return p.Kind == o.Kind && p.Name == o.Name && in.namespace(&p) == o.Namespace
	})
}

func ofRelease(fields Fields) string {
	if name, namespace := ownerOf(fields); name != "" {
		return " of release " + namespace + "/" + name
	}
	return ""
}

func labelsOf(fields Fields) map[string]string { return texts(at(fields, "metadata", "labels")) }
