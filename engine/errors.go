package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/e6d26078/slipway/engine/internal/funcs"
	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// TemplateError is an error in a template: a syntax error, or one met while it
// ran. Error returns Helm's text.
type TemplateError struct {
	// File is the template that was rendered, by its full path. The place of a
	// syntax error is there; the place of another error is the last of Chain.
	File string
	// Line and Col count from 1, Col in bytes. In the text of an error that a
	// running template met, columns count from 0, as in Helm's. Col is 0 for a
	// syntax error.
	Line, Col int
	// Chain leads from the rendered file through each include and tpl to the
	// place of the error. It is empty for a syntax error.
	Chain []Frame
	// Message is what went wrong, without place and chain. For required and
	// fail it is the chart author's message.
	Message string
	// Author says that the message is the chart author's, given to required or fail.
	Author bool
	// Err is the cause: the error of a function or of the context, or nil.
	Err error

	text string
}

// Error returns Helm's text for the error.
func (e *TemplateError) Error() string { return e.text }

// Unwrap returns the cause.
func (e *TemplateError) Unwrap() error { return e.Err }

// Frame is one place in a chain of templates.
type Frame struct {
	// File is the template file, or "gotpl" for a text given to tpl.
	File string
	// Line and Col count from 1, Col in bytes.
	Line, Col int
	// Template is the named template that ran, the file's own name outside of define.
	Template string
	// Context is the part of the action at that place, as source.
	Context string
}

// newParseError gives a syntax error Helm's text.
func newParseError(name string, err error) error {
	e := &TemplateError{File: name, Err: err}
	var syntax *tmpl.ParseError
	if errors.As(err, &syntax) {
		e.Line, e.Message = syntax.Line, syntax.Message
	}
	tokens := strings.Split(err.Error(), ": ")
	if len(tokens) == 1 {
		e.text = fmt.Sprintf("parse error in (%s): %s", name, err)
	} else {
		e.text = fmt.Sprintf("parse error at (%s): %s", tokens[1], tokens[len(tokens)-1])
	}
	return e
}

// newExecError gives an error of a running template Helm's text.
func newExecError(name string, err error, compat Compat) error {
	e := &TemplateError{File: name, Err: err, text: err.Error(), Message: err.Error()}
	var innermost *tmpl.ExecError
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		exec, ok := cause.(*tmpl.ExecError)
		if !ok {
			continue
		}
		innermost = exec
		if exec.Name != "" {
			e.Chain = append(e.Chain, Frame{File: exec.Name, Line: exec.Line, Col: exec.Col + 1, Template: exec.Template, Context: exec.Context})
		}
	}
	if innermost != nil {
		e.Message = innermost.Message
		if innermost.Err != nil {
			e.Message = innermost.Err.Error()
		}
	}
	if len(e.Chain) > 0 {
		e.Line, e.Col = e.Chain[0].Line, e.Chain[0].Col
	}
	var author *funcs.UserError
	if errors.As(err, &author) {
		e.Author, e.Message = true, author.Msg
	}
	if _, ok := err.(*tmpl.ExecError); !ok {
		return e
	}
	if location, message, ok := authorMessage(e.text); ok {
		e.text = fmt.Sprintf("execution error at (%s): %s", location, message)
	} else if compat == Helm4 {
		e.text = helm4Text(err)
	}
	return e
}

// Marks that required and fail put around the author's message.
const (
	authorStart = "HELM_ERR_START"
	authorEnd   = "HELM_ERR_END"
)

// authorMessage finds the author's message in a longer text, and the place
// that stands first in it.
func authorMessage(text string) (location, message string, ok bool) {
	tokens := strings.SplitN(text, ": ", 3)
	if len(tokens) != 3 {
		return "", "", false
	}
	_, rest, found := strings.Cut(tokens[2], authorStart)
	end := strings.LastIndex(rest, authorEnd)
	if !found || end < 0 {
		return "", "", false
	}
	return tokens[1], rest[:end], true
}

// helm4Text is Helm 4's form of an error in a running template: place, what
// ran and message of each level on lines of their own. Where one level is not
// an error of text/template the text stays as it is.
func helm4Text(err error) string {
	var b strings.Builder
	last := ""
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		level, ok := helm4Level(cause)
		if !ok {
			return err.Error()
		}
		if level != last {
			b.WriteString(level)
			last = level
		}
	}
	return strings.TrimSpace(b.String())
}

func helm4Level(err error) (string, bool) {
	rest, ok := strings.CutPrefix(err.Error(), "template: ")
	if !ok {
		return "", false
	}
	if strings.HasPrefix(rest, "no template ") {
		return err.Error() + "\n", true
	}
	if location, after, found := strings.Cut(rest, ": executing "); found {
		if executed, message, ok := strings.Cut(after, ">: "); ok && strings.HasPrefix(after, `"`) && strings.Contains(executed, `" at <`) {
			message, _, _ = strings.Cut(message, " template:")
			return location + "\n  executing " + executed + ">:\n    " + message + "\n", true
		}
	}
	sep := strings.LastIndex(rest, ": ")
	if sep < 0 {
		return "", false
	}
	message, _, _ := strings.Cut(rest[sep+2:], " template:")
	return rest[:sep] + "\n  " + message + "\n", true
}
