package rollout

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"
)

// FuzzNext gives the machine events in any order, and holds what has to be true
// of every view that it makes.
func FuzzNext(f *testing.F) {
	for kind := range byte(24) {
		f.Add([]byte{kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
		f.Add([]byte{kind, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 2, 0, 4, 0, 6, 1, 1, 0})
		f.Add([]byte{kind, 0, 0, 0, 0, 2, 5, 3, 9, 0, 0, 2, 6, 0, 2, 1, 0, 8, 10, 9, 0})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 || len(data) > 300 {
			return
		}
		r := &replay{t: t, State: fuzzedState(data[0]), now: time.Unix(0, 0)}
		r.give(Go{})
		for _, b := range data[1:] {
			r.give(r.event(b))
		}
		r.finish()
	})
}

// fuzzedState returns one of the kinds of rollouts, planned.
func fuzzedState(b byte) State {
	s := State{Release: "web", Base: 1, Revision: 2, Phase: Planned}
	bit := func(n int) bool { return b>>n&1 == 1 }
	s.Settings = Settings{Strategy: Canary, AbortOnFailure: bit(2), GateFor: time.Hour}
	weights := []int{10, 25, 50}
	switch b & 3 {
	case 1:
		s.Settings.Strategy, s.Settings.Pinned = BlueGreen, true
		weights = []int{0, 100}
	case 2:
		s.Settings.Pinned, s.Settings.Settle = true, time.Second
		weights = []int{0, 50}
	case 3:
		s.Settings.Total = true
	}
	if bit(3) {
		s.Settings.Metrics = []Metric{{Name: "a"}, {Name: "b", FromWeight: 50}}
		s.Settings.Hooks = AtStart
	}
	for i, weight := range weights {
		step := Step{Weight: weight}
		if s.Settings.Strategy == Canary {
			split, _, _ := Ratio{Total: s.Settings.Total, Surge: 100, Tolerance: 5}.Split(fuzzedPods, weight)
			step.Counts = map[string]Split{"Deployment/web": split}
		}
		if bit(4) {
			step.Gate, step.Pause = Auto, time.Duration(i)*time.Minute
		}
		s.Steps = append(s.Steps, step)
	}
	s.Steps, _ = Normalise(s.Settings.Strategy, s.Steps)
	if s.Settings.Total {
		s.Steps[3].Counts = map[string]Split{"Deployment/web": {Canary: fuzzedPods}}
	}
	return s
}

const fuzzedPods = 20

// replay is a machine with a cluster that does what it is told, or has not got
// round to it.
type replay struct {
	t *testing.T
	State
	now     time.Time
	actions []Action
	// last is the view that is live for certain, maybe has those that may be:
	// last, and what was asked for since.
	last    View
	maybe   []View
	resumed bool
}

func (r *replay) event(b byte) Event {
	verdicts := []Verdict{Successful, Bad, Undecided, Erroneous, NotYet}
	judged := func(runs []Run) []Run {
		runs = cloneRuns(runs)
		for i := range runs {
			runs[i].Verdict = verdicts[(int(b)/16+i)%len(verdicts)]
		}
		return runs
	}
	switch b % 12 {
	default:
		if len(r.actions) > 0 && isPause(r.actions[0]) {
			return Go{} // another process: it has carried out nothing yet
		}
		return Did{}
	case 1:
		return Go{}
	case 2:
		return Measured{Runs: judged(r.Runs)}
	case 3:
		return Failed{Reason: "it failed"}
	case 4:
		return Promote{Full: b/16 == 5}
	case 5:
		return Abort{}
	case 6:
		return Undo{}
	case 7:
		return Guard{Runs: judged(r.NewRuns(r.now))}
	case 8:
		r.now = r.now.Add(time.Duration(b) * time.Minute / 4)
		return Go{}
	}
}

// give hands an event over and checks everything that holds always.
func (r *replay) give(e Event) {
	r.t.Helper()
	before, _ := json.Marshal(r.State)
	after, actions, err := Next(r.State, r.now, e)
	if again, _ := json.Marshal(r.State); string(before) != string(again) {
		r.t.Fatalf("%T changed the state that it was given", e)
	}
	if err != nil {
		var refused *RefusedError
		if !errors.As(err, &refused) || !reflect.DeepEqual(after, r.State) || actions != nil {
			r.t.Fatalf("%T is refused in an odd way: %v", e, err)
		}
		return
	}
	end := after.Phase == Done || after.Phase == Aborted
	if end != (len(actions) == 0) {
		r.t.Fatalf("%T: phase %s with actions %v", e, after.Phase, actions)
	}
	if _, ok := e.(Did); ok && after.Phase != r.Phase {
		r.carriedOut()
	}
	r.State, r.actions = after, actions
	for _, a := range actions {
		if m, ok := a.(Make); ok {
			r.checkView(m.View)
			r.maybe = append(r.maybe, m.View)
		}
	}
	r.checkBooks()
	r.checkKill(e)
}

// carriedOut is told when all actions of a phase were.
func (r *replay) carriedOut() {
	for _, a := range r.actions {
		if m, ok := a.(Make); ok {
			r.last, r.maybe = m.View, []View{m.View}
			r.resumed = r.resumed || r.Phase == Resuming
		}
	}
}

func (r *replay) checkView(v View) {
	r.t.Helper()
	fail := func(why string) { r.t.Fatalf("phase %s step %d: %s: %+v after %+v", r.Phase, r.Step, why, v, r.last) }
	switch {
	case r.Committed && !v.Clones && !r.resumed:
		fail("the canary is gone before the stable side is ready")
	case v.Pin == CanarySide && !(v.Clones && v.Full) && !v.Adopted:
		fail("Services select a canary without all its pods")
	case v.Pin == CanarySide && !r.Committed && !(r.last.Clones && r.last.Full):
		fail("Services select a canary whose pods were not waited for")
	case v.Pin == Stable && !v.Paused:
		fail("Services select a stable side that is not paused")
	case v.Pin == Stable && !r.last.Paused:
		fail("Services select the stable side in the write that pauses it")
	case !v.Paused && r.Phase != Restoring && slices.ContainsFunc(r.maybe, func(m View) bool { return m.Pin == Stable }):
		fail("the stable side is resumed while Services may select it")
	case v.Routed && v.Weight > 0 && !r.last.Clones:
		fail("routes carry traffic to a canary that is not ready")
	case !v.Clones && r.last.Routed && r.last.Weight > 0 && !v.Target:
		fail("the canary goes before its traffic")
	}
	if !r.Settings.Total || r.Committed || v.Pin != "" {
		return
	}
	const w = "Deployment/web"
	switch {
	case v.Clones && !v.Full && v.Counts[w].Stable+min(v.Counts[w].Canary, r.last.Counts[w].Canary) < fuzzedPods:
		fail("fewer pods than the workload has")
	case !v.Clones && slices.ContainsFunc(r.maybe, func(m View) bool { return m.Clones && m.Counts[w].Stable < fuzzedPods }):
		fail("the canary goes before the stable side is back")
	}
}

// checkBooks holds that what may be live is in the state.
func (r *replay) checkBooks() {
	r.t.Helper()
	for _, v := range r.maybe {
		if v.Pin == CanarySide && !r.AllTraffic || v.Pin != "" && !r.Pins {
			r.t.Fatalf("phase %s: Services may be pinned by %+v, and the state does not say so", r.Phase, v)
		}
	}
	if r.Phase == Aborted && (!reflect.DeepEqual(r.last, View{}) || r.Pins || r.AllTraffic || r.Committed) {
		r.t.Fatalf("taken back, and left: %+v", r.last)
	}
	if len(r.Journal) > journalSize {
		r.t.Fatalf("the journal has %d entries", len(r.Journal))
	}
}

// checkKill has another process go on, twice: it is given the same as the one
// that was killed, but after what only ends a process.
func (r *replay) checkKill(e Event) {
	r.t.Helper()
	first, actions, err := Next(r.State, r.now, Go{})
	if err != nil {
		r.t.Fatal(err)
	}
	second, again, _ := Next(first, r.now, Go{})
	if !reflect.DeepEqual(first, second) || !reflect.DeepEqual(actions, again) {
		r.t.Fatalf("phase %s: who goes on twice is given something else: %v, %v", r.Phase, actions, again)
	}
	switch e.(type) {
	case Failed, Guard:
		return
	}
	if !reflect.DeepEqual(first, r.State) || !reflect.DeepEqual(actions, r.actions) {
		r.t.Fatalf("phase %s after %T: the next process is given something else: %v, %v", r.Phase, e, r.actions, actions)
	}
}

// finish has everything go well from here on, which leads to an end.
func (r *replay) finish() {
	r.t.Helper()
	r.give(Go{})
	for range 200 {
		if r.Phase == Done || r.Phase == Aborted {
			return
		}
		switch a := r.actions[len(r.actions)-1].(type) {
		case Pause:
			r.give(Promote{})
		case Wait:
			r.now = a.Until
			r.give(Go{})
		case Measure:
			runs := cloneRuns(a.Runs)
			for i := range runs {
				runs[i].Verdict = Successful
			}
			r.give(Measured{Runs: runs})
		default:
			r.give(Did{})
		}
	}
	r.t.Fatalf("no end: still in the phase %s", r.Phase)
}

func isPause(a Action) bool {
	_, ok := a.(Pause)
	return ok
}
