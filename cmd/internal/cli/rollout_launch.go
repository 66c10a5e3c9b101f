package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/notify"
	"github.com/e6d26078/slipway/release/rollout"
)

// The annotations of Chart.yaml that say how a chart likes to be launched. They
// never say what is measured: a chart runs nothing.
const (
	strategyAnnotation = "slipway.dev/strategy"
	stepsAnnotation    = "slipway.dev/steps"
)

// launch is how a release is to be launched. It is put together from layers,
// the least important first: the usual, the chart's annotations, the file, the flags.
type launch struct {
	strategy rollout.Strategy
	steps    []rollout.Step
	gate     rollout.GateMode
	// gateForAll: what gate says also holds for steps that have one of their own.
	gateForAll    bool
	surge         filePercent
	total         bool
	tolerance     int
	router        string
	hooks         rollout.HookTime
	drain         fileDuration
	gateTimeout   fileDuration
	keep          *fileDuration // nil: usualKeep if nobody decides
	onFailure     string
	allowDowntime bool
	ungated       bool
	keepLive      bool
	approvers     []string
	fourEyes      bool
	metrics       []rollout.Metric
	targets       []notify.Target // who is told
}

// usualKeep is how long blue-green keeps the old side if no person decides.
const usualKeep = 10 * time.Minute

// usualLaunch is how it goes if nobody says anything.
func usualLaunch() *launch {
	return &launch{
		strategy: rollout.Canary, gate: rollout.Manual, surge: 100, tolerance: 5, onFailure: "abort",
		drain: fileDuration(30 * time.Second), gateTimeout: fileDuration(time.Hour),
	}
}

// apply lays a layer over what is there. Steps are those of a canary: another
// strategy drops those of less important layers.
func (l *launch) apply(strategy rollout.Strategy, steps []rollout.Step, s fileSettings) {
	if strategy != "" && strategy != l.strategy {
		l.strategy, l.steps = strategy, nil
	}
	if len(steps) > 0 {
		l.steps = steps
	}
	setIfGiven(&l.gate, s.Gate)
	setIfGiven(&l.surge, s.Surge)
	setIfGiven(&l.total, s.Total)
	setIfGiven(&l.tolerance, s.Tolerance)
	setIfGiven(&l.router, s.Router)
	setIfGiven(&l.hooks, s.Hooks)
	setIfGiven(&l.drain, s.Drain)
	setIfGiven(&l.gateTimeout, s.GateTimeout)
	if s.Keep != nil {
		l.keep = s.Keep
	}
	setIfGiven(&l.onFailure, s.OnFailure)
	setIfGiven(&l.allowDowntime, s.AllowDowntime)
	setIfGiven(&l.ungated, s.Ungated)
	setIfGiven(&l.keepLive, s.KeepLive)
	setIfGiven(&l.approvers, s.Approvers)
	setIfGiven(&l.fourEyes, s.FourEyes)
}

func setIfGiven[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

// applyChart takes what the annotations of a chart say.
func (l *launch) applyChart(c *chart.Chart) error {
	if c == nil || c.Metadata == nil {
		return nil
	}
	strategy := rollout.Strategy(c.Metadata.Annotations[strategyAnnotation])
	switch strategy {
	case "", rollout.Canary, rollout.BlueGreen:
	default:
		return fmt.Errorf("Chart.yaml of %s: annotation %s: %q: allowed are canary and blue-green", c.Name(), strategyAnnotation, strategy)
	}
	var steps []rollout.Step
	if text := c.Metadata.Annotations[stepsAnnotation]; text != "" {
		var err error
		if steps, err = parseSteps(text); err != nil {
			return fmt.Errorf("Chart.yaml of %s: annotation %s: %w", c.Name(), stepsAnnotation, err)
		}
	}
	l.apply(strategy, steps, fileSettings{})
	return nil
}

// check refuses what contradicts itself.
func (l *launch) check() error {
	switch {
	case l.strategy == rollout.BlueGreen && len(l.steps) > 0:
		return withHint(errors.New("blue-green has no steps: it switches all traffic at once"), "leave the steps out, or use --strategy canary")
	case l.strategy == rollout.BlueGreen && l.total:
		return errors.New("blue-green needs all pods of both sides: --total is for canaries")
	case l.router != "" && l.total:
		return errors.New("--total is for canaries by numbers of pods, and a router divides the traffic")
	case l.tolerance < 1 || l.tolerance > 100:
		return fmt.Errorf("--tolerance %d: it has to be from 1 to 100 points", l.tolerance)
	case l.drain < 0, l.gateTimeout < 0, l.keep != nil && *l.keep < 0:
		return errors.New("--drain, --gate-timeout and --keep are never less than nothing")
	}
	return nil
}

// allSteps are the steps with their gates; nil are the strategy's own.
func (l *launch) allSteps() []rollout.Step {
	if l.strategy == rollout.BlueGreen {
		switched := rollout.Step{Weight: 100, Gate: l.gate}
		switch {
		case l.keep != nil:
			switched.Pause = time.Duration(*l.keep)
		case l.gate == rollout.Auto:
			switched.Pause = usualKeep
		}
		return []rollout.Step{{Weight: 0, Gate: l.gate}, switched}
	}
	steps := make([]rollout.Step, len(l.steps))
	for i, s := range l.steps {
		if s.Gate == "" || l.gateForAll {
			s.Gate = l.gate
		}
		steps[i] = s
	}
	if len(steps) == 0 {
		return nil
	}
	return steps
}

// options are what package deploy takes.
func (l *launch) options(upgrade deploy.UpgradeOptions) deploy.StartOptions {
	return deploy.StartOptions{
		UpgradeOptions: upgrade,
		Settings: rollout.Settings{
			Strategy: l.strategy, Total: l.total, Hooks: l.hooks, Settle: time.Duration(l.drain),
			GateFor: time.Duration(l.gateTimeout), AbortOnFailure: l.onFailure == "abort", Metrics: l.metrics,
			Approvers: l.approvers, FourEyes: l.fourEyes,
		},
		Steps: l.allSteps(), Gate: l.gate, Tolerance: l.tolerance, Surge: int(l.surge),
		Derive: derive.Options{AllowDowntime: l.allowDowntime, Ungated: l.ungated, KeepLive: l.keepLive, Router: l.router},
	}
}
