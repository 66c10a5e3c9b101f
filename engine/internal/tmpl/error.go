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
	Message  string
	Err      error // the cause, or nil; Message has its text
}

// Error returns the text that text/template has for it.
func (e *ExecError) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("template: %s: %s", e.Template, e.Message)
	}
	return fmt.Sprintf("template: %s:%d:%d: executing %q at <%s>: %s",
		e.Name, e.Line, e.Col, e.Template, e.Context, e.Message)
}

// Unwrap returns the cause.
func (e *ExecError) Unwrap() error { return e.Err }

// wrapError is an error with a text before it, as errors.Wrap makes it.
type wrapError struct {
	message string
	err     error
}

func (e *wrapError) Error() string { return e.message + ": " + e.err.Error() }
func (e *wrapError) Unwrap() error { return e.err }

// errorf returns an error at node n of the running template.
func (st *State) errorf(n *node, format string, args ...any) error {
	return st.newError(n, fmt.Sprintf(format, args...), nil)
}

// callError returns the error of a function that was called at node n.
func (st *State) callError(n *node, name string, cause error) error {
	return st.newError(n, "error calling "+name+": "+cause.Error(), cause)
}

func (st *State) newError(n *node, message string, cause error) error {
	t := st.template
	before := t.file.text[:n.pos]
	return &ExecError{
		Name:     t.file.Name,
		Line:     1 + strings.Count(before, "\n"),
		Col:      len(before) - 1 - strings.LastIndexByte(before, '\n'),
		Template: t.name,
		Context:  n.String(),
		Message:  message,
		Err:      cause,
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
