package funcs

import (
	"bytes"
	"strings"

	goyaml "sigs.k8s.io/yaml/goyaml.v3"

	sigsyaml "sigs.k8s.io/yaml"
)

// toYAML returns v as YAML without the newline at its end, or "" for what
// cannot be written.
func toYAML(v any) string {
	text, err := sigsyaml.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(text), "\n")
}

// mustToYAML is toYAML that panics on an error, as text/template expects of
// functions with one result.
func mustToYAML(v any) string {
	text, err := sigsyaml.Marshal(v)
	if err != nil {
		panic(err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// toYAMLPretty indents lists by two, and prints numbers as Go's yaml.v3 does.
func toYAMLPretty(v any) string {
	var text bytes.Buffer
	enc := goyaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := enc.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// fromYAML returns the map in text; an error is its entry "Error".
func fromYAML(text string) map[string]any {
	m := map[string]any{}
	if err := sigsyaml.Unmarshal([]byte(text), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

// fromYAMLArray returns the list in text; an error is its only item.
func fromYAMLArray(text string) []any {
	list := []any{}
	if err := sigsyaml.Unmarshal([]byte(text), &list); err != nil {
		return []any{err.Error()}
	}
	return list
}
