package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says how bad a finding is.
type Severity int

// The severities, from harmless to fatal.
const (
	Info    Severity = iota + 1 // worth knowing
	Warning                     // works, but breaks a convention or an expectation
	Error                       // will not work
)

// String returns Helm's name, such as WARNING.
func (s Severity) String() string {
	switch s {
	case Info:
		return "INFO"
	case Warning:
		return "WARNING"
	case Error:
		return "ERROR"
	}
	return "UNKNOWN"
}

// Finding is one thing that a rule has to say about a chart.
type Finding struct {
	// Rule names the rule, such as duplicate-key.
	Rule string
	// Helm says that the rule is one of Helm's own.
	Helm     bool
	Severity Severity
	// File is the file to look at, relative to the chart's folder, with
	// slashes; it is empty for a value of the user's whose origin is not known.
	// Line and Col count from 1; 0 means that they are not known.
	File      string
	Line, Col int
	// Subject is what Helm prints before the message of one of its rules: a
	// file, "templates/", the chart's folder, or nothing.
	Subject string
	Message string
	// Hint says how to mend it; it may be empty.
	Hint string
}

// String is the line that "lint" prints: for Helm's rules what Helm prints,
// for others the severity, the place and the message.
func (f Finding) String() string {
	if f.Helm {
		return fmt.Sprintf("[%s] %s: %s", f.Severity, f.Subject, f.Message)
	}
	place := f.File
	if place == "" {
		place = "the values given"
	}
	if f.Line > 0 {
		place += fmt.Sprintf(":%d", f.Line)
		if f.Col > 0 {
			place += fmt.Sprintf(":%d", f.Col)
		}
	}
	return fmt.Sprintf("[%s] %s: %s", f.Severity, place, f.Message)
}

// sortFindings orders the findings of our own rules by place.
func sortFindings(list []Finding) {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(
			strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col),
			strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message),
		)
	})
}
