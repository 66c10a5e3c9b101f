package deploy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/rollout"
)

// steps turns the weights that were asked for into pods.
func (r *rolling) steps(settings *rollout.Settings, options *StartOptions) ([]rollout.Step, error) {
	if settings.Strategy != rollout.Canary {
		asked := options.Steps
		if len(asked) == 0 {
			asked = []rollout.Step{{Gate: options.Gate}, {Weight: 100, Gate: options.Gate}}
		}
		return rollout.Normalise(settings.Strategy, asked)
	}
	found, err := r.counted(settings, options)
	if err != nil {
		return nil, err
	}
	return rollout.Normalise(settings.Strategy, withCounts(options.Steps, found, options.Gate))
}

// counted works out the pods of each step. Workloads whose number of pods cannot
// grow, those of StatefulSets and those that no Service selects, share it
// between both sides; the others lead where they are there.
func (r *rolling) counted(settings *rollout.Settings, options *StartOptions) ([]rollout.Step, error) {
	growing, fixed := map[string]int{}, map[string]int{}
	for _, w := range r.plan.Workloads {
		if w.Form == derive.Partitioned || w.Worker {
			fixed[w.Key()] = w.Replicas
		} else {
			growing[w.Key()] = w.Replicas
		}
	}
	ratio := rollout.Ratio{Total: settings.Total, Tolerance: float64(options.Tolerance), Surge: options.Surge, Routed: options.Derive.Router != ""}
	if options.Tolerance == 0 {
		ratio.Tolerance = 5
	}
	if options.Surge == 0 {
		ratio.Surge = 100
	}
	sharing := ratio
	sharing.Total, sharing.Surge = true, 0
	leading, leader := growing, ratio
	if len(growing) == 0 {
		leading, leader = fixed, sharing
	}
	found, notes, err := rollout.Common(leader, leading, weightsOf(options.Steps))
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		r.plan.Warnings = append(r.plan.Warnings, fmt.Sprint(n))
	}
	if len(growing) == 0 {
		return found, nil
	}
	for i := range found {
		found[i].Counts = maps.Clone(found[i].Counts)
		for _, workload := range slices.Sorted(maps.Keys(fixed)) {
			split, _, err := shared(sharing, fixed[workload], found[i].Weight)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", workload, err)
			}
			found[i].Counts[workload] = split
		}
	}
	return found, nil
}

// shared divides a fixed number of pods. One pod cannot be divided: it stays
// what it was until the last step.
func shared(ratio rollout.Ratio, pods, weight int) (rollout.Split, float64, error) {
	if pods == 1 && weight < 100 {
		return rollout.Split{Stable: 1}, 0, nil
	}
	return ratio.Split(pods, weight)
}

// weightsOf are the weights that need to be reached by pods.
func weightsOf(steps []rollout.Step) []int {
	var weights []int
	for _, s := range steps {
		if s.Weight > 0 && s.Weight < 100 {
			weights = append(weights, s.Weight)
		}
	}
	return weights
}

// withCounts gives the steps that were asked for their pods. Without any, the
// ones found are taken, which end as gate says.
func withCounts(asked, found []rollout.Step, gate rollout.GateMode) []rollout.Step {
	if len(asked) == 0 {
		for i := range found {
			found[i].Gate = gate
		}
		return found
	}
	asked = slices.Clone(asked)
	for i := range asked {
		for _, f := range found {
			if f.Weight == asked[i].Weight {
				asked[i].Counts = f.Counts
			}
		}
	}
	last := found[len(found)-1]
	if !slices.ContainsFunc(asked, func(s rollout.Step) bool { return s.Weight == last.Weight }) {
		asked = append(asked, last) // total mode reads the size of workloads there
	}
	return asked
}
