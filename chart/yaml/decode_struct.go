package yaml

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// exactNumber is a number in a tree that may be wanted as text.
type exactNumber struct {
	value float64
	text  string
}

// decodeStruct decodes the first document of data into v, a pointer to an empty struct. It knows structs of strings,
// booleans, trees, and pointers, lists and maps of such; false means that nothing was changed and that it takes the
// library.
func decodeStruct(data []byte, v any) bool {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return false
	}
	target = target.Elem()
	if target.Kind() != reflect.Struct || !target.IsZero() {
		return false
	}
	text, ok := normalize(string(data))
	if !ok {
		return false
	}
	p := parser{s: text, exact: true}
	tree, ok := p.document(toBuild)
	if !ok {
		return false
	}
	result := reflect.New(target.Type()).Elem()
	if !assign(result, tree) {
		return false
	}
	target.Set(result)
	return true
}

// assign sets target, which is zero, to a tree. False means that it takes the library.
func assign(target reflect.Value, tree any) bool {
	if hasOwnDecoding(target.Type()) {
		return false
	}
	if tree == nil {
		return true // null leaves all types at zero
	}
	switch target.Kind() {
	case reflect.String:
		text, ok := asText(tree)
		target.SetString(text)
		return ok
	case reflect.Bool:
		b, ok := tree.(bool)
		target.SetBool(b)
		return ok
	case reflect.Interface:
		if target.NumMethod() > 0 {
			return false
		}
		target.Set(reflect.ValueOf(plainTree(tree)))
		return true
	case reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		return assign(target.Elem(), tree)
	case reflect.Struct:
		m, ok := tree.(map[string]any)
		return ok && assignStruct(target, m)
	case reflect.Slice:
		list, ok := tree.([]any)
		if !ok || target.Type().Elem().Kind() == reflect.Uint8 {
			return false
		}
		target.Set(reflect.MakeSlice(target.Type(), len(list), len(list)))
		for i, item := range list {
			if !assign(target.Index(i), item) {
				return false
			}
		}
		return true
	case reflect.Map:
		m, ok := tree.(map[string]any)
		return ok && assignMap(target, m)
	}
	return false
}

func assignMap(target reflect.Value, m map[string]any) bool {
	t := target.Type()
	if t.Key().Kind() != reflect.String || hasOwnDecoding(t.Key()) {
		return false
	}
	target.Set(reflect.MakeMapWithSize(t, len(m)))
	for key, value := range m {
		element := reflect.New(t.Elem()).Elem()
		if !assign(element, value) {
			return false
		}
		target.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), element)
	}
	return true
}

// assignStruct sets the fields that m has keys for. A key that only resembles a field's name is left to the library.
func assignStruct(target reflect.Value, m map[string]any) bool {
	names, ok := fieldNames(target.Type())
	if !ok {
		return false
	}
	known := 0
	for i, name := range names {
		value, ok := m[name]
		if name == "" || !ok {
			continue
		}
		known++
		if !assign(target.Field(i), value) {
			return false
		}
	}
	if known == len(m) {
		return true
	}
	for key := range m {
		if slices.Contains(names, key) {
			continue
		}
		for _, name := range names {
			if name != "" && isLike(key, name) {
				return false
			}
		}
	}
	return true
}

// fieldNames returns the names that encoding/json gives the fields of a struct, empty for those that it ignores. It
// refuses structs with embedded or hidden fields, options, and names that are there twice.
func fieldNames(t reflect.Type) ([]string, bool) {
	names := make([]string, t.NumField())
	for i := range names {
		field := t.Field(i)
		tag := field.Tag.Get("json")
		if field.Anonymous || !field.IsExported() {
			return nil, false
		}
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = field.Name
		}
		if options != "" && options != "omitempty" || !isSimpleName(name) || slices.Contains(names[:i], name) {
			return nil, false
		}
		names[i] = name
	}
	return names, true
}

// isSimpleName reports whether a name in a tag consists of ASCII letters and dashes, so that encoding/json takes it as
// it is.
func isSimpleName(name string) bool {
	for _, c := range []byte(name) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' {
			return false
		}
	}
	return true
}

// hasOwnDecoding reports whether values of a type decode themselves or are special to encoding/json.
func hasOwnDecoding(t reflect.Type) bool {
	if t.Name() != "" && t.PkgPath() == "" {
		return false // built in
	}
	for _, own := range []reflect.Type{reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()} {
		if t.Implements(own) || reflect.PointerTo(t).Implements(own) {
			return true
		}
	}
	return t == reflect.TypeFor[json.Number]()
}

func asText(tree any) (string, bool) {
	switch v := tree.(type) {
	case string:
		return v, true
	case exactNumber:
		return v.text, true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// plainTree replaces the numbers of a tree by float64, in place.
func plainTree(tree any) any {
	switch v := tree.(type) {
	case exactNumber:
		return v.value
	case map[string]any:
		for key, value := range v {
			v[key] = plainTree(value)
		}
	case []any:
		for i, value := range v {
			v[i] = plainTree(value)
		}
	}
	return tree
}
