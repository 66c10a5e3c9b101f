package schema_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/e6d26078/slipway/chart/values/schema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// docs answers references of tests, by URL.
type docs map[string]string

func (d docs) bytes(url string) ([]byte, error) {
	if text, ok := d[url]; ok {
		return []byte(text), nil
	}
	return nil, errors.New("no such document")
}

type oracleLoader struct{ docs docs }

func (l oracleLoader) Load(url string) (any, error) {
	data, err := l.docs.bytes(url)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(data))
}

type permissive struct{}

func (permissive) Load(string) (any, error) { return true, nil }

// oracle does what Helm's ValidateAgainstSingleSchema does, with loaders that
// stay inside the test.
func oracle(data []byte, v any, d docs) (text string) {
	s, err := oracleCompile(data, d)
	if err != nil {
		return err.Error()
	}
	return oracleValidate(s, v)
}

func oracleValidate(s *jsonschema.Schema, v any) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprintf("unable to validate schema: %s", r)
		}
	}()
	if err := s.Validate(v); err != nil {
		return strings.TrimPrefix(err.Error(), "jsonschema validation failed with 'file:///values.schema.json#'\n") + "\n"
	}
	return ""
}

func oracleCompile(data []byte, d docs) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(jsonschema.SchemeURLLoader{
		"file": oracleLoader{d}, "http": oracleLoader{d}, "https": oracleLoader{d}, "urn": permissive{},
	})
	if err := c.AddResource(schema.DefaultURL, doc); err != nil {
		return nil, err
	}
	return c.Compile(schema.DefaultURL)
}

// ours is the same through the package under test.
func ours(data []byte, v any, d docs) string {
	s, err := schema.Compile(data, schema.Options{Load: d.bytes})
	if err != nil {
		return err.Error()
	}
	if err := s.Validate(v); err != nil {
		return err.Error()
	}
	return ""
}

// sameText compares what is said here with what Helm's library says.
//
// #DIFFERS Helm's order is random. And where the name of a nested property is
// refused, Helm may give the place of a neighbour: its library goes on using
// the memory of the path.
func sameText(got, want string) bool {
	if got == want {
		return true
	}
	got, want = inOrder(got), inOrder(want)
	return got == want || namePlace.ReplaceAllString(got, "$1") == namePlace.ReplaceAllString(want, "$1")
}

var namePlace = regexp.MustCompile(`at '.*'(: invalid propertyName )`)

// line is one line of an error text with the lines indented below it.
type line struct {
	text  string
	below []*line
}

// inOrder brings the parts of an error text whose order hangs on Go's maps in
// Helm into a fixed order, so that two texts can be compared.
func inOrder(text string) string {
	root := &line{}
	open := []*line{root}
	for _, l := range strings.Split(text, "\n") {
		depth := 0
		for strings.HasPrefix(l[2*depth:], "  ") {
			depth++
		}
		depth = min(depth, len(open)-1)
		n := &line{text: sortedList(l)}
		open[depth].below = append(open[depth].below, n)
		open = append(open[:depth+1], n)
	}
	var sb strings.Builder
	root.write(&sb)
	return sb.String()
}

func (l *line) write(sb *strings.Builder) {
	sb.WriteString(l.text + "\n")
	texts := make([]string, len(l.below))
	for i, b := range l.below {
		var part strings.Builder
		b.write(&part)
		texts[i] = part.String()
	}
	sort.Strings(texts)
	for _, t := range texts {
		sb.WriteString(t)
	}
}

// sortedList sorts the names in "additional properties 'a', 'b' not allowed".
func sortedList(l string) string {
	const before, after = ": additional properties ", " not allowed"
	i := strings.Index(l, before)
	if i < 0 || !strings.HasSuffix(l, after) {
		return l
	}
	names := strings.Split(l[i+len(before):len(l)-len(after)], ", ")
	sort.Strings(names)
	return l[:i] + before + strings.Join(names, ", ") + after
}
