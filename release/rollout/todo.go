package rollout

import "fmt"

// todo returns the actions of the phase.
func (m *machine) todo() []Action {
	view := m.View()
	made := []Action{Make{view}}
	traffic := []Action{Make{view}, Endpoints{view}}
	switch m.Phase {
	case Preparing:
		if m.Settings.Hooks == AtStart {
			return []Action{RunHooks{"pre-upgrade"}, Make{view}}
		}
		return made
	case Pinning:
		return traffic
	case Scaling:
		return append(made, Ready{CanarySide})
	case Shifting:
		if m.routed() || m.Steps[m.Step].Weight == 100 {
			return m.settled(traffic)
		}
		return traffic
	case Verifying:
		if Overall(m.Runs) == Successful {
			return nil
		}
		return []Action{Measure{cloneRuns(m.Runs)}}
	case Gate:
		return m.wait()
	case Committing:
		if !m.Committed {
			return []Action{CheckConfig{}}
		}
		if m.Settings.Hooks == AtPromote {
			return []Action{RunHooks{"pre-upgrade"}}
		}
		return nil
	case Templating, Adopting:
		return made
	case Resuming:
		return append(made, Ready{Stable})
	case Unpinning:
		return m.settled(traffic)
	case Cleaning:
		return []Action{RunHooks{"post-upgrade"}, Make{view}, Finish{}}
	case Lowering, Returning:
		if m.Settings.Total {
			traffic = []Action{Make{view}, Ready{Stable}, Endpoints{view}}
		}
		return m.settled(traffic)
	case Clearing:
		return append(made, Ready{Stable})
	case Restoring:
		return append(made, GiveUp{})
	}
	return nil // planned, done, aborted
}

// settled adds the time in which connections drain.
func (m *machine) settled(actions []Action) []Action {
	if m.Settings.Settle <= 0 {
		return actions
	}
	return append(actions, Settle{m.Settings.Settle})
}

// wait returns what a gate waits for, nothing if it is open.
func (m *machine) wait() []Action {
	if m.waitsForPerson() {
		return []Action{Pause{}}
	}
	if until := m.ReachedAt.Add(m.Steps[m.Step].Pause); m.now.Before(until) {
		return []Action{Wait{until}}
	}
	return nil
}

// sentence says for the journal what the phase does.
func (m *machine) sentence() string {
	step := fmt.Sprintf("step %d of %d (%d%%)", m.Step+1, len(m.Steps), m.Steps[m.Step].Weight)
	switch m.Phase {
	case Preparing:
		return "what both sides need is made"
	case Pinning:
		return "Services are pinned to the stable side"
	case Scaling:
		if m.Back {
			return "the canary is scaled back to " + step
		}
		return "the canary is scaled for " + step
	case Shifting:
		return "traffic is shifted for " + step
	case Verifying:
		return "the canary is measured at " + step
	case Gate:
		if m.waitsForPerson() {
			return "a person decides at " + step
		}
		return "the pause of " + step + " is waited for"
	case Committing:
		return "the promotion begins"
	case Templating:
		return "everything becomes as in the target, the stable side is still paused"
	case Adopting:
		return "clones are left to the stable side"
	case Resuming:
		return "the stable side takes the target up"
	case Unpinning:
		return "Services are unpinned"
	case Cleaning:
		return "what is left of the canary goes"
	case Done:
		return fmt.Sprintf("revision %d is deployed", m.Revision)
	case Lowering:
		return "traffic goes back from " + step
	case Returning:
		return "traffic goes back to the stable side"
	case Clearing:
		return "the canary goes"
	case Restoring:
		return "everything is restored as it was"
	case Aborted:
		return fmt.Sprintf("revision %d was taken back", m.Revision)
	}
	return string(m.Phase)
}
