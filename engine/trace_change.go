package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine/internal/funcs"
	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// Tracer renders a chart again and again, each time with something changed, to
// find out what its text depends on. What functions of chance and of time give
// is the same in each of its renders, and not what a real render would have.
// Schemas and the chart's kubeVersion are not checked. It is not for concurrent use.
type Tracer struct {
	in     Input
	first  *Program
	second *Program // the same with other results of chance; nil until it is needed
}

// Change is what one render of a [Tracer] has other than the usual. The zero value changes nothing.
type Change struct {
	// Values, if not nil, are the user's values instead of those of the Input.
	Values map[string]any
	// Input, if not nil, changes anything else of the Input.
	Input func(*Input)
	// Chart, if not nil, changes what templates see as .Chart; what it is given is a copy.
	Chart func(*chart.Metadata)
	// Files, if not nil, returns what templates see as the content of a file
	// of a chart, whose path is given with the chart's in front.
	Files func(name string, data []byte) []byte
	// Chance has the functions of chance and time give other results.
	Chance bool
}

// Tracer returns a Tracer for the render with the input.
func (p *Program) Tracer(in Input) *Tracer {
	in.SkipSchema, in.SkipKubeVersion, in.Warn = true, true, nil
	return &Tracer{in: in, first: p.withoutChance(1)}
}

// withoutChance compiles the chart with functions whose chance is fixed.
func (p *Program) withoutChance(seed uint64) *Program {
	table := funcs.Helm3()
	if p.opts.Compat == Helm4 {
		table = funcs.Helm4()
	}
	return &Program{
		chart: p.chart, opts: p.opts, tree: p.tree,
		funcs:      prepareFuncs(funcs.WithoutChance(table, seed)),
		files:      map[*chart.Chart]files{},
		parsed:     map[parseKey]*parsedFile{},
		selections: map[string]*selection{},
	}
}

// Render renders all files, with other values of the user's unless they are nil.
func (t *Tracer) Render(ctx context.Context, vals map[string]any) (*Output, error) {
	in := t.in
	if vals != nil {
		in.Values = vals
	}
	return t.first.Render(ctx, in)
}

// ErrNotRendered is returned for a file that the charts that take part do not have.
var ErrNotRendered = errors.New("no template of that path is rendered")

// File renders one file with a change, by the template's path. Templates that
// run before it run too where templates change values.
func (t *Tracer) File(ctx context.Context, change Change, file string) (string, error) {
	program := t.first
	if change.Chance {
		if t.second == nil {
			t.second = t.first.withoutChance(2)
		}
		program = t.second
	}
	in := t.in
	if change.Values != nil {
		in.Values = change.Values
	}
	if change.Input != nil {
		change.Input(&in)
	}
	j, err := program.prepare(in)
	if err != nil {
		return "", err
	}
	text, err := j.change(change).file(ctx, file)
	if errors.Is(err, tmpl.ErrMutates) {
		j.selection.tplMutates.Store(true)
		if j, err = program.prepare(in); err == nil {
			text, err = j.change(change).file(ctx, file)
		}
	}
	return text, err
}

// change puts the changed objects in the place of .Chart and .Files.
func (j *job) change(c Change) *job {
	for i, n := range walk(nil, j.root) {
		if c.Chart != nil {
			metadata := *n.Metadata
			c.Chart(&metadata)
			j.scopes[i]["Chart"] = j.program.chartObjectOf(&metadata, n.IsRoot())
		}
		if c.Files != nil {
			changed := maps.Clone(j.program.filesOf(n.Chart))
			for name, data := range changed {
				changed[name] = c.Files(n.FullPath()+"/"+name, bytes.Clone(data))
			}
			j.scopes[i]["Files"] = changed
		}
	}
	return j
}

// file renders one file.
func (j *job) file(ctx context.Context, name string) (string, error) {
	st := j.newState(ctx)
	for i := range j.selection.templates {
		t := &j.selection.templates[i]
		if t.partial() || j.shared && t.name != name {
			continue
		}
		text, err := st.Execute(t.name, j.dot(t))
		if err != nil {
			return "", newExecError(t.name, err, j.program.opts.Compat)
		}
		if t.name == name {
			return string(tmpl.StripNoValue(text)), nil
		}
	}
	return "", fmt.Errorf("render %s: %w", name, ErrNotRendered)
}

// Trace renders one file without a change and remembers where its text comes
// from and which values were read for it.
func (t *Tracer) Trace(ctx context.Context, file string) (*Trace, error) {
	return t.first.Trace(ctx, t.in, file)
}

// Read is a value that was read for a file.
type Read struct {
	// Path leads to it from the values of the root chart: keys, and indexes of lists as "[0]".
	Path []string
	// Missing says that there was nothing.
	Missing bool
}

// Reads lists the values that templates have read until the file was complete,
// each once. Of what was handed to a function as a whole all counts.
func (t *Trace) Reads() []Read {
	reads := t.st.Reads()
	list := make([]Read, len(reads))
	for i, r := range reads {
		list[i] = Read{slices.Clone(r.Path), r.Missing}
	}
	return list
}

// Chart is the chart that the traced file is a template of.
func (t *Trace) Chart() *values.Node { return t.chart }
