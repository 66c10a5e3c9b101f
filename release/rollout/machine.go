package rollout

import (
	"slices"
	"time"
)

// journalSize is how many entries a journal keeps.
const journalSize = 200

// RefusedError says that a command does not fit the state, and what to do
// instead. Nothing has changed.
type RefusedError struct{ Why, Remedy string }

func (e *RefusedError) Error() string { return e.Why + "; " + e.Remedy }

// Next returns the state that follows from an event, and what to do to bring
// the cluster there. The new state is to be stored before anything is done.
// Actions are always given but at the end: in the phases Done and Aborted. s is
// not changed, and shares nothing with the result that either of them changes
// later. The error is a [*RefusedError], and the state is s then.
func Next(s State, now time.Time, e Event) (State, []Action, error) {
	m := machine{State: s, now: now}
	if m.Phase == "" {
		m.Phase = Planned
	}
	if err := m.take(e); err != nil {
		return s, nil, err
	}
	return m.State, m.actions, nil
}

// machine is a state in the middle of a step.
type machine struct {
	State
	now     time.Time
	actions []Action
	entered bool // a phase that the journal does not have yet
}

func (m *machine) take(e Event) error {
	switch e := e.(type) {
	case Go:
		m.goOn()
	case Did:
		m.did()
	case Failed:
		m.failed(e.Reason)
	case Measured:
		m.measured(e.Runs)
	case Promote:
		return m.promote(e)
	case Abort:
		return m.abort(e)
	case Undo:
		return m.undo(e)
	case Guard:
		m.guard(e)
	}
	return nil
}

// over reports whether nothing follows.
func (m *machine) over() bool { return m.Phase == Done || m.Phase == Aborted }

// takenBack reports whether the rollout is being taken back, or was.
func (m *machine) takenBack() bool {
	return slices.Contains([]Phase{Returning, Clearing, Restoring, Aborted}, m.Phase)
}

// stopped reports whether a failure waits for a person.
func (m *machine) stopped() bool { return m.Failure != "" && !m.takenBack() }

// goOn gives the actions of the phase. A phase without any is left, until
// there are some or nothing follows.
func (m *machine) goOn() {
	if m.stopped() {
		m.actions = []Action{Pause{}}
		return
	}
	for {
		m.actions = m.todo()
		if m.entered && (len(m.actions) > 0 || m.over()) {
			m.note(m.sentence(), "", Actor{})
			m.entered = false
		}
		if len(m.actions) > 0 || m.over() {
			return
		}
		m.advance()
	}
}

func (m *machine) did() {
	// What was measured comes with Measured, and a gate is left by time or by a person.
	if !m.over() && !m.stopped() && m.Phase != Verifying && m.Phase != Gate {
		m.advance()
	}
	m.goOn()
}

// failed stops the rollout, or takes it back if it was started so. While it is
// taken back, what fails is only noted: the next process tries again.
func (m *machine) failed(reason string) {
	if m.over() {
		return
	}
	m.note("stopped", reason, Actor{})
	switch {
	case m.takenBack():
		if m.Failure == "" {
			m.Failure = reason
		}
		m.actions = []Action{Pause{}}
	case m.Settings.AbortOnFailure && m.Phase != Committing && !m.Committed:
		m.Failure = reason
		m.takeBack()
	default:
		m.stop(reason)
	}
}

// stop waits for a person's decision about a failure.
func (m *machine) stop(reason string) {
	m.Failure = reason
	m.Deadline = time.Time{}
	if !m.Committed {
		m.Deadline = m.deadline()
	}
	m.actions = []Action{Pause{}}
}

// measured takes measurements up and judges them.
func (m *machine) measured(runs []Run) {
	if m.Phase != Verifying || m.stopped() {
		m.goOn()
		return
	}
	m.Runs = slices.Clone(m.Runs)
	for i, run := range m.Runs {
		for _, r := range runs {
			if r.Metric == run.Metric && r.Step == run.Step {
				m.Runs[i] = r.clone()
			}
		}
	}
	switch Overall(m.Runs) {
	case Bad, Erroneous:
		m.failed(because(m.Runs))
	case Undecided:
		m.Inconclusive = true
		m.note("measurements are inconclusive", because(m.Runs), Actor{})
		m.enter(Gate)
		m.goOn()
	default:
		m.goOn()
	}
}

// advance enters the phase that follows when all goes well.
func (m *machine) advance() {
	if pin := m.View().Pin; pin != CanarySide {
		m.AllTraffic = false
		m.Pins = pin != ""
	}
	if next, ok := following[m.Phase]; ok {
		m.enter(next)
		return
	}
	switch m.Phase {
	case Preparing:
		if m.Settings.Pinned {
			m.enter(Pinning)
		} else {
			m.enter(Scaling)
		}
	case Scaling:
		if m.Back {
			m.enter(Gate)
		} else {
			m.enter(Shifting)
		}
	case Gate:
		m.Inconclusive = false
		if m.Step == len(m.Steps)-1 {
			m.enter(Committing)
			return
		}
		m.Step++
		m.enter(Scaling)
	case Committing:
		if m.Committed {
			m.enter(Templating)
			return
		}
		m.Committed = true
		m.note("committed: the canary serves alone, and the stable side is given up", "", Actor{})
	case Lowering:
		m.Step--
		m.enter(Scaling)
	}
}

// following are the phases that have but one successor.
var following = map[Phase]Phase{
	Planned:    Preparing,
	Pinning:    Scaling,
	Shifting:   Verifying,
	Verifying:  Gate,
	Templating: Adopting,
	Adopting:   Resuming,
	Resuming:   Unpinning,
	Unpinning:  Cleaning,
	Cleaning:   Done,
	Returning:  Clearing,
	Clearing:   Restoring,
	Restoring:  Aborted,
}

// enter changes the phase and keeps the books of what it begins.
func (m *machine) enter(p Phase) {
	m.Phase, m.EnteredAt, m.Deadline, m.entered = p, m.now, time.Time{}, true
	switch p {
	case Scaling, Lowering, Returning, Clearing, Restoring:
		m.Runs, m.ReachedAt = nil, time.Time{}
	case Verifying:
		m.Runs, m.ReachedAt = m.NewRuns(m.now), m.now
	case Gate:
		if m.Back {
			m.Back, m.ReachedAt = false, m.now
		}
		if m.waitsForPerson() {
			m.Deadline = m.deadline()
		}
	}
	if pin := m.View().Pin; pin != "" {
		m.Pins = true
		m.AllTraffic = m.AllTraffic || pin == CanarySide
	}
}

// deadline returns when a decision that is waited for is overdue; zero is never.
func (m *machine) deadline() time.Time {
	if m.Settings.GateFor <= 0 {
		return time.Time{}
	}
	return m.now.Add(m.Settings.GateFor)
}

// waitsForPerson reports whether the step's gate needs a promote.
func (m *machine) waitsForPerson() bool {
	step := m.Steps[m.Step]
	return m.Inconclusive || step.Gate != Auto && !step.Implied
}

func (m *machine) note(what, reason string, actor Actor) {
	entry := Entry{At: m.now, Phase: m.Phase, Step: m.Step, What: what, Actor: actor, Reason: reason}
	journal := append(slices.Clone(m.Journal), entry)
	m.Journal = journal[max(0, len(journal)-journalSize):]
}
