package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// keptMeasurements is how many measurements a run keeps; of older ones it has the counts.
	keptMeasurements = 20
	// errorLimit and errorRetry are Argo Rollouts' defaults.
	errorLimit = 4
	errorRetry = 10 * time.Second
)

// Judge decides about a run from the measurements that it has so far: the
// result has the verdict, and no more measurements than are kept. due is when
// the next one is to be taken, which may be before now; it is zero when the run
// is over. It follows from what is stored alone, so that a run that was
// interrupted goes on where it was. holdFor is how long the step's weight is
// held: a metric with an interval and without a count is measured so long.
//
// As in Argo Rollouts a run fails, is inconclusive or in error as soon as a
// limit is passed; errors do not count towards the count, and it succeeds when
// that is reached.
func Judge(m Metric, r Run, now time.Time, holdFor time.Duration) (judged Run, due time.Time) {
	r = r.clone()
	if old := len(r.Measurements) - keptMeasurements; old > 0 {
		r.Dropped = r.Dropped.with(r.Measurements[:old])
		r.Measurements = slices.Clone(r.Measurements[old:])
	}
	if r.Verdict != NotYet {
		return r, time.Time{}
	}
	if len(r.Measurements) == 0 {
		return r, r.StartedAt.Add(m.InitialDelay)
	}
	sum := r.Tally()
	r.Verdict, r.Message = m.verdict(sum)
	if r.Verdict != NotYet {
		if last := r.Measurements[len(r.Measurements)-1].Message; last != "" {
			r.Message += ": " + last
		}
		return r, time.Time{}
	}
	taken := sum.Successful + sum.Failed + sum.Inconclusive
	due = r.Measurements[len(r.Measurements)-1].At.Add(m.every())
	held := m.Count <= 0 && m.Interval > 0 && due.After(r.StartedAt.Add(holdFor))
	if most := m.most(); most > 0 && taken >= most || taken > 0 && held {
		r.Verdict, r.Message = Successful, fmt.Sprintf("%d of %d measurements are good", sum.Successful, taken)
		return r, time.Time{}
	}
	return r, due
}

// most returns how many measurements are taken, 0 for as many as fit in the time.
func (m Metric) most() int {
	if m.Count > 0 || m.Interval > 0 {
		return max(m.Count, 0)
	}
	return 1
}

// every returns the time between measurements. Without an interval only errors have a next one.
func (m Metric) every() time.Duration {
	if m.Interval > 0 {
		return m.Interval
	}
	return errorRetry
}

// verdict returns what the limits say of a run, and why.
func (m Metric) verdict(sum Tally) (Verdict, string) {
	errors := errorLimit
	if m.ConsecutiveErrorLimit != nil {
		errors = *m.ConsecutiveErrorLimit
	}
	passed := func(n, limit int) bool { return limit >= 0 && n > limit }
	switch {
	case passed(sum.Failed, m.FailureLimit):
		return Bad, fmt.Sprintf("%d failed, %d may", sum.Failed, m.FailureLimit)
	case passed(sum.Inconclusive, m.InconclusiveLimit):
		return Undecided, fmt.Sprintf("%d inconclusive, %d may be", sum.Inconclusive, m.InconclusiveLimit)
	case passed(sum.ErrorsInRow, errors):
		return Erroneous, fmt.Sprintf("%d errors in a row, %d may be", sum.ErrorsInRow, errors)
	}
	return NotYet, ""
}

// Tally counts all measurements of the run, also those that it does not keep any more.
func (r Run) Tally() Tally { return r.Dropped.with(r.Measurements) }

func (t Tally) with(measurements []Measurement) Tally {
	for _, m := range measurements {
		if m.Verdict == Erroneous {
			t.Errors++
			t.ErrorsInRow++
			continue
		}
		t.ErrorsInRow = 0
		switch m.Verdict {
		case Successful:
			t.Successful++
		case Bad:
			t.Failed++
		default:
			t.Inconclusive++
		}
	}
	return t
}

// Overall is the verdict of a step: the worst that one of its runs has come to,
// else none while one is not over. Without runs it is successful.
func Overall(runs []Run) Verdict {
	for _, v := range []Verdict{Bad, Erroneous, Undecided, NotYet} {
		if slices.ContainsFunc(runs, func(r Run) bool { return r.Verdict == v }) {
			return v
		}
	}
	return Successful
}

// because says which runs are not good, and why.
func because(runs []Run) string {
	var why []string
	for _, r := range runs {
		if r.Verdict == NotYet || r.Verdict == Successful {
			continue
		}
		s := fmt.Sprintf("metric %s: %s", r.Metric, r.Verdict)
		if r.Message != "" {
			s += " (" + r.Message + ")"
		}
		why = append(why, s)
	}
	return strings.Join(why, "; ")
}

func (r Run) clone() Run {
	r.Measurements = slices.Clone(r.Measurements)
	return r
}

func cloneRuns(runs []Run) []Run {
	out := slices.Clone(runs)
	for i := range out {
		out[i] = out[i].clone()
	}
	return out
}
