package policy

import (
	"context"
	"time"
)

// File is a file with its name for errors.
type File struct {
	Name string
	Data []byte
	// Below are the keys below which the content stands, for data: the folders
	// between the one that was named and the file.
	Below []string
}

// RegoOptions say how policies in Rego are read and run. The zero value is
// right for policies written for conftest.
type RegoOptions struct {
	// Namespaces are the packages whose rules count, "main" if there are none;
	// "*" is all of them.
	Namespaces []string
	// Version is the version of the language, "v0" or "v1"; "" finds it out file by file.
	Version string
	// Combine hands all objects to the rules at once, as a list of path and
	// contents; otherwise one after the other.
	Combine bool
	// Time and Memory bound an evaluation; 0 is 30 seconds and 512 MiB.
	Time   time.Duration
	Memory int64
}

// Evaluator is a set of policies that somebody has written.
type Evaluator interface {
	// Evaluate gives the names of the rules and what they find in a set. It may be
	// called concurrently. Report.Add takes the results.
	Evaluate(ctx context.Context, set *Set) (checks []string, findings []Finding, err error)
}
