package deploy_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/deploy/rollouttest"
	"github.com/e6d26078/slipway/release/rollout"
)

// TestARolloutOverABadConnection loses the answer to each change once, and cuts
// the connection before it once.
func TestARolloutOverABadConnection(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	for _, c := range courses() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			whole := newRun(t, api, c)
			whole.directly(t, c.commands...)
			r := newRun(t, api, c)
			var mu sync.Mutex
			tries := map[string]int{}
			r.gate.on(func(q *http.Request) treatment {
				if !isChange(q) {
					return treatment{}
				}
				mu.Lock()
				defer mu.Unlock()
				key := q.Method + " " + q.URL.Path
				tries[key]++
				return [...]treatment{{}, {cut: true}, {lose: true}}[tries[key]%3]
			})
			r.directly(t, c.commands...)
			r.gate.on(nil)
			if diff := cmp.Diff(whole.outcome(t), r.outcome(t)); diff != "" {
				t.Errorf("the end differs from that of an undisturbed rollout (-want +got):\n%s", diff)
			}
			r.judge(t, r.recorder.Cut(t), c.hooks)
		})
	}
}

// TestStockHelmWhileSlipwayActs has somebody roll back by Helm right before one
// of the changes of a command that is under way. The command notices it before
// long and stops, and recover mends what it has done since.
func TestStockHelmWhileSlipwayActs(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	for _, c := range courses()[:2] {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			whole := newRun(t, api, c)
			totals := make([]int, len(c.commands))
			for i, name := range c.commands {
				totals[i] = len(whole.writes(func() { whole.directly(t, name) }))
			}
			for _, p := range killPoints(dice("rivals "+c.name), c, totals, isUnderWay) {
				t.Run(fmt.Sprintf("change %d of %d of %s %d", p.change, p.total, p.name, p.command+1), func(t *testing.T) {
					t.Parallel()
					interfere(t, api, c, p)
				})
			}
		})
	}
}

func interfere(t *testing.T, api *clustertest.Cluster, c course, p killPoint) {
	r := newRun(t, api, c)
	r.directly(t, c.commands[:p.command]...)
	count, rolledBack := 0, false
	ended := make(chan struct{})
	r.gate.on(func(q *http.Request) treatment {
		if !isChange(q) || strings.Contains(q.URL.Path, "/leases/") {
			return treatment{}
		}
		if count++; count != p.change {
			return treatment{}
		}
		// Not through the gate, which is busy with this request.
		_, err := r.client.CoreV1().Secrets(r.launch.namespace).Get(background, "sh.helm.release.v1.fleet.v2", metav1.GetOptions{})
		if err != nil {
			return treatment{} // nothing can be rolled back yet
		}
		rolledBack = true
		return treatment{do: func() {
			defer close(ended)
			if output, err := r.helmCommand(t, "helm3", "rollback", "fleet", "1"); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		}}
	})
	err := r.try(p.name)
	r.gate.on(nil)
	if !rolledBack {
		return
	}
	<-ended // the command notices Helm before Helm is done
	var failure *deploy.Error
	if err != nil && (!errors.As(err, &failure) || failure.Outcome != deploy.Locked) {
		t.Errorf("%s: %v", p.name, err)
	}
	r.isBypassed(t)
	found, err := deploy.RecoverRollout(background, r.launch.config, "fleet", deploy.RecoverOptions{Confirm: true})
	if err != nil || !found.Done {
		t.Fatalf("recover: %+v, %v", found, err)
	}
	r.settle(t)
	r.isMended(t, "1")
}

// TestTheStableSideIsScaledDuringACanary has the autoscaler act at a gate: a
// promotion takes away nothing of what it has added.
func TestTheStableSideIsScaledDuringACanary(t *testing.T) {
	t.Parallel()
	for _, installer := range []string{"helm3", "slipway"} {
		t.Run(installer, func(t *testing.T) {
			t.Parallel()
			l := newLaunch(t, scenarioNamed("autoscaler"), rollout.Canary, installer)
			state := l.start(t)
			l.scale(t, "fleet-web", 8)
			l.await(t, "8 pods of the old version serve", func() bool { return l.serving(t)["1"] == 8 })
			l.recorder.Cut(t)
			l.promoteAll(t, state)
			l.settle(t)
			trace := l.recorder.Cut(t)
			if floor := trace.Start().Floors()["fleet-web"]; floor < 8 {
				t.Errorf("the floor is %d", floor)
			}
			for _, v := range trace.Capacity(rollouttest.Judgement{Floors: map[string]int{"fleet-web": 8}}) {
				t.Error(v)
			}
			if n := l.serving(t)["2"]; n < 8 {
				t.Errorf("%d pods serve in the end", n)
			}
		})
	}
}

// TestACanaryThatNeverGetsReady is stopped or taken back, and serves nobody.
func TestACanaryThatNeverGetsReady(t *testing.T) {
	t.Parallel()
	for _, strategy := range []rollout.Strategy{rollout.Canary, rollout.BlueGreen} {
		for _, takenBack := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, taken back: %t", strategy, takenBack), func(t *testing.T) {
				t.Parallel()
				s := *scenarioNamed("configuration with a checksum")
				s.target = with(s.target, map[string]any{"stage": "never-ready"})
				l := newLaunch(t, &s, strategy, "slipway")
				before := l.snapshot(t)
				options := l.options()
				options.Timeout, options.AbortOnFailure = 2*time.Second, takenBack
				_, err := deploy.StartRollout(background, l.config, "fleet", l.chart, s.target, options)
				var failure *deploy.Error
				want := deploy.Failed
				if takenBack {
					want = deploy.RolledBack
				}
				if !errors.As(err, &failure) || failure.Outcome != want {
					t.Fatalf("start: %v", err)
				}
				if !takenBack {
					l.abort(t)
				}
				l.settle(t)
				l.judge(t, l.recorder.Cut(t), []string{})
				for _, v := range rollouttest.Untouched(before, l.snapshot(t)) {
					t.Error(v)
				}
			})
		}
	}
}
