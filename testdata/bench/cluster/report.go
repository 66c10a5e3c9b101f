package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/e6d26078/slipway/testdata/bench/stat"
)

// targets are the least ratios of helm v3's time to slipway's, by set and step.
// With --wait it is the cluster that takes most of the time: what counts there
// is how soon after it the tool is done.
var targets = map[string]map[string]float64{
	"near":      {"install": 1, "upgrade": 4, "no-op upgrade": 5},
	"near-wait": {"no-op upgrade": 5},
	"far":       {"install": 8, "upgrade": 8, "no-op upgrade": 8},
	"far-wait":  {"no-op upgrade": 8},
}

// mostLag is how long after the cluster is ready a --wait may return, in seconds.
const mostLag = 0.3

// values are one figure of a tool in a step, by round.
func (r *runner) values(tool, step string, of func(sample) float64) map[int]float64 {
	v := map[int]float64{}
	for _, s := range r.samples {
		if s.tool == tool && s.step == step {
			v[s.round] = of(s)
		}
	}
	return v
}

func medianOf(byRound map[int]float64) float64 {
	var v []float64
	for _, x := range byRound {
		v = append(v, x)
	}
	return stat.Median(v)
}

// ratios are those of the rounds in which both tools took part.
func ratios(theirs, ours map[int]float64) []float64 {
	var v []float64
	for round, x := range theirs {
		if y, ok := ours[round]; ok {
			v = append(v, x/y)
		}
	}
	slices.Sort(v)
	return v
}

func verdict(ok bool) string {
	if ok {
		return "met"
	}
	return "MISSED"
}

// print writes the tables of a set.
func (r *runner) print(out io.Writer) {
	fmt.Fprintf(out, "## %s: %s\n\n", r.name, r.title)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "step\tslipway s\thelm3 s\thelm4 s\tratio\t95 %\ttarget\t\thelm4 ratio\t\n")
	for _, step := range steps {
		seconds := func(tool string) map[int]float64 {
			return r.values(tool, step, func(s sample) float64 { return s.seconds })
		}
		o, three, four := seconds(ours), seconds(helm3), seconds(helm4)
		ratio := ratios(three, o)
		low, high := stat.Interval(ratio)
		target, met := "", ""
		if least := targets[r.name][step]; least > 0 {
			target, met = fmt.Sprintf("%.0f", least), verdict(stat.Median(ratio) >= least)
		}
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f-%.1f\t%s\t%s\t%.1f\t\n", step,
			medianOf(o), medianOf(three), medianOf(four), stat.Median(ratio), low, high, target, met, stat.Median(ratios(four, o)))
	}
	w.Flush()
	fmt.Fprintln(out)
	r.printCosts(out)
}

// printCosts writes memory, requests and how promptly --wait returned. Of the
// memory, pages of the program's file are much; what is left is its own.
func (r *runner) printCosts(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "step\ttool\tMiB\tits own\t")
	if r.far {
		fmt.Fprint(w, "requests\tone after the other\t")
	}
	if r.wait {
		fmt.Fprint(w, "s after ready\thighest\t")
	}
	fmt.Fprint(w, "\t\n")
	for _, step := range steps {
		for _, t := range r.tools {
			r.printCost(w, step, t.name)
		}
	}
	w.Flush()
	fmt.Fprintln(out)
}

func (r *runner) printCost(w io.Writer, step, tool string) {
	mib := func(s sample) float64 { return s.mib }
	requests := func(s sample) float64 { return float64(s.requests) }
	notMore := func(of func(sample) float64) bool {
		return medianOf(r.values(ours, step, of)) <= medianOf(r.values(helm3, step, of))
	}
	ok := notMore(mib)
	own := medianOf(r.values(tool, step, func(s sample) float64 { return s.ownMiB }))
	fmt.Fprintf(w, "%s\t%s\t%.0f\t%.0f\t", step, tool, medianOf(r.values(tool, step, mib)), own)
	if r.far {
		inTurn := r.values(tool, step, func(s sample) float64 { return float64(s.inTurn) })
		fmt.Fprintf(w, "%.0f\t%.0f\t", medianOf(r.values(tool, step, requests)), medianOf(inTurn))
		ok = ok && notMore(requests)
	}
	if r.wait {
		lag := r.values(tool, step, func(s sample) float64 { return s.lag })
		if step == steps[2] { // nothing became ready
			fmt.Fprint(w, "\t\t")
		} else {
			highest := 0.0
			for _, x := range lag {
				highest = max(highest, x)
			}
			fmt.Fprintf(w, "%.2f\t%.2f\t", medianOf(lag), highest)
			ok = ok && medianOf(lag) <= mostLag
		}
	}
	if tool != ours {
		fmt.Fprint(w, "\t\n")
		return
	}
	fmt.Fprintf(w, "%s\t\n", verdict(ok))
}
