package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"

	sigsyaml "sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/chart/yaml"
)

// The limits of [Objects].
const (
	maxBodyBytes   = 64 << 20 // a record holds 1 MiB of compressed text
	maxObjects     = 100_000
	maxObjectDepth = 1000 // levels of maps and lists
)

// Objects reads a stored manifest, or the manifest of a hook, as kubectl and
// Helm do when they send it to a cluster: each document is turned from YAML
// into JSON, whole numbers stay exact int64, any other number is a float64.
// Objects come in the order of the text.
//
// The items of a list (any document with items, as for kubectl) stand in its
// place; those without a kind and apiVersion get them from the list. Documents
// without content are left out. Of documents with one reference the last
// counts, as for Helm. An object that has only a generateName has an empty Name
// and is never a duplicate.
//
// The error is a *[ParseError]: for text that is not YAML, for a document that
// is no object or lacks apiVersion, kind or a name, and for more than 64 MiB,
// 100,000 objects or 1,000 levels. Its File is "manifest" where the text names
// no source.
func Objects(body string) ([]Object, error) {
	if len(body) > maxBodyBytes {
		return nil, &ParseError{File: "manifest", Err: fmt.Errorf("more than %d bytes", maxBodyBytes)}
	}
	docs := objectDocs(body)
	trees, err := decodeDocs(docs, len(body))
	if err != nil {
		return nil, err
	}
	objects := make([]Object, 0, len(trees))
	for i, tree := range trees {
		objects, err = appendObjects(objects, docs[i].source, tree)
		if err != nil {
			return nil, &ParseError{File: docs[i].file(), Doc: docs[i].text, Err: err}
		}
	}
	return lastOfEach(objects), nil
}

// objectDoc is one document of a stored manifest.
type objectDoc struct{ source, text string }

func (d *objectDoc) file() string {
	if d.source == "" {
		return "manifest"
	}
	return d.source
}

// objectDocs splits with Helm 4's rule: it leaves line ends at the end of a
// document alone, as the API machinery's reader does, and these belong to the
// last block scalar. That reader also ends every line.
func objectDocs(body string) []objectDoc {
	var docs []objectDoc
	pending := "" // source comment above a separator that a template wrote itself
	eachDoc(body, Helm4, func(text string) {
		source, onlyComments := readComments(text)
		if source == "" {
			source = pending
		}
		pending = ""
		if onlyComments {
			pending = source
			if !strings.ContainsFunc(text, mayBeRefused) {
				return
			}
		}
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		docs = append(docs, objectDoc{source, text})
	})
	return docs
}

// mayBeRefused reports whether YAML may not allow a character, even in a comment.
func mayBeRefused(r rune) bool {
	return !unicode.IsPrint(r) && !strings.ContainsRune("\t\r\n", r)
}

// readComments reads the comment lines at the head of a document: the path of
// a source comment, and whether nothing follows.
func readComments(text string) (source string, onlyComments bool) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch path, found := strings.CutPrefix(line, "# Source: "); {
		case found && source == "":
			source = path
		case line != "" && line[0] != '#':
			return source, false
		}
	}
	return source, true
}

// decodeDocs gives the tree of each document, nil for one without content.
func decodeDocs(docs []objectDoc, size int) ([]map[string]any, error) {
	trees := make([]map[string]any, len(docs))
	first, err := inParallel(len(docs), size, func(i int) (err error) {
		trees[i], err = decodeDoc(docs[i].text)
		return err
	})
	if err != nil {
		return nil, &ParseError{File: docs[first].file(), Doc: docs[first].text, Err: err}
	}
	return trees, nil
}

var (
	errTooDeep = fmt.Errorf("more than %d levels", maxObjectDepth)
	errNoMap   = errors.New("the document is not a mapping")
)

func decodeDoc(text string) (map[string]any, error) {
	value, err := yaml.Decode([]byte(text))
	if err != nil {
		return nil, err
	}
	value, exact, err := wholeNumbers(value, 0)
	if err != nil {
		return nil, err
	}
	if !exact {
		if value, err = decodeExactly(text); err != nil {
			return nil, err
		}
	}
	switch tree := value.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return tree, nil
	}
	return nil, errNoMap
}

// maxExact is the magnitude below which each whole float64 is one number of
// the text, and not the neighbour of one.
const maxExact = 1 << 53

// wholeNumbers turns whole float64 values into int64, in place. exact is
// false if the tree has a number so large that digits may be lost.
func wholeNumbers(value any, depth int) (result any, exact bool, err error) {
	if depth > maxObjectDepth {
		return nil, false, errTooDeep
	}
	exact = true
	switch value := value.(type) {
	case float64:
		if math.Abs(value) >= maxExact {
			return value, false, nil
		}
		if whole := int64(value); float64(whole) == value {
			return whole, true, nil
		}
	case map[string]any:
		for key, item := range value {
			changed, ok, err := wholeNumbers(item, depth+1)
			if err != nil {
				return nil, false, err
			}
			if _, number := item.(float64); number {
				value[key] = changed
			}
			exact = exact && ok
		}
	case []any:
		for i, item := range value {
			changed, ok, err := wholeNumbers(item, depth+1)
			if err != nil {
				return nil, false, err
			}
			value[i] = changed
			exact = exact && ok
		}
	}
	return value, exact, nil
}

// decodeExactly takes the way through JSON that keeps every digit.
func decodeExactly(text string) (any, error) {
	data, err := sigsyaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return parseNumbers(value)
}

// parseNumbers replaces each json.Number, in place.
func parseNumbers(value any) (any, error) {
	var err error
	switch value := value.(type) {
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole, nil
		}
		return value.Float64()
	case map[string]any:
		for key, item := range value {
			if value[key], err = parseNumbers(item); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, item := range value {
			if value[i], err = parseNumbers(item); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// appendObjects appends the object that a tree is, or those it lists.
func appendObjects(objects []Object, source string, tree map[string]any) ([]Object, error) {
	if tree == nil {
		return objects, nil
	}
	items, isList := tree["items"]
	if !isList {
		return appendObject(objects, source, tree)
	}
	kind, err := identifier(tree, "kind")
	if err != nil {
		return nil, err
	}
	elements, isList := items.([]any)
	if !isList && items != nil {
		return nil, errors.New("items is not a list")
	}
	for i, element := range elements {
		item, isMap := element.(map[string]any)
		if !isMap {
			return nil, fmt.Errorf("items[%d] is not a mapping", i)
		}
		if _, nested := item["items"].([]any); nested {
			return nil, fmt.Errorf("items[%d]: a list cannot stand in a list", i)
		}
		if isBlankString(item["kind"]) && isBlankString(item["apiVersion"]) {
			item["kind"], item["apiVersion"] = strings.TrimSuffix(kind, "List"), tree["apiVersion"]
		}
		if objects, err = appendObject(objects, source, item); err != nil {
			return nil, fmt.Errorf("items[%d]: %w", i, err)
		}
	}
	return objects, nil
}

func appendObject(objects []Object, source string, tree map[string]any) ([]Object, error) {
	ref, err := readRef(tree)
	if err != nil {
		return nil, err
	}
	if len(objects) >= maxObjects {
		return nil, fmt.Errorf("more than %d objects", maxObjects)
	}
	return append(objects, Object{Ref: ref, Source: source, Fields: tree}), nil
}

func isBlankString(value any) bool {
	text, isString := value.(string)
	return value == nil || isString && text == ""
}

// identifier reads a field that every object must have.
func identifier(tree map[string]any, field string) (string, error) {
	switch value := tree[field].(type) {
	case nil:
	case string:
		if value != "" {
			return value, nil
		}
	default:
		return "", fmt.Errorf("%s is not a string", field)
	}
	return "", fmt.Errorf("%s is missing", field)
}

func readRef(tree map[string]any) (ref Ref, err error) {
	if ref.Kind, err = identifier(tree, "kind"); err != nil {
		return ref, err
	}
	if ref.APIVersion, err = identifier(tree, "apiVersion"); err != nil {
		return ref, err
	}
	metadata, isMap := tree["metadata"].(map[string]any)
	if !isMap {
		return ref, errors.New("metadata is missing")
	}
	if namespace, set := metadata["namespace"]; set && namespace != nil {
		if ref.Namespace, isMap = namespace.(string); !isMap {
			return ref, errors.New("metadata.namespace is not a string")
		}
	}
	for _, field := range []string{"labels", "annotations"} {
		if _, isMap := metadata[field].(map[string]any); !isMap && metadata[field] != nil {
			return ref, fmt.Errorf("metadata.%s is not a mapping", field)
		}
	}
	if ref.Name, err = identifier(metadata, "name"); err != nil {
		if prefix, _ := metadata["generateName"].(string); prefix == "" || !isBlankString(metadata["name"]) {
			return ref, fmt.Errorf("metadata.%w", err)
		}
	}
	return ref, nil
}

// lastOfEach leaves out objects that a later one with the same reference replaces.
func lastOfEach(objects []Object) []Object {
	last := make(map[Ref]int, len(objects))
	duplicates := false
	for i := range objects {
		if objects[i].Name == "" {
			continue
		}
		if _, seen := last[objects[i].Ref]; seen {
			duplicates = true
		}
		last[objects[i].Ref] = i
	}
	if !duplicates {
		return objects
	}
	kept := objects[:0]
	for i := range objects {
		if objects[i].Name == "" || last[objects[i].Ref] == i {
			kept = append(kept, objects[i])
		}
	}
	return kept
}
