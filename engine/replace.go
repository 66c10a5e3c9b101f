package engine

import (
	"context"
	"errors"
	"reflect"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine/internal/chartutil"
	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// Render has the signature and the result of the function of that name in
// Helm's engine package, so that a program which calls it changes one import.
// The chart's dependencies must have been processed, and renderValues be those
// of chartutil.ToRenderValues, as for Helm's. Template paths are the keys of
// the result.
//
// Whoever renders one chart more than once is better off with [Compile].
func Render(c *chart.Chart, renderValues map[string]any) (map[string]string, error) {
	p, err := Compile(c, Options{})
	if err != nil {
		return nil, err
	}
	top := map[string]any{"Release": renderValues["Release"], "Capabilities": renderValues["Capabilities"]}
	top["Values"], err = asValues(renderValues["Values"])
	if err != nil {
		return nil, err
	}
	root := values.Processed(c, values.Helm3)
	nodes := walk(nil, root)
	j := &job{program: p, root: root, selection: p.selectionOf(nodes)}
	if j.selection.err != nil {
		return nil, j.selection.err
	}
	j.scopes, _ = p.scopes(nil, root, top)
	j.env = tmpl.Env{}
	out, err := j.run(context.Background())
	if err != nil {
		return map[string]string{}, err
	}
	files := make(map[string]string, len(out.Files))
	for _, f := range out.Files {
		files[f.Name] = f.Content
	}
	return files, nil
}

// asValues gives .Values the type that templates know, whichever map type it came in.
func asValues(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	table, ok := asTable(v)
	if !ok {
		return nil, errors.New("render: the entry Values of the render values is not a map[string]any")
	}
	return chartutil.Values(table), nil
}

// asTable returns the map behind any type that is one of string to any.
func asTable(v any) (map[string]any, bool) {
	if m, ok := v.(map[string]any); ok {
		return m, true
	}
	to := reflect.TypeFor[map[string]any]()
	from := reflect.ValueOf(v)
	if from.Kind() != reflect.Map || !from.CanConvert(to) {
		return nil, false
	}
	return from.Convert(to).Interface().(map[string]any), true
}
