package funcs

import (
	"bytes"

	"github.com/BurntSushi/toml"
)

// toTOML returns v as TOML, or the text of the error.
func toTOML(v any) string {
	text, err := encodeTOML(v)
	if err != nil {
		return err.Error()
	}
	return text
}

// mustToTOML is toTOML that panics on an error.
func mustToTOML(v any) string {
	text, err := encodeTOML(v)
	if err != nil {
		panic(err)
	}
	return text
}

func encodeTOML(v any) (string, error) {
	if !bounded(v, 0) {
		return "", errNested
	}
	var text bytes.Buffer
	err := toml.NewEncoder(&text).Encode(v)
	return text.String(), err
}

// fromTOML returns the table in text; an error is its entry "Error".
func fromTOML(text string) map[string]any {
	m := map[string]any{}
	if err := toml.Unmarshal([]byte(text), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}
