package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/deploy/rollouttest"
)

// intrusion is what somebody with stock Helm does while a rollout is under way.
type intrusion struct {
	name string
	do   func(t *testing.T, r *run, tool string)
	// whole: it is a way out by itself, what was there before the rollout is back.
	whole   bool
	version string // of the pods in the end, after recover; "" if there are none
}

func intrusions() []intrusion {
	helm := func(t *testing.T, r *run, tool string, args ...string) {
		t.Helper()
		if output, err := r.helmCommand(t, tool, args...); err != nil {
			t.Errorf("%s %v: %v\n%s", tool, args, err, output)
		}
	}
	return []intrusion{
		{"rolls back to the base", func(t *testing.T, r *run, tool string) { helm(t, r, tool, "rollback", "fleet", "1") }, true, "1"},
		{"rolls back without a number", func(t *testing.T, r *run, tool string) { helm(t, r, tool, "rollback", "fleet") }, true, "1"},
		{"rolls back twice", func(t *testing.T, r *run, tool string) {
			helm(t, r, tool, "rollback", "fleet")
			helm(t, r, tool, "rollback", "fleet")
		}, false, "1"},
		{"rolls back twice, slipway in between", func(t *testing.T, r *run, tool string) {
			helm(t, r, tool, "rollback", "fleet")
			r.isBypassed(t)
			helm(t, r, tool, "rollback", "fleet")
		}, true, "1"},
		{"uninstalls", func(t *testing.T, r *run, tool string) { helm(t, r, tool, "uninstall", "fleet") }, false, ""},
		{"deletes the record and upgrades", func(t *testing.T, r *run, tool string) {
			err := r.client.CoreV1().Secrets(r.launch.namespace).Delete(background, "sh.helm.release.v1.fleet.v2", metav1.DeleteOptions{})
			if err != nil {
				t.Fatal(err)
			}
			helm(t, r, tool, "upgrade", "fleet", fleetPath, "-f", valuesFile(t, with(courseBase, map[string]any{"version": "3"})))
		}, false, "3"},
	}
}

// TestStockHelmDuringARollout has people use Helm at the gates of rollouts.
func TestStockHelmDuringARollout(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	type attempt struct {
		intrusion
		course course
		gate   int // counted from 1
		tool   string
		stage  string // of all pods
	}
	var all []attempt
	for _, c := range courses()[:2] {
		for gate := 1; gate < len(c.commands); gate++ {
			for _, i := range intrusions() {
				for _, tool := range []string{"helm3", "helm4"} {
					for _, stage := range []string{"ready", "slow"} {
						all = append(all, attempt{i, c, gate, tool, stage})
					}
				}
			}
		}
	}
	if !sweepsAll() { // each intrusion once
		random := dice("helm")
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		seen := map[string]bool{}
		all = slices.DeleteFunc(all, func(a attempt) bool {
			before := seen[a.name]
			seen[a.name] = true
			return before
		})
	}
	for _, a := range all {
		t.Run(fmt.Sprintf("%s %s at gate %d of a %s with %s pods", a.tool, a.name, a.gate, a.course.name, a.stage), func(t *testing.T) {
			t.Parallel()
			r := newRunOf(t, api, a.course, map[string]any{"stage": a.stage})
			before := r.mendable(t)
			r.directly(t, a.course.commands[:a.gate]...)
			if output, err := r.helmCommand(t, a.tool, "upgrade", "fleet", fleetPath); err == nil || !strings.Contains(output, "another operation") {
				t.Errorf("Helm upgrades in the middle of a rollout: %v\n%s", err, output)
			}
			r.showsTheWayBack(t, a.tool)
			r.intrude(t, a.intrusion, a.tool, before)
		})
	}
}

// showsTheWayBack makes sure of what Helm tells of a release that is rolled out.
func (r *run) showsTheWayBack(t *testing.T, tool string) {
	t.Helper()
	if output, err := r.helmCommand(t, tool, "history", "fleet"); err != nil || !strings.Contains(output, "pending-upgrade") || !strings.Contains(output, "way back: helm rollback fleet 1") {
		t.Errorf("helm history: %v\n%s", err, output)
	}
	manifest, err := r.helmCommand(t, tool, "get", "manifest", "fleet", "--revision", "2")
	if err != nil {
		t.Errorf("helm get manifest: %v\n%s", err, manifest)
	}
	for name := range r.objects(t, r.launch.namespace) {
		kind, object, _ := strings.Cut(name, "/")
		if slices.Contains([]string{"Deployment", "Service", "ConfigMap"}, kind) && !strings.Contains(manifest, "name: "+object+"\n") {
			t.Errorf("%s is live, and the record does not have it", name)
		}
	}
}

// TestStockHelmBetweenAnyTwoActions ends the processes of rollouts before each of
// their changes in turn, until the commit, and has people roll back by Helm then.
func TestStockHelmBetweenAnyTwoActions(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	back := intrusions()[0]
	for _, c := range courses()[:2] {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			whole := newRun(t, api, c)
			totals := make([]int, len(c.commands))
			for i, name := range c.commands {
				totals[i] = whole.command(t, name, 0, false)
			}
			points := killPoints(dice("helm "+c.name), c, totals, isUnderWay)
			for i, p := range points {
				tool := []string{"helm3", "helm4"}[i%2]
				t.Run(tool+" after "+p.String(), func(t *testing.T) {
					t.Parallel()
					r := newRun(t, api, c)
					before := r.mendable(t)
					r.directly(t, c.commands[:p.command]...)
					r.command(t, p.name, p.change, p.after)
					stored, err := r.launch.config.Rollouts.State(background, "fleet")
					past := r.history(t)
					if err != nil || len(past) < 2 || !past[len(past)-1].IsPending() {
						t.Skip("nothing is under way at this point")
					}
					what := back
					what.whole = !stored.State.Committed
					r.intrude(t, what, tool, before)
				})
			}
		})
	}
}

// isUnderWay wants moments before changes at which there is a rollout that Helm
// knows: not the first ones, nor those towards the end of the last command.
func isUnderWay(p killPoint) bool {
	first, last := p.command == 0 && p.change <= 7, p.name == "promote" && p.change > p.total-8 && p.total > 12
	return !p.after && !first && !last
}

// intrude does what somebody does, and judges what comes of it, at once and after recover.
func (r *run) intrude(t *testing.T, what intrusion, tool string, before map[string]any) {
	t.Helper()
	what.do(t, r, tool)
	if what.version == "" {
		r.isUninstalled(t)
		return
	}
	if what.whole {
		r.settle(t)
		if diff := cmp.Diff(before, r.mendable(t)); diff != "" {
			t.Errorf("Helm's way out does not lead back (-before +after):\n%s", diff)
		}
	}
	r.isBypassed(t)
	found, err := deploy.RecoverRollout(background, r.launch.config, "fleet", deploy.RecoverOptions{Confirm: true})
	if err != nil || !found.Done {
		t.Fatalf("recover: %+v, %v", found, err)
	}
	r.settle(t)
	r.isMended(t, what.version)
	if what.whole || what.version != "1" { // what goes back to a canary, or back after the commit, is not promised to be smooth
		for _, v := range r.recorder.Cut(t).Capacity(rollouttest.Judgement{Release: "fleet"}) {
			t.Error(v)
		}
	}
	if again, err := deploy.RecoverRollout(background, r.launch.config, "fleet", deploy.RecoverOptions{Confirm: true}); err != nil || again.How != "" {
		t.Errorf("recover again: %+v, %v", again, err)
	}
}

// isBypassed has slipway's commands notice that somebody went on with the release.
func (r *run) isBypassed(t *testing.T) {
	t.Helper()
	var bypassed *deploy.BypassedError
	var failure *deploy.Error
	_, err := deploy.PromoteRollout(background, r.launch.config, "fleet", deploy.PromoteOptions{})
	if !errors.As(err, &bypassed) || !errors.As(err, &failure) || failure.Outcome != deploy.Locked {
		t.Errorf("promote beside somebody else: %v", err)
	}
	status, err := deploy.StatusOfRollout(background, r.launch.config, "fleet")
	if err != nil || status.Bypassed == "" {
		t.Errorf("status: %+v, %v", status, err)
	}
}

// mendable is what a way out has to bring back: the objects but for Jobs of
// hooks and for what slipway keeps for itself, and the pods.
func (r *run) mendable(t *testing.T) map[string]any {
	t.Helper()
	found := r.snapshot(t)
	maps.DeleteFunc(found, func(name string, _ any) bool { return strings.HasPrefix(name, "Job/") || isOfRollout(name) })
	return found
}

// isMended makes sure that nothing is left of a rollout.
func (r *run) isMended(t *testing.T, version string) {
	t.Helper()
	for name, object := range r.objects(t, r.launch.namespace) {
		spec, _ := object.(map[string]any)["spec"].(map[string]any)
		selector, _ := spec["selector"].(map[string]any)
		switch {
		case spec["paused"] == true, selector["pod-template-hash"] != nil:
			t.Errorf("%s is as the rollout left it: %v", name, spec)
		case isOfRollout(name), strings.HasPrefix(name, "Deployment/") && name != "Deployment/fleet-web",
			strings.HasSuffix(name, "-preview"), strings.HasPrefix(name, "ConfigMap/fleet-config-"), strings.HasPrefix(name, "Secret/fleet-secret-"):
			t.Errorf("%s is left behind", name)
		}
	}
	for pod, image := range r.pods(t) {
		if !strings.HasPrefix(image, "example.test/app-"+version+":") {
			t.Errorf("pod %s runs %s", pod, image)
		}
	}
	if past := r.history(t); slices.ContainsFunc(past, release.Status.IsPending) {
		t.Errorf("the history has a pending revision: %v", past)
	}
}

// isUninstalled makes sure that everything goes with the release, and that
// what slipway keeps for itself is found and removed as an orphan.
func (r *run) isUninstalled(t *testing.T) {
	t.Helper()
	r.await(t, "all pods have gone", func() bool { return len(r.pods(t)) == 0 })
	for name := range r.mendable(t) {
		t.Errorf("%s is left behind", name)
	}
	later := func() time.Time { return time.Now().AddDate(1, 0, 0) } // targets are kept for some time
	rollouts := cluster.NewRollouts(r.client, r.launch.namespace, later)
	exists := func(_ context.Context, _, name string) (bool, error) {
		past, err := r.launch.config.Store.History(background, name)
		return len(past) > 0, err
	}
	orphans, err := rollouts.Orphans(background, r.launch.namespace, exists)
	if err != nil || len(orphans) == 0 {
		t.Fatalf("orphans: %+v, %v", orphans, err)
	}
	for _, o := range orphans {
		if err := rollouts.RemoveOrphan(background, o); err != nil {
			t.Error(err)
		}
	}
	for name := range r.objects(t, r.launch.namespace) {
		if isOfRollout(name) {
			t.Errorf("%s is left behind", name)
		}
	}
}
