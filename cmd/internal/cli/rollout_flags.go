package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release/rollout"
)

// rolloutFlags say how a release is launched in steps.
type rolloutFlags struct {
	given         func(flag string) bool
	strategy      *choice
	steps         string
	gate          *choice
	surge         string
	total         bool
	tolerance     int
	router        *choice
	hooks         *choice
	drain         time.Duration
	gateTimeout   time.Duration
	keep          time.Duration
	onFailure     *choice
	allowDowntime bool
	ungated       bool
	keepLive      bool
	approvers     []string
	fourEyes      bool
	analysis      string
	config        string
}

// registerShort adds those that "upgrade" has as well; the others stand in the file.
func (o *rolloutFlags) registerShort(f *pflag.FlagSet) {
	o.given = f.Changed
	o.strategy = &choice{words: []string{"canary", "blue-green"}}
	o.hooks = &choice{words: []string{"at-start", "at-promote"}}
	f.Var(o.strategy, "strategy", "how the release is launched: a share of traffic that grows, or all of it at once beside the old version")
	f.StringVar(&o.steps, "steps", "", "weights of a canary in per cent, each with a pause if it has one: 10,25:5m,50 (default: 1, 2, 4 ... pods)")
	f.Var(o.hooks, "hooks", "when the chart's pre-upgrade hooks run: at-start means that old pods run beside what they have changed")
	f.StringVar(&o.config, "config", "", "file that says how the release is launched; see 'slipway rollout schema'. Flags win over it, and it wins over the chart's annotations")
	f.StringVar(&o.analysis, "analysis", "", "file with the metrics that are measured at each step, instead of those of --config")
}

func (o *rolloutFlags) register(f *pflag.FlagSet) {
	o.registerShort(f)
	usual := usualLaunch()
	o.gate = newChoice("manual", "auto")
	o.router = &choice{words: []string{"gateway", "istio", "nginx"}}
	o.onFailure = newChoice("abort", "stop")
	f.Var(o.gate, "gate", "what ends every step: a person (exit code 10), or good measurements and the pause alone")
	f.StringVar(&o.surge, "surge", "100%", "pods that a workload may have beside its own, in per cent")
	f.BoolVar(&o.total, "total", false, "shrink the old side by what the canary has; a way back by Helm has fewer pods then")
	f.IntVar(&o.tolerance, "tolerance", usual.tolerance, "points of per cent by which a weight may be missed")
	f.Var(o.router, "router", "what divides traffic: HTTPRoutes, VirtualServices or canary Ingresses (default: the numbers of pods)")
	f.DurationVar(&o.drain, "drain", time.Duration(usual.drain), "time for connections to end after traffic was moved")
	f.DurationVar(&o.gateTimeout, "gate-timeout", time.Duration(usual.gateTimeout), "how long a gate may wait before 'slipway rollout guard' takes the rollout back; 0 means for ever")
	f.DurationVar(&o.keep, "keep", 0, "with blue-green, how long the old side is kept at least after the switch (default: 10m with --gate auto, else until a person promotes)")
	f.Var(o.onFailure, "on-failure", "what happens when a measurement fails or the canary does not become ready: it is taken back, or stays as it is")
	f.BoolVar(&o.allowDowntime, "allow-downtime", false, "allow a StatefulSet of one pod behind a Service")
	f.BoolVar(&o.ungated, "ungated", false, "allow workloads that no Service selects: all their pods take part at once")
	f.BoolVar(&o.keepLive, "keep-live", false, "keep live Secrets that render differently each time")
	f.StringSliceVar(&o.approvers, "approvers", nil, "names of those who may promote it; --approver or --actor of promote is compared with them")
	f.BoolVar(&o.fourEyes, "four-eyes", false, "whoever has started it may not promote it")
}

// launch puts together what the chart, the file and the flags say.
func (a *app) launch(o *rolloutFlags, c *chart.Chart) (*launch, error) {
	l := usualLaunch()
	if err := l.applyChart(c); err != nil {
		return nil, err
	}
	var metrics []byte
	from := ""
	if o.config != "" {
		file, err := readRolloutFile(o.config)
		if err != nil {
			return nil, err
		}
		l.apply(file.Strategy, file.steps(), file.Settings)
		l.targets = file.targets
		if file.Metrics != nil {
			metrics, from = file.data, o.config
		}
	}
	if err := o.lay(l); err != nil {
		return nil, err
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	if o.analysis != "" {
		var err error
		if metrics, err = readFile(o.analysis); err != nil {
			return nil, fmt.Errorf("--analysis: %w", err)
		}
		from = o.analysis
	}
	var err error
	l.metrics, err = a.env.Backend.Metrics(metrics, from, besides(from))
	return l, err
}

// besides reads files in the folder of another one, and nothing outside of it.
func besides(file string) func(name string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		folder, err := os.OpenRoot(filepath.Dir(file))
		if err != nil {
			return nil, err
		}
		defer folder.Close()
		return folder.ReadFile(name)
	}
}

// lay puts the flags over the other layers.
func (o *rolloutFlags) lay(l *launch) error {
	var steps []rollout.Step
	if o.given("steps") {
		var err error
		if steps, err = parseSteps(o.steps); err != nil {
			return fmt.Errorf("--steps %s: %w", o.steps, err)
		}
	}
	var s fileSettings
	if o.given("surge") {
		surge, err := parsePercent(o.surge)
		if err != nil {
			return fmt.Errorf("--surge: %w", err)
		}
		s.Surge = (*filePercent)(&surge)
	}
	if o.given("gate") {
		l.gateForAll = true
		s.Gate = (*rollout.GateMode)(&o.gate.word)
	}
	if o.given("hooks") {
		s.Hooks = (*rollout.HookTime)(&o.hooks.word)
	}
	if o.given("router") {
		s.Router = &o.router.word
	}
	if o.given("on-failure") {
		s.OnFailure = &o.onFailure.word
	}
	s.Drain = ifGiven(o, "drain", (*fileDuration)(&o.drain))
	s.GateTimeout = ifGiven(o, "gate-timeout", (*fileDuration)(&o.gateTimeout))
	s.Keep = ifGiven(o, "keep", (*fileDuration)(&o.keep))
	s.Tolerance = ifGiven(o, "tolerance", &o.tolerance)
	s.Total = ifGiven(o, "total", &o.total)
	s.AllowDowntime = ifGiven(o, "allow-downtime", &o.allowDowntime)
	s.Ungated = ifGiven(o, "ungated", &o.ungated)
	s.KeepLive = ifGiven(o, "keep-live", &o.keepLive)
	s.Approvers = ifGiven(o, "approvers", &o.approvers)
	s.FourEyes = ifGiven(o, "four-eyes", &o.fourEyes)
	l.apply(rollout.Strategy(o.strategy.word), steps, s)
	return nil
}

// ifGiven is the value of a flag, nil if it was not given.
func ifGiven[T any](o *rolloutFlags, flag string, value *T) *T {
	if !o.given(flag) {
		return nil
	}
	return value
}
