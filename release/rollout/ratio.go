package rollout

import (
	"fmt"
	"math"
	"strings"
)

// Ratio says which numbers of pods may stand for a weight when Services divide
// traffic by pods. Everything is worked out in integers.
type Ratio struct {
	// Total lets the stable side shrink; else it keeps all its pods.
	Total bool
	// Tolerance is by how many points a weight may be missed.
	Tolerance float64
	// Surge is how many pods there may be beside those of the workload, in per
	// cent of it, rounded down. Where the stable side does not shrink one is
	// always allowed.
	Surge int
	// Routed: a router divides the traffic, and the canary needs only the pods
	// that carry its share. Every weight is reached then.
	Routed bool
}

// UnreachableError says that no allowed numbers of pods come near enough to a weight.
type UnreachableError struct {
	Workload  string // "" where that is not known
	Pods      int
	Weight    int
	Best      Split   // the nearest; zero if there is none at all
	Achieved  float64 // per cent, by Best
	Off       float64 // points
	Tolerance float64
	// Surge is the least that meets the weight in the same mode, TotalSurge the
	// least if the stable side may shrink; -1 where none does.
	Surge, TotalSurge int
}

func (e *UnreachableError) Error() string {
	var b strings.Builder
	if e.Workload != "" {
		b.WriteString(e.Workload + ": ")
	}
	fmt.Fprintf(&b, "%d%% cannot be reached from %s", e.Weight, pods(e.Pods))
	if e.Best != (Split{}) {
		fmt.Fprintf(&b, ": %.1f%% at best (%s), %.1f points off, %g are allowed", e.Achieved, e.Best, e.Off, e.Tolerance)
	}
	switch {
	case e.Surge >= 0:
		fmt.Fprintf(&b, "; a surge of %d%% meets it", e.Surge)
	case e.TotalSurge > 0:
		fmt.Fprintf(&b, "; no surge meets it unless the stable side may shrink (total mode), a surge of %d%% then", e.TotalSurge)
	case e.TotalSurge == 0:
		b.WriteString("; it is met if the stable side may shrink (total mode)")
	}
	return b.String()
}

func pods(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", n)
}

// String is "9 stable + 1 canary".
func (s Split) String() string { return fmt.Sprintf("%d stable + %d canary", s.Stable, s.Canary) }

func (s Split) total() int { return s.Stable + s.Canary }

// achieved is the canary's share in per cent.
func (s Split) achieved() float64 {
	if s.total() == 0 {
		return 0
	}
	return 100 * float64(s.Canary) / float64(s.total())
}

// Split returns the pods of both sides that come nearest to a weight for a
// workload of n pods, and the weight that they achieve. Of several the one with
// the lower exposure is taken, then the one with fewer pods. The error is an
// [*UnreachableError] if that is beyond the tolerance. At 100 the canary has
// all pods, and a stable side that keeps its own no traffic: it is achieved by
// pins.
func (r Ratio) Split(n, weight int) (split Split, achieved float64, err error) {
	switch {
	case weight < 0 || weight > 100:
		return Split{}, 0, fmt.Errorf("weight %d: it has to be from 0 to 100", weight)
	case n <= 0:
		return Split{}, float64(weight), nil
	case weight == 0:
		return Split{Stable: n}, 0, nil
	case weight == 100 && r.Total:
		return Split{Canary: n}, 100, nil
	case weight == 100:
		return Split{Stable: n, Canary: n}, 100, nil
	case r.Routed:
		return r.carrying(n, weight), float64(weight), nil
	}
	best, ok := r.nearest(n, weight)
	if ok && r.tolerates(best, weight) {
		return best, best.achieved(), nil
	}
	e := &UnreachableError{Pods: n, Weight: weight, Best: best, Tolerance: r.Tolerance, Surge: r.leastSurge(n, weight)}
	if ok {
		e.Achieved = best.achieved()
		e.Off = math.Abs(e.Achieved - float64(weight))
	}
	total := r
	total.Total = true
	e.TotalSurge = total.leastSurge(n, weight)
	return best, e.Achieved, e
}

// carrying returns the canary pods that carry a share of the traffic of n pods.
func (r Ratio) carrying(n, weight int) Split {
	split := Split{Stable: n, Canary: ceil(n*weight, 100)}
	if r.Total {
		split.Stable = max(1, n-split.Canary)
	}
	return split
}

// nearest searches all allowed numbers of pods. There may be none: one pod
// cannot be divided.
func (r Ratio) nearest(n, weight int) (best Split, ok bool) {
	consider := func(s Split) {
		if s.Stable >= 1 && s.Canary >= 1 && (!ok || nearer(s, best, weight)) {
			best, ok = s, true
		}
	}
	extra := n * r.Surge / 100
	if !r.Total {
		most := max(1, extra)
		c := weight * n / (100 - weight) // rounded down; the best is this or the next
		consider(Split{Stable: n, Canary: min(max(c, 1), most)})
		consider(Split{Stable: n, Canary: min(c+1, most)})
		return best, ok
	}
	for total := n; total <= n+extra; total++ {
		s, _ := divided(total, weight)
		consider(s)
	}
	return best, ok
}

// divided returns how a total is divided best; not ok: it cannot be.
func divided(total, weight int) (best Split, ok bool) {
	if total < 2 {
		return Split{}, false
	}
	c := min(max(weight*total/100, 1), total-1)
	best = Split{Stable: total - c, Canary: c}
	if more := (Split{Stable: total - c - 1, Canary: c + 1}); more.Stable >= 1 && nearer(more, best, weight) {
		best = more
	}
	return best, true
}

// off returns by how much a split misses a weight: hundredths of the total.
func (s Split) off(weight int) int {
	d := 100*s.Canary - weight*s.total()
	return max(d, -d)
}

// nearer reports whether a is to be preferred to b: by its error, then the lower
// exposure, then fewer pods. Fractions are compared by multiplying crosswise.
func nearer(a, b Split, weight int) bool {
	if x, y := a.off(weight)*b.total(), b.off(weight)*a.total(); x != y {
		return x < y
	}
	if x, y := a.Canary*b.total(), b.Canary*a.total(); x != y {
		return x < y
	}
	return a.total() < b.total()
}

// tolerates reports whether a split misses a weight by no more than the
// tolerance, of which millionths of a point count.
func (r Ratio) tolerates(s Split, weight int) bool {
	const point = 1_000_000
	return s.off(weight)*point <= int(math.Round(r.Tolerance*point))*s.total()
}

// leastSurge returns the smallest surge that meets a weight, -1 if none does.
func (r Ratio) leastSurge(n, weight int) int {
	if r.Total {
		// A multiple of a hundred pods meets every weight exactly.
		for total := n; ; total++ {
			if s, ok := divided(total, weight); ok && r.tolerates(s, weight) {
				return ceil(100*(total-n), n)
			}
		}
	}
	for c := 1; c <= weight*n/(100-weight)+1; c++ {
		if r.tolerates(Split{Stable: n, Canary: c}, weight) {
			if c == 1 {
				return 0
			}
			return ceil(100*c, n)
		}
	}
	return -1
}

func ceil(a, b int) int { return (a + b - 1) / b }
