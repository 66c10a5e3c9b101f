package rollout

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// letters write measurements: good, failed, inconclusive, error.
var letters = map[rune]Verdict{'g': Successful, 'f': Bad, 'i': Undecided, 'e': Erroneous}

// measure takes measurements whenever they are due until the run is over or
// there are no more of them. It tells when they were taken, in seconds.
func measure(m Metric, results string, holdFor time.Duration) (Run, []int) {
	start := time.Unix(1000, 0)
	run := Run{Metric: m.Name, StartedAt: start}
	var times []int
	for _, letter := range results {
		// Each is taken by a new process, which has only what was stored.
		data, _ := json.Marshal(run)
		run = Run{}
		_ = json.Unmarshal(data, &run)
		judged, due := Judge(m, run, start, holdFor)
		if due.IsZero() {
			break
		}
		again, same := Judge(m, judged, due.Add(time.Hour), holdFor)
		if !due.Equal(same) || !reflect.DeepEqual(judged, again) {
			panic("judging twice gives something else")
		}
		times = append(times, int(due.Sub(start)/time.Second))
		judged.Measurements = append(judged.Measurements, Measurement{At: due, Verdict: letters[letter], Message: "said so"})
		run = judged
	}
	run, _ = Judge(m, run, start, holdFor)
	return run, times
}

func TestJudge(t *testing.T) {
	two, unlimited := 2, -1
	for _, test := range []struct {
		name    string
		m       Metric
		results string
		hold    time.Duration
		want    Verdict
		times   string
	}{
		{"one measurement if nothing else is said", Metric{}, "ggg", 0, Successful, "[0]"},
		{"one failure is too many by default", Metric{Count: 3, Interval: time.Minute}, "gf", 0, Bad, "[0 60]"},
		{"as many failures as the limit may be", Metric{Count: 4, Interval: time.Second, FailureLimit: 2}, "ffgg", 0, Successful, "[0 1 2 3]"},
		{"one more may not, and ends it at once", Metric{Count: 9, Interval: time.Second, FailureLimit: 2}, "fgffg", 0, Bad, "[0 1 2 3]"},
		{"a limit below 0 is none", Metric{Count: 3, Interval: time.Second, FailureLimit: unlimited}, "fff", 0, Successful, "[0 1 2]"},
		{"inconclusive at once by default", Metric{Count: 3, Interval: time.Second}, "gi", 0, Undecided, "[0 1]"},
		{"inconclusive within its limit", Metric{Count: 3, Interval: time.Second, InconclusiveLimit: 1}, "gig", 0, Successful, "[0 1 2]"},
		{"four errors in a row may be, and do not count", Metric{Count: 2, Interval: time.Second}, "geeeeg", 0, Successful, "[0 1 2 3 4 5]"},
		{"five may not", Metric{Count: 2, Interval: time.Second}, "geeeeeg", 0, Erroneous, "[0 1 2 3 4 5]"},
		{"something else ends the row", Metric{Count: 3, Interval: time.Second, ConsecutiveErrorLimit: &two}, "eegeegeeg", 0, Successful, "[0 1 2 3 4 5 6 7 8]"},
		{"without an interval an error is tried again after ten seconds", Metric{}, "eeg", 0, Successful, "[0 10 20]"},
		{"it starts after a delay", Metric{Count: 2, Interval: time.Minute, InitialDelay: 30 * time.Second}, "ggg", 0, Successful, "[30 90]"},
		{"without a count as long as the step is held", Metric{Interval: time.Minute}, "ggggggg", 150 * time.Second, Successful, "[0 60 120]"},
		{"once at least", Metric{Interval: time.Minute}, "gg", 0, Successful, "[0]"},
		{"an error is not that one", Metric{Interval: time.Minute}, "eg", 0, Successful, "[0 60]"},
		{"not over yet", Metric{Count: 3, Interval: time.Minute}, "gg", 0, NotYet, "[0 60]"},
		{"not begun yet", Metric{}, "", 0, NotYet, "[]"},
	} {
		run, times := measure(test.m, test.results, test.hold)
		if run.Verdict != test.want || fmt.Sprint(times) != test.times {
			t.Errorf("%s: %q at %v (%s), want %q at %s", test.name, run.Verdict, times, run.Message, test.want, test.times)
		}
		if run.Verdict != NotYet && run.Message == "" {
			t.Errorf("%s: %s without a reason", test.name, run.Verdict)
		}
	}
}

// TestOldMeasurementsCount holds that a long run keeps few measurements, and counts all.
func TestOldMeasurementsCount(t *testing.T) {
	results := strings.Repeat("gegf", 100)
	m := Metric{Count: 1000, Interval: time.Second, FailureLimit: 1000}
	run, times := measure(m, results, 0)
	if len(times) != 400 || len(run.Measurements) != keptMeasurements {
		t.Errorf("%d measurements, %d kept", len(times), len(run.Measurements))
	}
	want := Tally{Successful: 200, Failed: 100, Errors: 100}
	if got := run.Tally(); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	if run, _ := measure(Metric{Interval: time.Second, FailureLimit: 40}, results, time.Hour); run.Verdict != Bad || run.Tally().Failed != 41 {
		t.Errorf("failures that were dropped are not counted: %s, %+v", run.Verdict, run.Tally())
	}
	// Errors in a row may be longer than what is kept.
	limit := 50
	run, _ = measure(Metric{Count: 2, Interval: time.Second, ConsecutiveErrorLimit: &limit}, "g"+strings.Repeat("e", 60), 0)
	if run.Verdict != Erroneous || run.Tally().ErrorsInRow != 51 {
		t.Errorf("errors that were dropped are not counted: %s, %+v", run.Verdict, run.Tally())
	}
}

func TestJudgeChangesNothingThatItIsGiven(t *testing.T) {
	measurements := make([]Measurement, keptMeasurements+5, keptMeasurements+50)
	for i := range measurements {
		measurements[i] = Measurement{Verdict: Successful, Message: fmt.Sprint(i)}
	}
	before := slices.Clone(measurements)
	run, _ := Judge(Metric{Count: 100, Interval: 1}, Run{Measurements: measurements}, time.Unix(0, 0), 0)
	run.Measurements[0].Message = "changed"
	if !slices.Equal(before, measurements) {
		t.Error("Judge shares measurements with its argument")
	}
}

func TestOverall(t *testing.T) {
	for _, test := range []struct {
		runs []Verdict
		want Verdict
	}{
		{nil, Successful},
		{[]Verdict{Successful, Successful}, Successful},
		{[]Verdict{Successful, NotYet}, NotYet},
		{[]Verdict{NotYet, Undecided}, Undecided},
		{[]Verdict{Undecided, Erroneous, NotYet}, Erroneous},
		{[]Verdict{Successful, Erroneous, Bad, Undecided}, Bad},
	} {
		var runs []Run
		for _, v := range test.runs {
			runs = append(runs, Run{Verdict: v})
		}
		if got := Overall(runs); got != test.want {
			t.Errorf("%q: %q, want %q", test.runs, got, test.want)
		}
	}
}
