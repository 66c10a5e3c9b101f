package rollout

import (
	"fmt"
	"slices"
	"strings"
)

// promote lets a gate be passed, or what failed be tried again. Elsewhere it
// goes on as a new process does.
func (m *machine) promote(e Promote) error {
	switch {
	case m.Phase == Done:
		return m.refused("is done", "start a new one")
	case m.Phase == Aborted:
		return m.refused("was taken back", "start a new one")
	case m.takenBack():
		return m.refused("is being taken back", "let abort finish that, then start a new one")
	}
	gate := m.Phase == Gate && m.Failure == ""
	decides := gate || m.Failure != "" || e.Full
	if decides && !m.Committed { // after that the decision has been made
		if err := m.mayApprove(e.Actor); err != nil {
			return err
		}
	}
	if e.Full {
		m.Steps = slices.Clone(m.Steps)
		for i := m.Step; i < len(m.Steps); i++ {
			m.Steps[i].Gate, m.Steps[i].Pause = Auto, 0
		}
	}
	if decides {
		m.Approver = e.Actor
		m.note(promotion(e, m.Failure != ""), "", e.Actor)
	}
	if m.stopped() {
		m.Failure = ""
		m.enter(m.Phase) // measurements begin anew
		m.entered = false
	}
	if gate {
		m.advance()
	}
	m.goOn()
	return nil
}

// mayApprove refuses those who are not to decide about the rollout.
func (m *machine) mayApprove(who Actor) error {
	approvers := m.Settings.Approvers
	switch {
	case len(approvers) > 0 && !slices.Contains(approvers, who.Name):
		return m.refused(fmt.Sprintf("is approved by nobody but %s, not by %q", strings.Join(approvers, ", "), who.Name), "have one of them approve it")
	case m.Settings.FourEyes && (who.Name == "" || who.Name == m.Starter.Name):
		return m.refused(fmt.Sprintf("is not approved by %q, who has started it", who.Name), "have somebody else approve it")
	}
	return nil
}

func promotion(e Promote, again bool) string {
	switch {
	case e.Full:
		return "promoted to the end"
	case again:
		return "promoted: what failed is tried again"
	}
	return "promoted"
}

// abort takes the rollout back, or goes on with that.
func (m *machine) abort(e Abort) error {
	if m.Phase == Aborted {
		return nil
	}
	if err := m.irrevocable(); err != nil {
		return err
	}
	m.Failure = ""
	m.note("aborted", e.Reason, e.Actor)
	if m.takenBack() {
		m.goOn()
		return nil
	}
	m.takeBack()
	return nil
}

// undo goes back by one step, or goes on with that.
func (m *machine) undo(e Undo) error {
	if err := m.irrevocable(); err != nil {
		return err
	}
	switch {
	case m.Phase == Aborted:
		return m.refused("was taken back", "start a new one")
	case m.takenBack():
		return m.refused("is being taken back as a whole", "let abort finish that")
	}
	first := m.Step == 0 && !m.Back
	m.Failure, m.Inconclusive = "", false
	m.note("undone", "", e.Actor)
	switch {
	case first:
		m.takeBack()
	case m.Back: // the same undo goes on
		m.goOn()
	default:
		// A person went back, so a person goes on.
		m.Steps = slices.Clone(m.Steps)
		m.Steps[m.Step-1].Gate = Manual
		m.Back = true
		m.enter(Lowering)
		m.goOn()
	}
	return nil
}

// irrevocable refuses what cannot be taken back any more.
func (m *machine) irrevocable() error {
	switch {
	case m.Phase == Done:
		return m.refused("is done", fmt.Sprintf("roll back to revision %d, or start a rollout of what it had", m.Base))
	case m.Committed:
		return m.refused("is past the commit: the canary serves alone",
			fmt.Sprintf("go on with promote; when it is done, roll back to revision %d", m.Base))
	}
	return nil
}

func (m *machine) refused(why, remedy string) error {
	return &RefusedError{Why: fmt.Sprintf("the rollout of %s to revision %d %s", m.Release, m.Revision, why), Remedy: remedy}
}

// guard takes back a rollout that waits and fails, or waits too long, and goes
// on with taking back. It never lets one go on in the other direction.
func (m *machine) guard(e Guard) {
	if m.takenBack() {
		m.goOn()
		return
	}
	if m.Phase == Done {
		return
	}
	m.actions = []Action{Pause{}}
	if m.Committed || m.Phase != Gate && !m.stopped() {
		return
	}
	m.GuardedAt = m.now
	if len(e.Runs) > 0 {
		m.Runs = cloneRuns(e.Runs)
	}
	reason := ""
	switch Overall(e.Runs) {
	case Bad, Erroneous:
		reason = because(e.Runs)
	case Undecided:
		m.note("a guard's measurements are inconclusive", because(e.Runs), e.Actor)
	}
	if reason == "" && !m.Deadline.IsZero() && m.now.After(m.Deadline) {
		reason = "nobody decided until " + m.Deadline.UTC().Format("2006-01-02 15:04:05 MST")
		if m.Failure != "" {
			reason += ": " + m.Failure
		}
	}
	if reason == "" {
		return
	}
	m.note("aborted by a guard", reason, e.Actor)
	m.Failure = reason
	m.takeBack()
}

// takeBack begins the way back, at the first phase that has something to do:
// traffic that only pods divide moves with them, and before the canary was made
// there is only what was prepared.
func (m *machine) takeBack() {
	next := Clearing
	switch {
	case slices.Contains([]Phase{Planned, Preparing, Pinning}, m.Phase):
		next = Restoring
	case m.moved():
		next = Returning
	}
	m.Inconclusive, m.Back = false, false
	m.enter(next)
	m.goOn()
}

// moved reports whether the canary has got traffic otherwise than by its pods,
// or the stable side is smaller than it was.
func (m *machine) moved() bool {
	reached := m.Step
	if m.Phase == Scaling && !m.Back {
		reached--
	}
	if m.AllTraffic || reached < 0 {
		return m.AllTraffic
	}
	return m.Settings.Total || m.routed() && m.Steps[reached].Weight > 0
}
