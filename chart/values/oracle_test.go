package values

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mitchellh/copystructure"
	"helm.sh/helm/v3/pkg/chartutil"

	"helm.sh/helm/v3/pkg/chart"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// clone copies a chart tree so that Helm can change it.
func clone(c *chart.Chart) *chart.Chart {
	out := *c
	md := *c.Metadata
	if md.Dependencies != nil {
		md.Dependencies = make([]*chart.Dependency, len(c.Metadata.Dependencies))
		for i, d := range c.Metadata.Dependencies {
			dep := *d
			md.Dependencies[i] = &dep
		}
	}
	out.Metadata = &md
	out.Values = copyOf(c.Values)
	subs := make([]*chart.Chart, len(c.Dependencies()))
	for i, d := range c.Dependencies() {
		subs[i] = clone(d)
	}
	out.SetDependencies(subs...)
	return &out
}

func copyOf(m map[string]any) map[string]any {
	out, err := copystructure.Copy(m)
	if err != nil {
		panic(err)
	}
	return out.(map[string]any)
}

// compareWithHelm runs Helm's steps and ours and reports the first difference.
func compareWithHelm(c *chart.Chart, vals map[string]any) error {
	helm := clone(c)
	before, beforeVals := clone(c), copyOf(vals)
	node, err := Resolve(c, vals, ResolveOptions{})
	if errors.Is(err, errTooDeep) {
		return nil // #DIFFERS import-values can put a table into itself; Helm then copies it without end
	}
	helmErr := chartutil.ProcessDependenciesWithMerge(helm, copyOf(vals))
	if !sameErrors(err, helmErr) {
		return fmt.Errorf("resolve: error %v, Helm %v", err, helmErr)
	}
	if err != nil {
		return nil
	}
	if err := compareCharts(node, helm); err != nil {
		return err
	}
	want, helmErr := chartutil.CoalesceValues(helm, copyOf(vals))
	for _, share := range []bool{true, false} {
		got, err := node.Coalesce(vals, CoalesceOptions{Share: share})
		if !sameErrors(err, helmErr) {
			return fmt.Errorf("coalesce: error %v, Helm %v", err, helmErr)
		}
		if err != nil {
			continue
		}
		if !reflect.DeepEqual(got, map[string]any(want)) {
			return fmt.Errorf("share=%v: values differ:\n got %s\nwant %s", share, show(got), show(want))
		}
		if !share {
			helmMarked := map[string]any(want)
			mark(got, nil)
			mark(helmMarked, nil)
			if !reflect.DeepEqual(got, helmMarked) {
				return fmt.Errorf("objects are shared differently:\n got %s\nwant %s", show(got), show(want))
			}
		}
	}
	if !reflect.DeepEqual(vals, beforeVals) {
		return fmt.Errorf("the user's values were changed")
	}
	if !reflect.DeepEqual(c, before) {
		return fmt.Errorf("the chart was changed")
	}
	return nil
}

// mark writes into every table and every list of tables its first path, so
// that objects reachable by two paths show.
func mark(v any, path []string) {
	switch v := v.(type) {
	case map[string]any:
		var keys []string
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		v["\x00"+strings.Join(path, ".")] = "seen"
		for _, k := range keys {
			if !strings.HasPrefix(k, "\x00") {
				mark(v[k], append(path[:len(path):len(path)], k))
			}
		}
	case []any:
		for _, e := range v {
			mark(e, append(path[:len(path):len(path)], "[]"))
		}
	}
}

func sameErrors(ours, helms error) bool {
	if ours == nil || helms == nil {
		return ours == nil && helms == nil
	}
	return strings.HasPrefix(ours.Error(), helms.Error())
}

func compareCharts(n *Node, c *chart.Chart) error {
	at := c.ChartFullPath()
	if n.FullPath() != at {
		return fmt.Errorf("full path %q, Helm %q", n.FullPath(), at)
	}
	if n.IsRoot() != c.IsRoot() {
		return fmt.Errorf("%s: IsRoot %v, Helm %v", at, n.IsRoot(), c.IsRoot())
	}
	if got, want := show(n.Metadata), show(c.Metadata); got != want || !reflect.DeepEqual(n.Metadata, c.Metadata) {
		return fmt.Errorf("%s: metadata\n got %s\nwant %s", at, got, want)
	}
	if !(len(n.Values) == 0 && len(c.Values) == 0) && !reflect.DeepEqual(n.Values, c.Values) {
		return fmt.Errorf("%s: defaults\n got %s\nwant %s", at, show(n.Values), show(c.Values))
	}
	if len(n.Deps()) != len(c.Dependencies()) {
		return fmt.Errorf("%s: %d subcharts, Helm %d", at, len(n.Deps()), len(c.Dependencies()))
	}
	for i, d := range c.Dependencies() {
		if err := compareCharts(n.Deps()[i], d); err != nil {
			return err
		}
	}
	return nil
}

func show(v any) string {
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(out)
}
