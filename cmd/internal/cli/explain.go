package cli

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
)

// explain adds to an error of a render what helps to find its cause. Files are
// what was rendered, if it got that far.
func (r *rendering) explain(ctx context.Context, err error, files []manifest.File) error {
	var template *engine.TemplateError
	var document *manifest.ParseError
	switch {
	case errors.As(err, &template):
		return r.explainTemplate(err, template)
	case errors.As(err, &document):
		return r.explainDocument(ctx, err, document, files)
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
	if missing, ok := r.program.FindMissing(e, r.input); ok {
		f.hints = r.missingHint(missing)
	}
	return f
}

// place shows one frame: its file and position, and the line.
func (r *rendering) place(frame engine.Frame, around int) string {
	source, _ := r.source(frame.File)
	return placeLine(frame) + excerpt(source, frame.Line, frame.Col, around)
}

// placeLine names the file and the position of a frame.
func placeLine(frame engine.Frame) string {
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
	return text + "\n"
}

// source finds the text of a template by its full path, and the chart it is in.
func (r *rendering) source(name string) (string, *values.Node) {
	root, err := values.Resolve(r.chart, r.input.Values, values.ResolveOptions{Dialect: values.Dialect(r.compat)})
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

// missingHint says why there is nothing at a path, and what was probably meant.
func (r *rendering) missingHint(m engine.Missing) []string {
	explainer, err := newExplainer(r.chart, r.user, r.compat)
	if err != nil {
		return nil
	}
	path := append(chartPath(m.Chart), values.ParsePath(m.Path)...)
	x := explainer.Explain(append(path, m.Key)...)
	shown := ".Values." + m.Key
	if m.Path != "" {
		shown = ".Values." + m.Path + "." + m.Key
	}
	hint := fmt.Sprintf("%s is not set in the values of chart %s", shown, m.Chart.FullPath())
	switch {
	case len(x.Origins) > 0 && x.Found:
		hint = fmt.Sprintf("%s is null: %s says so", shown, x.Origins[0])
	case len(x.Origins) > 0 && x.Origins[0].Value == nil:
		hint += fmt.Sprintf(": %s removes it", x.Origins[0])
	case len(x.Nearest) > 0:
		hint += "; did you mean " + values.FormatPath(x.Nearest)
		if origins := explainer.Explain(x.Nearest...).Origins; len(origins) > 0 {
			hint += fmt.Sprintf(" (%s)", origins[0])
		}
		hint += "?"
	case len(m.Have) > 0:
		hint += clip("; there are " + strings.Join(m.Have, ", "))
	}
	return []string{hint}
}

// chartPath is where the values of a chart stand in those of the root chart.
func chartPath(n *values.Node) []string {
	var path []string
	for ; n.Parent() != nil; n = n.Parent() {
		path = append(path, n.Name())
	}
	slices.Reverse(path)
	return path
}
