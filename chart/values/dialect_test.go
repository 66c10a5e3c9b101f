package values

import (
	"reflect"
	"sync"
	"testing"

	"github.com/e6d26078/slipway/chart"
)

// TestHelm4DiffersInNullsAndParents holds the results of helm v4.3.1, whose
// packages are not among this module's dependencies.
func TestHelm4DiffersInNullsAndParents(t *testing.T) {
	leaf := &chart.Chart{Metadata: &chart.Metadata{Name: "leaf", Version: "1.0.0"}}
	sub := &chart.Chart{Metadata: &chart.Metadata{Name: "sub", Version: "1.0.0"}, Values: parse("x: 1\nn: null\n")}
	sub.AddDependency(leaf)
	root := &chart.Chart{
		Metadata: &chart.Metadata{Name: "root", Version: "1.0.0", Dependencies: []*chart.Dependency{
			{Name: "sub", Version: "1.0.0", Alias: "one"}, {Name: "sub", Version: "1.0.0", Alias: "two"},
		}},
		Values: parse("top: null\ndeep: {a: null, b: 1}\none: {x: null}\n"),
	}
	root.AddDependency(sub)
	for _, want := range []struct {
		dialect Dialect
		values  string
		paths   []string
	}{
		{Helm3, "top: null\ndeep: {a: null, b: 1}\none: {leaf: {global: {}}, global: {}}\ntwo: {x: 1, leaf: {global: {}}, global: {}}\n",
			[]string{"root/charts/one", "root/charts/sub/charts/leaf", "root/charts/two", "root/charts/sub/charts/leaf"}},
		{Helm4, "deep: {b: 1}\none: {x: 1, leaf: {global: {}}, global: {}}\ntwo: {x: 1, leaf: {global: {}}, global: {}}\n",
			[]string{"root/charts/one", "root/charts/one/charts/leaf", "root/charts/two", "root/charts/two/charts/leaf"}},
	} {
		node, err := Resolve(root, nil, ResolveOptions{Dialect: want.dialect})
		if err != nil {
			t.Fatal(err)
		}
		got, err := node.Coalesce(nil, CoalesceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, parse(want.values)) {
			t.Errorf("dialect %d: got %s", want.dialect, show(got))
		}
		var paths []string
		for _, d := range node.Deps() {
			paths = append(paths, d.FullPath(), d.Deps()[0].FullPath())
		}
		if !reflect.DeepEqual(paths, want.paths) {
			t.Errorf("dialect %d: paths %q", want.dialect, paths)
		}
	}
}

func TestATreeAndItsNodesServeManyGoroutines(t *testing.T) {
	tree := Prepare(wideUmbrella(20))
	shared, err := tree.Resolve(nil, ResolveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := shared.Coalesce(nil, CoalesceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			own, err := tree.Resolve(nil, ResolveOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			for _, n := range []*Node{shared, own} {
				got, err := n.Coalesce(nil, CoalesceOptions{Share: true})
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("got other values, error %v", err)
				}
			}
		})
	}
	wg.Wait()
}

func TestWarningsComeInOneOrder(t *testing.T) {
	c := wideUmbrella(3)
	vals := map[string]any{
		"tags": map[string]any{"t": "x"},
		"sub0": map[string]any{"key1": "text", "key2": "text", "key0": map[string]any{"a": map[string]any{}}},
	}
	c.Metadata.Dependencies[1].Condition = "sub0.key1"
	c.Metadata.Dependencies[1].Tags = []string{"t"}
	want := []string{
		"Warning: Tag 't' for chart sub1 returned non-bool value",
		"Warning: Condition path 'sub0.key1' for chart sub1 returned non-bool value",
		"warning: cannot overwrite table with non table for root.sub0.key1 (map[a:b c:map[d:1]])",
		"warning: cannot overwrite table with non table for root.sub0.key2 (map[a:b c:map[d:1]])",
		"warning: destination for root.sub0.key0.a is a table. Ignoring non-table value (b)",
		"warning: destination for root.sub0.key0.a is a table. Ignoring non-table value (b)",
	}
	for range 5 {
		var got []string
		warn := func(message string) { got = append(got, message) }
		node, err := Resolve(c, vals, ResolveOptions{Warn: warn})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := node.Coalesce(vals, CoalesceOptions{Share: true, Warn: warn}); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %q", got)
		}
	}
}
