// Package schema checks a chart's values against its values.schema.json.
//
//	s, err := schema.Compile(chart.Schema, schema.Options{})
//	if err != nil {
//		return err // the schema itself is at fault
//	}
//	if err := s.Validate(values); err != nil {
//		return err // a *schema.ValidationError: what is wrong in the values
//	}
//
// It knows JSON Schema draft 4, 6, 7, 2019-09 and 2020-12; a document without
// "$schema" is read as 2020-12. What is accepted and what the errors say is
// what Helm 3.22 accepts and says. Helm's texts come in the random order of Go
// maps; here whatever hangs on an object's properties is sorted by name.
//
// The package touches neither network nor file system: a "$ref" to another
// document is answered by [Options.Load], if the caller sets it. Linking the
// package costs nothing at start-up. A hostile schema ends in [ErrLimit]
// rather than running for ever.
package schema

import (
	"errors"
	"fmt"
)

// DefaultURL is the address under which Helm knows values.schema.json. It is
// the base of relative references and shows in error texts.
const DefaultURL = "file:///values.schema.json"

// ErrLimit is wrapped by the errors of schemas and values that need more
// steps, depth or documents than this package grants.
var ErrLimit = errors.New("schema limit exceeded")

// Options are the choices of [Compile]. The zero value is right for a schema
// that stands alone.
type Options struct {
	// URL is the absolute address of the document; empty means DefaultURL.
	URL string

	// Load fetches the document at an absolute file, http or https URL, which
	// a "$ref" or "$schema" names. Nil refuses every such reference. The
	// drafts' own metaschemas are built in and never asked for.
	Load func(url string) ([]byte, error)

	// UnresolvedURN, if set, is told once about each urn: document that is
	// referred to. As in Helm, such a reference permits everything.
	UnresolvedURN func(urn string)

	// MaxSteps bounds the work of one Validate call, counted roughly in
	// pairs of value and subschema; zero means 5 million.
	MaxSteps int
}

// Schema is a compiled schema. It is immutable: any number of goroutines may
// call Validate at the same time.
type Schema struct {
	root     *rule
	maxSteps int
}

const (
	defaultMaxSteps = 5_000_000
	maxDepth        = 20_000    // nested checks, of values and of subschemas together
	maxDocuments    = 1_000     // documents one schema may pull in
	maxPatterns     = 5_000_000 // instructions of all regular expressions together
)

// Compile reads the schema in data and everything it refers to. The error of a
// document that is no valid schema has the text Helm prints for it.
func Compile(data []byte, o Options) (*Schema, error) {
	if o.URL == "" {
		o.URL = DefaultURL
	}
	if o.MaxSteps <= 0 {
		o.MaxSteps = defaultMaxSteps
	}
	doc, err := parseDocument(data)
	if err != nil {
		return nil, err
	}
	url, fragment, err := splitFragment(o.URL)
	if err != nil {
		return nil, err
	}
	c := newCompiler(o)
	doc.url = url
	c.documents[url] = doc
	root, err := c.compile(url, fragment)
	if err != nil {
		return nil, err
	}
	return &Schema{root: root, maxSteps: o.MaxSteps}, nil
}

// Validate checks v, which is made of map[string]any, []any, string, bool, nil
// and any of Go's number types or json.Number. A nil result means that v
// conforms. Otherwise the error is a *ValidationError, or wraps ErrLimit.
func (s *Schema) Validate(v any) error {
	w := walker{maxSteps: s.maxSteps}
	issues := w.run(s.root, v)
	if w.stopped != nil {
		return fmt.Errorf("unable to validate schema: %w", w.stopped)
	}
	if issues == nil {
		return nil
	}
	return &ValidationError{url: s.root.location(), issues: issues}
}
