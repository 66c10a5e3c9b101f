package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// Trace tells where the bytes of one rendered file come from. It is not safe for concurrent use.
type Trace struct {
	// Content is the rendered file.
	Content string

	st    *tmpl.State
	chart *values.Node
}

// Trace renders one file again, by the template's path, and remembers where
// each byte comes from. Templates that run before it run too, since they may
// change values. The input is that of the render in question.
func (p *Program) Trace(ctx context.Context, in Input, file string) (*Trace, error) {
	j, err := p.prepare(in)
	if err != nil {
		return nil, err
	}
	t, err := j.trace(ctx, file)
	if errors.Is(err, tmpl.ErrMutates) {
		j.selection.tplMutates.Store(true)
		if j, err = p.prepare(in); err == nil {
			t, err = j.trace(ctx, file)
		}
	}
	return t, err
}

func (j *job) trace(ctx context.Context, file string) (*Trace, error) {
	st := j.newState(ctx)
	st.TraceReads(j.values)
	for i := range j.selection.templates {
		t := &j.selection.templates[i]
		if t.partial() || j.shared && t.name != file {
			continue // what shares its values does nothing that others see
		}
		if t.name == file {
			st.Trace()
		}
		text, err := st.Execute(t.name, j.dot(t))
		if err != nil {
			return nil, newExecError(t.name, err, j.program.opts.Compat)
		}
		if t.name == file {
			return &Trace{Content: string(tmpl.StripNoValue(text)), st: st, chart: walk(nil, j.root)[t.chart]}, nil
		}
	}
	return nil, fmt.Errorf("trace %s: %w", file, ErrNotRendered)
}

// At returns the places that led to the byte of Content at offset: first the
// place in the rendered file, then that in each template it included, and last
// the one that wrote the byte. It is empty outside of Content. Context is
// not set in these frames.
func (t *Trace) At(offset int) []Frame {
	var frames []Frame
	for _, f := range t.st.TraceAt(offset) {
		frames = append(frames, Frame{File: f.File, Line: f.Line, Col: f.Col, Template: f.Template})
	}
	slices.Reverse(frames)
	return frames
}
