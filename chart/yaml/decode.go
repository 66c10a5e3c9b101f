package yaml

import (
	"maps"

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
// of encoding/json, and numbers and booleans become strings where the target is a string. An empty document or null
// leaves v as it is.
func Unmarshal(data []byte, v any) error {
	if unmarshal(data, v) {
		return nil
	}
	return sigs.Unmarshal(data, v)
}

// unmarshal is Unmarshal where the library is not needed. When it returns false it has changed nothing.
func unmarshal(data []byte, v any) bool {
	switch v := v.(type) {
	case *any:
		if v == nil || *v != nil {
			return false
		}
		tree, ok := decode(data)
		if ok {
			*v = tree
		}
		return ok
	case *map[string]any:
		if v == nil {
			return false
		}
		tree, ok := decode(data)
		m, isMap := tree.(map[string]any)
		switch {
		case !ok || tree != nil && !isMap:
			return false
		case *v == nil:
			*v = m
		default:
			maps.Copy(*v, m) // nothing for null, which leaves the target alone
		}
		return true
	case *[]any:
		if v == nil || cap(*v) > 0 {
			return false
		}
		tree, ok := decode(data)
		list, isList := tree.([]any)
		if !ok || tree != nil && !isList {
			return false
		}
		if isList {
			*v = list
		}
		return true
	}
	return decodeStruct(data, v)
}

// decode builds the tree of the first document, or reports that it takes the library to know what the document is.
func decode(data []byte) (any, bool) {
	text, ok := normalize(string(data))
	if !ok {
		return nil, false
	}
	p := parser{s: text, entries: make([]entry, 0, 32), items: make([]any, 0, 16)}
	return p.document(toBuild)
}
