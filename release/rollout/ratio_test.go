package rollout

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// fraction is exact: over is above 0.
type fraction struct{ num, over int }

func (a fraction) cmp(b fraction) int { return a.num*b.over - b.num*a.over }

// bruteForce tries every allowed pair of numbers of pods, and compares them as
// the documentation of Split says. It returns none if nothing is within the
// tolerance, which is in whole points.
func bruteForce(r Ratio, n, weight, tolerance int) (best Split, found bool) {
	var off, exposure fraction
	consider := func(s, c int) {
		e := fraction{100 * c, s + c}
		o := fraction{e.num - weight*e.over, e.over}
		if o.num < 0 {
			o.num = -o.num
		}
		if found {
			order := o.cmp(off)
			if order == 0 {
				order = e.cmp(exposure)
			}
			if order > 0 || order == 0 && s+c >= best.Stable+best.Canary {
				return
			}
		}
		best, found, off, exposure = Split{s, c}, true, o, e
	}
	extra := n * r.Surge / 100
	if r.Total {
		for total := n; total <= n+extra; total++ {
			for c := 1; c < total; c++ {
				consider(total-c, c)
			}
		}
	} else {
		for c := 1; c <= max(1, extra); c++ {
			consider(n, c)
		}
	}
	if found && off.cmp(fraction{tolerance, 1}) > 0 {
		return Split{}, false
	}
	return best, found
}

// tolerance is that of the comparison, in points.
const tolerance = 5

func TestSplitIsWhatTryingEverythingFinds(t *testing.T) {
	for _, total := range []bool{false, true} {
		for _, surge := range []int{0, 10, 25, 50, 100} {
			t.Run(fmt.Sprintf("total=%t/surge=%d", total, surge), func(t *testing.T) {
				t.Parallel()
				r := Ratio{Total: total, Surge: surge, Tolerance: tolerance}
				for n := 1; n <= 60; n++ {
					for weight := 1; weight <= 99; weight++ {
						compare(t, r, n, weight)
					}
				}
			})
		}
	}
}

func compare(t *testing.T, r Ratio, n, weight int) {
	t.Helper()
	want, reachable := bruteForce(r, n, weight, tolerance)
	got, achieved, err := r.Split(n, weight)
	if reachable != (err == nil) {
		t.Fatalf("%d pods, %d%%: error %v, but reachable is %t", n, weight, err, reachable)
	}
	if err != nil {
		checkRemedy(t, r, n, weight, err)
		return
	}
	if got != want {
		t.Fatalf("%d pods, %d%%: %s, but %s is better", n, weight, got, want)
	}
	if off := achieved - float64(weight); off > r.Tolerance || off < -r.Tolerance {
		t.Fatalf("%d pods, %d%%: %.3f%% is achieved: beyond the tolerance", n, weight, achieved)
	}
}

// checkRemedy holds that the surge that an error names is enough, and that one per cent less is not.
func checkRemedy(t *testing.T, r Ratio, n, weight int, err error) {
	t.Helper()
	var e *UnreachableError
	if !errors.As(err, &e) {
		t.Fatalf("%d pods, %d%%: %v", n, weight, err)
	}
	try := func(total bool, surge int) error {
		_, _, err := Ratio{Total: total, Surge: surge, Tolerance: r.Tolerance}.Split(n, weight)
		return err
	}
	if e.Surge < 0 {
		if try(r.Total, 10000) == nil {
			t.Fatalf("%d pods, %d%%: a surge of 10000%% meets it, but the error says that none does", n, weight)
		}
	} else if try(r.Total, e.Surge) != nil || try(r.Total, e.Surge-1) == nil {
		t.Fatalf("%d pods, %d%%: %d%% is not the least surge that meets it", n, weight, e.Surge)
	}
	if try(true, e.TotalSurge) != nil || e.TotalSurge > 0 && try(true, e.TotalSurge-1) == nil {
		t.Fatalf("%d pods, %d%%: %d%% is not the least surge that meets it in total mode", n, weight, e.TotalSurge)
	}
}

// TestTheHandMadeRatio is what people work out by hand: nine and one.
func TestTheHandMadeRatio(t *testing.T) {
	for _, test := range []struct {
		r         Ratio
		n, weight int
		want      Split
	}{
		{Ratio{Surge: 100, Tolerance: 5}, 9, 10, Split{9, 1}},
		{Ratio{Surge: 100, Tolerance: 5}, 10, 50, Split{10, 10}},
		{Ratio{Total: true, Tolerance: 5}, 10, 10, Split{9, 1}},
		{Ratio{Total: true, Tolerance: 5}, 10, 50, Split{5, 5}},
		{Ratio{Total: true, Surge: 10, Tolerance: 5}, 4, 25, Split{3, 1}},
		{Ratio{Surge: 100, Tolerance: 5}, 9, 0, Split{9, 0}},
		{Ratio{Surge: 100, Tolerance: 5}, 9, 100, Split{9, 9}},
		{Ratio{Total: true, Tolerance: 5}, 9, 100, Split{0, 9}},
		{Ratio{Routed: true}, 10, 75, Split{10, 8}},
		{Ratio{Routed: true, Total: true}, 3, 99, Split{1, 3}},
		{Ratio{Surge: 100}, 0, 33, Split{}},
	} {
		got, _, err := test.r.Split(test.n, test.weight)
		if err != nil || got != test.want {
			t.Errorf("%+v: %d pods, %d%%: %s, %v; want %s", test.r, test.n, test.weight, got, err, test.want)
		}
	}
}

func TestAnUnreachableWeightNamesWhatWouldReachIt(t *testing.T) {
	for _, test := range []struct {
		r         Ratio
		n, weight int
		want      string
	}{
		{Ratio{Surge: 100, Tolerance: 5}, 3, 10, "10% cannot be reached from 3 pods: 25.0% at best (3 stable + 1 canary), 15.0 points off, 5 are allowed; " +
			"no surge meets it unless the stable side may shrink (total mode), a surge of 134% then"},
		{Ratio{Surge: 50, Tolerance: 5}, 10, 50, "50% cannot be reached from 10 pods: 33.3% at best (10 stable + 5 canary), 16.7 points off, 5 are allowed; a surge of 90% meets it"},
		{Ratio{Total: true, Tolerance: 5}, 1, 50, "50% cannot be reached from 1 pod; a surge of 100% meets it"},
		{Ratio{Tolerance: 1}, 4, 25, ""},
	} {
		_, _, err := test.r.Split(test.n, test.weight)
		if err == nil || test.want != "" && err.Error() != test.want {
			t.Errorf("%+v: %d pods, %d%%:\n got %v\nwant %s", test.r, test.n, test.weight, err, test.want)
		}
	}
	if _, _, err := (Ratio{}).Split(3, 101); err == nil {
		t.Error("a weight of 101 is accepted")
	}
}

func TestWorkloadsTakeStepsTogether(t *testing.T) {
	r := Ratio{Surge: 100, Tolerance: 5}
	steps, notes, err := Common(r, map[string]int{"Deployment/web": 9, "Deployment/api": 18}, []int{50, 10})
	if err != nil {
		t.Fatal(err)
	}
	want := []Step{
		{Weight: 10, Counts: map[string]Split{"Deployment/web": {9, 1}, "Deployment/api": {18, 2}}},
		{Weight: 50, Counts: map[string]Split{"Deployment/web": {9, 9}, "Deployment/api": {18, 18}}},
		{Weight: 100, Implied: true, Counts: map[string]Split{"Deployment/web": {9, 9}, "Deployment/api": {18, 18}}},
	}
	if !reflect.DeepEqual(steps, want) || len(notes) != 0 {
		t.Errorf("got %v, %v", steps, notes)
	}

	_, notes, err = Common(r, map[string]int{"Deployment/web": 7}, []int{10})
	if err != nil || len(notes) != 1 || notes[0].String() != "Deployment/web: 10% is 12.5% (7 stable + 1 canary), +2.5 points" {
		t.Errorf("the error of a ratio is not told: %v, %v", notes, err)
	}

	_, _, err = Common(r, map[string]int{"Deployment/a": 2, "Deployment/b": 9, "Deployment/c": 3}, []int{10})
	if err == nil || !strings.Contains(err.Error(), "Deployment/a: 10%") || !strings.Contains(err.Error(), "Deployment/c: 10%") ||
		strings.Contains(err.Error(), "Deployment/b") {
		t.Errorf("the error does not name those that cannot reach 10%%: %v", err)
	}
}

func TestStepsThatNobodyAskedForDouble(t *testing.T) {
	weights := func(r Ratio, ns map[string]int) string {
		steps, notes, err := Common(r, ns, nil)
		if err != nil {
			return err.Error()
		}
		var all []string
		for _, s := range steps {
			all = append(all, fmt.Sprint(s.Weight))
		}
		for _, n := range notes {
			if n.Left {
				all = append(all, n.String())
			}
		}
		return strings.Join(all, " ")
	}
	for _, test := range []struct {
		name string
		r    Ratio
		ns   map[string]int
		want string
	}{
		{"beside nine", Ratio{Surge: 100, Tolerance: 5}, map[string]int{"w": 9}, "10 18 31 47 50 100"},
		{"beside one", Ratio{Surge: 100, Tolerance: 5}, map[string]int{"w": 1}, "50 100"},
		{"with little surge", Ratio{Surge: 25, Tolerance: 5}, map[string]int{"w": 8}, "11 20 100"},
		{"of nine", Ratio{Total: true, Tolerance: 5}, map[string]int{"w": 9}, "11 22 44 89 100"},
		{"of one", Ratio{Total: true, Tolerance: 5}, map[string]int{"w": 1}, "100"},
		{"routed", Ratio{Routed: true}, map[string]int{"w": 4}, "25 50 100"},
		{"the smallest decides", Ratio{Surge: 100, Tolerance: 5}, map[string]int{"w": 3, "big": 30}, "25 40 50 100"},
		{"one cannot", Ratio{Total: true, Tolerance: 1}, map[string]int{"a": 4, "b": 6}, "50 100 25% is left out: b cannot reach it"},
		{"without pods", Ratio{Surge: 100}, map[string]int{"w": 0}, "100"},
		{"without workloads", Ratio{Surge: 100}, nil, "100"},
	} {
		if got := weights(test.r, test.ns); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestNormalise(t *testing.T) {
	for _, test := range []struct {
		name     string
		strategy Strategy
		steps    []Step
		want     []Step
		wrong    string
	}{
		{"weights are sorted and the end is added", Canary, []Step{{Weight: 50}, {Weight: 10}}, []Step{{Weight: 10}, {Weight: 50}, {Weight: 100, Implied: true}}, ""},
		{"an end that was asked for is not implied", Canary, []Step{{Weight: 10}, {Weight: 100}}, []Step{{Weight: 10}, {Weight: 100}}, ""},
		{"no steps are all at once", Canary, nil, []Step{{Weight: 100, Implied: true}}, ""},
		{"blue-green has its own", BlueGreen, nil, []Step{{Weight: 0, Gate: Manual}, {Weight: 100, Gate: Manual}}, ""},
		{"blue-green ends too", BlueGreen, []Step{{Weight: 0}}, []Step{{Weight: 0}, {Weight: 100, Implied: true}}, ""},
		{"blue-green has no shares", BlueGreen, []Step{{Weight: 10}}, nil, "blue-green has the weights 0 and 100 only"},
		{"twice", Canary, []Step{{Weight: 10}, {Weight: 10}}, nil, "asked for twice"},
		{"below", Canary, []Step{{Weight: -1}}, nil, "from 0 to 100"},
		{"above", Canary, []Step{{Weight: 101}}, nil, "from 0 to 100"},
		{"pause", Canary, []Step{{Weight: 10, Pause: -1}}, nil, "below 0"},
		{"gate", Canary, []Step{{Weight: 10, Gate: "open"}}, nil, "gate \"open\""},
		{"strategy", "red", nil, nil, "strategy \"red\""},
	} {
		got, err := Normalise(test.strategy, test.steps)
		if (err != nil) != (test.wrong != "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.wrong)
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v", test.name, got)
		}
	}
}
