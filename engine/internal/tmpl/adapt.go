package tmpl

import "slices"

// adapt returns a caller for functions of the usual types, or nil. The
// arguments are already of the parameter types, with nil for a nil interface,
// map or slice. A variadic function gets a list of its own, since it may keep it.
func adapt(fn any) func(args []any) (any, error) {
	if c := adaptAny(fn); c != nil {
		return c
	}
	if c := adaptString(fn); c != nil {
		return c
	}
	if c := adaptMap(fn); c != nil {
		return c
	}
	return adaptMixed(fn)
}

func str(v any) string            { s, _ := v.(string); return s }
func integer(v any) int           { n, _ := v.(int); return n }
func object(v any) map[string]any { m, _ := v.(map[string]any); return m }

func objects(args []any) []map[string]any {
	list := make([]map[string]any, len(args))
	for i, a := range args {
		list[i] = object(a)
	}
	return list
}

func strs(args []any) []string {
	list := make([]string, len(args))
	for i, a := range args {
		list[i] = str(a)
	}
	return list
}

// wrap1 and the like turn a function with one result into an adapter.
func wrap1[R any](fn func(any) R) func([]any) (any, error) {
	return func(a []any) (any, error) { return fn(a[0]), nil }
}

func wrap1e[R any](fn func(any) (R, error)) func([]any) (any, error) {
	return func(a []any) (any, error) { return fn(a[0]) }
}

func wrapN[R any](fn func(...any) R) func([]any) (any, error) {
	return func(a []any) (any, error) { return fn(slices.Clone(a)...), nil }
}

func wrap1N[R any](fn func(any, ...any) R) func([]any) (any, error) {
	return func(a []any) (any, error) { return fn(a[0], slices.Clone(a[1:])...), nil }
}

func wrap2[R any](fn func(any, any) R) func([]any) (any, error) {
	return func(a []any) (any, error) { return fn(a[0], a[1]), nil }
}

func wrapS[R any](fn func(string) R) func([]any) (any, error) {
	return func(a []any) (any, error) { return fn(str(a[0])), nil }
}

func wrapSe[R any](fn func(string) (R, error)) func([]any) (any, error) {
	return func(a []any) (any, error) { return fn(str(a[0])) }
}

func wrapSS[R any](fn func(string, string) R) func([]any) (any, error) {
	return func(a []any) (any, error) { return fn(str(a[0]), str(a[1])), nil }
}

func wrapSSe[R any](fn func(string, string) (R, error)) func([]any) (any, error) {
	return func(a []any) (any, error) { return fn(str(a[0]), str(a[1])) }
}

func wrapSA[R any](fn func(string, any) R) func([]any) (any, error) {
	return func(a []any) (any, error) { return fn(str(a[0]), a[1]), nil }
}

func adaptAny(fn any) func([]any) (any, error) {
	switch fn := fn.(type) {
	case func(any) string:
		return wrap1(fn)
	case func(any) bool:
		return wrap1(fn)
	case func(any) any:
		return wrap1(fn)
	case func(any) int:
		return wrap1(fn)
	case func(any) int64:
		return wrap1(fn)
	case func(any) float64:
		return wrap1(fn)
	case func(any) []any:
		return wrap1(fn)
	case func(any) []string:
		return wrap1(fn)
	case func(any) (any, error):
		return wrap1e(fn)
	case func(any) (string, error):
		return wrap1e(fn)
	case func(any) ([]any, error):
		return wrap1e(fn)
	case func(...any) string:
		return wrapN(fn)
	case func(...any) []any:
		return wrapN(fn)
	case func(...any) any:
		return wrapN(fn)
	case func(...any) bool:
		return wrapN(fn)
	case func(...any) int64:
		return wrapN(fn)
	case func(...any) float64:
		return wrapN(fn)
	case func(...any) map[string]any:
		return wrapN(fn)
	case func(...any) (any, error):
		return func(a []any) (any, error) { return fn(slices.Clone(a)...) }
	case func(any, ...any) any:
		return wrap1N(fn)
	case func(any, ...any) int64:
		return wrap1N(fn)
	case func(any, ...any) float64:
		return wrap1N(fn)
	case func(any, ...any) []any:
		return wrap1N(fn)
	case func(any, any) bool:
		return wrap2(fn)
	case func(any, any) int64:
		return wrap2(fn)
	case func(any, any) []any:
		return wrap2(fn)
	case func(any, any) ([]any, error):
		return func(a []any) (any, error) { return fn(a[0], a[1]) }
	case func(any, any) (bool, error):
		return func(a []any) (any, error) { return fn(a[0], a[1]) }
	}
	return nil
}

func adaptString(fn any) func([]any) (any, error) {
	switch fn := fn.(type) {
	case func() string:
		return func([]any) (any, error) { return fn(), nil }
	case func(string) string:
		return wrapS(fn)
	case func(string) bool:
		return wrapS(fn)
	case func(string) int:
		return wrapS(fn)
	case func(string) any:
		return wrapS(fn)
	case func(string) []any:
		return wrapS(fn)
	case func(string) map[string]any:
		return wrapS(fn)
	case func(string) (string, error):
		return wrapSe(fn)
	case func(string) (any, error):
		return wrapSe(fn)
	case func(string, string) string:
		return wrapSS(fn)
	case func(string, string) bool:
		return wrapSS(fn)
	case func(string, string) []string:
		return wrapSS(fn)
	case func(string, string) map[string]string:
		return wrapSS(fn)
	case func(string, string) (bool, error):
		return wrapSSe(fn)
	case func(string, string) (string, error):
		return wrapSSe(fn)
	case func(string, string, string) string:
		return func(a []any) (any, error) { return fn(str(a[0]), str(a[1]), str(a[2])), nil }
	case func(string, any) string:
		return wrapSA(fn)
	case func(string, any) bool:
		return wrapSA(fn)
	case func(string, any) (any, error):
		return func(a []any) (any, error) { return fn(str(a[0]), a[1]) }
	case func(string, ...any) string:
		return func(a []any) (any, error) { return fn(str(a[0]), slices.Clone(a[1:])...), nil }
	}
	return nil
}

func adaptMap(fn any) func([]any) (any, error) {
	switch fn := fn.(type) {
	case func(map[string]any, string) bool:
		return func(a []any) (any, error) { return fn(object(a[0]), str(a[1])), nil }
	case func(map[string]any, string) any:
		return func(a []any) (any, error) { return fn(object(a[0]), str(a[1])), nil }
	case func(map[string]any, string) map[string]any:
		return func(a []any) (any, error) { return fn(object(a[0]), str(a[1])), nil }
	case func(map[string]any, string, any) map[string]any:
		return func(a []any) (any, error) { return fn(object(a[0]), str(a[1]), a[2]), nil }
	case func(map[string]any) []any:
		return func(a []any) (any, error) { return fn(object(a[0])), nil }
	case func(...map[string]any) []string:
		return func(a []any) (any, error) { return fn(objects(a)...), nil }
	case func(map[string]any, ...map[string]any) any:
		return func(a []any) (any, error) { return fn(object(a[0]), objects(a[1:])...), nil }
	case func(map[string]any, ...map[string]any) (any, error):
		return func(a []any) (any, error) { return fn(object(a[0]), objects(a[1:])...) }
	case func(map[string]any, ...string) map[string]any:
		return func(a []any) (any, error) { return fn(object(a[0]), strs(a[1:])...), nil }
	case func(string, ...map[string]any) []any:
		return func(a []any) (any, error) { return fn(str(a[0]), objects(a[1:])...), nil }
	}
	return nil
}

func adaptMixed(fn any) func([]any) (any, error) {
	switch fn := fn.(type) {
	case func(int, string) string:
		return func(a []any) (any, error) { return fn(integer(a[0]), str(a[1])), nil }
	case func(int, int, string) string:
		return func(a []any) (any, error) { return fn(integer(a[0]), integer(a[1]), str(a[2])), nil }
	case func(int) string:
		return func(a []any) (any, error) { return fn(integer(a[0])), nil }
	case func(int) []int:
		return func(a []any) (any, error) { return fn(integer(a[0])), nil }
	case func(int, int, int) []int:
		return func(a []any) (any, error) { return fn(integer(a[0]), integer(a[1]), integer(a[2])), nil }
	case func(any, any, bool) any:
		return func(a []any) (any, error) { b, _ := a[2].(bool); return fn(a[0], a[1], b), nil }
	}
	return nil
}
