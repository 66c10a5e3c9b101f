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
		prepare, helm, err := s.helmRender()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		ours, err := s.slipwayRender()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		r, err := o.pairs(s.name, prepare, helm, ours)
		if err != nil {
			return err
		}
		p, err := o.pairs(s.name, nil, s.helmPipeline, s.slipwayPipeline)
		if err != nil {
			return err
		}
		if keys[s.name], err = generatesKeys(&s); err != nil {
			return err
		}
		charts, render, pipeline = append(charts, s), append(render, r), append(pipeline, p)
	}
	fmt.Printf("%d charts, %d pairs each, %s, %d cores\n\n", len(charts), o.rounds, runtime.Version(), runtime.GOMAXPROCS(0))
	report("archive bytes to sorted manifests, in process", pipeline, keys)
	report("render of a compiled chart, in process", render, keys)
	return benchProcesses(o, charts, keys)
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
		ratios = append(ratios, median(s.ratios()))
	}
	if len(ratios) == 0 {
		return
	}
	slower := 0
	for _, s := range plain {
		if low, _ := interval(s.ratios()); low < 1 {
			slower++
		}
	}
	fmt.Printf("## %s\n\ngeometric mean of helm/slipway %.1f x, median %.1f x, lowest %.1f x, highest %.1f x; not surely faster: %d of %d\n\n",
		title, geometricMean(ratios), median(ratios), slices.Min(ratios), slices.Max(ratios), slower, len(plain))
	byRatio := func(a, b *series) int {
		if median(a.ratios()) < median(b.ratios()) {
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
		low, high := interval(s.ratios())
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%.1f\t%.1f-%.1f\n", s.chart, median(s.helm)*1e3, median(s.ours)*1e3, median(s.ratios()), low, high)
	}
	w.Flush()
	fmt.Println()
}

// benchProcesses times "template" as a whole process, and its memory.
func benchProcesses(o options, charts []subject, keys map[string]bool) error {
	v3, v4 := []*series{}, []*series{}
	var memory []float64
	for i := range charts {
		s := &charts[i]
		a, b := &series{chart: s.name}, &series{chart: s.name}
		var peak3, peak []float64
		for round := range min(o.rounds, 5) + 1 {
			three, err := runProcess(o.helm3, s.args()...)
			if err != nil {
				return err
			}
			ours, err := runProcess(o.slipway, s.args()...)
			if err != nil {
				return err
			}
			four, err := runProcess(o.helm4, s.args()...)
			if round == 0 {
				continue
			}
			a.helm, a.ours = append(a.helm, three.wall.Seconds()), append(a.ours, ours.wall.Seconds())
			if err == nil { // a few charts that Helm 3 renders fail in Helm 4
				b.helm, b.ours = append(b.helm, four.wall.Seconds()), append(b.ours, ours.wall.Seconds())
			}
			peak3, peak = append(peak3, three.rss), append(peak, ours.rss)
		}
		v3 = append(v3, a)
		if len(b.helm) > 0 {
			v4 = append(v4, b)
		}
		memory = append(memory, median(peak3)/median(peak))
	}
	report("the process \"template\", against helm v3.22.0", v3, keys)
	report("the process \"template\", against helm v4.3.1", v4, keys)
	fmt.Printf("## peak memory of the process, helm v3.22.0 / slipway\n\ngeometric mean %.1f x, median %.1f x, lowest %.1f x\n\n",
		geometricMean(memory), median(memory), slices.Min(memory))
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
		var wall, rss []float64
		for range 3 {
			u, err := runProcess(binary, "template", "rel", chart)
			if err != nil {
				return err
			}
			wall, rss = append(wall, u.wall.Seconds()), append(rss, u.rss)
		}
		times[binary] = median(wall)
		fmt.Fprintf(w, "%s\t%.3f\t%.0f\n", filepath.Base(binary), median(wall), median(rss))
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
