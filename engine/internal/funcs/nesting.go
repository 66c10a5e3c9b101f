package funcs

import "errors"

// maxNesting is how deep maps and lists may be nested for the functions that go
// through all of a value.
const maxNesting = 10_000

// errNested is the error for a value that is nested deeper, which usually is a
// map that set has put into itself.
//
// #DIFFERS In Helm such a value exhausts the stack and ends the process.
var errNested = errors.New("the value is nested too deeply")

// checkNesting panics with errNested at a depth over the limit. The program
// that calls a function makes an error of it.
func checkNesting(depth int) {
	if depth > maxNesting {
		panic(errNested)
	}
}

// bounded reports whether v is nested no deeper than the limit.
func bounded(v any, depth int) bool {
	if depth > maxNesting {
		return false
	}
	switch v := v.(type) {
	case string, nil, bool, float64:
		return true
	case []any:
		for _, item := range v {
			if !bounded(item, depth+1) {
				return false
			}
		}
		return true
	}
	m, _ := asDict(v)
	for _, item := range m {
		if !bounded(item, depth+1) {
			return false
		}
	}
	return true
}
