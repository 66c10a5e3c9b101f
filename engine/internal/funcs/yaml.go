package funcs

import (
	"bytes"
	"strings"

	goyaml "sigs.k8s.io/yaml/goyaml.v3"

	"github.com/e6d26078/slipway/chart/yaml"
)

// toYAML returns v as YAML without the newline at its end, or "" for what
// cannot be written.
func toYAML(v any) string {
	return string(appendYAML(nil, v))
}

// mustToYAML is toYAML that panics on an error, as text/template allows
// functions with one result to fail.
func mustToYAML(v any) string {
	text, err := yaml.Append(nil, v)
	if err != nil {
		panic(err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// appendYAML appends what toYAML returns.
func appendYAML(dst []byte, v any) []byte {
	out, err := yaml.Append(dst, v)
	if err == nil && len(out) > len(dst) && out[len(out)-1] == '\n' {
		out = out[:len(out)-1]
	}
	return out
}

// toYAMLPretty indents lists by two, and prints numbers as Go's yaml.v3 does.
func toYAMLPretty(v any) string {
	if !bounded(v, 0) {
		return ""
	}
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
	m, err := yaml.DecodeMap([]byte(text))
	switch {
	case err != nil:
		return map[string]any{"Error": err.Error()}
	case m == nil:
		return map[string]any{}
	}
	return m
}

// fromYAMLArray returns the list in text; an error is its only item.
func fromYAMLArray(text string) []any {
	var list []any
	err := yaml.Unmarshal([]byte(text), &list)
	switch {
	case err != nil:
		return []any{err.Error()}
	case list == nil:
		return []any{}
	}
	return list
}
