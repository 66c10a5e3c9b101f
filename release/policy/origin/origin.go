// Package origin tells which line of a template wrote a field of an object.
//
//	finder := origin.New(program, input, engine.Helm3)
//	for i := range report.Findings {
//		finder.Locate(ctx, &report.Findings[i])
//	}
package origin

import (
	"context"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/policy"
)

// Finder renders templates again, each once, and remembers what wrote which
// byte. It is not safe for concurrent use.
type Finder struct {
	program *engine.Program
	input   engine.Input
	compat  manifest.Compat
	files   map[string]*file
	// expected are the objects to find, nil for whatever is rendered.
	expected map[manifest.Ref]map[string]any
}

// Expect has Locate name a line only in objects that are rendered as they are
// here: for objects that were rendered earlier, and may be others by now.
func (f *Finder) Expect(objects ...manifest.Object) {
	if f.expected == nil {
		f.expected = map[manifest.Ref]map[string]any{}
	}
	for _, o := range objects {
		f.expected[o.Ref] = o.Fields
	}
}

// file is a rendered template.
type file struct {
	trace *engine.Trace
	docs  []*document
}

// document is one document of a rendered template.
type document struct {
	start     int // offset in the file
	text      string
	objects   []manifest.Object
	positions *yaml.Positions // read when first needed; nil if that fails
	indexed   bool
}

// New returns a Finder for what a program renders from an input.
func New(program *engine.Program, input engine.Input, compat engine.Compat) *Finder {
	input.Warn = nil
	return &Finder{program: program, input: input, compat: manifest.Compat(compat), files: map[string]*file{}}
}

// Locate fills in Place and Via of a finding as well as it can be told. A field
// that is not there has the place of the mapping that it would be in; without a
// field it is the object's name. What is
// not from a template, or was rewritten after the render, stays without a line.
func (f *Finder) Locate(ctx context.Context, finding *policy.Finding) {
	if finding.Source == "" {
		return
	}
	file := f.file(ctx, finding.Source)
	if file == nil {
		return
	}
	doc, object, prefix := file.find(finding.Ref)
	if doc == nil || f.expected != nil && !reflect.DeepEqual(object.Fields, f.expected[finding.Ref]) {
		return
	}
	field := finding.Field
	if len(field) == 0 {
		field = []string{"metadata", "name"}
	}
	frames := file.trace.At(doc.offset(append(prefix, field...)))
	var places []policy.Place
	for _, frame := range frames {
		if frame.File != "gotpl" { // a text given to tpl
			places = append(places, policy.Place{File: frame.File, Line: frame.Line, Col: frame.Col})
		}
	}
	if len(places) == 0 {
		return
	}
	last := len(places) - 1
	finding.Place, finding.Via = places[last], places[:last]
}

// file renders a template again, once. It is nil if that fails.
func (f *Finder) file(ctx context.Context, name string) *file {
	if known, ok := f.files[name]; ok {
		return known
	}
	f.files[name] = nil
	trace, err := f.program.Trace(ctx, f.input, name)
	if err != nil {
		return nil
	}
	parsed := &file{trace: trace}
	from := 0
	for _, text := range manifest.Split(trace.Content, f.compat) {
		i := strings.Index(trace.Content[from:], text)
		if i < 0 {
			continue
		}
		doc := &document{start: from + i, text: text}
		from = doc.start + len(text)
		doc.objects, _ = manifest.Objects(text)
		parsed.docs = append(parsed.docs, doc)
	}
	f.files[name] = parsed
	return parsed
}

// find looks for an object, and returns where it stands in its document. The
// last one counts, as for Helm. What a rollout has made from an object has
// another name: then it is the only object of the kind.
func (f *file) find(ref manifest.Ref) (found *document, object *manifest.Object, prefix []string) {
	var kind *document
	var kindObject *manifest.Object
	var kindPrefix []string
	kinds := 0
	for _, doc := range f.docs {
		for i := range doc.objects {
			o := &doc.objects[i]
			if o.Kind != ref.Kind || o.APIVersion != ref.APIVersion {
				continue
			}
			var place []string
			if len(doc.objects) > 1 || strings.HasSuffix(doc.kind(), "List") {
				place = []string{"items", strconv.Itoa(i)}
			}
			kind, kindObject, kindPrefix, kinds = doc, o, place, kinds+1
			if o.Name == ref.Name && (o.Namespace == "" || o.Namespace == ref.Namespace) {
				found, object, prefix = doc, o, place
			}
		}
	}
	if found == nil && kinds == 1 {
		return kind, kindObject, kindPrefix
	}
	return found, object, prefix
}

func (d *document) kind() string {
	head, err := yaml.ReadHead(d.text)
	if err != nil {
		return ""
	}
	return head.Kind
}

// offset is where the deepest part of a path that is there stands in the file.
func (d *document) offset(path []string) int {
	if !d.indexed {
		d.indexed = true
		d.positions, _ = yaml.Index([]byte(d.text))
	}
	line := 1
	for n := len(path); d.positions != nil && n > 0; n-- {
		if node := d.positions.At(path[:n]...); node != nil {
			line = node.Position().Line
			break
		}
	}
	at := 0
	for range line - 1 {
		at += strings.IndexByte(d.text[at:], '\n') + 1
	}
	return d.start + len(d.text) - len(strings.TrimLeftFunc(d.text[at:], unicode.IsSpace))
}
