package rollout

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// reach brings a rollout to a phase of a step, past gates and good measurements.
func reach(t *testing.T, s State, phase Phase, step int) State {
	t.Helper()
	for range 100 {
		if s.Phase == phase && s.Step == step {
			return s
		}
		if s.Phase == Planned {
			s = next(t, s, Go{})
			continue
		}
		s = reachNext(t, s)
	}
	t.Fatalf("%s %d is not reached", phase, step)
	return s
}

func next(t *testing.T, s State, events ...Event) State {
	t.Helper()
	for _, e := range events {
		var err error
		if s, _, err = Next(s, noon, e); err != nil {
			t.Fatalf("%s: %T: %v", s.Phase, e, err)
		}
	}
	return s
}

// planned is a rollout in three steps with one metric.
func planned(change func(*State)) State {
	s := State{
		Release: "web", Base: 1, Revision: 2, Phase: Planned,
		Settings: Settings{Strategy: Canary, GateFor: time.Hour, Metrics: []Metric{{Name: "errors", FromWeight: 20}}},
		Steps:    []Step{{Weight: 10}, {Weight: 50}, {Weight: 100}},
	}
	if change != nil {
		change(&s)
	}
	return s
}

func TestNext(t *testing.T) {
	ann := Actor{Name: "ann"}
	for _, test := range []struct {
		sentence string
		from     State
		event    Event
		phase    Phase
		also     func(State) bool
	}{
		{"a metric is not measured below its weight", reach(t, planned(nil), Shifting, 0), Did{}, Gate, func(s State) bool { return s.Runs == nil }},
		{"a metric is measured from its weight on", reach(t, planned(nil), Shifting, 1), Did{}, Verifying,
			func(s State) bool { return len(s.Runs) == 1 && s.Runs[0].Step == 1 && s.Runs[0].StartedAt.Equal(noon) }},
		{"a gate has a deadline", reach(t, planned(nil), Shifting, 0), Did{}, Gate, func(s State) bool { return s.Deadline.Equal(noon.Add(time.Hour)) }},
		{"a gate without a time has none", reach(t, planned(func(s *State) { s.Settings.GateFor = 0 }), Shifting, 0), Did{}, Gate,
			func(s State) bool { return s.Deadline.IsZero() }},
		{"who promotes is remembered, and the deadline goes", reach(t, planned(nil), Gate, 0), Promote{Actor: ann}, Scaling,
			func(s State) bool { return s.Approver == ann && s.Deadline.IsZero() && s.Step == 1 }},
		{"measurements of another step do not count", reach(t, planned(nil), Verifying, 1), Measured{Runs: []Run{{Metric: "errors", Step: 0, Verdict: Bad}}}, Verifying,
			func(s State) bool { return s.Failure == "" }},
		{"measurements that come late do not count", reach(t, planned(nil), Gate, 1), Measured{Runs: []Run{{Metric: "errors", Step: 1, Verdict: Bad}}}, Gate,
			func(s State) bool { return s.Failure == "" }},
		{"a promotion goes on where a process was killed, and skips no gate", reach(t, planned(nil), Scaling, 0), Promote{Actor: ann}, Scaling,
			func(s State) bool { return s.Approver == Actor{} && s.Steps[0].Gate == "" }},
		{"to the end means all gates", reach(t, planned(nil), Gate, 0), Promote{Full: true}, Scaling,
			func(s State) bool { return s.Steps[1].Gate == Auto && s.Steps[2].Gate == Auto }},
		{"a promotion before the pause is over counts", reach(t, planned(func(s *State) { s.Steps[0] = Step{Weight: 10, Gate: Auto, Pause: time.Hour} }), Gate, 0), Promote{}, Scaling, nil},
		{"the commit comes after configuration was looked at", reach(t, planned(nil), Committing, 2), Did{}, Templating, func(s State) bool { return s.Committed }},
		{"changed configuration stops, and takes nothing back", reach(t, planned(func(s *State) { s.Settings.AbortOnFailure = true }), Committing, 2), Failed{"changed"}, Committing,
			func(s State) bool { return !s.Committed && s.Failure == "changed" }},
		{"after the commit a failure takes nothing back", reach(t, planned(func(s *State) { s.Settings.AbortOnFailure = true }), Resuming, 2), Failed{"slow"}, Resuming,
			func(s State) bool { return s.Failure == "slow" && s.Deadline.IsZero() }},
		{"a guard does not let a rollout go on", reach(t, planned(func(s *State) { s.Steps[0] = Step{Weight: 10, Gate: Auto, Pause: time.Nanosecond} }), Gate, 0),
			Guard{Runs: []Run{{Metric: "errors", Verdict: Successful}}}, Gate, func(s State) bool { return s.GuardedAt.Equal(noon) }},
		{"a guard leaves alone what does not wait", reach(t, planned(nil), Scaling, 1), Guard{Runs: []Run{{Metric: "errors", Verdict: Bad}}}, Scaling,
			func(s State) bool { return s.GuardedAt.IsZero() }},
		{"an undo keeps the gate for a person", next(t, reach(t, planned(func(s *State) { s.Steps[0].Gate = Auto }), Gate, 1), Undo{}, Did{}), Did{}, Gate,
			func(s State) bool { return s.Step == 0 && s.Steps[0].Gate == Manual && !s.Back && s.Runs == nil }},
		{"an abort by a person is no failure", reach(t, planned(nil), Gate, 1), Abort{Reason: "wrong"}, Clearing, func(s State) bool { return s.Failure == "" }},
		{"an abort at the end is none", next(t, reach(t, planned(nil), Gate, 0), Abort{}, Did{}, Did{}), Abort{}, Aborted, nil},
	} {
		got, actions, err := Next(test.from, noon, test.event)
		if err != nil || got.Phase != test.phase {
			t.Errorf("%s: phase %s, %v", test.sentence, got.Phase, err)
		} else if test.also != nil && !test.also(got) {
			t.Errorf("%s: does not hold: %+v with %v", test.sentence, got, actions)
		}
	}
}

// TestCommandsThatDoNotFitAreRefused holds that a refusal changes nothing and says what to do.
func TestCommandsThatDoNotFitAreRefused(t *testing.T) {
	committed, done := reach(t, planned(nil), Templating, 2), reach(t, planned(nil), Done, 2)
	leaving := next(t, reach(t, planned(nil), Gate, 0), Abort{})
	aborted := next(t, leaving, Did{}, Did{})
	for _, test := range []struct {
		from  State
		event Event
		why   string
	}{
		{committed, Abort{}, "past the commit"},
		{committed, Undo{}, "past the commit"},
		{done, Abort{}, "is done"},
		{done, Undo{}, "is done"},
		{done, Promote{}, "is done"},
		{leaving, Promote{}, "is being taken back"},
		{leaving, Undo{}, "is being taken back"},
		{aborted, Promote{}, "was taken back"},
		{aborted, Undo{}, "was taken back"},
	} {
		got, actions, err := Next(test.from, noon, test.event)
		var refused *RefusedError
		if !errors.As(err, &refused) || !strings.Contains(refused.Why, test.why) || refused.Remedy == "" {
			t.Errorf("%s: %T: %v", test.from.Phase, test.event, err)
		}
		if actions != nil || !reflect.DeepEqual(got, test.from) {
			t.Errorf("%s: %T is refused, and changes something", test.from.Phase, test.event)
		}
	}
}

// TestTheJournalIsBounded holds that a rollout that goes to and fro for ever does not grow.
func TestTheJournalIsBounded(t *testing.T) {
	s := reach(t, planned(nil), Gate, 1)
	for range 100 {
		s = next(t, s, Undo{}, Did{}, Did{}, Promote{}, Did{}, Did{})
		s = reach(t, s, Gate, 1)
	}
	if len(s.Journal) != journalSize || s.Journal[journalSize-1].What != "a person decides at step 2 of 3 (50%)" {
		t.Errorf("%d entries, the last is %q", len(s.Journal), s.Journal[len(s.Journal)-1].What)
	}
	for _, e := range s.Journal {
		if e.What == "" || e.Phase == "" || !e.At.Equal(noon) {
			t.Errorf("entry %+v", e)
		}
	}
}

// TestAFailureInEveryPhase takes everything back before the commit, or stops,
// and leads to the end after it.
func TestAFailureInEveryPhase(t *testing.T) {
	for _, takesBack := range []bool{true, false} {
		for _, strategy := range []Strategy{Canary, BlueGreen} {
			s := planned(func(s *State) {
				s.Settings.Strategy, s.Settings.AbortOnFailure = strategy, takesBack
				if strategy == BlueGreen {
					s.Settings.Pinned, s.Steps = true, []Step{{}, {Weight: 100}}
				}
			})
			last := len(s.Steps) - 1
			for s = next(t, s, Go{}); s.Phase != Done; s = reachNext(t, s) {
				name := fmt.Sprintf("%s %s %d, taken back %t", strategy, s.Phase, s.Step, takesBack)
				failed, actions, err := Next(s, noon, Failed{Reason: "why"})
				if err != nil || len(actions) == 0 || failed.Failure != "why" {
					t.Fatalf("%s: %v, %v, %q", name, err, actions, failed.Failure)
				}
				if takesBack && !s.Committed && s.Phase != Committing {
					for range 4 {
						failed = next(t, failed, Did{})
					}
					if failed.Phase != Aborted || failed.Failure != "why" {
						t.Errorf("%s: ends in %s", name, failed.Phase)
					}
					continue
				}
				if failed.Phase != s.Phase {
					t.Errorf("%s: goes to %s", name, failed.Phase)
				}
				again := next(t, failed, Promote{})
				if again.Failure != "" || again.Phase != s.Phase {
					t.Errorf("%s: promote does not try again: %s, %q", name, again.Phase, again.Failure)
				}
				reach(t, again, Done, last)
			}
		}
	}
}

// reachNext goes on by one phase, past measurements and gates.
func reachNext(t *testing.T, s State) State {
	t.Helper()
	e := Event(Did{})
	switch s.Phase {
	case Gate:
		e = Promote{}
	case Verifying:
		runs := cloneRuns(s.Runs)
		for i := range runs {
			runs[i].Verdict = Successful
		}
		e = Measured{Runs: runs}
	}
	return next(t, s, e)
}
