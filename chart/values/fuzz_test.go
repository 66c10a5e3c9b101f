package values

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
)

// choices turns the bytes of a fuzzer into decisions; after the last byte all are 0.
type choices struct{ data []byte }

func (c *choices) n(limit int) int {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return int(b) % limit
}

var (
	chartNames = []string{"a", "b", "c", "d"}
	valueKeys  = []string{"x", "y", "a", "b", "c", "global", "tags", "exports", "enabled", "z"}
)

func (c *choices) value(depth int) any {
	switch k := c.n(9); {
	case k == 1:
		return nil
	case k == 2:
		return true
	case k == 3:
		return false
	case k == 4:
		return []any{"l", map[string]any{"x": "y"}}
	case k >= 5 && depth > 0:
		return c.table(depth - 1)
	}
	return fmt.Sprint("s", c.n(3))
}

func (c *choices) table(depth int) map[string]any {
	out := map[string]any{}
	for range c.n(5) {
		key := valueKeys[c.n(len(valueKeys))]
		if (key == "global" || key == "exports") && c.n(4) != 0 && depth > 0 {
			out[key] = c.table(depth)
			continue
		}
		out[key] = c.value(depth)
	}
	return out
}

func (c *choices) path() string {
	path := valueKeys[c.n(len(valueKeys))]
	for range c.n(3) {
		path += "." + valueKeys[c.n(len(valueKeys))]
	}
	return path
}

func (c *choices) chart(name string, depth int) *chart.Chart {
	out := &chart.Chart{Metadata: &chart.Metadata{Name: name, Version: "1.2.3"}, Values: c.table(4)}
	if depth == 0 {
		return out
	}
	for range c.n(4) {
		sub := c.chart(chartNames[c.n(len(chartNames))], depth-1)
		out.AddDependency(sub)
	}
	if c.n(5) == 4 {
		return out
	}
	out.Metadata.Dependencies = []*chart.Dependency{}
	for range c.n(5) {
		out.Metadata.Dependencies = append(out.Metadata.Dependencies, c.dependency())
	}
	return out
}

func (c *choices) dependency() *chart.Dependency {
	dep := &chart.Dependency{Name: chartNames[c.n(len(chartNames))], Version: []string{"1.2.3", "^1.0.0", "", ">2", "1.x"}[c.n(5)]}
	if c.n(3) == 1 {
		dep.Alias = []string{"a", "b", "x", "y", "e", "f"}[c.n(6)]
	}
	switch c.n(4) {
	case 1:
		dep.Condition = c.path()
	case 2:
		dep.Condition = c.path() + "," + c.path()
	case 3:
		name := dep.Name
		if dep.Alias != "" {
			name = dep.Alias
		}
		dep.Condition = name + ".enabled"
	}
	for range c.n(3) {
		dep.Tags = append(dep.Tags, valueKeys[c.n(len(valueKeys))])
	}
	for range c.n(3) {
		switch c.n(4) {
		case 0:
			dep.ImportValues = append(dep.ImportValues, valueKeys[c.n(len(valueKeys))])
		case 1:
			dep.ImportValues = append(dep.ImportValues, map[string]any{"child": c.path(), "parent": c.path()})
		case 2:
			dep.ImportValues = append(dep.ImportValues, map[string]any{"child": c.path(), "parent": "."})
		}
	}
	return dep
}

func randomBytes(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	data := make([]byte, 40+r.IntN(900))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

func FuzzCoalesce(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(randomBytes(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &choices{data: data}
		ch := c.chart("root", 3)
		vals := c.table(4)
		if err := compareWithHelm(ch, vals); err != nil {
			t.Fatalf("%v\nuser values %s\nchart %s", err, show(vals), describe(ch, ""))
		}
	})
}

func describe(c *chart.Chart, indent string) string {
	s := indent + c.Name() + ": " + show(c.Metadata.Dependencies) + " " + show(c.Values) + "\n"
	for _, d := range c.Dependencies() {
		s += describe(d, indent+"  ")
	}
	return s
}

func TestRandomChartsGetHelmsValues(t *testing.T) {
	resolved := 0
	for seed := range uint64(1500) {
		c := &choices{data: randomBytes(1000 + seed)}
		ch, vals := c.chart("root", 3), c.table(4)
		if err := compareWithHelm(ch, vals); err != nil {
			t.Fatalf("seed %d: %v\nuser values %s\nchart %s", seed, err, show(vals), describe(ch, ""))
		}
		if _, err := Resolve(ch, vals, ResolveOptions{}); err == nil {
			resolved++
		}
	}
	if resolved < 500 {
		t.Errorf("only %d charts could be resolved", resolved)
	}
}
