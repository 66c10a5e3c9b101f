package rollout

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Note is what people should know about a weight and a workload.
type Note struct {
	Workload string
	Weight   int
	Split    Split
	Achieved float64 // per cent
	// Left: the weight is no step, because this workload cannot reach it.
	Left bool
}

// String says it in a sentence.
func (n Note) String() string {
	if n.Left {
		return fmt.Sprintf("%d%% is left out: %s cannot reach it", n.Weight, n.Workload)
	}
	return fmt.Sprintf("%s: %d%% is %.1f%% (%s), %+.1f points", n.Workload, n.Weight, n.Achieved, n.Split, n.Achieved-float64(n.Weight))
}

// Common returns steps that all workloads take together, with the pods of each:
// ns has how many pods a workload has. The last step is 100; it is implied if it
// was not asked for. Every weight has to be one that every workload can reach:
// the error joins an [*UnreachableError] for each that cannot. Without weights
// the canary of the smallest workload grows from 1 pod to 2, 4 and so on to all,
// as far as the surge lets it, by the weights that every one can reach.
// Notes tell what is not achieved exactly, and which weights were left out.
func Common(r Ratio, ns map[string]int, weights []int) ([]Step, []Note, error) {
	asked := len(weights) > 0
	if !asked {
		weights = r.growing(ns)
	}
	weights = slices.Clone(weights)
	slices.Sort(weights)
	weights = slices.Compact(weights)

	var steps []Step
	var notes []Note
	var problems []error
	for _, weight := range weights {
		counts, about, err := r.reach(ns, weight)
		var left []Note
		for _, e := range unreachable(err) {
			left = append(left, Note{Workload: e.Workload, Weight: weight, Split: e.Best, Achieved: e.Achieved, Left: true})
		}
		switch {
		case err == nil:
			steps = append(steps, Step{Weight: weight, Counts: counts})
			notes = append(notes, about...)
		case asked:
			problems = append(problems, err)
		default:
			notes = append(notes, left...)
		}
	}
	if len(problems) > 0 {
		return nil, nil, errors.Join(problems...)
	}
	if len(steps) == 0 || steps[len(steps)-1].Weight != 100 {
		counts, _, err := r.reach(ns, 100)
		if err != nil {
			return nil, nil, err
		}
		steps = append(steps, Step{Weight: 100, Counts: counts, Implied: true})
	}
	return steps, notes, nil
}

// reach returns the pods of all workloads at a weight.
func (r Ratio) reach(ns map[string]int, weight int) (map[string]Split, []Note, error) {
	counts := map[string]Split{}
	var notes []Note
	var problems []error
	for _, workload := range slices.Sorted(maps.Keys(ns)) {
		split, achieved, err := r.Split(ns[workload], weight)
		var e *UnreachableError
		if errors.As(err, &e) {
			e.Workload = workload
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		counts[workload] = split
		if achieved != float64(weight) {
			notes = append(notes, Note{Workload: workload, Weight: weight, Split: split, Achieved: achieved})
		}
	}
	return counts, notes, errors.Join(problems...)
}

// unreachable returns the errors of workloads that cannot reach a weight.
func unreachable(err error) []*UnreachableError {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var all []*UnreachableError
	for _, err := range joined.Unwrap() {
		var e *UnreachableError
		if errors.As(err, &e) {
			all = append(all, e)
		}
	}
	return all
}

// growing returns the weights below 100 that the smallest workload reaches with
// 1, 2, 4 ... and all canary pods.
func (r Ratio) growing(ns map[string]int) []int {
	least := 0
	for _, n := range ns {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	most := least
	if !r.Total && !r.Routed {
		most = min(least, max(1, least*r.Surge/100))
	}
	var weights []int
	for c := 1; c <= most; c *= 2 {
		weights = append(weights, r.weightOf(c, least))
	}
	if most > 0 {
		weights = append(weights, r.weightOf(most, least))
	}
	return slices.DeleteFunc(weights, func(w int) bool { return w < 1 || w > 99 })
}

// weightOf is the weight of c canary pods beside a workload of n, in whole per cent.
func (r Ratio) weightOf(c, n int) int {
	total := n
	if !r.Total && !r.Routed {
		total = n + c
	}
	return (200*c + total) / (2 * total)
}

// Normalise checks steps that were asked for and brings them into their final
// form: weights grow, and the last one is 100; it is implied if it was not asked
// for. Blue-green has the steps 0 and 100, both with a person's decision if none
// were asked for.
func Normalise(strategy Strategy, steps []Step) ([]Step, error) {
	if strategy != Canary && strategy != BlueGreen {
		return nil, fmt.Errorf("strategy %q: it has to be %s or %s", strategy, Canary, BlueGreen)
	}
	if strategy == BlueGreen && len(steps) == 0 {
		return []Step{{Weight: 0, Gate: Manual}, {Weight: 100, Gate: Manual}}, nil
	}
	steps = slices.Clone(steps)
	slices.SortStableFunc(steps, func(a, b Step) int { return a.Weight - b.Weight })
	for i, step := range steps {
		switch {
		case step.Weight < 0 || step.Weight > 100:
			return nil, fmt.Errorf("step %d: weight %d: it has to be from 0 to 100", i+1, step.Weight)
		case strategy == BlueGreen && step.Weight != 0 && step.Weight != 100:
			return nil, fmt.Errorf("step %d: weight %d: blue-green has the weights 0 and 100 only; a share of the traffic is what the strategy %s is for",
				i+1, step.Weight, Canary)
		case i > 0 && steps[i-1].Weight == step.Weight:
			return nil, fmt.Errorf("weight %d is asked for twice: give each step a weight of its own", step.Weight)
		case step.Pause < 0:
			return nil, fmt.Errorf("step %d: pause %s: it cannot be below 0", i+1, step.Pause)
		case step.Gate != "" && step.Gate != Manual && step.Gate != Auto:
			return nil, fmt.Errorf("step %d: gate %q: it has to be %s or %s", i+1, step.Gate, Manual, Auto)
		}
	}
	if len(steps) == 0 || steps[len(steps)-1].Weight != 100 {
		steps = append(steps, Step{Weight: 100, Implied: true})
	}
	return steps, nil
}
