package notify

import (
	"fmt"
	"slices"
	"time"

	"github.com/e6d26078/slipway/release/rollout"
)

// Event is what somebody is told of.
type Event string

// The events.
const (
	Started      Event = "started"
	Waiting      Event = "waiting"      // at a gate
	Continued    Event = "continued"    // after a gate
	Inconclusive Event = "inconclusive" // measurements are neither good nor bad
	Failed       Event = "failed"       // it stopped; with phase returning it is being taken back
	Undoing      Event = "undoing"      // one step back
	Aborting     Event = "aborting"     // being taken back
	Aborted      Event = "aborted"      // everything is as it was
	Committed    Event = "committed"    // the new version serves alone
	Stuck        Event = "stuck"        // stopped after that
	Done         Event = "done"
)

// Events lists them all.
func Events() []Event {
	return []Event{Started, Waiting, Continued, Inconclusive, Failed, Undoing, Aborting, Aborted, Committed, Stuck, Done}
}

// between finds out what happened between two states, "" if nothing that
// anybody would want to know.
func between(before, after *rollout.State) Event {
	if before == nil || before.ID != after.ID {
		return Started
	}
	entered := func(phases ...rollout.Phase) bool {
		return slices.Contains(phases, after.Phase) && !slices.Contains(phases, before.Phase)
	}
	switch {
	case entered(rollout.Done):
		return Done
	case entered(rollout.Aborted):
		return Aborted
	case after.Failure != "" && before.Failure == "" && after.Committed:
		return Stuck
	case after.Failure != "" && before.Failure == "":
		return Failed
	case entered(rollout.Returning, rollout.Clearing, rollout.Restoring):
		return Aborting
	case entered(rollout.Lowering):
		return Undoing
	case after.Inconclusive && !before.Inconclusive:
		return Inconclusive
	case after.Committed && !before.Committed:
		return Committed
	case entered(rollout.Gate):
		return Waiting
	case before.Phase == rollout.Gate && after.Phase != rollout.Gate:
		return Continued
	}
	return ""
}

// Message is what a webhook is told.
type Message struct {
	Event     Event            `json:"event"`
	ID        string           `json:"id"` // of the rollout
	Release   string           `json:"release"`
	Namespace string           `json:"namespace"`
	Base      int              `json:"base"`
	Revision  int              `json:"revision"`
	Strategy  rollout.Strategy `json:"strategy"`
	Phase     rollout.Phase    `json:"phase"`
	Step      int              `json:"step"` // from 1
	Steps     int              `json:"steps"`
	Weight    int              `json:"weight"` // of the step, per cent
	Failure   string           `json:"failure,omitempty"`
	At        time.Time        `json:"at"` // when the phase was entered
	Deadline  time.Time        `json:"deadline,omitzero"`
	Starter   rollout.Actor    `json:"starter"`
	Approver  rollout.Actor    `json:"approver,omitzero"`
	Text      string           `json:"text"` // for people
}

// message words an event.
func message(e Event, s *rollout.State) Message {
	m := Message{
		Event: e, ID: s.ID, Release: s.Release, Namespace: s.Namespace, Base: s.Base, Revision: s.Revision,
		Strategy: s.Settings.Strategy, Phase: s.Phase, Step: s.Step + 1, Steps: len(s.Steps), Weight: weight(s),
		Failure: s.Failure, At: s.EnteredAt, Deadline: s.Deadline, Starter: s.Starter, Approver: s.Approver,
	}
	m.Text = fmt.Sprintf("%s/%s revision %d (%s) %s", s.Namespace, s.Release, s.Revision, s.Settings.Strategy, words(e, s))
	return m
}

// words say what happened, after the name of the rollout.
func words(e Event, s *rollout.State) string {
	because := ""
	if s.Failure != "" {
		because = ": " + s.Failure
	}
	switch e {
	case Started:
		return "is being rolled out"
	case Waiting:
		until := ""
		if !s.Deadline.IsZero() {
			until = ", until " + s.Deadline.UTC().Format(time.RFC3339)
		}
		return fmt.Sprintf("has reached %d %% and waits at its gate%s", weight(s), until)
	case Continued:
		return fmt.Sprintf("goes on to %d %%", weight(s))
	case Inconclusive:
		return fmt.Sprintf("was stopped at %d %%, as measurements are inconclusive%s", weight(s), because)
	case Failed:
		return fmt.Sprintf("has failed at %d %%%s", weight(s), because)
	case Undoing:
		return "goes back by one step"
	case Aborting:
		return "is being taken back" + because
	case Aborted:
		return fmt.Sprintf("was taken back to revision %d%s", s.Base, because)
	case Committed:
		return "serves alone and is being made permanent"
	case Stuck:
		return "serves alone, but could not be made permanent" + because
	}
	return "is rolled out"
}

func weight(s *rollout.State) int {
	if s.Step < 0 || s.Step >= len(s.Steps) {
		return 0
	}
	return s.Steps[s.Step].Weight
}
