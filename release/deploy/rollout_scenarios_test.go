package deploy_test

import (
	"maps"
	"slices"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

// scenario is what a chart consists of and what changes.
type scenario struct {
	name         string
	base, target map[string]any
	choose       func(o *deploy.StartOptions)
	services     []string
	autoscaled   bool
	hooks        []string       // Jobs that a promotion runs
	shrinks      bool           // the stable side gives up pods for the canary's
	floors       map[string]int // of Services that are to have fewer pods
	only         rollout.Strategy
}

// with are values with others set on top.
func with(values map[string]any, more map[string]any) map[string]any {
	both := maps.Clone(values)
	maps.Copy(both, more)
	return both
}

// scenarios are the charts that rollouts are judged on.
func scenarios() []*scenario {
	one := map[string]any{"deployments": map[string]any{"web": 4}}
	three := map[string]any{"deployments": map[string]any{"web": 4, "api": 8, "worker": 4}, "services": []any{"web", "api"}}
	config := with(one, map[string]any{"config": "hello", "secret": "one"})
	v2 := map[string]any{"version": "2"}
	list := []*scenario{
		{name: "one deployment", base: one, target: with(one, v2)},
		{name: "total", base: one, target: with(one, v2), only: rollout.Canary, shrinks: true, choose: func(o *deploy.StartOptions) {
			o.Total, o.Steps = true, []rollout.Step{{Weight: 25}, {Weight: 50}}
		}},
		{name: "three deployments", base: three, target: with(three, v2), services: []string{"fleet-web", "fleet-api"},
			choose: func(o *deploy.StartOptions) { o.Derive.Ungated = true }},
		{name: "autoscaler", base: with(one, map[string]any{"autoscaler": "web"}), autoscaled: true},
		{name: "disruption budget", base: with(one, map[string]any{"disruption": "web"})},
		{name: "stateful set", base: with(one, map[string]any{"stateful": 4}), services: []string{"fleet-web", "fleet-db"}, only: rollout.Canary},
		{name: "configuration", base: config, target: with(config, map[string]any{"config": "bye", "secret": "two"})},
		{name: "configuration with a checksum", base: with(config, map[string]any{"checksum": true}),
			target: with(config, map[string]any{"checksum": true, "config": "bye", "secret": "two", "extra": "new"})},
		{name: "more pods", base: one, target: with(v2, map[string]any{"deployments": map[string]any{"web": 6}})},
		{name: "fewer pods", base: one, target: with(v2, map[string]any{"deployments": map[string]any{"web": 2}}), floors: map[string]int{"fleet-web": 2}},
		{name: "parts come and go", services: []string{"fleet-web", "fleet-old"},
			base:   map[string]any{"deployments": map[string]any{"web": 4, "old": 2}, "services": []any{"web", "old"}},
			target: with(v2, map[string]any{"deployments": map[string]any{"web": 4, "new": 2}, "services": []any{"web", "new"}})},
		{name: "hooks", base: with(one, map[string]any{"hooks": true}), hooks: []string{"fleet-pre-upgrade", "fleet-post-upgrade"},
			choose: func(o *deploy.StartOptions) { o.Hooks = rollout.AtPromote }},
	}
	for _, s := range list {
		if s.target == nil {
			s.target = with(s.base, v2)
		}
		if s.services == nil {
			s.services = []string{"fleet-web"}
		}
		if s.hooks == nil {
			s.hooks = []string{}
		}
	}
	return list
}

// scenarioNamed is one of them.
func scenarioNamed(name string) *scenario {
	list := scenarios()
	return list[slices.IndexFunc(list, func(s *scenario) bool { return s.name == name })]
}

// staged is the scenario with pods that play another part.
func (s *scenario) staged(stage string) *scenario {
	other := *s
	other.base, other.target = with(s.base, map[string]any{"stage": stage}), with(s.target, map[string]any{"stage": stage})
	return &other
}

func (s *scenario) String() string { return s.name }

var installers = []string{"helm3", "helm4", "slipway"}
