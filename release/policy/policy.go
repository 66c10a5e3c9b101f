package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// Fields is an object as the API server returns it.
type Fields = map[string]any

// Set is everything that a release is to have in the cluster. It is only read.
type Set struct {
	Release   string
	Namespace string // of objects that name none
	// Objects are the release's, and what a rollout makes beside them.
	Objects []manifest.Object
	Hooks   []manifest.Object
	// CRDs are the definitions that are made before.
	CRDs []manifest.Object
	// Live is what the cluster has of others; nil if nobody asked.
	Live *Live
}

// Live is what matters of a cluster. A list that could not be read is empty.
type Live struct {
	Ingresses []Fields // of all namespaces, if they could be read
	Services  []Fields // of the release's namespace, as all that follows
	Workloads []Fields // Deployments, StatefulSets and DaemonSets
	Pods      []Fields
	// Complete says that all of the namespace could be read.
	Complete bool
}

// Severity says what a finding does. The zero value is no severity.
type Severity string

// The severities.
const (
	Off  Severity = "off"  // is not looked for
	Warn Severity = "warn" // is told
	Deny Severity = "deny" // stops the release
)

// Place is a line of a template. Line and Col count from 1; 0 is not known.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"column,omitempty"`
}

// Finding is one thing that a check has found.
type Finding struct {
	Check    string // its name; "rego/PACKAGE.RULE" of a policy in Rego
	Severity Severity
	Ref      manifest.Ref // the zero value if a policy looked at all objects at once
	Source   string       // the template that the object is from, "" if not known
	Field    []string     // path in the object; the decimal index for items of lists
	Message  string       // what is the matter, and why that matters
	Fix      string       // what to do; of a policy only if its message has it
	// Metadata are what a policy in Rego says beside its message.
	Metadata map[string]any
	// Exception is the reason of the exception that holds for it, "" if none does.
	Exception string
	// Place is what wrote the field, the zero value if it is not known; Via are
	// the templates that led there, outermost first.
	Place Place
	Via   []Place
}

// FieldPath is how the field is shown to people: spec.containers[0].image.
func (f *Finding) FieldPath() string {
	var out strings.Builder
	for i, step := range f.Field {
		switch {
		case isIndex(step):
			out.WriteString("[" + step + "]")
		case strings.ContainsAny(step, "./ "):
			out.WriteString("[" + `"` + step + `"` + "]")
		case i > 0:
			out.WriteString("." + step)
		default:
			out.WriteString(step)
		}
	}
	return out.String()
}

func isIndex(step string) bool { return step != "" && strings.Trim(step, "0123456789") == "" }

// Report is what all checks have found, ordered by template and line.
type Report struct {
	Release   string
	Namespace string
	// Objects is how many objects were looked at.
	Objects int
	// Checks are the names of the checks that were made, sorted.
	Checks   []string
	Findings []Finding
	// Notes say what could not be looked at, and which exceptions are of no use any more.
	Notes []string
}

// Count is how many findings of a severity no exception holds for.
func (r *Report) Count(s Severity) int {
	count := 0
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Severity == s && f.Exception == "" {
			count++
		}
	}
	return count
}

// Denied is how many findings stop the release.
func (r *Report) Denied() int { return r.Count(Deny) }

// Excepted is how many findings an exception holds for.
func (r *Report) Excepted() int {
	return len(r.Findings) - r.Count(Deny) - r.Count(Warn)
}

// Add takes up the findings of other checks, of which the exceptions of config
// hold as well, and hides what Secrets of the set hold.
func (r *Report) Add(set *Set, config *Config, checks []string, findings []Finding) {
	config.except(findings, set.Namespace)
	hideSecrets(set, findings)
	r.Findings = append(r.Findings, findings...)
	r.Checks = append(r.Checks, checks...)
	slices.Sort(r.Checks)
	r.Checks = slices.Compact(r.Checks)
	r.Sort()
}

// Sort puts the findings in their order: those that deny first, then by place.
func (r *Report) Sort() {
	rank := func(f *Finding) int {
		switch {
		case f.Exception != "":
			return 2
		case f.Severity == Deny:
			return 0
		}
		return 1
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(rank(&a), rank(&b)), cmp.Compare(a.place(), b.place()),
			cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Ref.String(), b.Ref.String()), cmp.Compare(a.Check, b.Check), cmp.Compare(a.Message, b.Message),
		)
	})
}

// place is the template to look at.
func (f *Finding) place() string {
	if f.Place.File != "" {
		return f.Place.File
	}
	return f.Source
}
