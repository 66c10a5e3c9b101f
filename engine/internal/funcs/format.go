package funcs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// addFormats adds the functions that turn values into text.
func (k *kit) addFormats() {
	k.text(appendQuoted, "quote")
	k.text(appendSingleQuoted, "squote")
	k.text(appendCat, "cat")

	toString := k.collect(func(dst []byte, args []any) ([]byte, bool) { return appendString(dst, args[0]) })
	k.set(form{
		call: func(args []any) (any, bool) {
			if _, ok := args[0].(string); ok {
				return args[0], true
			}
			return toString(args)
		},
		write: func(dst []byte, args []any) ([]byte, bool) { return appendString(dst, args[0]) },
	}, "toString")
}

// appendString appends v as sprig makes a string of it.
func appendString(dst []byte, v any) ([]byte, bool) {
	if b, ok := v.([]byte); ok {
		return append(dst, b...), true
	}
	return appendValue(dst, v, 0)
}

// appendValue appends v as fmt's %v does.
func appendValue(dst []byte, v any, depth int) ([]byte, bool) {
	switch v := v.(type) {
	case nil:
		return append(dst, "<nil>"...), true
	case string:
		return append(dst, v...), true
	case bool:
		return strconv.AppendBool(dst, v), true
	case int:
		return strconv.AppendInt(dst, int64(v), 10), true
	case int64:
		return strconv.AppendInt(dst, v, 10), true
	case float64:
		return strconv.AppendFloat(dst, v, 'g', -1, 64), true
	}
	checkNesting(depth)
	switch v := v.(type) {
	case []any:
		return appendList(dst, v, depth)
	case []string:
		return appendStrings(dst, v), true
	case map[string]any:
		return appendDict(dst, v, depth)
	}
	if _, formats := v.(fmt.Formatter); formats {
		return dst, false
	}
	if _, isError := v.(error); isError {
		return dst, false
	}
	if _, hasString := v.(fmt.Stringer); hasString {
		return dst, false
	}
	if m, ok := asDict(v); ok {
		return appendDict(dst, m, depth)
	}
	return dst, false
}

func appendDict(dst []byte, m map[string]any, depth int) ([]byte, bool) {
	var scratch [16]string
	keys := slices.AppendSeq(scratch[:0], maps.Keys(m))
	slices.Sort(keys)
	dst = append(dst, "map["...)
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(append(dst, key...), ':')
		var ok bool
		if dst, ok = appendValue(dst, m[key], depth+1); !ok {
			return dst, false
		}
	}
	return append(dst, ']'), true
}

func appendList(dst []byte, list []any, depth int) ([]byte, bool) {
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ' ')
		}
		var ok bool
		if dst, ok = appendValue(dst, v, depth+1); !ok {
			return dst, false
		}
	}
	return append(dst, ']'), true
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, s...)
	}
	return append(dst, ']')
}

// appendJoined appends the arguments that are not nil with a blank between,
// each by appendOne.
func appendJoined(dst []byte, args []any, appendOne func(dst []byte, v any) ([]byte, bool)) ([]byte, bool) {
	start := len(dst)
	for _, v := range args {
		if v == nil {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		var ok bool
		if dst, ok = appendOne(dst, v); !ok {
			return dst, false
		}
	}
	return dst, true
}

func appendQuoted(dst []byte, args []any) ([]byte, bool) {
	return appendJoined(dst, args, func(dst []byte, v any) ([]byte, bool) {
		if s, ok := v.(string); ok {
			return strconv.AppendQuote(dst, s), true
		}
		mark := len(dst)
		dst, ok := appendString(dst, v)
		if !ok {
			return dst, false
		}
		return strconv.AppendQuote(dst[:mark], string(dst[mark:])), true
	})
}

func appendSingleQuoted(dst []byte, args []any) ([]byte, bool) {
	return appendJoined(dst, args, func(dst []byte, v any) ([]byte, bool) {
		dst, ok := appendValue(append(dst, '\''), v, 0)
		return append(dst, '\''), ok
	})
}

// appendCat puts a blank between the arguments that are not nil, empty ones
// included.
func appendCat(dst []byte, args []any) ([]byte, bool) {
	first := true
	for _, v := range args {
		if v == nil {
			continue
		}
		if !first {
			dst = append(dst, ' ')
		}
		first = false
		var ok bool
		if dst, ok = appendValue(dst, v, 0); !ok {
			return dst, false
		}
	}
	return dst, true
}
