package funcs

import (
	"reflect"
	"slices"
)

// addLists adds the functions on lists.
func (k *kit) addLists() {
	k.call(newList, "list", "tuple")
	k.call(first, "first", "mustFirst")
	k.call(last, "last", "mustLast")
	k.call(rest, "rest", "mustRest")
	k.call(initial, "initial", "mustInitial")
	k.call(push, "append", "push", "mustAppend", "mustPush")
	k.call(prepend, "prepend", "mustPrepend")
	k.call(concat, "concat")
	k.call(has, "has", "mustHas")
	k.call(uniq, "uniq", "mustUniq")
	k.call(without, "without", "mustWithout")
	k.call(compact, "compact", "mustCompact")
	k.call(reverse, "reverse", "mustReverse")
	k.call(toStrings, "toStrings")
	k.call(sortAlpha, "sortAlpha")
	k.call(func(args []any) (any, bool) { return equal(args[0], args[1]), true }, "deepEqual")
}

func newList(args []any) (any, bool) {
	list := make([]any, len(args))
	copy(list, args)
	return list, true
}

// items returns the items of a list of a usual type. The slice is new unless
// the list is a []any.
func items(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return list, true
	}
	return nil, false
}

func first(args []any) (any, bool) {
	list, ok := args[0].([]any)
	if len(list) == 0 {
		return nil, ok
	}
	return list[0], true
}

func last(args []any) (any, bool) {
	list, ok := args[0].([]any)
	if len(list) == 0 {
		return nil, ok
	}
	return list[len(list)-1], true
}

func rest(args []any) (any, bool) {
	list, ok := items(args[0])
	if len(list) == 0 {
		return []any(nil), ok
	}
	return clone(list[1:]), true
}

func initial(args []any) (any, bool) {
	list, ok := items(args[0])
	if len(list) == 0 {
		return []any(nil), ok
	}
	return clone(list[:len(list)-1]), true
}

// clone copies list into a slice with no room to spare. What room the results
// of append have is sprig's: slice can reach into it.
func clone(list []any) []any {
	c := make([]any, len(list))
	copy(c, list)
	return c
}

func push(args []any) (any, bool) {
	list, ok := items(args[0])
	if !ok {
		return nil, false
	}
	return append(clone(list), args[1]), true
}

func prepend(args []any) (any, bool) {
	list, ok := items(args[0])
	if !ok {
		return nil, false
	}
	return append([]any{args[1]}, list...), true
}

func concat(args []any) (any, bool) {
	var all []any
	for _, arg := range args {
		list, ok := items(arg)
		if !ok {
			return nil, false
		}
		//lint:ignore S1011 one by one, for the capacity that sprig's result has
		for _, v := range list {
			all = append(all, v)
		}
	}
	return all, true
}

func has(args []any) (any, bool) {
	switch list := args[1].(type) {
	case []any:
		return contains(list, args[0]), true
	case []string:
		s, ok := args[0].(string)
		for _, item := range list {
			if ok && item == s {
				return true, true
			}
		}
		return false, true
	}
	return nil, false
}

func uniq(args []any) (any, bool) {
	list, ok := items(args[0])
	if !ok {
		return nil, false
	}
	kept := []any{}
	seen := map[string]bool{}
	for _, v := range list {
		if s, isText := v.(string); isText {
			if seen[s] {
				continue
			}
			seen[s] = true
		} else if contains(kept, v) {
			continue
		}
		kept = append(kept, v)
	}
	return kept, true
}

func without(args []any) (any, bool) {
	list, ok := items(args[0])
	if !ok {
		return nil, false
	}
	kept := []any{}
	for _, v := range list {
		if !contains(args[1:], v) {
			kept = append(kept, v)
		}
	}
	return kept, true
}

func compact(args []any) (any, bool) {
	list, ok := items(args[0])
	if !ok {
		return nil, false
	}
	kept := []any{}
	for _, v := range list {
		empty, known := isEmpty(v)
		if !known {
			return nil, false
		}
		if !empty {
			kept = append(kept, v)
		}
	}
	return kept, true
}

func reverse(args []any) (any, bool) {
	list, ok := items(args[0])
	if !ok {
		return nil, false
	}
	reversed := make([]any, len(list))
	for i, v := range list {
		reversed[len(list)-1-i] = v
	}
	return reversed, true
}

func contains(list []any, v any) bool {
	for _, item := range list {
		if equal(v, item) {
			return true
		}
	}
	return false
}

// equal is reflect.DeepEqual.
func equal(a, b any) bool {
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		return ok && x == y
	case int:
		y, ok := b.(int)
		return ok && x == y
	case float64:
		y, ok := b.(float64)
		return ok && x == y
	case bool:
		y, ok := b.(bool)
		return ok && x == y
	}
	return reflect.DeepEqual(a, b)
}

// toStrings returns the items of a list that are not nil as strings; a list of
// strings is returned itself.
func toStrings(args []any) (any, bool) {
	list, ok := textsOf(args[0])
	return list, ok
}

// sortAlpha sorts what toStrings returns, so a list of strings in its place.
func sortAlpha(args []any) (any, bool) {
	list, ok := textsOf(args[0])
	slices.Sort(list)
	return list, ok
}

func textsOf(v any) ([]string, bool) {
	switch v := v.(type) {
	case []string:
		return v, true
	case []any:
		list := make([]string, 0, len(v))
		for _, item := range v {
			if item == nil {
				continue
			}
			s, ok := item.(string)
			if !ok {
				text, ok := appendString(nil, item)
				if !ok {
					return nil, false
				}
				s = string(text)
			}
			list = append(list, s)
		}
		return list, true
	}
	return nil, false
}
