package yaml

import (
	sigs "sigs.k8s.io/yaml"
)

// Decode returns the first document of data as sigs.k8s.io/yaml puts it into an empty interface: a map[string]any,
// []any, string, float64, bool or nil. Text of the result may share memory with a copy of data, never with data.
func Decode(data []byte) (any, error) {
	if v, ok := decode(data); ok {
		return v, nil
	}
	var v any
	err := sigs.Unmarshal(data, &v)
	return v, err
}

// DecodeMap returns the first document of data as sigs.k8s.io/yaml puts it into a map[string]any: nil for an empty
// document or null, an error for one that is no mapping.
func DecodeMap(data []byte) (map[string]any, error) {
	if v, ok := decode(data); ok {
		if m, ok := v.(map[string]any); ok || v == nil {
			return m, nil
		}
	}
	var m map[string]any
	err := sigs.Unmarshal(data, &m)
	return m, err
}

// Unmarshal decodes the first document of data into v, which must be a pointer, as sigs.k8s.io/yaml does: by the rules
// of encoding/json, and numbers and booleans become strings where the target is a string.
func Unmarshal(data []byte, v any) error {
	switch v := v.(type) {
	case *any:
		if v != nil && *v == nil {
			if tree, ok := decode(data); ok {
				*v = tree
				return nil
			}
		}
	case *map[string]any:
		if v != nil && *v == nil {
			if tree, ok := decode(data); ok {
				if m, ok := tree.(map[string]any); ok || tree == nil {
					*v = m
					return nil
				}
			}
		}
	case *[]any:
		if v != nil && *v == nil {
			if tree, ok := decode(data); ok {
				if list, ok := tree.([]any); ok || tree == nil {
					*v = list
					return nil
				}
			}
		}
	default:
		if decodeStruct(data, v) {
			return nil
		}
	}
	return sigs.Unmarshal(data, v)
}

// decode builds the tree of the first document, or reports that it takes the library to know what the document is.
func decode(data []byte) (any, bool) {
	text, ok := normalize(string(data))
	if !ok {
		return nil, false
	}
	p := parser{s: text}
	return p.document(toBuild)
}
