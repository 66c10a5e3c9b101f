package repo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/e6d26078/slipway/chart/yaml"
)

// AppendYAML appends the index as `helm repo index` writes it.
func (x *Index) AppendYAML(dst []byte) ([]byte, error) {
	head := map[string]any{"apiVersion": x.APIVersion}
	tail := map[string]any{"generated": x.Generated.Format(time.RFC3339Nano)}
	if len(x.Annotations) > 0 {
		head["annotations"] = anyMap(x.Annotations)
	}
	if len(x.PublicKeys) > 0 {
		tail["publicKeys"] = anyList(x.PublicKeys)
	}
	if len(x.ServerInfo) > 0 {
		tail["serverInfo"] = x.ServerInfo
	}
	dst, err := yaml.Append(dst, head)
	if err != nil {
		return nil, err
	}
	switch {
	case x.Entries == nil:
		dst = append(dst, "entries: null\n"...)
	case len(x.Entries) == 0:
		dst = append(dst, "entries: {}\n"...)
	default:
		if dst, err = x.appendEntries(dst); err != nil {
			return nil, err
		}
	}
	return yaml.Append(dst, tail)
}

// appendEntries writes chart by chart: the tree of all is many times the text.
func (x *Index) appendEntries(dst []byte) ([]byte, error) {
	order, err := yaml.Append(nil, namesOnly(x.Entries)) // the writer's order of keys is no plain one
	if err != nil {
		return nil, err
	}
	keys, err := keysInOrder(order, x.Entries)
	if err != nil {
		return nil, err
	}
	dst = append(dst, "entries:\n"...)
	for _, name := range keys {
		if dst, err = appendChart(dst, name, x.Entries[name]); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendChart appends the name of a chart and its versions.
func appendChart(dst []byte, name string, list Versions) ([]byte, error) {
	start := len(dst)
	dst, err := yaml.Append(dst, map[string]any{"x": map[string]any{name: []any{}}})
	if err != nil {
		return nil, fmt.Errorf("write chart %q: %w", name, err)
	}
	title, simple := bytes.CutSuffix(dst[start+len("x:\n"):], []byte(": []\n"))
	if !simple || bytes.IndexByte(title, '\n') >= 0 {
		all, err := yaml.Append(nil, map[string]any{"x": map[string]any{name: list}}) // a name that no chart can have
		return append(dst[:start], bytes.TrimPrefix(all, []byte("x:\n"))...), err
	}
	dst = append(dst[:start], dst[start+len("x:\n"):]...)
	if len(list) == 0 {
		return dst, nil
	}
	dst = append(dst[:len(dst)-len(" []\n")], '\n')
	for _, v := range list {
		if dst, err = v.AppendYAML(dst); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func namesOnly(entries map[string]Versions) map[string]any {
	names := make(map[string]any, len(entries))
	for name := range entries {
		names[name] = ""
	}
	return names
}

// keysInOrder gives the names in the order in which the writer put them.
func keysInOrder(text []byte, entries map[string]Versions) ([]string, error) {
	var keys []string
	s := source(text)
	for pos := 0; pos < len(s); pos = s.lineEnd(pos) + 1 {
		key, quoted, after := s.key(pos)
		if _, known := entries[key]; after == failed || !quoted && !known || quoted && !known {
			return slices.Sorted(maps.Keys(entries)), nil // a name that no chart can have
		}
		keys = append(keys, key)
	}
	if len(keys) != len(entries) {
		return slices.Sorted(maps.Keys(entries)), nil
	}
	return keys, nil
}

// AppendJSON appends the index as `helm repo index --json` writes it.
func (x *Index) AppendJSON(dst []byte) ([]byte, error) {
	text, err := json.MarshalIndent(x, "", "  ")
	return append(dst, text...), err
}

func anyList(texts []string) []any {
	list := make([]any, len(texts))
	for i, t := range texts {
		list[i] = t
	}
	return list
}

func anyMap(texts map[string]string) map[string]any {
	m := make(map[string]any, len(texts))
	for key, value := range texts {
		m[key] = value
	}
	return m
}
