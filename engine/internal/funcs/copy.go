package funcs

import "reflect"

// deepCopy copies maps and lists all the way down; types stay what they are,
// nil ones too.
func deepCopy(args []any) (any, bool) {
	if args[0] == nil {
		return nil, false
	}
	return copyValue(args[0], 0)
}

func copyValue(v any, depth int) (any, bool) {
	switch v := v.(type) {
	case nil, string, bool, float64, int, int64:
		return v, true
	case map[string]any:
		return copyDict(v, depth)
	case []any:
		return copyList(v, depth)
	case []string:
		if v == nil {
			return v, true
		}
		c := make([]string, len(v), cap(v))
		copy(c, v)
		return c, true
	}
	if m, ok := asDict(v); ok {
		c, ok := copyDict(m, depth)
		if !ok {
			return nil, false
		}
		return reflect.ValueOf(c).Convert(reflect.TypeOf(v)).Interface(), true
	}
	return nil, false
}

func copyDict(m map[string]any, depth int) (map[string]any, bool) {
	if m == nil {
		return nil, true
	}
	checkNesting(depth)
	c := make(map[string]any, len(m))
	for key, v := range m {
		item, ok := copyValue(v, depth+1)
		if !ok {
			return nil, false
		}
		c[key] = item
	}
	return c, true
}

func copyList(list []any, depth int) ([]any, bool) {
	if list == nil {
		return nil, true
	}
	checkNesting(depth)
	c := make([]any, len(list), cap(list))
	for i, v := range list {
		item, ok := copyValue(v, depth+1)
		if !ok {
			return nil, false
		}
		c[i] = item
	}
	return c, true
}
