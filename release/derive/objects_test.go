package derive

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

var (
	serving = rollout.View{Early: true, Clones: true, Full: true, Paused: true, Pin: rollout.CanarySide, Scaler: rollout.ScalerMoved}
	known   = Observed{Hashes: map[string]rollout.Hashes{"Deployment/web": {Stable: "aaa", Canary: "bbb"}}, Replicas: map[string]int{}}
)

func TestAServiceIsPinnedOnlyToPodsThatAreKnown(t *testing.T) {
	in := canaryOf(t, web, newer)
	p := mustCompute(t, in)
	for side, o := range map[rollout.Side]Observed{
		rollout.Stable:     {Hashes: map[string]rollout.Hashes{"Deployment/web": {Canary: "bbb"}}},
		rollout.CanarySide: {Hashes: map[string]rollout.Hashes{"Deployment/web": {Stable: "aaa"}}},
	} {
		if _, err := p.Objects(in.Base, in.Target, rollout.View{Pin: side}, o, nil); err == nil || !strings.Contains(err.Error(), "Service prod/web cannot select the "+string(side)+" side") {
			t.Errorf("%s: got %v", side, err)
		}
	}
}

func TestManifestsOfAnotherRolloutAreNotTaken(t *testing.T) {
	in := canaryOf(t, web, newer)
	p := mustCompute(t, in)
	if _, err := p.Objects(in.Base, objects(t, database), rollout.View{}, Observed{}, nil); err == nil {
		t.Error("no error")
	}
	in.Options.Router, in.Routers = "test", []Router{fakeRouter{}}
	in.Base, in.Target = objects(t, web+"---\n"+route), objects(t, newer+"---\n"+route)
	in.Live = liveOf(in.Base, nil)
	p = mustCompute(t, in)
	if _, err := p.Objects(in.Base, in.Target, rollout.View{Routed: true}, Observed{}, nil); err == nil || !strings.Contains(err.Error(), "the router test") {
		t.Errorf("got %v", err)
	}
}

func TestADeploymentThatAdoptsWantsWhatTheCanaryHas(t *testing.T) {
	for name, test := range map[string]struct {
		base, target string
		observed     map[string]int
		want         any
	}{
		"a chart that asks for fewer": {web, strings.Replace(newer, "replicas: 9", "replicas: 3", 1), nil, int64(9)},
		"a chart that asks for more":  {web, strings.Replace(newer, "replicas: 9", "replicas: 12", 1), nil, int64(9)},
		"a canary that was scaled":    {web + "---" + scaler, newer + "---" + scaler, map[string]int{"web": 9, "web-r7": 11}, int64(11)},
		"a chart that says nothing":   {strings.Replace(web, "  replicas: 9\n", "", 1), strings.Replace(newer, "  replicas: 9\n", "", 1), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := canaryOf(t, test.base, test.target)
			p := mustCompute(t, in)
			v, o := serving, known
			v.Target, o.Replicas = true, test.observed
			all := mustObjects(t, p, in, v, o)
			if got := at(find(t, all, "Deployment", "web"), "spec", "replicas"); got != test.want {
				t.Errorf("the stable side has %v pods, want %v", got, test.want)
			}
			if clone := at(find(t, all, "Deployment", "web-r7"), "spec", "replicas"); test.want != nil && clone != test.want {
				t.Errorf("the canary has %v pods, want %v", clone, test.want)
			}
		})
	}
	t.Run("a chart that leaves it to the autoscaler", func(t *testing.T) {
		without := func(s string) string { return strings.Replace(s, "  replicas: 9\n", "", 1) + "---" + scaler }
		in := canaryOf(t, without(web), without(newer))
		p := mustCompute(t, in)
		if p.Workloads[0].Form != Labelled || len(p.Warnings) != 1 {
			t.Fatalf("got %+v", p)
		}
		for _, target := range []bool{false, true} {
			v, o := serving, known
			v.Target, o.Replicas = target, map[string]int{"web": 5}
			if got := at(find(t, mustObjects(t, p, in, v, o), "Deployment", "web"), "spec", "replicas"); got != nil {
				t.Errorf("target %v: the chart's own Deployment says %v", target, got)
			}
		}
	})
}

func TestATrackLabelOfTheChartIsLeftAlone(t *testing.T) {
	tracked := func(s string) string {
		return strings.Replace(s, "labels: {app: web, helm", "labels: {app: web, track: blue, helm", 1)
	}
	in := canaryOf(t, tracked(web), strings.Replace(tracked(newer), "blue}", "red}", 1))
	clone := find(t, mustObjects(t, mustCompute(t, in), in, serving, known), "Deployment", "web-r7")
	labels := labelsOf(templateOf(clone))
	if labels["track"] != "blue" || labels["slipway.dev/track"] != "canary" {
		t.Errorf("got %v", labels)
	}
}

// TestWhatARolloutLeavesIsFound makes a view live and asks what has to be done
// to get to the base again: exactly what differs from it.
func TestWhatARolloutLeavesIsFound(t *testing.T) {
	rights := "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\nrules: [{verbs: [%]}]\n"
	base := web + "---" + scaler + "---\n" + route + strings.Replace(rights, "%", "get", 1)
	target := newer + "---" + scaler + "---\n" + route + strings.Replace(rights, "%", "list", 1) + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: early}\n"
	target = strings.Replace(target, "blue", "red", 1)
	for name, test := range map[string]struct {
		base, target    string
		with            func(*Input)
		view            rollout.View
		restore, remove []string
	}{
		"blue-green with everything": {base, target, func(in *Input) { in.Options.Router, in.Routers = "test", []Router{fakeRouter{}} },
			rollout.View{Early: true, Clones: true, Full: true, Paused: true, Preview: true, Pin: rollout.CanarySide, Scaler: rollout.ScalerMoved, Routed: true, Weight: 100},
			[]string{"Service web", "Deployment web", "HorizontalPodAutoscaler web", "TestRoute web", "Role r"},
			[]string{"Deployment web-r7", "ConfigMap web-config-d7aaa488", "Service web-preview", "TestRoute web-extra", "ConfigMap early"}},
		"total": {web, newer, func(in *Input) { in.Settings.Total = true },
			rollout.View{Clones: true, Counts: map[string]rollout.Split{"Deployment/web": {Stable: 8, Canary: 1}}}, []string{"Deployment web"}, []string{"Deployment web-r7"}},
		"a partition": {database, strings.Replace(database, "db:1", "db:2", 1), nil,
			rollout.View{Clones: true, Counts: map[string]rollout.Split{"StatefulSet/db": {Stable: 2, Canary: 1}}}, []string{"StatefulSet db"}, nil},
		"nothing": {base, target, nil, rollout.View{}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := canaryOf(t, test.base, test.target)
			if test.with != nil {
				test.with(&in)
			}
			p := mustCompute(t, in)
			all := mustObjects(t, p, in, test.view, known)
			live := liveOf(all, nil)
			for _, f := range live {
				child(f, "metadata", "annotations")["meta.helm.sh/release-name"] = "web"
			}
			restore, remove := p.Leftovers(in.Base, live)
			var restored, removed []string
			for _, o := range restore {
				restored = append(restored, o.Kind+" "+o.Name)
			}
			for _, r := range remove {
				removed = append(removed, r.Kind+" "+r.Name)
			}
			if !slices.Equal(restored, test.restore) || !slices.Equal(removed, test.remove) {
				t.Errorf("restore %q\nwant %q\nremove %q\nwant %q", restored, test.restore, removed, test.remove)
			}
			maps.DeleteFunc(live, func(r manifest.Ref, _ Fields) bool { return r.Kind == "Deployment" && r.Name != "web" })
			for _, r := range remove {
				delete(live, r)
			}
			for _, o := range restore {
				live[o.Ref] = o.Fields
			}
			if restore, remove = p.Leftovers(in.Base, live); len(restore)+len(remove) != 0 {
				t.Errorf("afterwards there are %v and %v left", restore, remove)
			}
		})
	}
}

func TestWhatOthersHaveMadeIsNotRemoved(t *testing.T) {
	in := canaryOf(t, web, newer+"---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: early}\n")
	p := mustCompute(t, in)
	live := liveOf(in.Target, objects(t, second("web-r7", "app: other")))
	if _, remove := p.Leftovers(in.Base, live); len(remove) != 0 {
		t.Errorf("would remove %v", remove)
	}
	if _, remove := p.Leftovers(in.Target, live); len(remove) != 0 {
		t.Errorf("would remove %v", remove)
	}
}
