package funcs

import (
	"strconv"
	"strings"
)

// addStrings adds the functions on strings whose originals do more work than
// they need.
func (k *kit) addStrings() {
	k.text(func(dst []byte, args []any) ([]byte, bool) { return appendIndented(dst, args) }, "indent")
	k.text(func(dst []byte, args []any) ([]byte, bool) {
		return appendIndented(append(dst, '\n'), args)
	}, "nindent")
	k.set(textForm(1, trunc), "trunc")
	k.text(appendJoin, "join")
	k.call(split, "split")
	for _, name := range []string{
		"trim", "upper", "lower", "trimSuffix", "trimPrefix", "trimAll", "trimall", "replace",
		"b64dec", "base", "dir", "ext", "clean", "camelcase", "kebabcase", "snakecase", "title",
	} {
		k.set(plainText(k.table[name].Fn), name)
	}
}

// plainText makes the forms of a function from strings to a string that cannot
// panic.
func plainText(fn any) form {
	switch fn := fn.(type) {
	case func(string) string:
		return textForm(0, func(args []any) (string, bool) {
			s, ok := args[0].(string)
			if !ok {
				return "", false
			}
			return fn(s), true
		})
	case func(a, b string) string:
		return textForm(1, func(args []any) (string, bool) {
			a, ok := args[0].(string)
			b, ok2 := args[1].(string)
			if !ok || !ok2 {
				return "", false
			}
			return fn(a, b), true
		})
	case func(a, b, c string) string:
		return textForm(2, func(args []any) (string, bool) {
			a, ok := args[0].(string)
			b, ok2 := args[1].(string)
			c, ok3 := args[2].(string)
			if !ok || !ok2 || !ok3 {
				return "", false
			}
			return fn(a, b, c), true
		})
	}
	return form{call: func([]any) (any, bool) { return nil, false }}
}

// maxIndent bounds the blanks that are written here; beyond it the original
// has its way.
const maxIndent = 1 << 10

// appendIndented appends args[1] with args[0] blanks before each line.
func appendIndented(dst []byte, args []any) ([]byte, bool) {
	n, ok := args[0].(int)
	s, ok2 := args[1].(string)
	if !ok || !ok2 || n < 0 || n > maxIndent {
		return dst, false
	}
	for {
		dst = appendBlanks(dst, n)
		end := strings.IndexByte(s, '\n') + 1
		if end == 0 {
			return append(dst, s...), true
		}
		dst = append(dst, s[:end]...)
		s = s[end:]
	}
}

func appendBlanks(dst []byte, n int) []byte {
	const blanks = "                                "
	for ; n > len(blanks); n -= len(blanks) {
		dst = append(dst, blanks...)
	}
	return append(dst, blanks[:n]...)
}

// trunc keeps the first args[0] bytes of args[1], or the last for a negative
// number.
func trunc(args []any) (string, bool) {
	n, ok := args[0].(int)
	s, ok2 := args[1].(string)
	switch {
	case !ok || !ok2:
		return "", false
	case n >= 0 && len(s) > n:
		return s[:n], true
	case n < 0 && len(s)+n > 0:
		return s[len(s)+n:], true
	}
	return s, true
}

// appendJoin appends the items of a list that are not nil, as strings.
func appendJoin(dst []byte, args []any) ([]byte, bool) {
	sep, ok := args[0].(string)
	if !ok {
		return dst, false
	}
	switch list := args[1].(type) {
	case []string:
		for i, s := range list {
			if i > 0 {
				dst = append(dst, sep...)
			}
			dst = append(dst, s...)
		}
		return dst, true
	case []any:
		first := true
		for _, v := range list {
			if v == nil {
				continue
			}
			if !first {
				dst = append(dst, sep...)
			}
			first = false
			if dst, ok = appendString(dst, v); !ok {
				return dst, false
			}
		}
		return dst, true
	case string:
		return append(dst, list...), true
	}
	return dst, false
}

// split returns the parts of args[1] as the entries _0, _1 and so on.
func split(args []any) (any, bool) {
	sep, ok := args[0].(string)
	s, ok2 := args[1].(string)
	if !ok || !ok2 {
		return nil, false
	}
	parts := strings.Split(s, sep)
	dict := make(map[string]string, len(parts))
	for i, part := range parts {
		dict["_"+strconv.Itoa(i)] = part
	}
	return dict, true
}
