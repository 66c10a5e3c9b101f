package schema

import "strconv"

// badValue is something among the values that JSON does not have.
type badValue struct{ value any }

// equal compares a value with one of the schema or another of the values.
func (w *walker) equal(a, b any) (bool, *badValue) {
	switch a := a.(type) {
	case nil:
		return b == nil, nil
	case bool:
		b, ok := b.(bool)
		return ok && a == b, nil
	case string:
		b, ok := b.(string)
		return ok && a == b, nil
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false, nil
		}
		w.charge(len(a))
		for i := range a {
			if same, bad := w.equal(a[i], b[i]); !same || bad != nil {
				return false, bad
			}
		}
		return true, nil
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false, nil
		}
		w.charge(len(a))
		for name, v := range a {
			other, ok := b[name]
			if !ok {
				return false, nil
			}
			if same, bad := w.equal(v, other); !same || bad != nil {
				return false, bad
			}
		}
		return true, nil
	}
	n, ok := numberOf(a)
	if !ok {
		return false, &badValue{a}
	}
	m, ok := numberOf(b)
	return ok && n.compare(m) == 0, nil
}

// duplicates finds the first item that is equal to an earlier one.
func (w *walker) duplicates(list []any) (first, second int, bad *badValue) {
	const few = 20
	if len(list) <= few {
		for j := 1; j < len(list); j++ {
			for i := 0; i < j; i++ {
				if same, bad := w.equal(list[j], list[i]); same || bad != nil {
					return i, j, bad
				}
			}
		}
		return -1, -1, nil
	}
	seen := make(map[string]int, len(list))
	for j, item := range list {
		key := string(w.key(nil, item))
		if i, ok := seen[key]; ok {
			return i, j, nil
		}
		seen[key] = j
	}
	return -1, -1, nil
}

// key appends a text that is the same for equal values only.
func (w *walker) key(dst []byte, v any) []byte {
	w.charge(1)
	switch v := v.(type) {
	case nil:
		return append(dst, 'z')
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return strconv.AppendQuote(dst, v)
	case []any:
		dst = append(dst, '[')
		for _, item := range v {
			dst = append(w.key(dst, item), ',')
		}
		return append(dst, ']')
	case map[string]any:
		dst = append(dst, '{')
		for _, name := range sortedNames(v) {
			dst = append(strconv.AppendQuote(dst, name), ':')
			dst = append(w.key(dst, v[name]), ',')
		}
		return append(dst, '}')
	}
	n, _ := numberOf(v)
	return append(dst, n.key()...)
}

func isWhole(v any) bool {
	n, ok := numberOf(v)
	return ok && n.isWhole()
}
