package main

import (
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	helmchart "helm.sh/helm/v3/pkg/chart"

	"github.com/e6d26078/slipway/testdata/bench/stat"
)

type helmChart = helmchart.Chart

// series is one measure of one chart: times in seconds of both sides, pair by pair.
type series struct {
	chart      string
	helm, ours []float64
}

func (s *series) ratios() []float64 {
	r := make([]float64, len(s.helm))
	for i := range r {
		r[i] = s.helm[i] / s.ours[i]
	}
	return r
}

// pairs times both sides in turn.
func (o options) pairs(chart string, prepare, helm, ours func() error) (*series, error) {
	s := &series{chart: chart}
	deadline := time.Now().Add(o.budget)
	for i := 0; i <= o.rounds; i++ {
		if i > 3 && time.Now().After(deadline) {
			break
		}
		h, err := timed(prepare, helm)
		if err != nil {
			return nil, fmt.Errorf("%s: helm: %w", chart, err)
		}
		u, err := timed(nil, ours)
		if err != nil {
			return nil, fmt.Errorf("%s: slipway: %w", chart, err)
		}
		if i > 0 { // the first pair warms up
			s.helm, s.ours = append(s.helm, h), append(s.ours, u)
		}
	}
	return s, nil
}

// timed runs fn often enough to be measurable and returns seconds per run.
func timed(prepare, fn func() error) (float64, error) {
	const enough = 2 * time.Millisecond
	runtime.GC()
	var spent time.Duration
	n := 0
	for spent < enough {
		if prepare != nil {
			if err := prepare(); err != nil {
				return 0, err
			}
		}
		start := time.Now()
		if err := fn(); err != nil {
			return 0, err
		}
		spent += time.Since(start)
		n++
	}
	return spent.Seconds() / float64(n), nil
}

func benchCorpus(o options, archives []string) error {
	log.SetOutput(io.Discard) // Helm's warnings
	var render, pipeline []*series
	var charts []subject
	keys := map[string]bool{}
	for _, path := range archives {
		s, err := newSubject(path)
		if err != nil {
			return err
		}
		if o.wants("render") {
			r, err := o.renderPairs(&s)
			if err != nil {
				return err
			}
			render = append(render, r)
		}
		if o.wants("pipeline") {
			p, err := o.pairs(s.name, nil, s.helmPipeline, s.slipwayPipeline)
			if err != nil {
				return err
			}
			pipeline = append(pipeline, p)
		}
		if keys[s.name], err = generatesKeys(&s); err != nil {
			return err
		}
		charts = append(charts, s)
	}
	fmt.Printf("%d charts, %d pairs each, %s, %d cores\n\n", len(charts), o.rounds, runtime.Version(), runtime.GOMAXPROCS(0))
	report("archive bytes to sorted manifests, in process", pipeline, keys)
	report("render of a compiled chart, in process", render, keys)
	if o.wants("process") {
		return benchProcesses(o, charts, keys)
	}
	return nil
}

func (o options) renderPairs(s *subject) (*series, error) {
	prepare, helm, err := s.helmRender()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	ours, err := s.slipwayRender()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return o.pairs(s.name, prepare, helm, ours)
}

// report prints a measure over all charts, and the charts at its low end.
// Charts that make keys, whose time is the mathematics of RSA on both sides, are listed apart.
func report(title string, all []*series, keys map[string]bool) {
	var ratios []float64
	var plain, making []*series
	for _, s := range all {
		if keys[s.chart] {
			making = append(making, s)
			continue
		}
		plain = append(plain, s)
		ratios = append(ratios, stat.Median(s.ratios()))
	}
	if len(ratios) == 0 {
		return
	}
	slower := 0
	for _, s := range plain {
		if low, _ := stat.Interval(s.ratios()); low < 1 {
			slower++
		}
	}
	fmt.Printf("## %s\n\ngeometric mean of helm/slipway %.1f x, median %.1f x, lowest %.1f x, highest %.1f x; not surely faster: %d of %d\n\n",
		title, stat.GeometricMean(ratios), stat.Median(ratios), slices.Min(ratios), slices.Max(ratios), slower, len(plain))
	byRatio := func(a, b *series) int {
		if stat.Median(a.ratios()) < stat.Median(b.ratios()) {
			return -1
		}
		return 1
	}
	slices.SortFunc(plain, byRatio)
	fmt.Println("lowest:")
	table(plain[:min(8, len(plain))])
	if len(making) > 0 {
		slices.SortFunc(making, byRatio)
		fmt.Println("charts that make keys:")
		table(making)
	}
}

func table(list []*series) {
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "chart\thelm ms\tslipway ms\tratio\t95 %")
	for _, s := range list {
		low, high := stat.Interval(s.ratios())
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%.1f\t%.1f-%.1f\n", s.chart, stat.Median(s.helm)*1e3, stat.Median(s.ours)*1e3, stat.Median(s.ratios()), low, high)
	}
	w.Flush()
	fmt.Println()
}

// benchProcesses times "template" as a whole process, and its memory.
func benchProcesses(o options, charts []subject, keys map[string]bool) error {
	var v3, v4 []*series
	var memory []float64
	hungriest := 0 // the index of the lowest of memory
	for i := range charts {
		s := &charts[i]
		slipway := func() error { _, err := runProcess(o.slipway, s.args()...); return err }
		helm := func(binary string) func() error {
			return func() error { _, err := runProcess(binary, s.args()...); return err }
		}
		three, err := o.pairs(s.name, nil, helm(o.helm3), slipway)
		if err != nil {
			return err
		}
		v3 = append(v3, three)
		if four, err := o.pairs(s.name, nil, helm(o.helm4), slipway); err == nil { // a few charts that Helm 3 renders fail in Helm 4
			v4 = append(v4, four)
		}
		theirs, err := o.peakMemory(o.helm3, s.args()...)
		if err != nil {
			return err
		}
		ours, err := o.peakMemory(o.slipway, s.args()...)
		if err != nil {
			return err
		}
		if memory = append(memory, theirs/ours); memory[i] < memory[hungriest] {
			hungriest = i
		}
	}
	report("the process \"template\", against helm v3.22.0", v3, keys)
	report("the process \"template\", against helm v4.3.1", v4, keys)
	fmt.Printf("## peak memory of the process, helm v3.22.0 / slipway\n\ngeometric mean %.1f x, median %.1f x, lowest %.1f x (%s)\n\n",
		stat.GeometricMean(memory), stat.Median(memory), memory[hungriest], charts[hungriest].name)
	return nil
}

// benchUmbrella times the chart that Helm is slowest on.
func benchUmbrella(o options) error {
	dir, err := os.MkdirTemp("", "umbrella")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	chart := filepath.Join(dir, "umbrella")
	if err := writeUmbrella(chart, 100, 10, 10); err != nil {
		return err
	}
	fmt.Printf("## umbrella of 100 subcharts, 1,100 template files, 10,000 calls of tpl\n\n")
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "binary\twall s\tpeak MiB")
	times := map[string]float64{}
	for _, binary := range []string{o.helm3, o.helm4, o.slipway} {
		var wall []float64
		for range 3 {
			seconds, err := runProcess(binary, "template", "rel", chart)
			if err != nil {
				return err
			}
			wall = append(wall, seconds)
		}
		memory, err := o.peakMemory(binary, "template", "rel", chart)
		if err != nil {
			return err
		}
		times[binary] = stat.Median(wall)
		fmt.Fprintf(w, "%s\t%.3f\t%.0f\n", filepath.Base(binary), stat.Median(wall), memory)
	}
	w.Flush()
	fmt.Printf("\nhelm v3.22.0 / slipway %.1f x, helm v4.3.1 / slipway %.1f x\n", times[o.helm3]/times[o.slipway], times[o.helm4]/times[o.slipway])
	return nil
}

// keyFunctions are the template functions whose time is spent on making keys.
var keyFunctions = []string{"genCA", "genPrivateKey", "genSelfSignedCert", "genSignedCert", "derivePassword", "htpasswd", "bcrypt"}

// generatesKeys reports whether the chart makes keys: a template names one of
// keyFunctions, and the output is another on each render.
func generatesKeys(s *subject) (bool, error) {
	c, err := loadHelm(s.archive)
	if err != nil || !mentions(c, keyFunctions) {
		return false, err
	}
	first, err := s.helmFiles()
	if err != nil {
		return false, err
	}
	second, err := s.helmFiles()
	return !maps.Equal(first, second), err
}
