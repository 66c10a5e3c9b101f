package deploy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/deploy/rollouttest"
	"github.com/e6d26078/slipway/release/rollout"
)

// TestRequestsDuringRollouts has clients send requests all through rollouts
// that are promoted and aborted in turn: five, or 50 with SLIPWAY_SWEEP=all.
// The data plane is simulated: see rollouttest.Plane. No request may fail, and
// at each gate the canary gets the share that was asked for.
func TestRequestsDuringRollouts(t *testing.T) {
	t.Parallel()
	rounds := 5
	if sweepsAll() {
		rounds = 50
	}
	values := func(version int) map[string]any {
		return map[string]any{
			"deployments": map[string]any{"web": 4, "api": 8}, "services": []any{"web", "api"},
			"version": fmt.Sprint(version), "stage": "slow-deletion", // as pods with a grace period go
			"config": fmt.Sprint((version + 1) / 3), // in two of three rounds the canary's pods can be adopted
		}
	}
	s := &scenario{name: "requests", base: values(0), services: []string{"fleet-web", "fleet-api"}}
	l := newLaunch(t, s, rollout.Canary, "slipway")
	plane := &rollouttest.Plane{Random: dice("requests"), Each: 3, Gate: 4000, Lag: 50 * time.Millisecond}
	asked := []int{20, 50, 100}
	for round := 1; round <= rounds; round++ {
		s.target = values(round)
		options := quick(rollout.Canary, 20, 50, 100)
		if round%4 == 0 || round%4 == 3 {
			options = quick(rollout.BlueGreen)
		}
		options.Settle = 300 * time.Millisecond
		s.choose = func(o *deploy.StartOptions) { *o = options }
		l.config.Owner = fmt.Sprint("build-", round)
		state := l.start(t)
		for gate := 1; state.Phase == rollout.Gate; gate++ {
			if round%2 == 0 && gate == 1+round/2%len(state.Steps) {
				l.abort(t)
				break
			}
			state = l.promote(t)
		}
		l.judgeServing(t, plane)
	}
	if len(plane.Failed) > 0 {
		t.Errorf("%d of %d requests failed, such as %q", len(plane.Failed), plane.Sent, plane.Failed[:min(5, len(plane.Failed))])
	}
	for _, share := range plane.Shares {
		if !slices.Contains(append(asked, 0), share.Asked) || !share.Within(float64(share.Asked)/100, len(plane.Shares)) {
			t.Errorf("Service %s: the canary got %d of %d requests, %d %% were asked", share.Service, share.Canary, share.Sent, share.Asked)
		}
	}
	if least := rounds * 4; len(plane.Shares) < least {
		t.Errorf("only %d gates were seen, not %d", len(plane.Shares), least)
	}
	t.Logf("%d rollouts, %d requests, %d shares measured", rounds, plane.Sent, len(plane.Shares))
}

// judgeServing sends requests through what has happened since the last time.
func (l *launch) judgeServing(t *testing.T, plane *rollouttest.Plane) {
	t.Helper()
	trace := l.recorder.Cut(t)
	plane.Run(trace, l.scenario.services)
	l.judge(t, trace, nil)
}
