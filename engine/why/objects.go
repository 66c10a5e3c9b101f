package why

import (
	"path"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
)

// Object is one object of a rendered file.
type Object struct {
	manifest.Ref
	File   string // the path of its template
	Fields map[string]any

	root  []string // where it stands in its document: nothing, or items and an index
	text  string   // its document
	start int      // of the document in the rendered file
}

// readObjects reads the objects of a rendered file. Documents that are no
// objects are left out; one that cannot be read is an error.
func readObjects(file, content string, compat engine.Compat) ([]*Object, error) {
	var objects []*Object
	next := 0
	for _, doc := range manifest.Split(content, manifest.Compat(compat)) {
		at := strings.Index(content[next:], doc)
		if at < 0 {
			continue
		}
		at += next
		next = at + len(doc)
		tree, err := yaml.Decode([]byte(doc))
		if err != nil {
			return nil, err
		}
		m, isMap := tree.(map[string]any)
		if !isMap {
			continue
		}
		o := Object{File: file, Fields: m, text: doc, start: at}
		items, isList := m["items"].([]any)
		if !isList {
			objects = append(objects, o.named())
			continue
		}
		for i, item := range items {
			if fields, isMap := item.(map[string]any); isMap {
				one := o
				one.Fields, one.root = fields, []string{"items", strconv.Itoa(i)}
				objects = append(objects, one.named())
			}
		}
	}
	return objects, nil
}

// named fills in the reference.
func (o Object) named() *Object {
	text := func(v any) string { s, _ := v.(string); return s }
	metadata, _ := o.Fields["metadata"].(map[string]any)
	o.Ref = manifest.Ref{
		APIVersion: text(o.Fields["apiVersion"]), Kind: text(o.Fields["kind"]),
		Namespace: text(metadata["namespace"]), Name: text(metadata["name"]),
	}
	return &o
}

// holdsObjects reports whether a rendered file is one that objects are read from.
func holdsObjects(name string) bool {
	base := path.Base(name)
	return !strings.HasPrefix(base, "_") && base != "NOTES.txt"
}

// twin finds the object of a file rendered with a change that corresponds to
// the i-th of the base: by its name, else by its place. Nil if it is gone.
func twin(base, changed []*Object, i int) *Object {
	o := base[i]
	for j, c := range changed {
		if c.Ref == o.Ref && (j == i || i >= len(changed) || changed[i].Ref != o.Ref) {
			return c
		}
	}
	if len(base) == len(changed) && changed[i].Kind == o.Kind {
		return changed[i]
	}
	ofKind := func(list []*Object, end int) (n int) {
		for _, c := range list[:end] {
			if c.Kind == o.Kind {
				n++
			}
		}
		return n
	}
	if ofKind(base, len(base)) != ofKind(changed, len(changed)) {
		return nil
	}
	place := ofKind(base, i)
	for j, c := range changed {
		if c.Kind == o.Kind && ofKind(changed, j) == place {
			return c
		}
	}
	return nil
}

// region is where in the rendered file a field's value stands, its key's if it
// has none. Both are zero where it cannot be told.
func (o *Object) region(field Path) (start, end int) {
	places, err := yaml.Index([]byte(o.text))
	if err != nil {
		return 0, 0
	}
	steps := append([]string(nil), o.root...)
	for _, s := range field {
		if s.List {
			steps = append(steps, strconv.Itoa(s.Index))
		} else {
			steps = append(steps, s.Key)
		}
	}
	n := places.At(steps...)
	if n == nil {
		return 0, 0
	}
	lines := strings.SplitAfter(o.text, "\n")
	start = offsetOf(lines, n.Text.Position)
	if key := n.Key.Position; key.Line > 0 && (n.Kind != yaml.Scalar || start < 0 || strings.TrimSpace(n.Text.Value) == "" && n.Text.Style == yaml.Plain) {
		start = offsetOf(lines, key)
		end = start + len(n.Key.Value)
		return o.start + start, o.start + end
	}
	if start < 0 {
		return 0, 0
	}
	end = start + len(strings.TrimRight(lineAt(o.text, start), " \t\r\n"))
	if n.Text.Style == yaml.Literal || n.Text.Style == yaml.Folded {
		start, end = blockOf(o.text, start)
	}
	return o.start + start, o.start + end
}

func lineAt(text string, offset int) string {
	line, _, _ := strings.Cut(text[offset:], "\n")
	return line
}

// blockOf is where the lines of a block scalar stand whose indicator is at start.
func blockOf(text string, start int) (int, int) {
	begin := strings.IndexByte(text[start:], '\n')
	if begin < 0 {
		return start, len(text)
	}
	begin += start + 1
	end, indent := begin, -1
	for _, line := range strings.SplitAfter(text[begin:], "\n") {
		content := strings.TrimLeft(line, " ")
		if strings.TrimSpace(content) != "" {
			depth := len(line) - len(content)
			if indent < 0 {
				indent = depth
			}
			if depth < indent {
				break
			}
		}
		end += len(line)
	}
	return begin, min(end, len(text))
}

// offsetOf turns a place into an offset in bytes, -1 where there is none.
func offsetOf(lines []string, p yaml.Position) int {
	if p.Line < 1 || p.Line > len(lines) {
		return -1
	}
	offset := 0
	for _, line := range lines[:p.Line-1] {
		offset += len(line)
	}
	line := lines[p.Line-1]
	for range p.Column - 1 {
		if line == "" {
			break
		}
		_, size := utf8.DecodeRuneInString(line)
		line, offset = line[size:], offset+size
	}
	return offset
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }
