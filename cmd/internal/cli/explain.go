package cli

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
)

// explain adds to an error of a render what helps to find its cause.
func (r *rendering) explain(ctx context.Context, err error) error {
	var template *engine.TemplateError
	var document *manifest.ParseError
	switch {
	case errors.As(err, &template):
		return r.explainTemplate(err, template)
	case errors.As(err, &document):
		return r.explainDocument(ctx, err, document)
	}
	return err
}

// explainTemplate shows the template lines that led to the error, outermost first.
func (r *rendering) explainTemplate(err error, e *engine.TemplateError) error {
	f := &failure{err: err}
	if len(e.Chain) == 0 {
		f.details = r.place(engine.Frame{File: e.File, Line: e.Line, Col: e.Col}, 2)
		return f
	}
	for i, frame := range e.Chain {
		around := 0
		if i == len(e.Chain)-1 {
			around = 2
		}
		f.details += r.place(frame, around)
	}
	if !e.Author {
		f.hints = r.missingValue(e.Chain[len(e.Chain)-1])
	}
	return f
}

// place shows one frame: its file and position, and the line.
func (r *rendering) place(frame engine.Frame, around int) string {
	text := "  at " + frame.File
	if frame.Line > 0 {
		text += fmt.Sprintf(":%d", frame.Line)
	}
	if frame.Col > 0 {
		text += fmt.Sprintf(":%d", frame.Col)
	}
	if frame.Template != "" && frame.Template != frame.File {
		text += fmt.Sprintf(", template %q", frame.Template)
	}
	source, _ := r.source(frame.File)
	return text + "\n" + excerpt(source, frame.Line, frame.Col, around)
}

// source finds the text of a template by its full path, and the chart it is in.
func (r *rendering) source(name string) (string, *values.Node) {
	root, err := values.Resolve(r.chart, r.input.Values, values.ResolveOptions{Dialect: values.Dialect(r.options.compat)})
	if err != nil {
		return "", nil
	}
	var find func(n *values.Node) (string, *values.Node)
	find = func(n *values.Node) (string, *values.Node) {
		if inside, ok := strings.CutPrefix(name, n.FullPath()+"/"); ok {
			for _, f := range n.Chart.Templates {
				if path.Clean(f.Name) == inside {
					return string(f.Data), n
				}
			}
		}
		for _, dep := range n.Deps() {
			if text, node := find(dep); node != nil {
				return text, node
			}
		}
		return "", nil
	}
	return find(root)
}

// explainDocument shows the lines of a rendered document that is no YAML, and
// the template lines that wrote them.
func (r *rendering) explainDocument(ctx context.Context, err error, e *manifest.ParseError) error {
	f := &failure{err: err}
	if line := yamlLine(e.Err); line > 0 {
		f.details = fmt.Sprintf("  rendered from %s:\n%s", e.File, excerpt(e.Doc, line, 0, 3))
	}
	if !r.debug {
		f.hints = append(f.hints, "use --debug to print the invalid YAML")
	}
	return f
}

// yamlLine finds the line in the message of the YAML library, which keeps it
// nowhere else. 0 means that the message names none.
func yamlLine(err error) int {
	_, rest, found := strings.Cut(err.Error(), "line ")
	digits, _, ended := strings.Cut(rest, ":")
	n, parseErr := strconv.Atoi(digits)
	if !found || !ended || parseErr != nil {
		return 0
	}
	return n
}

// missingValue says which part of a path such as .Values.image.tag does not exist.
func (r *rendering) missingValue(frame engine.Frame) []string {
	_, keys, found := strings.Cut(frame.Context, ".Values.")
	_, node := r.source(frame.File)
	if !found || node == nil {
		return nil
	}
	scope := r.valuesOf(node)
	walked := ".Values"
	for key := range strings.SplitSeq(keys, ".") {
		key = identifier(key)
		next, exists := scope[key]
		if exists && next != nil {
			if scope, exists = next.(map[string]any); !exists {
				return nil
			}
			walked += "." + key
			continue
		}
		hint := fmt.Sprintf("%s.%s is not set in the values of chart %s", walked, key, node.FullPath())
		if meant := nearest(key, sortedKeys(scope)); meant != "" && !exists {
			hint += fmt.Sprintf("; did you mean %s.%s?", walked, meant)
		}
		return []string{hint}
	}
	return nil
}

// identifier is the start of s that can be a field's name.
func identifier(s string) string {
	for i, c := range s {
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c < 0x80 {
			return s[:i]
		}
	}
	return s
}

// valuesOf gives the merged values that a chart's templates see.
func (r *rendering) valuesOf(node *values.Node) map[string]any {
	root := node
	var names []string
	for root.Parent() != nil {
		names = append(names, root.Name())
		root = root.Parent()
	}
	scope, err := root.Coalesce(r.input.Values, values.CoalesceOptions{})
	if err != nil {
		return nil
	}
	for _, name := range slices.Backward(names) {
		scope, _ = scope[name].(map[string]any)
	}
	return scope
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
