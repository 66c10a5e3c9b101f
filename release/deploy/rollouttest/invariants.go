package rollouttest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/rollout"
)

// Names of the invariants, in the words of docs/design/0003-rollouts.md.
const (
	CapacityName  = "1 ready endpoints stay at the floor"
	ExposureName  = "2 exposure is at most what was asked"
	PinsName      = "3 a pinned Service has an owner that stands still"
	CanaryName    = "4 after the commit the canary stays until stable is ready"
	RepeatName    = "5 repeating a command writes nothing"
	UntouchedName = "8 an abort leaves everything as it was"
	WriterName    = "10 one writer for each fence"
	HooksName     = "10 each hook runs once"
)

// Judgement says what a trace is judged by. The zero value judges all Services.
type Judgement struct {
	Release   string
	Tolerance int // points by which a weight may be exceeded
	// Services are those looked at; nil stands for all that had endpoints at the start.
	Services []string
	// Floors are the ready endpoints that Services have to keep, for those that are to have fewer pods than before.
	Floors map[string]int
	// Hooks are the Jobs that have to have been created once; others not at all. Nil does not look at Jobs.
	Hooks []string
}

// Judge applies every check that needs nothing but a trace.
func (t *Trace) Judge(j Judgement) []Violation {
	return slices.Concat(t.Capacity(j), t.Exposure(j), t.Pins(), t.CanaryStays(), t.OneWriter(j), t.HooksOnce(j), t.Scalers())
}

// verdicts collects violations, each once for as long as it lasts.
type verdicts struct {
	name  string
	found []Violation
	last  map[string]bool
	now   map[string]bool
}

func (v *verdicts) say(e Event, what string, args ...any) { v.sayOf(e, fmt.Sprintf(what, args...), "") }

// sayOf notes a violation; what it is about keeps it from being noted again while it lasts.
func (v *verdicts) sayOf(e Event, what, about string) {
	if about == "" {
		about = what
	}
	if v.now == nil {
		v.now = map[string]bool{}
	}
	v.now[about] = true
	if !v.last[about] {
		v.found = append(v.found, Violation{v.name, e.Version, what})
	}
}

// next ends the judgement of one event.
func (v *verdicts) next() { v.last, v.now = v.now, nil }

// Floors are the ready endpoints that each Service has to keep: the pods that
// its workloads want, one less of a StatefulSet, and not more than there were.
func (w *World) Floors() map[string]int {
	floors := map[string]int{}
	for _, name := range w.Names(kindService) {
		selector := withoutHash(table(w.Get(kindService, name), "spec", "selector"))
		floor := 0
		for _, kind := range []string{kindDeploy, kindStateful} {
			for _, workload := range w.objects[kind] {
				if !selects(selector, table(workload, "spec", "template", "metadata", "labels")) {
					continue
				}
				floor += number(workload, "spec", "replicas")
				if kind == kindStateful {
					floor--
				}
			}
		}
		if floor = min(floor, w.ready(name)); floor > 0 {
			floors[name] = floor
		}
	}
	return floors
}

// Capacity is invariant 1: the ready endpoints of every Service of the start
// stay at its floor at every event.
func (t *Trace) Capacity(j Judgement) []Violation {
	floors := t.Start().Floors()
	for name := range floors {
		if less, ok := j.Floors[name]; ok {
			floors[name] = less
		}
		if j.Services != nil && !slices.Contains(j.Services, name) {
			delete(floors, name)
		}
	}
	v := &verdicts{name: CapacityName}
	t.Replay(func(w *World, e Event) {
		for _, name := range slices.Sorted(maps.Keys(floors)) {
			if w.Get(kindService, name) == nil {
				continue
			}
			if ready := w.ready(name); ready < floors[name] {
				v.sayOf(e, fmt.Sprintf("Service %s has %d ready endpoints, not %d (phase %s)", name, ready, floors[name], w.phase()), name)
			}
		}
		v.next()
	})
	return v.found
}

func (w *World) phase() rollout.Phase {
	if w.state == nil {
		return ""
	}
	return w.state.Phase
}

// served are the templates of the pods that served at the start.
func (w *World) served() map[string]bool {
	found := map[string]bool{}
	for _, pod := range w.objects[kindPod] {
		if hash := Template(pod); hash != "" && isReady(pod) && !isDeleted(pod) {
			found[hash] = true
		}
	}
	return found
}

// Share is how many of the ready endpoints of a Service are of pods that were
// not made from one of the templates.
func (w *World) share(service string, stable map[string]bool) (canary, all int) {
	for _, e := range w.Endpoints(service) {
		if !e.Ready {
			continue
		}
		all++
		if pod := w.Get(kindPod, e.Pod); pod != nil && !stable[Template(pod)] {
			canary++
		}
	}
	return canary, all
}

// reached reports whether a state says that its step was reached.
func reached(s *rollout.State) bool {
	return s != nil && (s.Phase == rollout.Verifying || s.Phase == rollout.Gate) && s.Step < len(s.Steps)
}

// Exposure is invariant 2: while a step is reported as reached, no Service has
// more of its ready endpoints on the canary than was asked, and the tolerance.
// It looks at shares by pods; where routes divide the traffic it judges nothing.
func (t *Trace) Exposure(j Judgement) []Violation {
	start := t.Start()
	stable, services := start.served(), j.Services
	if services == nil {
		services = slices.Sorted(maps.Keys(start.Floors()))
	}
	v := &verdicts{name: ExposureName}
	t.Replay(func(w *World, e Event) {
		if s := w.state; reached(s) {
			asked := s.Steps[s.Step].Weight
			for _, name := range services {
				canary, all := w.share(name, stable)
				if 100*canary > (asked+j.Tolerance)*all {
					v.sayOf(e, fmt.Sprintf("Service %s has %d of %d ready endpoints on the canary, %d %% were asked", name, canary, all, asked), name)
				}
			}
		}
		v.next()
	})
	return v.found
}

// Pins is invariant 3: a Service selects a template hash only while the
// Deployment whose pods have it is paused, or has the template itself and it is
// not one of those that served at the start: then nothing can replace the pods
// by others that the Service does not select.
func (t *Trace) Pins() []Violation {
	stable := t.Start().served()
	v := &verdicts{name: PinsName}
	t.Replay(func(w *World, e Event) {
		for name, service := range w.objects[kindService] {
			hash := text(service, "spec", "selector", podHash)
			if hash == "" {
				continue
			}
			if why := w.loose(hash, stable[hash]); why != "" {
				v.sayOf(e, fmt.Sprintf("Service %s is pinned to %s, %s (phase %s)", name, hash, why, w.phase()), name+hash)
			}
		}
		v.next()
	})
	return v.found
}

// loose says why pods with a hash could be replaced by others, "" if they cannot.
func (w *World) loose(hash string, old bool) string {
	var set Fields
	for _, s := range w.objects[kindReplicas] {
		if text(s, "metadata", "labels", podHash) == hash {
			set = s
		}
	}
	if set == nil {
		return "which no ReplicaSet has"
	}
	kind, by := owner(set)
	var owners []Fields
	if kind == kindDeploy && w.Get(kindDeploy, by) != nil {
		owners = []Fields{w.Get(kindDeploy, by)}
	} else { // nobody's: whoever is about to adopt it
		for _, d := range w.objects[kindDeploy] {
			if sameTemplate(d, set) {
				owners = append(owners, d)
			}
		}
	}
	for _, d := range owners {
		if truth(d, "spec", "paused") || !old && sameTemplate(d, set) {
			return ""
		}
	}
	if len(owners) == 0 {
		return "whose ReplicaSet belongs to nobody and will be adopted by nobody"
	}
	return fmt.Sprintf("but Deployment %s is not paused", text(owners[0], "metadata", "name"))
}

// CanaryStays is invariant 4: the new pods that are ready when a rollout is
// committed stay until the Deployment of the chart has its own.
func (t *Trace) CanaryStays() []Violation {
	start := t.Start()
	stable := start.served()
	var guarded map[string][]string // new pods by Deployment, once committed
	v := &verdicts{name: CanaryName}
	t.Replay(func(w *World, e Event) {
		if guarded == nil && w.state != nil && w.state.Committed {
			guarded = w.newPods(start, stable)
		}
		for name, pods := range guarded {
			d := w.Get(kindDeploy, name)
			if d == nil || complete(d) && !reflect.DeepEqual(table(d, "spec", "template"), table(start.Get(kindDeploy, name), "spec", "template")) {
				delete(guarded, name)
				continue
			}
			for _, pod := range pods {
				if live := w.Get(kindPod, pod); live == nil || isDeleted(live) {
					v.sayOf(e, fmt.Sprintf("pod %s of the canary goes before Deployment %s is ready (phase %s)", pod, name, w.phase()), pod)
				}
			}
		}
		v.next()
	})
	return v.found
}

// newPods are the ready pods that fit the Deployments of the start and were made from other templates.
func (w *World) newPods(start *World, stable map[string]bool) map[string][]string {
	found := map[string][]string{}
	for name, d := range start.objects[kindDeploy] {
		for pod, fields := range w.objects[kindPod] {
			if isReady(fields) && !isDeleted(fields) && !stable[Template(fields)] &&
				selects(table(d, "spec", "selector", "matchLabels"), table(fields, "metadata", "labels")) {
				found[name] = append(found[name], pod)
			}
		}
	}
	return found
}

// OneWriter is the first half of invariant 10: the state of a rollout and the
// record of its revision are written only while the release's Lease is held,
// a fence has one holder, and fences only grow.
func (t *Trace) OneWriter(j Judgement) []Violation {
	v := &verdicts{name: WriterName}
	holders := map[int]string{}
	newest := -1
	t.Replay(func(w *World, e Event) {
		lease := w.Get(kindLease, leasePrefix+j.Release)
		holder, fence := text(lease, "spec", "holderIdentity"), number(lease, "spec", "leaseTransitions")
		if e.Kind == kindLease && e.Name == leasePrefix+j.Release && lease != nil {
			if fence < newest {
				v.say(e, "the fence went from %d back to %d", newest, fence)
			}
			if known := holders[fence]; holder != "" && known != "" && known != holder {
				v.say(e, "fence %d is held by %s, and was by %s", fence, holder, known)
			}
			if holder != "" {
				holders[fence] = holder
			}
			newest = max(newest, fence)
		}
		isRecord := e.Kind == kindSecret && w.state != nil && strings.HasPrefix(e.Name, fmt.Sprintf("sh.helm.release.v1.%s.v", j.Release))
		if (e.State != nil || isRecord) && holder == "" {
			v.say(e, "%s %s was written and nobody held the lock", e.Kind, e.Name)
		}
		v.next()
	})
	return v.found
}

// HooksOnce is the second half of invariant 10: each Job that is a hook of the
// rollout was created once, and no other.
func (t *Trace) HooksOnce(j Judgement) []Violation {
	if j.Hooks == nil {
		return nil
	}
	created := map[string]map[string]bool{} // UIDs by name
	start := t.Start()
	for _, e := range t.Events {
		uid := text(e.Object, "metadata", "uid")
		if e.Kind != kindJob || e.Object == nil || text(start.Get(kindJob, e.Name), "metadata", "uid") == uid {
			continue
		}
		if created[e.Name] == nil {
			created[e.Name] = map[string]bool{}
		}
		created[e.Name][uid] = true
	}
	v := &verdicts{name: HooksName}
	for _, name := range slices.Sorted(maps.Keys(created)) {
		if !slices.Contains(j.Hooks, name) {
			v.say(Event{}, "Job %s was created", name)
		}
	}
	for _, name := range j.Hooks {
		if times := len(created[name]); times != 1 {
			v.say(Event{}, "hook %s ran %d times", name, times)
		}
	}
	return v.found
}

// Repeat is invariant 5: these are the changing requests of a repeated command.
func Repeat(requests []string) []Violation {
	v := &verdicts{name: RepeatName}
	for _, r := range requests {
		v.say(Event{}, "%s", r)
	}
	return v.found
}
