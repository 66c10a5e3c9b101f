package tmpl

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that end a render for reasons of its own. They are wrapped in an *ExecError.
var (
	// ErrOutputTooLarge says that the output passed Limits.MaxOutput.
	ErrOutputTooLarge = errors.New("output is too large")
	// ErrTooDeep says that templates call each other more deeply than the stack allows.
	ErrTooDeep = errors.New("templates are nested too deeply")
	// ErrMutates says that a render with Limits.ReadOnly met a function that changes its arguments.
	ErrMutates = errors.New("function changes a shared value")
)

// errBreak and errContinue carry {{break}} and {{continue}} up to their range.
var (
	errBreak    = errors.New("break")
	errContinue = errors.New("continue")
)

// ParseError is a syntax error.
type ParseError struct {
	Name    string // of the file
	Line    int    // counted from 1
	Message string
}

// Error returns the text that text/template has for it.
func (e *ParseError) Error() string {
	return fmt.Sprintf("template: %s:%d: %s", e.Name, e.Line, e.Message)
}

// ExecError is an error met while a template ran. The error of a function that
// failed, and through include the errors of inner templates, are found by errors.As.
type ExecError struct {
	Name     string // the file with the template's source; empty when no node is to blame
	Line     int    // counted from 1
	Col      int    // in bytes, counted as text/template counts: from 0
	Template string // the template that ran
	Context  string // the node that failed, as source
	Call     string // the function that failed with Err, if one did
	Message  string // what happened, unless a function failed
	Err      error  // the cause, or nil
}

// Error returns the text that text/template has for it.
func (e *ExecError) Error() string { return string(e.appendText(nil)) }

// Unwrap returns the cause.
func (e *ExecError) Unwrap() error { return e.Err }

func (e *ExecError) appendText(dst []byte) []byte {
	if e.Name == "" {
		return fmt.Appendf(dst, "template: %s: %s", e.Template, e.Message)
	}
	dst = fmt.Appendf(dst, "template: %s:%d:%d: executing %q at <%s>: ", e.Name, e.Line, e.Col, e.Template, e.Context)
	if e.Call == "" {
		return append(dst, e.Message...)
	}
	dst = append(dst, "error calling "...)
	dst = append(dst, e.Call...)
	dst = append(dst, ": "...)
	return appendError(dst, e.Err)
}

// appendError appends an error's text. Chains can be thousands of errors long,
// so that each may write its own part only.
func appendError(dst []byte, err error) []byte {
	if a, ok := err.(interface{ appendText([]byte) []byte }); ok {
		return a.appendText(dst)
	}
	return append(dst, err.Error()...)
}

// wrapError is an error with a text before it, as errors.Wrap makes it.
type wrapError struct {
	message string
	err     error
}

func (e *wrapError) Error() string { return string(e.appendText(nil)) }
func (e *wrapError) Unwrap() error { return e.err }

func (e *wrapError) appendText(dst []byte) []byte {
	dst = append(dst, e.message...)
	dst = append(dst, ": "...)
	return appendError(dst, e.err)
}

// errorf returns an error at node n of the running template.
func (st *State) errorf(n *node, format string, args ...any) error {
	e := st.errorAt(n)
	e.Message = fmt.Sprintf(format, args...)
	return e
}

// stopError returns the error of a render that ends for a reason of its own.
func (st *State) stopError(n *node, cause error) error {
	e := st.errorAt(n)
	e.Message, e.Err = cause.Error(), cause
	return e
}

// callError returns the error of a function that was called at node n.
func (st *State) callError(n *node, name string, cause error) error {
	e := st.errorAt(n)
	e.Call, e.Err = name, cause
	return e
}

func (st *State) errorAt(n *node) *ExecError {
	t := st.template
	before := t.file.text[:n.pos]
	return &ExecError{
		Name:     t.file.Name,
		Line:     1 + strings.Count(before, "\n"),
		Col:      len(before) - 1 - strings.LastIndexByte(before, '\n'),
		Template: t.name,
		Context:  n.String(),
	}
}

// blame returns the node that text/template would name for an error met right
// after n was evaluated without one: the last node that it looked at.
func (st *State) blame(n *node) *node {
	switch n.kind {
	case nodePipe:
		last, lastCmd := n, (*node)(nil)
		for cmd := n.child; cmd != nil; cmd = cmd.next {
			lastCmd = cmd
		}
		if lastCmd != nil {
			last = st.blameCommand(lastCmd)
		}
		return last
	case nodeChain:
		return st.blame(n.child)
	}
	return n
}

// blameCommand is blame for a command of a pipeline.
func (st *State) blameCommand(cmd *node) *node {
	first := cmd.child
	if first.kind == nodeIdent && first.fn.shortCircuits() && st.lastOperand != nil {
		return st.lastOperand
	}
	last := first
	for operand := first.next; operand != nil; operand = operand.next {
		last = operand
	}
	if last.kind == nodeIdent && last.fn.shortCircuits() && st.lastOperand != nil {
		return st.lastOperand
	}
	return st.blame(last)
}
