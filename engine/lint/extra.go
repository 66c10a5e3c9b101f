package lint

import (
	"errors"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
)

// extra runs the rules that Helm does not have.
func (l *linter) extra() {
	values := parseTree(l.valuesText)
	for _, text := range []struct {
		file string
		tree tree
	}{{chartYAML, parseTree(l.chartText)}, {valuesYAML, values}} {
		if text.tree.positions != nil {
			l.keysOfFile(text.file, text.tree.positions)
		}
	}
	if l.chart == nil {
		return
	}
	use := readTree(l.chart)
	readGiven(l.given, use.shared)
	l.valuesInUse(use, values)
	if l.rendered == nil || l.ctx.Err() != nil {
		return
	}
	l.floatIntegers(use, values)
	l.documents()
}

// valuesInUse compares the values with what templates read.
func (l *linter) valuesInUse(use *treeUse, values tree) {
	defaults, err := yaml.DecodeMap(l.valuesText)
	if err != nil || strings.EqualFold(l.chart.Metadata.Type, "library") {
		return
	}
	if values.positions != nil {
		l.unusedValues(use, values.positions)
	}
	l.misspeltReferences(use, defaults)
	l.userValues(use, use.root, l.given, l.chart.Values, nil, nil)
}

// keysOfFile reports keys of a file of the chart that are there twice or are
// read as something else.
func (l *linter) keysOfFile(file string, positions *yaml.Positions) {
	for _, twice := range positions.Duplicates() {
		l.add("duplicate-key", Error, file, placeOf(twice.Last.Position()),
			"the key %s is already set on line %d; only the last one counts",
			strings.Join(twice.Last.Path(), "."), twice.First.Position().Line)
	}
	for _, node := range positions.Nodes() {
		if word := wordOfKey(node); word != "" {
			l.add("boolean-key", Warning, file, placeOf(node.Position()),
				"YAML 1.1 reads the key %q as a boolean: it becomes %q", node.Key.Value, word)
		}
	}
}

// wordOfKey returns what a key becomes that is read as a boolean, or "" for
// other keys.
func wordOfKey(node *yaml.Node) string {
	key := node.Key
	if key.Style != yaml.Plain || key.Tag != "" {
		return ""
	}
	if word := booleanWord(key.Value); word != key.Value {
		return word
	}
	return ""
}

// splitter says which Helm's splitter cuts rendered files into documents.
func (l *linter) splitter() manifest.Compat {
	if l.options.Compat == engine.Helm4 {
		return manifest.Helm4
	}
	return manifest.Helm3
}

// documents runs the rules on the rendered documents.
func (l *linter) documents() {
	var files []manifest.File
	for _, file := range l.rendered.files {
		if !strings.HasSuffix(file.Name, "NOTES.txt") {
			files = append(files, file)
		}
	}
	compat := l.splitter()
	set, err := manifest.Sort(files, manifest.Options{Compat: compat})
	var failed *manifest.ParseError
	if errors.As(err, &failed) && !l.yamlFailed {
		file, place := l.locateInDoc(failed.File, failed.Doc, yaml.FaultLine(failed.Doc, failed.Err))
		l.add("invalid-manifest", Error, file, place, "rendered text is no YAML: %v", failed.Err)
	}
	for _, skipped := range set.Skipped {
		file, place := l.locateHook(skipped, compat)
		l.add("unknown-hook", Warning, file, place,
			"%s %q is left out: its annotation helm.sh/hook names an event that does not exist (%s)",
			skipped.Kind, skipped.Name, skipped.Events)
	}
	l.duplicateObjects(set.Docs)
	for _, doc := range set.Docs {
		l.keysOfDocument(doc.Name, doc.Content, doc.Head.Kind, nameOf(&doc.Head))
	}
	for _, hook := range set.Hooks {
		l.keysOfDocument(hook.Path, hook.Manifest, hook.Kind, hook.Name)
	}
}

func nameOf(head *manifest.Head) string {
	if head.Metadata == nil {
		return ""
	}
	return head.Metadata.Name
}

// keysOfDocument is keysOfFile for a rendered document.
func (l *linter) keysOfDocument(file, doc, kind, name string) {
	if !suspiciousKeys(doc) {
		return
	}
	positions, err := yaml.Index([]byte(doc))
	if err != nil {
		return
	}
	for _, twice := range positions.Duplicates() {
		at, place := l.locateInDoc(file, doc, twice.Last.Position().Line)
		l.add("duplicate-key", Error, at, place,
			"%s %q has the key %s twice, on lines %d and %d of the rendered document; only the last one counts", kind, name,
			strings.Join(twice.Last.Path(), "."), twice.First.Position().Line, twice.Last.Position().Line)
	}
	for _, node := range positions.Nodes() {
		if word := wordOfKey(node); word != "" {
			at, place := l.locateInDoc(file, doc, node.Position().Line)
			l.add("boolean-key", Warning, at, place,
				"YAML 1.1 reads the key %q of %s %q, on line %d of the rendered document, as a boolean: it becomes %q",
				node.Key.Value, kind, name, node.Position().Line, word)
		}
	}
}

// duplicateObjects reports objects that are rendered more than once. Hooks may
// repeat an object, since they come and go.
func (l *linter) duplicateObjects(docs []manifest.Doc) {
	type id struct{ group, kind, name string }
	same := map[id][]int{}
	for i := range docs {
		head := &docs[i].Head
		group, _, grouped := strings.Cut(head.APIVersion, "/")
		if !grouped {
			group = ""
		}
		if name := nameOf(head); name != "" && head.Kind != "" {
			key := id{group, head.Kind, name}
			same[key] = append(same[key], i)
		}
	}
	for key, list := range same {
		first := map[string]int{}
		copies := map[manifest.File]int{} // documents of a file with the same text
		for _, i := range list {
			if len(list) < 2 {
				break
			}
			same := manifest.File{Name: docs[i].Name, Content: docs[i].Content}
			copies[same]++
			namespace := l.namespaceOf(docs[i].Content)
			before, twice := first[namespace]
			if !twice {
				first[namespace] = i
				continue
			}
			file, place := l.locateInCopy(docs[i].Name, docs[i].Content, copies[same]-1, 0)
			l.add("duplicate-object", Error, file, place, "%s %s is rendered twice, also by %s",
				key.kind, strconv.Quote(strings.TrimPrefix(namespace+"/"+key.name, "/")), l.insideChart(docs[before].Name))
		}
	}
}

// namespaceOf reads the namespace of a document; one without is put into the
// release's.
func (l *linter) namespaceOf(doc string) string {
	if positions, err := yaml.Index([]byte(doc)); err == nil {
		if node := positions.At("metadata", "namespace"); node != nil && node.Text.Value != "" {
			return node.Text.Value
		}
	}
	return l.options.Namespace
}
