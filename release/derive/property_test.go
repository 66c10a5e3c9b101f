package derive

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// generated is a random release and the next one of it: some Deployments and
// StatefulSets with Services, autoscalers and configuration that they use in some way.
func generated(t *testing.T, r *rand.Rand) Input {
	var base, target strings.Builder
	both := func(format string, before, after any) {
		fmt.Fprintf(&base, "---\n"+format, before)
		fmt.Fprintf(&target, "---\n"+format, after)
	}
	changed := func(old, other any) any {
		if r.IntN(2) == 0 {
			return old
		}
		return other
	}
	for i := range 1 + r.IntN(4) {
		name := "app" + strconv.Itoa(i) + strings.Repeat("x", r.IntN(60))
		kind, replicas, use := "Deployment", 1+r.IntN(9), ""
		if r.IntN(5) == 0 {
			kind, replicas = "StatefulSet", replicas+1
		} else {
			use = []string{"", ", envFrom: [{configMapRef: {name: c" + strconv.Itoa(i) + "}}]", ", env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: a}}}]"}[r.IntN(3)]
		}
		both("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c"+strconv.Itoa(i)+"}\ndata: {a: \"%v\"}\n", "1", changed("1", "2"))
		if kind == "Deployment" && r.IntN(3) == 0 {
			both(fmt.Sprintf("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h%d}\nspec: {maxReplicas: %%v, scaleTargetRef: {kind: Deployment, name: %s}}\n", i, name), 10, changed(10, 4))
		}
		both(fmt.Sprintf("apiVersion: apps/v1\nkind: %[1]s\nmetadata: {name: %[2]s, labels: {app: a%[3]d}}\nspec: {replicas: %[4]d, selector: {matchLabels: {app: a%[3]d}}, template: "+
			"{metadata: {labels: {app: a%[3]d, v: fixed}}, spec: {containers: [{name: c, image: \"i:%%v\"%[5]s}]}}}\n", kind, name, i, replicas, use), 1, changed(1, 2))
		both(fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {selector: {app: a%d}, ports: [{port: %%v}]}\n", "s"+strconv.Itoa(i), i), 80, changed(80, 81))
	}
	both("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: \"%v\"}\n", "1", changed("1", "2"))
	in := canaryOf(t, base.String(), target.String()+"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: fresh}\n")
	in.Settings.Total = r.IntN(3) == 0
	if r.IntN(3) == 0 {
		in.Settings.Strategy = rollout.BlueGreen
	}
	return in
}

func randomView(r *rand.Rand, p *Plan) (rollout.View, Observed) {
	coin := func() bool { return r.IntN(2) == 0 }
	v := rollout.View{Early: coin(), Clones: coin(), Adopted: coin(), Full: coin(), Paused: coin(), Preview: coin(), Target: coin(), Prune: coin(),
		Pin: []rollout.Side{"", rollout.Stable, rollout.CanarySide}[r.IntN(3)], Counts: map[string]rollout.Split{},
		Scaler: []rollout.Scaler{rollout.ScalerAsIs, rollout.ScalerFloor, rollout.ScalerMoved}[r.IntN(3)]}
	o := Observed{Hashes: map[string]rollout.Hashes{}, Replicas: map[string]int{}}
	for _, w := range p.Workloads {
		v.Counts[w.Key()] = rollout.Split{Stable: r.IntN(10), Canary: r.IntN(10)}
		o.Hashes[w.Key()] = rollout.Hashes{Stable: "aa", Canary: "bb"}
		o.Replicas[w.Ref.Name], o.Replicas[w.Clone] = r.IntN(12), r.IntN(12)
	}
	return v, o
}

func copyOf(objects []manifest.Object) []manifest.Object {
	copied := slices.Clone(objects)
	for i := range copied {
		copied[i].Fields = cloneMap(copied[i].Fields)
	}
	return copied
}

// TestWhateverChanges holds for random releases: the zero view is the base and
// the last one the target, equal calls give equal objects, nothing that was
// handed in is changed, and the selector of what a rollout makes fits its pods.
func TestWhateverChanges(t *testing.T) {
	seed := rand.NewPCG(1, 2)
	for _, letter := range os.Getenv("SLIPWAY_SEED") {
		seed = rand.NewPCG(seed.Uint64(), uint64(letter))
	}
	r := rand.New(seed)
	planned := 0
	for range 400 {
		in := generated(t, r)
		before, after := copyOf(in.Base), copyOf(in.Target)
		p, err := Compute(in)
		if err != nil {
			reasonsOf(t, err)
			continue
		}
		planned++
		same(t, "the zero view", mustObjects(t, p, in, rollout.View{}, Observed{}), before)
		same(t, "the last view", mustObjects(t, p, in, rollout.View{Target: true, Prune: true}, Observed{}), after)
		for range 10 {
			v, o := randomView(r, p)
			first := mustObjects(t, p, in, v, o)
			same(t, "a second call", mustObjects(t, p, in, v, o), first)
			checkObjects(t, p, first, v)
		}
		same(t, "the base afterwards", in.Base, before)
		same(t, "the target afterwards", in.Target, after)
		if t.Failed() {
			t.Fatalf("seed %q, plan %+v", os.Getenv("SLIPWAY_SEED"), p)
		}
	}
	if planned < 100 {
		t.Errorf("only %d of 400 releases could be rolled out: the test shows nothing", planned)
	}
}

func checkObjects(t *testing.T, p *Plan, all []manifest.Object, v rollout.View) {
	t.Helper()
	seen := map[identity]bool{}
	for _, o := range all {
		if seen[identify(o.Ref)] {
			t.Errorf("%s twice", o.Ref)
		}
		seen[identify(o.Ref)] = true
		if refOf(o.Fields) != o.Ref {
			t.Errorf("%s has the fields of %s", o.Ref, refOf(o.Fields))
		}
		if at(o.Fields, "metadata", "annotations", RolloutAnnotation) == nil {
			continue // the chart's own
		}
		selector := mapping(at(o.Fields, "spec", "selector", "matchLabels"))
		if template := templateOf(o.Fields); template != nil && len(selector) > 0 && !selects(selector, labelsOf(template)) {
			t.Errorf("%s does not select its own pods", o.Ref)
		}
		if o.Kind == "Service" && len(o.Name) > maxService {
			t.Errorf("%s is too long a name", o.Ref)
		}
	}
	for _, w := range p.Workloads {
		clone := w.Ref
		clone.Name = w.Clone
		wanted := w.Form != Partitioned && v.Clones && !(v.Adopted && w.Form == Adoptable)
		if len(w.Clone) > maxPodOwner || seen[identify(clone)] != wanted {
			t.Errorf("clone of %s: %v, want %v", w.Ref, seen[identify(clone)], wanted)
		}
		for _, o := range all {
			if wanted && o.Ref == clone && w.Form == Labelled {
				checkCopies(t, p, o, seen, v)
			}
		}
	}
}

// checkCopies makes sure that a labelled clone uses no original that has a copy.
func checkCopies(t *testing.T, p *Plan, clone manifest.Object, seen map[identity]bool, v rollout.View) {
	t.Helper()
	eachReference(mapping(templateOf(clone.Fields)["spec"]), func(kind string, holder map[string]any, field string) {
		for _, c := range p.Copies {
			if c.Ref.Kind == kind && c.Ref.Name == holder[field] {
				t.Errorf("%s uses %s and not its copy", clone.Ref, c.Ref)
			}
			made := c.Ref
			made.Name = c.Name
			if v.Early && !seen[identify(made)] {
				t.Errorf("%s is not made", made)
			}
		}
	})
}

func TestObjectsDoNotShareWhatTheyChange(t *testing.T) {
	in := canaryOf(t, web, newer)
	p := mustCompute(t, in)
	all := mustObjects(t, p, in, rollout.View{Early: true, Clones: true, Full: true}, Observed{})
	find(t, all, "Deployment", "web-r7")["spec"].(map[string]any)["template"].(map[string]any)["spec"] = nil
	if again := canaryOf(t, web, newer); !reflect.DeepEqual(in.Target, again.Target) {
		t.Error("a clone shares its template with the target")
	}
}
