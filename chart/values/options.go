package values

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
)

// Options are the values a user gives with flags. They apply in the order of
// the fields, whatever the order on the command line; within a field the later
// one wins. The zero value gives no values.
type Options struct {
	ValueFiles    []string // -f: files, "-" for standard input, or URLs
	JSONValues    []string // --set-json: a.b=JSON,...
	Values        []string // --set: a.b=value,...
	StringValues  []string // --set-string: like --set, every value a string
	FileValues    []string // --set-file: a.b=file,..., the value is the file's content
	LiteralValues []string // --set-literal: a.b=value, the value taken as it is
}

// Source is where [Options.Merge] reads files from. What is nil cannot be read.
type Source struct {
	// ReadFile reads a named file, such as os.ReadFile.
	ReadFile func(name string) ([]byte, error)
	// Stdin is read for the file name "-".
	Stdin io.Reader
	// Fetch reads an http, https or oci URL. Nil refuses URLs.
	Fetch func(url string) ([]byte, error)
	// Dialect: with Helm4 a --set-json text may also be a whole JSON object.
	Dialect Dialect
}

// Merged is what the user gave.
type Merged struct {
	// Values are the merged values, never nil, the caller's to change.
	Values map[string]any
	// Layers tell which flag gave what, in the order in which they applied.
	Layers []Layer
}

// Layer is one flag's part of the user's values.
type Layer struct {
	Flag string // "-f", "--set", "--set-json", ...
	Text string // the file's name, or the text of the flag
	// Data is the content of a values file, nil for other flags.
	Data []byte
	// Sets are what a flag other than -f sets, in its order.
	Sets []Setting
}

// Setting is one path that a flag sets.
type Setting struct {
	Path  []string // keys, and list indexes such as "[0]"
	Value any
}

// FileError is a values file that cannot be parsed.
type FileError struct {
	File string
	Line int // where the fault is, counted from 1; 0 is unknown
	Err  error
}

func (e *FileError) Error() string {
	hint := ""
	if strings.Contains(e.Err.Error(), "cannot unmarshal") {
		hint = ": a values file must be a map at its top level (key: value)"
	}
	return fmt.Sprintf("failed to parse %s: %v%s", e.File, e.Err, hint)
}

func (e *FileError) Unwrap() error { return e.Err }

// Merge reads all flags and merges them: maps merge, everything else replaces,
// null stays null (it removes a default later). Errors carry Helm's text.
func (o Options) Merge(src Source) (*Merged, error) {
	m := &Merged{Values: map[string]any{}}
	for _, name := range o.ValueFiles {
		data, err := src.read(name)
		if err != nil {
			return nil, err
		}
		vals, err := yaml.DecodeMap(data)
		if err != nil {
			return nil, &FileError{File: name, Line: yaml.FaultLine(string(data), err), Err: err}
		}
		overlay(m.Values, vals)
		m.Layers = append(m.Layers, Layer{Flag: "-f", Text: name, Data: data})
	}
	for _, text := range o.JSONValues {
		if err := m.setJSON(text, src.Dialect); err != nil {
			return nil, fmt.Errorf("failed parsing --set-json data %s: %w", text, err)
		}
	}
	text := func(text string) (any, error) { return text, nil }
	file := func(name string) (any, error) {
		data, err := src.read(name)
		return string(data), err
	}
	for _, step := range []struct {
		flag    string
		texts   []string
		grammar setGrammar
	}{
		{"--set", o.Values, setGrammar{convert: typedValue}},
		{"--set-string", o.StringValues, setGrammar{convert: text}},
		{"--set-file", o.FileValues, setGrammar{convert: file}},
		{"--set-literal", o.LiteralValues, setGrammar{literal: true}},
	} {
		for _, text := range step.texts {
			if err := m.set(step.flag, text, step.grammar); err != nil {
				return nil, fmt.Errorf("failed parsing %s data: %w", step.flag, err)
			}
		}
	}
	return m, nil
}

// set applies one flag and notes what it touched.
func (m *Merged) set(flag, text string, g setGrammar) error {
	layer := Layer{Flag: flag, Text: text}
	err := parseSet(text, m.Values, g, func(path []string, v any) {
		var c copier // what is set now may be changed by a later flag
		layer.Sets = append(layer.Sets, Setting{slices.Clone(path), c.value(v, 0)})
	})
	m.Layers = append(m.Layers, layer)
	return err
}

func (m *Merged) setJSON(text string, d Dialect) error {
	trimmed := strings.TrimSpace(text)
	if d != Helm4 || !strings.HasPrefix(trimmed, "{") {
		return m.set("--set-json", text, setGrammar{json: true})
	}
	var vals map[string]any
	if err := json.Unmarshal([]byte(trimmed), &vals); err != nil {
		return err
	}
	layer := Layer{Flag: "--set-json", Text: text}
	layer.addLeaves(vals, nil)
	overlay(m.Values, vals)
	m.Layers = append(m.Layers, layer)
	return nil
}

// addLeaves notes everything in vals that is not a filled table, sorted by path.
func (l *Layer) addLeaves(vals map[string]any, path []string) {
	for _, key := range slices.Sorted(maps.Keys(vals)) {
		here := append(path[:len(path):len(path)], key)
		if t, ok := vals[key].(map[string]any); ok && len(t) > 0 {
			l.addLeaves(t, here)
			continue
		}
		var c copier
		l.Sets = append(l.Sets, Setting{here, c.value(vals[key], 0)})
	}
}

// overlay puts src over dst. Both are the caller's own.
func overlay(dst, src map[string]any) {
	for key, val := range src {
		if t, ok := val.(map[string]any); ok {
			if old, ok := dst[key].(map[string]any); ok {
				overlay(old, t)
				continue
			}
		}
		dst[key] = val
	}
}

// read returns the content of a file, of standard input or of a URL.
func (s Source) read(name string) ([]byte, error) {
	if strings.TrimSpace(name) == "-" {
		if s.Stdin == nil {
			return nil, errors.New("read values from -: there is no standard input")
		}
		data, err := io.ReadAll(s.Stdin)
		if err != nil {
			return nil, fmt.Errorf("read values from -: %w", err)
		}
		return data, nil
	}
	if scheme, _, found := strings.Cut(name, "://"); found {
		switch strings.ToLower(scheme) {
		case "http", "https", "oci":
			if s.Fetch == nil {
				return nil, fmt.Errorf("read values from %s: URLs are not allowed here; download the file and name it instead", name)
			}
			return s.Fetch(name)
		}
	}
	if s.ReadFile == nil {
		return nil, fmt.Errorf("read values from %s: files are not allowed here", name)
	}
	return s.ReadFile(name)
}
