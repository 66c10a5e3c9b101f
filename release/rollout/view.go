package rollout

import (
	"maps"
	"time"
)

// View returns what the phase wants to be live. It is a function of the state
// alone, and the only place where views are made.
func (s State) View() View {
	pinned := s.Settings.Pinned
	switch s.Phase {
	case Preparing:
		return View{Early: true, Paused: pinned}
	case Pinning:
		return View{Early: true, Paused: pinned, Pin: Stable}
	case Scaling:
		if s.Back {
			return s.shifted()
		}
		return s.scaled()
	case Shifting, Verifying, Gate, Committing:
		return s.shifted()
	case Templating, Adopting, Resuming, Unpinning:
		return s.promoted()
	case Cleaning, Done:
		return View{Target: true, Prune: true}
	case Lowering:
		// Traffic is that of the step before, and the stable side is as large.
		return s.scaled()
	case Returning:
		return s.returned()
	case Clearing:
		v := View{Early: true, Paused: pinned || s.full(s.Step)}
		if v.Paused && s.Pins {
			v.Pin = Stable
		}
		return v
	}
	return View{} // planned, restoring, aborted
}

// scaled has the canary of the step, and the traffic and the stable side of the
// one before.
func (s State) scaled() View {
	pinned, full := s.Settings.Pinned, s.full(s.Step)
	v := View{
		Early: true, Clones: true, Full: full,
		Counts:  s.counts(func(workload string) int { return s.stableBefore(s.Step, workload) }),
		Scaler:  ScalerFloor,
		Paused:  pinned || full,
		Preview: pinned,
		Routed:  s.routed(),
	}
	if pinned {
		v.Pin = Stable
	}
	if v.Routed && s.Step > 0 {
		v.Weight = s.Steps[s.Step-1].Weight
	}
	return v
}

// shifted has the canary and the traffic of the step.
func (s State) shifted() View {
	v := s.scaled()
	step := s.Steps[s.Step]
	v.Counts = s.counts(func(workload string) int {
		if split, ok := step.Counts[workload]; ok && !v.Full {
			return split.Stable
		}
		return s.stableBefore(s.Step, workload)
	})
	if v.Routed {
		v.Weight = step.Weight
	}
	if step.Weight == 100 {
		v.Pin, v.Scaler = CanarySide, ScalerMoved
	}
	return v
}

// returned has the canary of the step, and no traffic for it but by its pods.
func (s State) returned() View {
	v := s.scaled()
	v.Counts, v.Weight, v.Pin = s.counts(s.size), 0, ""
	if s.Settings.Pinned || s.AllTraffic { // else nobody has waited for the pause
		v.Pin = Stable
	}
	return v
}

// promoted has everything as in the target, and the canary beside it.
func (s State) promoted() View {
	v := View{
		Target: true, Early: true, Clones: true, Full: true, Preview: s.Settings.Pinned,
		Paused: true, Pin: CanarySide, Scaler: ScalerMoved,
	}
	v.Adopted = s.Phase != Templating
	if s.Phase == Resuming || s.Phase == Unpinning {
		v.Paused, v.Scaler = false, ScalerAsIs
	}
	if s.Phase == Unpinning {
		v.Pin = ""
	}
	return v
}

// routed reports whether a router divides the traffic.
func (s State) routed() bool { return s.Settings.Pinned && s.Settings.Strategy == Canary }

// full reports whether the canary has all its pods at a step.
func (s State) full(step int) bool {
	return s.Settings.Strategy == BlueGreen || s.Steps[step].Weight == 100
}

// counts returns the pods of both sides at the step. Without total mode they
// are those that were planned; with it, stable says how many the stable side has.
func (s State) counts(stable func(workload string) int) map[string]Split {
	planned := s.Steps[s.Step].Counts
	if !s.Settings.Total {
		return maps.Clone(planned)
	}
	counts := map[string]Split{}
	for i := range s.Step + 1 {
		for workload := range s.Steps[i].Counts {
			split, ok := planned[workload]
			if !ok || s.full(s.Step) {
				split.Canary = s.size(workload)
			}
			counts[workload] = Split{Stable: stable(workload), Canary: split.Canary}
		}
	}
	return counts
}

// stableBefore returns how many stable pods a workload has in total mode before a step is reached.
func (s State) stableBefore(step int, workload string) int {
	for i := step - 1; i >= 0; i-- {
		if split, ok := s.Steps[i].Counts[workload]; ok && !s.full(i) {
			return split.Stable
		}
	}
	return s.size(workload)
}

// size returns how many pods a workload has: what the last step gives its
// canary, or, where that was not worked out, what the first one gives both sides.
func (s State) size(workload string) int {
	if split, ok := s.Steps[len(s.Steps)-1].Counts[workload]; ok && split.Canary > 0 {
		return split.Canary
	}
	for _, step := range s.Steps {
		if split, ok := step.Counts[workload]; ok {
			return split.Stable + split.Canary
		}
	}
	return 0
}

// NewRuns returns the runs of measurements that a step takes, not yet begun. An
// implied step takes none.
func (s State) NewRuns(now time.Time) []Run {
	step := s.Steps[s.Step]
	if step.Implied {
		return nil
	}
	var runs []Run
	for _, m := range s.Settings.Metrics {
		if m.FromWeight <= step.Weight {
			runs = append(runs, Run{Metric: m.Name, Step: s.Step, StartedAt: now})
		}
	}
	return runs
}
