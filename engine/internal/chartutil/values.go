// Package chartutil has the types of the objects that Helm 3 hands to
// templates. Package and type names are Helm's, because templates can print
// them (typeOf) and branch on them (typeIs).
package chartutil

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
)

// Values is the type of a template's dot, and of .Values and .Template in it.
type Values map[string]any

// NoTableError says that a key does not lead to a table.
type NoTableError struct{ Key string }

func (e NoTableError) Error() string { return fmt.Sprintf("%q is not a table", e.Key) }

// NoValueError says that a path does not lead to a value.
type NoValueError struct{ Key string }

func (e NoValueError) Error() string { return fmt.Sprintf("%q is not a value", e.Key) }

// YAML returns the values as YAML text.
func (v Values) YAML() (string, error) {
	b, err := yaml.Append(nil, map[string]any(v))
	return string(b), err
}

// Encode writes the values as YAML text.
func (v Values) Encode(w io.Writer) error {
	b, err := yaml.Append(nil, map[string]any(v))
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// AsMap returns the values as a plain map, never nil.
func (v Values) AsMap() map[string]any {
	if len(v) == 0 {
		return map[string]any{}
	}
	return v
}

// Table returns the table at a dotted path.
func (v Values) Table(path string) (Values, error) {
	table := v
	for _, key := range strings.Split(path, ".") {
		switch next := table[key].(type) {
		case map[string]any:
			table = next
		case interface{ AsMap() map[string]any }: // Values, of Helm 3 or of Helm 4
			table = next.AsMap()
		case nil:
			if _, there := table[key]; there {
				return Values{}, NoTableError{key}
			}
			return table, NoTableError{key}
		default:
			return Values{}, NoTableError{key}
		}
	}
	return table, nil
}

// PathValue returns the value, not a table, at a dotted path.
func (v Values) PathValue(path string) (any, error) {
	if path == "" {
		return nil, errors.New("YAML path cannot be empty")
	}
	table, key := v, path
	if dot := strings.LastIndexByte(path, '.'); dot >= 0 {
		key = path[dot+1:]
		var err error
		if table, err = v.Table(path[:dot]); err != nil {
			return nil, NoValueError{key}
		}
	}
	value, ok := table[key]
	if _, isTable := value.(map[string]any); !ok || isTable {
		return nil, NoValueError{key}
	}
	return value, nil
}
