package values

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
)

type corpusChart struct {
	name  string
	chart *chart.Chart
	vals  map[string]any
}

// corpus loads the charts of SLIPWAY_CORPUS, or of ../shared/corpus beside the repository.
var corpus = sync.OnceValues(func() ([]corpusChart, error) {
	dir := os.Getenv("SLIPWAY_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpus")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil {
		return nil, err
	}
	var out []corpusChart
	for _, file := range files {
		c, err := loader.Load(file)
		if err != nil {
			return nil, err
		}
		one := corpusChart{name: filepath.Base(file), chart: c}
		if data, err := os.ReadFile(strings.TrimSuffix(file, ".tgz") + ".values.yaml"); err == nil {
			if err := yaml.Unmarshal(data, &one.vals); err != nil {
				return nil, err
			}
		}
		out = append(out, one)
	}
	return out, nil
})

func loadCorpus(tb testing.TB) []corpusChart {
	charts, err := corpus()
	if err != nil {
		tb.Fatal(err)
	}
	if len(charts) == 0 {
		tb.Skip("no corpus")
	}
	return charts
}

func TestEveryChartOfTheCorpusGetsHelmsValues(t *testing.T) {
	for _, one := range loadCorpus(t) {
		variants := []map[string]any{one.vals, {}, toggled(one.chart, true), toggled(one.chart, false), {"global": map[string]any{"imageRegistry": "r", "x": map[string]any{"y": map[string]any{"z": nil}}}, "tags": nil}}
		for _, vals := range variants {
			if err := compareWithHelm(one.chart, vals); err != nil {
				msg := err.Error()
				t.Errorf("%s: %s", one.name, msg[:min(len(msg), 2000)])
				break
			}
		}
	}
}

// toggled sets every condition and tag of the chart's dependencies.
func toggled(c *chart.Chart, on bool) map[string]any {
	out := map[string]any{}
	for _, dep := range c.Metadata.Dependencies {
		for _, tag := range dep.Tags {
			put(out, []string{"tags", tag}, on)
		}
		for cond := range strings.SplitSeq(dep.Condition, ",") {
			if cond != "" {
				put(out, strings.Split(cond, "."), on)
			}
		}
	}
	for _, sub := range c.Dependencies() {
		if inner := toggled(sub, on); len(inner) > 0 {
			if _, ok := out[sub.Name()].(map[string]any); !ok {
				out[sub.Name()] = map[string]any{}
			}
			for k, v := range inner {
				put(out[sub.Name()].(map[string]any), []string{k}, v)
			}
		}
	}
	return out
}

func put(m map[string]any, path []string, v any) {
	for _, key := range path[:len(path)-1] {
		next, ok := m[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[key] = next
		}
		m = next
	}
	m[path[len(path)-1]] = v
}

// BenchmarkAgainstHelm reports Helm's time for selecting and coalescing the
// corpus divided by ours.
func BenchmarkAgainstHelm(b *testing.B) {
	charts := loadCorpus(b)
	b.Run("helm", func(b *testing.B) {
		for b.Loop() {
			for _, one := range charts {
				b.StopTimer()
				c := clone(one.chart)
				b.StartTimer()
				if err := chartutil.ProcessDependenciesWithMerge(c, one.vals); err != nil {
					b.Fatal(err)
				}
				if _, err := chartutil.CoalesceValues(c, one.vals); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	for name, share := range map[string]bool{"ours-share": true, "ours-copy": false} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, one := range charts {
					n, err := Resolve(one.chart, one.vals, ResolveOptions{})
					if err != nil {
						b.Fatal(err)
					}
					if _, err := n.Coalesce(one.vals, CoalesceOptions{Share: share}); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		runtime.GC()
	}
}
