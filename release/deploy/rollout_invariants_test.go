package deploy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/deploy/rollouttest"
	"github.com/e6d26078/slipway/release/rollout"
)

// cell is one combination of what is launched, how, over what, and to which end.
type cell struct {
	scenario  *scenario
	strategy  rollout.Strategy
	installer string
	stage     string // of all pods
	end       ending
}

// ending is how a rollout comes to its end.
type ending struct {
	name    string
	abortAt int // gate at which it is taken back, counted from 1; 0 promotes it
	undoAt  int // gate from which it goes back by a step, once
}

var endings = []ending{
	{"promoted", 0, 0}, {"aborted at gate 1", 1, 0}, {"aborted at gate 2", 2, 0}, {"promoted after an undo", 0, 2}, {"undone at gate 1", 0, 1},
}

func (c cell) String() string {
	return fmt.Sprintf("%s %s over %s with %s pods %s", c.scenario, c.strategy, c.installer, c.stage, c.end.name)
}

// cells are all combinations, or for each scenario one of each strategy. How
// fast pods become ready is left to chance.
func cells() []cell {
	random := dice("cells")
	var list []cell
	for _, s := range scenarios() {
		for _, strategy := range []rollout.Strategy{rollout.Canary, rollout.BlueGreen} {
			if s.only != "" && s.only != strategy {
				continue
			}
			var all []cell
			for _, installer := range installers {
				for _, end := range endings {
					stage := []string{"ready", "slow"}[random.IntN(2)]
					all = append(all, cell{s.staged(stage), strategy, installer, stage, end})
				}
			}
			if !sweepsAll() {
				random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				all = all[:1]
			}
			list = append(list, all...)
		}
	}
	return list
}

// TestInvariantsOfRollouts watches rollouts of all kinds and judges what
// happened in the cluster by the invariants.
func TestInvariantsOfRollouts(t *testing.T) {
	t.Parallel()
	for _, c := range cells() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			l := newLaunch(t, c.scenario, c.strategy, c.installer)
			before := l.snapshot(t)
			promoted := l.follow(t, c.end)
			l.repeats(t)
			l.settle(t)
			trace := l.recorder.Cut(t)
			if promoted {
				l.judge(t, trace, c.scenario.hooks)
				l.finished(t)
				return
			}
			l.judge(t, trace, []string{})
			for _, v := range rollouttest.Untouched(before, l.snapshot(t)) {
				t.Error(v)
			}
		})
	}
}

// follow rolls out to an end, and reports whether it was promoted.
func (l *launch) follow(t *testing.T, end ending) bool {
	t.Helper()
	state := l.start(t)
	for gate := 1; state.Phase == rollout.Gate; gate++ {
		l.repeats(t)
		switch gate {
		case end.abortAt:
			l.abort(t)
			return false
		case end.undoAt:
			result, err := deploy.UndoRollout(background, l.config, "fleet", deploy.AbortOptions{Timeout: time.Minute})
			if err != nil {
				t.Fatalf("undo: %v", err)
			}
			if gate == 1 {
				return false
			}
			if result.State.Phase != rollout.Gate || result.State.Step != state.Step-1 {
				t.Fatalf("undo at step %d leads to %s at step %d", state.Step, result.State.Phase, result.State.Step)
			}
			l.repeats(t)
		}
		state = l.promote(t)
	}
	return true
}

// repeats runs commands that have nothing to do.
func (l *launch) repeats(t *testing.T) {
	t.Helper()
	stored, err := l.config.Rollouts.State(background, "fleet")
	over := err != nil
	for _, v := range rollouttest.Repeat(l.writes(func() {
		if over {
			if result, err := deploy.AbortRollout(background, l.config, "fleet", deploy.AbortOptions{}); err != nil || result.State != nil {
				t.Errorf("an abort with nothing to abort: %+v, %v", result, err)
			}
			_, _ = deploy.PromoteRollout(background, l.config, "fleet", deploy.PromoteOptions{})
			_, _ = deploy.GuardRollout(background, l.config, "fleet", deploy.AbortOptions{})
			return
		}
		if again := l.start(t); again.Phase != stored.State.Phase || again.Step != stored.State.Step {
			t.Errorf("start again went on to %s", again.Phase)
		}
		if _, err := deploy.StatusOfRollout(background, l.config, "fleet"); err != nil {
			t.Error(err)
		}
	})) {
		t.Error(v)
	}
}

// finished makes sure that nothing but the target is left.
func (l *launch) finished(t *testing.T) {
	t.Helper()
	for name := range l.objects(t, l.namespace) {
		if isOfRollout(name) {
			t.Errorf("%s is left behind", name)
		}
	}
	for pod, image := range l.pods(t) {
		want := "example.test/app-" + fmt.Sprint(withDefault(l.scenario.target["version"], "1")) + ":"
		if !strings.HasPrefix(image, want) {
			t.Errorf("pod %s runs %s, not %s", pod, image, want)
		}
	}
}
