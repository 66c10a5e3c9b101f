package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// Trace tells where the bytes of one rendered file come from. It is not safe for concurrent use.
type Trace struct {
	// Content is the rendered file.
	Content string

	st *tmpl.State
}

// Trace renders one file again, by the template's path, and remembers where
// each byte comes from. Templates that run before it run too, since they may
// change values. The input is that of the render in question.
func (p *Program) Trace(ctx context.Context, in Input, file string) (*Trace, error) {
	j, err := p.prepare(in)
	if err != nil {
		return nil, err
	}
	if j.shared { // a text given to tpl may turn out to change values
		j.selection.tplMutates.Store(j.selection.uses.Tpl)
		if j, err = p.prepare(in); err != nil {
			return nil, err
		}
	}
	st := j.newState(ctx)
	for i := range j.selection.templates {
		t := &j.selection.templates[i]
		if t.partial() {
			continue
		}
		if t.name == file {
			st.Trace()
		}
		text, err := st.Execute(t.name, j.dot(t))
		if err != nil {
			return nil, newExecError(t.name, err, p.opts.Compat)
		}
		if t.name == file {
			return &Trace{Content: string(tmpl.StripNoValue(text)), st: st}, nil
		}
	}
	return nil, fmt.Errorf("trace %s: no template of that path is rendered", file)
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
