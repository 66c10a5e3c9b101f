package funcs

import (
	"reflect"

	"dario.cat/mergo"
)

// mergeAll merges the maps args[1:] into the map args[0] and returns that, as
// mergo does it: maps merge, everything else is taken from the source where
// the target has an empty value, or always if overwrite is set. A nil in the
// source counts only if overwrite is set. What is taken is shared with the
// source, not copied.
//
// It gives up only on maps that it has not begun to change, or at a place where
// doing it all again ends the same.
func mergeAll(args []any, overwrite bool) (any, bool) {
	for _, arg := range args {
		if m, ok := asDict(arg); !ok || m == nil {
			return nil, false
		}
	}
	dst, _ := asDict(args[0])
	for _, arg := range args[1:] {
		src, _ := asDict(arg)
		if !mergeDict(dst, src, overwrite, 0) {
			return nil, false
		}
	}
	return dst, true
}

func mergeDict(dst, src map[string]any, overwrite bool, depth int) bool {
	checkNesting(depth)
	for key, v := range src {
		if v == nil {
			if overwrite {
				dst[key] = nil
			}
			continue
		}
		old, exists := dst[key]
		ok := true
		switch mergeKind(v) {
		case mergeOther:
			ok = mergeOne(dst, key, v, overwrite)
		case mergeWhole:
			if overwrite || !exists || isEmptyValue(old) {
				dst[key] = v
			}
		case mergeDicts:
			ok = mergeInto(dst, key, old, exists, v, overwrite, depth)
		}
		if !ok {
			return false
		}
	}
	return true
}

// mergeInto merges the map v into the entry of dst that is old.
func mergeInto(dst map[string]any, key string, old any, exists bool, v any, overwrite bool, depth int) bool {
	switch mergeKind(old) {
	case mergeOther:
		if old != nil {
			return mergeOne(dst, key, v, overwrite)
		}
	case mergeDicts:
		target, _ := asDict(old)
		source, _ := asDict(v)
		if target != nil {
			if !mergeDict(target, source, overwrite, depth+1) {
				return false
			}
			if len(target) > 0 {
				return true
			}
		}
	}
	if overwrite || !exists || isEmptyValue(old) {
		dst[key] = v
	}
	return true
}

// mergeOne leaves one entry to mergo, which panics on some types.
func mergeOne(dst map[string]any, key string, v any, overwrite bool) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	merge := mergo.Merge
	if overwrite {
		merge = mergo.MergeWithOverwrite
	}
	return merge(&dst, map[string]any{key: v}) == nil
}

// The kinds of values that mergo treats differently.
const (
	mergeOther = iota
	mergeWhole // taken or left as a whole
	mergeDicts
)

func mergeKind(v any) int {
	switch v.(type) {
	case string, bool, float64, int, int64, []any, []string:
		return mergeWhole
	case map[string]any:
		return mergeDicts
	}
	if _, ok := asDict(v); ok {
		return mergeDicts
	}
	return mergeOther
}

// isEmptyValue is mergo's idea of an empty value.
func isEmptyValue(v any) bool {
	if empty, known := isEmpty(v); known {
		return empty
	}
	rv := reflect.ValueOf(v)
	for rv.Kind() == reflect.Pointer || rv.Kind() == reflect.Interface {
		if rv.IsNil() {
			return true
		}
		rv = rv.Elem()
	}
	switch rv.Kind() {
	case reflect.Struct, reflect.Chan, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return false
	case reflect.Array:
		return rv.Len() == 0
	}
	return rv.IsZero()
}
