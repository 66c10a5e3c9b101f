package schema

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// token is one step of the way to a value.
type token struct {
	name  string
	index int // counts if name is ""
	array bool
}

func (t token) String() string {
	if t.array {
		return strconv.Itoa(t.index)
	}
	return t.name
}

// issue is something wrong with a value.
type issue struct {
	path    []token
	message func() string
	kind    issueKind
	causes  []*issue
}

type issueKind uint8

const (
	issuePlain     issueKind = iota
	issueGroup               // several issues of one schema
	issueReference           // issues of the schema that a reference leads to
)

// ValidationError says what in the values does not conform. Its text is that
// of Helm, with a line feed at the end.
type ValidationError struct {
	url    string
	issues []*issue
}

// Problem is one line of a ValidationError.
type Problem struct {
	Path    []string // property names and item numbers that lead to the value
	Message string
	Causes  []Problem
}

// Problems gives the parts of the error in the order of its text.
func (e *ValidationError) Problems() []Problem { return problems(e.issues) }

func problems(issues []*issue) []Problem {
	var out []Problem
	for _, i := range issues {
		if i.isTransparent() {
			out = append(out, problems(i.causes)...)
			continue
		}
		p := Problem{Path: make([]string, len(i.path)), Message: i.message(), Causes: problems(i.causes)}
		for k, t := range i.path {
			p.Path[k] = t.String()
		}
		out = append(out, p)
	}
	return out
}

func (e *ValidationError) Error() string {
	text := e.full()
	if rest, ok := strings.CutPrefix(text, "jsonschema validation failed with '"+DefaultURL+"#'\n"); ok {
		text = rest
	}
	return text + "\n"
}

// full is the text with its first line and without the line feed at the end.
func (e *ValidationError) full() string {
	var sb strings.Builder
	sb.WriteString("jsonschema validation failed with " + quote(e.url))
	for _, i := range e.issues {
		i.write(&sb, 0)
	}
	return sb.String()
}

// isTransparent tells whether only the cause of the issue shows.
func (i *issue) isTransparent() bool {
	return i.kind == issueReference && len(i.causes) == 1
}

func (i *issue) write(sb *strings.Builder, indent int) {
	if !i.isTransparent() {
		sb.WriteByte('\n')
		for range indent {
			sb.WriteString("  ")
		}
		var pointer strings.Builder
		for _, t := range i.path {
			pointer.WriteString("/" + escapeToken(t.String()))
		}
		sb.WriteString("- at " + quote(pointer.String()) + ": " + i.message())
		indent++
	}
	for _, cause := range i.causes {
		cause.write(sb, indent)
	}
}

// quote writes s in single quotes, otherwise like a Go string.
func quote(s string) string {
	s = strconv.Quote(s)
	s = strings.ReplaceAll(s, `\"`, `"`)
	s = strings.ReplaceAll(s, `'`, `\'`)
	return "'" + s[1:len(s)-1] + "'"
}

func quoteAll(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return strings.Join(quoted, ", ")
}

// show writes a scalar of a schema or of the values.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return quote(v)
	case json.Number:
		return string(v)
	case []any, map[string]any:
		return "value"
	}
	return fmt.Sprint(v)
}

// wanted words what an enum or const asks for.
func wanted(values []any, keyword string) string {
	shown := make([]string, len(values))
	for i, v := range values {
		switch v.(type) {
		case []any, map[string]any:
			return "'" + keyword + "' failed"
		}
		shown[i] = show(v)
	}
	if len(shown) == 1 {
		return "value must be " + shown[0]
	}
	return "value must be one of " + strings.Join(shown, ", ")
}

func numberList(list []int) string {
	text := make([]string, len(list))
	for i, n := range list {
		text[i] = strconv.Itoa(n)
	}
	return strings.Join(text, " ")
}
