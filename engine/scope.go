package engine

import (
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine/internal/chartutil"
)

// templateFile is one template that takes part in a render.
type templateFile struct {
	name     string // the full path by which it is known to include
	basePath string // what .Template.BasePath says
	file     *chart.File
	chart    int // index of its chart in the walk
}

// partial reports whether the file is only for inclusion.
func (t *templateFile) partial() bool { return strings.HasPrefix(path.Base(t.name), "_") }

// walk lists the charts of a tree as Helm visits them: subcharts before their parent.
func walk(nodes []*values.Node, n *values.Node) []*values.Node {
	for _, dep := range n.Deps() {
		nodes = walk(nodes, dep)
	}
	return append(nodes, n)
}

// collectTemplates lists the templates of the charts in the order of
// execution. Of two files with one name (charts that keep an old parent in
// their path) the one visited later wins.
func collectTemplates(nodes []*values.Node) []templateFile {
	byName := map[string]templateFile{}
	for i, n := range nodes {
		fullPath := n.FullPath()
		basePath := path.Join(fullPath, "templates")
		library := strings.EqualFold(n.Metadata.Type, "library")
		for _, f := range n.Chart.Templates {
			if f == nil || library && !strings.HasPrefix(filepath.Base(f.Name), "_") {
				continue
			}
			name := path.Join(fullPath, f.Name)
			byName[name] = templateFile{name: name, basePath: basePath, file: f, chart: i}
		}
	}
	names := slices.Collect(maps.Keys(byName))
	sortTemplates(names)
	list := make([]templateFile, len(names))
	for i, name := range names {
		list[i] = byName[name]
	}
	return list
}

// scopes makes the objects that the templates of each chart see, in the order
// of the walk, and returns those of n. parent has the scope of the chart
// above, or for the root the top-level objects.
func (p *Program) scopes(list []map[string]any, n *values.Node, parent map[string]any) ([]map[string]any, map[string]any) {
	subcharts := make(map[string]any, len(n.Deps()))
	scope := map[string]any{
		"Chart":        p.chartObject(n),
		"Files":        p.filesOf(n.Chart),
		"Release":      parent["Release"],
		"Capabilities": parent["Capabilities"],
		"Values":       p.opts.Compat.subchartValues(n, parent),
		"Subcharts":    subcharts,
	}
	for _, dep := range n.Deps() {
		var sub map[string]any
		list, sub = p.scopes(list, dep, scope)
		subcharts[dep.Name()] = sub
	}
	return append(list, scope), scope
}

// subchartValues returns .Values for a chart: the whole of the root's, the
// subchart's table of its parent's.
func (c Compat) subchartValues(n *values.Node, parent map[string]any) any {
	if n.IsRoot() {
		return parent["Values"]
	}
	above, _ := asTable(parent["Values"])
	table, err := chartutil.Values(above).Table(n.Name())
	if err != nil {
		return c.values(map[string]any{})
	}
	return c.values(table)
}

// chartObject returns .Chart: in Helm 3 the metadata with one field more, in Helm 4 a map of them.
func (p *Program) chartObject(n *values.Node) any { return p.chartObjectOf(n.Metadata, n.IsRoot()) }

func (p *Program) chartObjectOf(metadata *chart.Metadata, isRoot bool) any {
	if p.opts.Compat == Helm4 {
		m := structMap(reflect.ValueOf(metadata).Elem())
		m["IsRoot"] = isRoot
		return m
	}
	return struct {
		chart.Metadata
		IsRoot bool
	}{*metadata, isRoot}
}

// structMap turns a struct into a map by field name, as Helm 4 does for .Chart.
func structMap(v reflect.Value) map[string]any {
	m := make(map[string]any, v.NumField())
	for i := range v.NumField() {
		m[v.Type().Field(i).Name] = structMapField(v.Field(i))
	}
	return m
}

func structMapField(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Struct:
		return structMap(v)
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return structMap(v.Elem())
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			if e := v.Index(i); e.Kind() == reflect.Struct || e.Kind() == reflect.Pointer {
				list[i] = structMap(reflect.Indirect(e))
			} else {
				list[i] = e.Interface()
			}
		}
		return list
	}
	return v.Interface()
}
