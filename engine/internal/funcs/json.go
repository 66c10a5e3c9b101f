package funcs

import (
	"encoding/json"
)

// toJSON returns v as JSON, or "" for what cannot be written.
func toJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// mustToJSON is toJSON that panics on an error.
func mustToJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// fromJSON returns the object in text; an error is its entry "Error".
func fromJSON(text string) map[string]any {
	if m, ok := readJSON[map[string]any](text); ok {
		return m
	}
	m := map[string]any{}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

// fromJSONArray returns the array in text; an error is its only item.
func fromJSONArray(text string) []any {
	if list, ok := readJSON[[]any](text); ok {
		return list
	}
	list := []any{}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return []any{err.Error()}
	}
	return list
}
