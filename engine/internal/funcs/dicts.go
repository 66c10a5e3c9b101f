package funcs

import (
	"maps"
	"slices"
)

// addDicts adds the functions on maps.
func (k *kit) addDicts() {
	k.call(dict, "dict")
	k.call(get, "get")
	k.call(set, "set")
	k.call(unset, "unset")
	k.call(hasKey, "hasKey")
	k.call(pluck, "pluck")
	k.call(pick, "pick")
	k.call(omit, "omit")
	k.call(keys, "keys")
	k.call(dig, "dig")
	k.call(func(args []any) (any, bool) { return mergeAll(args, false) }, "merge", "mustMerge")
	k.call(func(args []any) (any, bool) { return mergeAll(args, true) }, "mergeOverwrite", "mustMergeOverwrite")
	k.call(deepCopy, "deepCopy", "mustDeepCopy")
}

// sortedKeys returns the keys of each dict, sorted within that dict.
func sortedKeys(dicts ...map[string]any) []string {
	n := 0
	for _, d := range dicts {
		n += len(d)
	}
	keys := make([]string, 0, n)
	for _, d := range dicts {
		start := len(keys)
		keys = slices.AppendSeq(keys, maps.Keys(d))
		slices.Sort(keys[start:])
	}
	return keys
}

// valuesByKey returns the values of a dict in the order of their keys.
func valuesByKey(dict map[string]any) []any {
	values := make([]any, 0, len(dict))
	for _, key := range sortedKeys(dict) {
		values = append(values, dict[key])
	}
	return values
}

// dict makes a map of keys and values in turn; a key that is no string is
// turned into one.
func dict(args []any) (any, bool) {
	m := make(map[string]any, (len(args)+1)/2)
	for i := 0; i < len(args); i += 2 {
		key, ok := args[i].(string)
		if !ok {
			text, ok := appendString(nil, args[i])
			if !ok {
				return nil, false
			}
			key = string(text)
		}
		if i+1 < len(args) {
			m[key] = args[i+1]
		} else {
			m[key] = ""
		}
	}
	return m, true
}

// dictAndKey returns the first two arguments of most functions on maps.
func dictAndKey(args []any) (m map[string]any, key string, ok bool) {
	if m, ok = asDict(args[0]); !ok {
		return nil, "", false
	}
	key, ok = args[1].(string)
	return m, key, ok
}

func get(args []any) (any, bool) {
	m, key, ok := dictAndKey(args)
	if !ok {
		return nil, false
	}
	if v, exists := m[key]; exists {
		return v, true
	}
	return "", true
}

func set(args []any) (any, bool) {
	m, key, ok := dictAndKey(args)
	if !ok || m == nil {
		return nil, false
	}
	m[key] = args[2]
	return m, true
}

func unset(args []any) (any, bool) {
	m, key, ok := dictAndKey(args)
	if !ok {
		return nil, false
	}
	delete(m, key)
	return m, true
}

func hasKey(args []any) (any, bool) {
	m, key, ok := dictAndKey(args)
	if !ok {
		return nil, false
	}
	_, exists := m[key]
	return exists, true
}

func pluck(args []any) (any, bool) {
	key, ok := args[0].(string)
	if !ok {
		return nil, false
	}
	found := []any{}
	for _, arg := range args[1:] {
		m, ok := asDict(arg)
		if !ok {
			return nil, false
		}
		if v, exists := m[key]; exists {
			found = append(found, v)
		}
	}
	return found, true
}

func pick(args []any) (any, bool) {
	m, ok := asDict(args[0])
	if !ok {
		return nil, false
	}
	chosen := make(map[string]any, len(args)-1)
	for _, arg := range args[1:] {
		key, ok := arg.(string)
		if !ok {
			return nil, false
		}
		if v, exists := m[key]; exists {
			chosen[key] = v
		}
	}
	return chosen, true
}

func omit(args []any) (any, bool) {
	m, ok := asDict(args[0])
	if !ok {
		return nil, false
	}
	left := make(map[string]any, len(m))
	maps.Copy(left, m)
	for _, arg := range args[1:] {
		key, ok := arg.(string)
		if !ok {
			return nil, false
		}
		delete(left, key)
	}
	return left, true
}

func keys(args []any) (any, bool) {
	dicts := make([]map[string]any, len(args))
	for i, arg := range args {
		var ok bool
		if dicts[i], ok = asDict(arg); !ok {
			return nil, false
		}
	}
	return sortedKeys(dicts...), true
}

// dig follows keys into nested maps. It knows only maps that are exactly
// map[string]any, since sprig's has an error for all others.
func dig(args []any) (any, bool) {
	if len(args) < 3 {
		return nil, false
	}
	last := len(args) - 1
	var v any = args[last]
	for _, arg := range args[:last-1] {
		key, ok := arg.(string)
		m, isDict := v.(map[string]any)
		if !ok || !isDict {
			return nil, false
		}
		next, exists := m[key]
		if !exists {
			return args[last-1], allStrings(args[:last-1])
		}
		v = next
	}
	return v, true
}

func allStrings(args []any) bool {
	for _, arg := range args {
		if _, ok := arg.(string); !ok {
			return false
		}
	}
	return true
}
