package funcs

import (
	"reflect"
	"sync"

	"github.com/Masterminds/sprig/v3"
)

// deepCopy copies maps and lists all the way down; types stay what they are,
// nil ones too. Charts copy their whole scope, so the files of a chart matter:
// sprig's function looks at each of their bytes.
func deepCopy(args []any) (any, bool) {
	_, isDict := asDict(args[0])
	_, isList := args[0].([]any)
	if !isDict && !isList {
		return nil, false
	}
	return copyValue(args[0], 0), true
}

// original is sprig's function, for the types that are rare in values.
var original = sync.OnceValue(func() func(any) any {
	return sprig.TxtFuncMap()["deepCopy"].(func(any) any)
})

// copyForeign copies a value of any type that lies in a map or list, which
// sprig treats differently from one that stands alone.
func copyForeign(v any) any {
	return original()([]any{v}).([]any)[0]
}

func copyValue(v any, depth int) any {
	switch v := v.(type) {
	case nil, string, bool, float64, int, int64:
		return v
	case map[string]any:
		return copyDict(v, depth)
	case []any:
		return copyList(v, depth)
	case []string:
		if v == nil {
			return v
		}
		c := make([]string, len(v), cap(v))
		copy(c, v)
		return c
	}
	if m, ok := asDict(v); ok {
		return reflect.ValueOf(copyDict(m, depth)).Convert(reflect.TypeOf(v)).Interface()
	}
	if files, ok := asFiles(v); ok && files != nil {
		return reflect.ValueOf(copyFiles(files)).Convert(reflect.TypeOf(v)).Interface()
	}
	return copyForeign(v)
}

func copyDict(m map[string]any, depth int) map[string]any {
	if m == nil {
		return nil
	}
	checkNesting(depth)
	c := make(map[string]any, len(m))
	for key, v := range m {
		c[key] = copyValue(v, depth+1)
	}
	return c
}

func copyList(list []any, depth int) []any {
	if list == nil {
		return nil
	}
	checkNesting(depth)
	c := make([]any, len(list), cap(list))
	for i, v := range list {
		c[i] = copyValue(v, depth+1)
	}
	return c
}

// asFiles recognises maps of file contents, the type of .Files among them.
func asFiles(v any) (map[string][]byte, bool) {
	to := reflect.TypeFor[map[string][]byte]()
	if from := reflect.ValueOf(v); from.Kind() == reflect.Map && from.CanConvert(to) {
		return from.Convert(to).Interface().(map[string][]byte), true
	}
	return nil, false
}

func copyFiles(files map[string][]byte) map[string][]byte {
	c := make(map[string][]byte, len(files))
	for name, data := range files {
		if data == nil {
			c[name] = nil
			continue
		}
		dup := make([]byte, len(data), cap(data))
		copy(dup, data)
		c[name] = dup
	}
	return c
}
