package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// ReportVersion is the apiVersion of what JSON writes.
const ReportVersion = "slipway.dev/preflight/v1"

type reportDoc struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Release    string       `json:"release"`
	Namespace  string       `json:"namespace"`
	Summary    summaryDoc   `json:"summary"`
	Checks     []string     `json:"checks"`
	Findings   []findingDoc `json:"findings"`
	Notes      []string     `json:"notes,omitempty"`
}

type summaryDoc struct {
	Objects  int `json:"objects"`
	Deny     int `json:"deny"`
	Warn     int `json:"warn"`
	Excepted int `json:"excepted"`
}

type findingDoc struct {
	Check     string         `json:"check"`
	Severity  Severity       `json:"severity"`
	Object    *manifest.Ref  `json:"object,omitempty"`
	Field     string         `json:"field,omitempty"`
	Source    string         `json:"source,omitempty"`
	Place     *Place         `json:"place,omitempty"`
	Via       []Place        `json:"via,omitempty"`
	Message   string         `json:"message"`
	Fix       string         `json:"fix,omitempty"`
	Exception string         `json:"exception,omitempty"`
	Metadata  map[string]any `json:"metadata,omitempty"`
}

// JSON writes a report as docs/schema/preflight.v1.json has it, the same bytes
// for the same report.
func (r *Report) JSON() ([]byte, error) {
	doc := reportDoc{
		APIVersion: ReportVersion, Kind: "Preflight", Release: r.Release, Namespace: r.Namespace,
		Summary: summaryDoc{r.Objects, r.Count(Deny), r.Count(Warn), r.Excepted()},
		Checks:  append([]string{}, r.Checks...), Findings: []findingDoc{}, Notes: r.Notes,
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		one := findingDoc{
			Check: f.Check, Severity: f.Severity, Field: f.FieldPath(), Source: f.Source, Via: f.Via,
			Message: f.Message, Fix: f.Fix, Exception: f.Exception, Metadata: f.Metadata,
		}
		if f.Ref != (manifest.Ref{}) {
			one.Object = &f.Ref
		}
		if f.Place.File != "" {
			one.Place = &f.Place
		}
		doc.Findings = append(doc.Findings, one)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(doc)
	return out.Bytes(), err
}

// FindingsText are the findings for people, two to four lines each.
func (r *Report) FindingsText() string {
	var out strings.Builder
	for i := range r.Findings {
		r.Findings[i].write(&out)
	}
	return out.String()
}

// Text is the report for people: the findings, the notes, and a last line that
// counts them.
func (r *Report) Text() string {
	var out strings.Builder
	out.WriteString(r.FindingsText())
	for _, n := range r.Notes {
		fmt.Fprintf(&out, "note: %s\n", n)
	}
	fmt.Fprintf(&out, "%d objects, %d checks: %d denied, %d warnings, %d excepted\n",
		r.Objects, len(r.Checks), r.Count(Deny), r.Count(Warn), r.Excepted())
	return out.String()
}

// write prints a finding.
func (f *Finding) write(out *strings.Builder) {
	word := strings.ToUpper(string(f.Severity))
	if f.Exception != "" {
		word = "EXCEPTED"
	}
	subject := f.Ref.String()
	if f.Ref == (manifest.Ref{}) {
		subject = "all objects"
	}
	if field := f.FieldPath(); field != "" {
		subject += " " + field
	}
	fmt.Fprintf(out, "[%s] %s: %s\n", word, f.Check, subject)
	if where := f.Where(); where != "" {
		fmt.Fprintf(out, "  at %s\n", where)
	}
	fmt.Fprintf(out, "  %s\n", strings.ReplaceAll(f.Message, "\n", "\n  "))
	switch {
	case f.Exception != "":
		fmt.Fprintf(out, "  accepted: %s\n", f.Exception)
	case f.Fix != "":
		fmt.Fprintf(out, "  fix: %s\n", f.Fix)
	}
}

// Where is the place of a finding as FILE:LINE, with the templates that led
// there; or the template alone.
func (f *Finding) Where() string {
	text := f.Source
	if f.Place.File != "" {
		text = f.Place.String()
	}
	for i := len(f.Via) - 1; i >= 0; i-- {
		text += ", included by " + f.Via[i].String()
	}
	return text
}

// String is FILE:LINE.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}
