package values

import (
	"fmt"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/e6d26078/slipway/chart"
)

// wideUmbrella is a chart with n subcharts, each with a table of values and a
// subchart of its own; only every tenth is enabled.
func wideUmbrella(n int) *chart.Chart {
	root := &chart.Chart{Metadata: &chart.Metadata{Name: "root", Version: "1.0.0"}, Values: map[string]any{"global": map[string]any{"registry": "r", "pull": map[string]any{"policy": "p"}}}}
	for i := range n {
		vals := map[string]any{}
		for k := range 20 {
			vals[fmt.Sprint("key", k)] = map[string]any{"a": "b", "c": map[string]any{"d": 1.0}}
		}
		name := fmt.Sprint("sub", i)
		sub := &chart.Chart{Metadata: &chart.Metadata{Name: name, Version: "1.0.0"}, Values: vals}
		inner := &chart.Chart{Metadata: &chart.Metadata{Name: "inner", Version: "1.0.0"}, Values: map[string]any{"x": map[string]any{"y": "z"}}}
		sub.Metadata.Dependencies = []*chart.Dependency{{Name: "inner", Version: "1.0.0", Condition: "inner.enabled"}}
		sub.AddDependency(inner)
		root.AddDependency(sub)
		root.Metadata.Dependencies = append(root.Metadata.Dependencies, &chart.Dependency{Name: name, Version: "1.x", Condition: name + ".enabled"})
		root.Values[name] = map[string]any{"enabled": i%10 == 0, "key3": map[string]any{"a": "mine"}}
	}
	return root
}

func TestAWideUmbrellaGetsHelmsValues(t *testing.T) {
	if err := compareWithHelm(wideUmbrella(60), map[string]any{"sub7": map[string]any{"enabled": true}, "global": map[string]any{"registry": nil}}); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkWideUmbrella compares Helm and us on 50, and us alone on many subcharts.
func BenchmarkWideUmbrella(b *testing.B) {
	for _, n := range []int{50, 500} {
		c := wideUmbrella(n)
		b.Run(fmt.Sprint("helm-", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				own := clone(c)
				b.StartTimer()
				if err := chartutil.ProcessDependenciesWithMerge(own, nil); err != nil {
					b.Fatal(err)
				}
				if _, err := chartutil.CoalesceValues(own, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		tree := Prepare(c)
		b.Run(fmt.Sprint("ours-", n), func(b *testing.B) {
			for b.Loop() {
				root, err := tree.Resolve(nil, ResolveOptions{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := root.Coalesce(nil, CoalesceOptions{Share: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
