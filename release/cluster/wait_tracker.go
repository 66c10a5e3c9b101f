package cluster

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// target is one object that is waited for and what is known of it.
type target struct {
	ref      manifest.Ref
	kind     kindKey
	selector labels.Selector // of a Service, else nil
	serves   labels.Set      // labels of the pods it makes, if they may stand behind a Service
	selects  []*target       // of a Service: the workloads whose pods it selects

	own      verdict // from the object alone
	found    bool
	uid      string
	revision string         // of a Deployment: its current one
	pods     map[string]any // spec.selector of its pods
	class    string         // storage class of a claim
	counts   replicas
	desired  int64 // pods that are to serve
	ready    int64 // of them, how many are ready

	troubles map[string]podTrouble // by pod name
	refused  string                // why a pod of it could not be created
	told     *deploy.Progress

	// What is shown to who watches.
	states   map[string]deploy.PodState // by pod name
	findings []string                   // of the last look at it
	stopLook func()                     // nil if nobody looks
	shown    *deploy.Sight
}

// podTrouble is what is wrong with one pod of a target.
type podTrouble struct {
	trouble
	pod, uid, hash string // hash is the value of revisionLabel
}

// suspicion is a reason that fails the wait if it lasts.
type suspicion struct {
	ref   manifest.Ref
	pod   string // name, "" if it is the object itself
	uid   string // of the pod
	class string
}

// tracker knows the state of everything that is waited for. It does no I/O
// and is used by one goroutine.
type tracker struct {
	targets  []*target
	byRef    map[manifest.Ref]*target // with the API version left out
	services []*target
	slices   map[manifest.Ref]slice
	ignored  map[string]bool // uids of pods whose trouble does not count
	assess   func(*unstructured.Unstructured) verdict
	// lateBinding says which storage classes bind a claim when a pod uses it.
	lateBinding func(class string) bool
}

// plain names an object without the version of its API.
func plain(kind kindKey, namespace, name string) manifest.Ref {
	return manifest.Ref{APIVersion: kind.group, Kind: kind.kind, Namespace: namespace, Name: name}
}

// newTracker tracks those of the objects that have to be waited for.
func newTracker(objects []manifest.Object, jobs bool, assess func(*unstructured.Unstructured) verdict) *tracker {
	t := &tracker{
		byRef: map[manifest.Ref]*target{}, slices: map[manifest.Ref]slice{}, ignored: map[string]bool{},
		assess:      assess,
		lateBinding: func(string) bool { return false },
	}
	for _, o := range objects {
		kind := keyOf(o.Ref)
		if settledKinds[kind] || kind == jobKind && !jobs {
			continue
		}
		g := &target{ref: o.Ref, kind: kind, troubles: map[string]podTrouble{}, states: map[string]deploy.PodState{}, own: verdict{waiting, "", "not seen yet"}}
		g.serves = servingLabels(o)
		if kind == serviceKind {
			if g.selector = serviceSelector(o); g.selector == nil {
				continue
			}
			t.services = append(t.services, g)
		}
		t.targets = append(t.targets, g)
		t.byRef[plain(kind, o.Namespace, o.Name)] = g
	}
	for _, s := range t.services {
		for _, g := range t.targets {
			if len(g.serves) > 0 && g.ref.Namespace == s.ref.Namespace && s.selector.Matches(g.serves) {
				s.selects = append(s.selects, g)
			}
		}
	}
	return t
}

// list takes in all objects of a kind in a namespace; those that are missing are gone.
func (t *tracker) list(g *group, objects []unstructured.Unstructured) {
	seen := map[string]bool{}
	for i := range objects {
		seen[objects[i].GetName()] = true
		t.update(g, &objects[i])
	}
	for _, o := range g.targets {
		if !seen[o.ref.Name] {
			o.gone()
		}
	}
}

// update takes in an object as it is now.
func (t *tracker) update(g *group, u *unstructured.Unstructured) {
	o := t.byRef[plain(g.kind, g.namespace, u.GetName())]
	if o == nil {
		return
	}
	counts := countReplicas(u)
	if o.counts.existing != counts.existing || o.uid != string(u.GetUID()) {
		o.refused = ""
	}
	o.found, o.uid, o.counts = true, string(u.GetUID()), counts
	o.revision = u.GetAnnotations()[revisionAnnotation]
	o.class = text(u.Object, "spec", "storageClassName")
	o.pods, _, _ = unstructured.NestedMap(u.Object, "spec", "selector")
	if len(o.serves) > 0 {
		o.desired, o.ready = servingReplicas(u)
	}
	o.own = t.assess(u)
}

// remove takes in that an object was deleted.
func (t *tracker) remove(g *group, u *unstructured.Unstructured) {
	if o := t.byRef[plain(g.kind, g.namespace, u.GetName())]; o != nil {
		o.gone()
	}
}

func (g *target) gone() {
	g.found, g.desired, g.ready = false, 0, 0
	g.own = verdict{troubled, "NotFound", "it is not there"}
}

// listPods takes in all pods of a namespace.
func (t *tracker) listPods(namespace string, pods []unstructured.Unstructured) {
	for _, o := range t.targets {
		if o.ref.Namespace == namespace {
			clear(o.troubles)
			clear(o.states)
		}
	}
	for i := range pods {
		t.updatePod(&pods[i])
	}
}

// updatePod takes in a pod as it is now.
func (t *tracker) updatePod(u *unstructured.Unstructured) {
	o := t.ownerOf(u)
	if o == nil {
		return
	}
	pod, err := asPod(u)
	if err != nil {
		return
	}
	found := findTrouble(pod)
	o.states[pod.Name] = podState(pod, found)
	// A Job restarts its pods as often as it is told to and says when it gives up.
	if found.class == "" || found.class == crashClass && o.kind.kind == "Job" || t.ignored[string(pod.UID)] {
		delete(o.troubles, pod.Name)
		return
	}
	o.troubles[pod.Name] = podTrouble{found, pod.Name, string(pod.UID), pod.Labels[revisionLabel]}
}

// removePod takes in that a pod was deleted.
func (t *tracker) removePod(u *unstructured.Unstructured) {
	if o := t.ownerOf(u); o != nil {
		delete(o.troubles, u.GetName())
		delete(o.states, u.GetName())
	}
}

func (t *tracker) ownerOf(pod *unstructured.Unstructured) *target {
	kind, name, deployment := podOwner(pod)
	for key := range podOwners {
		if key.kind == kind {
			if o := t.byRef[plain(key, pod.GetNamespace(), name)]; o != nil {
				return o
			}
		}
	}
	if deployment == "" {
		return nil
	}
	return t.byRef[plain(kindKey{"apps", "Deployment"}, pod.GetNamespace(), deployment)]
}

// refusal takes in an event that says that a pod could not be created.
func (t *tracker) refusal(event *unstructured.Unstructured) {
	uid, message := text(event.Object, "involvedObject", "uid"), text(event.Object, "message")
	for _, o := range t.targets {
		if o.uid == uid && podOwners[o.kind] {
			o.refused = message
		}
	}
}

func sliceKey(u *unstructured.Unstructured) manifest.Ref {
	return manifest.Ref{Namespace: u.GetNamespace(), Name: u.GetName()}
}

// listSlices takes in all EndpointSlices of a namespace.
func (t *tracker) listSlices(namespace string, list []unstructured.Unstructured) {
	maps.DeleteFunc(t.slices, func(key manifest.Ref, _ slice) bool { return key.Namespace == namespace })
	for i := range list {
		t.slices[sliceKey(&list[i])] = readSlice(&list[i])
	}
}

func (t *tracker) updateSlice(u *unstructured.Unstructured) { t.slices[sliceKey(u)] = readSlice(u) }
func (t *tracker) removeSlice(u *unstructured.Unstructured) { delete(t.slices, sliceKey(u)) }

// settle brings the states of Services and claims up to date with what has been
// taken in. Namespaces are blind if their EndpointSlices must not be read.
func (t *tracker) settle(blind map[string]bool) {
	for _, g := range t.targets {
		if g.kind == claimKind && g.own.state == waiting && g.found && t.lateBinding(g.class) {
			g.own = verdict{ready, "", "not waited for: it is bound when a pod uses it"}
		}
	}
	endpoints := map[manifest.Ref]int{}
	for key, s := range t.slices {
		endpoints[manifest.Ref{Namespace: key.Namespace, Name: s.service}] += s.ready
	}
	for _, s := range t.services {
		s.found = true
		s.own = assessService(s.selects, endpoints[manifest.Ref{Namespace: s.ref.Namespace, Name: s.ref.Name}])
		if blind[s.ref.Namespace] && len(s.selects) > 0 {
			s.own = verdict{ready, "", "not waited for: its EndpointSlices cannot be read"}
		}
	}
}

// find is the target with a reference, nil if there is none.
func (t *tracker) find(ref manifest.Ref) *target {
	return t.byRef[plain(keyOf(ref), ref.Namespace, ref.Name)]
}

// ignore forgets a pod's trouble, for good.
func (t *tracker) ignore(s suspicion) {
	t.ignored[s.uid] = true
	if g := t.find(s.ref); g != nil {
		delete(g.troubles, s.pod)
	}
}

// pending says that a target is not ready.
func (g *target) pending() bool { return g.state().state != ready }

// state is what is known of a target, from all sources.
func (g *target) state() verdict {
	if g.own.state != waiting {
		return g.own
	}
	for _, name := range slices.Sorted(maps.Keys(g.troubles)) {
		p := g.troubles[name]
		return verdict{troubled, p.reason, "pod " + p.pod + ": " + p.message}
	}
	if g.refused != "" && g.counts.existing == g.counts.ready {
		return verdict{troubled, "FailedCreate", g.refused}
	}
	return g.own
}

// suspicions are the reasons that fail the wait if they last.
func (t *tracker) suspicions() map[suspicion]bool {
	all := map[suspicion]bool{}
	for _, g := range t.targets {
		v := g.state()
		if v.state != troubled {
			continue
		}
		if g.own.state == waiting && len(g.troubles) > 0 {
			for name, p := range g.troubles {
				all[suspicion{g.ref, name, p.uid, p.class}] = true
			}
			continue
		}
		class := troubleClasses[v.reason]
		if class == "" {
			class = v.reason
		}
		uid := ""
		if g.kind == podKind {
			uid = g.uid
		}
		all[suspicion{g.ref, "", uid, class}] = true
	}
	return all
}

// pending are the targets that are not ready.
func (t *tracker) pending() []*target {
	var all []*target
	for _, g := range t.targets {
		if g.pending() {
			all = append(all, g)
		}
	}
	return all
}

// failed are the targets that cannot become ready any more.
func (t *tracker) failed() []*target {
	var all []*target
	for _, g := range t.targets {
		if g.state().state == failed {
			all = append(all, g)
		}
	}
	return all
}

// news are the changes since the last call, in the order of the targets.
func (t *tracker) news() []deploy.Progress {
	var all []deploy.Progress
	for _, g := range t.targets {
		v := g.state()
		p := deploy.Progress{Ref: g.ref, Ready: v.state == ready, Message: v.message}
		if g.told == nil || *g.told != p {
			g.told = &p
			all = append(all, p)
		}
	}
	return all
}
