package funcs

import (
	"reflect"
	"sync"

	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// quick is a fast form of a function: ok is false, and nothing has happened,
// for arguments that it does not know.
type quick func(args []any) (result any, ok bool)

// writer is a quick whose result is a string, which it appends to dst.
type writer func(dst []byte, args []any) (out []byte, ok bool)

// form is the fast forms of one function; write is nil unless the result is a
// string.
type form struct {
	call  quick
	write writer
}

// kit gives the functions of one table their fast forms, and holds what these
// share. What it holds is safe for concurrent use.
type kit struct {
	table   tmpl.Table
	buffers sync.Pool // of *[]byte
}

// addFast gives the functions that charts call most their fast forms.
func addFast(t tmpl.Table) {
	k := &kit{table: t}
	k.buffers.New = func() any { return new([]byte) }
	k.addStrings()
	k.addFormats()
	k.addDicts()
	k.addLists()
	k.addLogic()
	k.addRegexps()
	k.addVersions()
	k.addEncodings()
}

// set gives those of the named functions that the table has fast forms.
func (k *kit) set(fm form, names ...string) {
	for _, name := range names {
		f, ok := k.table[name]
		if !ok {
			continue
		}
		f.Fast = func(_ *tmpl.State, args []any) (any, bool, error) {
			result, ok := fm.call(args)
			return result, ok, nil
		}
		if fm.write != nil {
			f.Append = func(_ *tmpl.State, dst []byte, args []any) ([]byte, bool, error) {
				if out, ok := fm.write(dst, args); ok {
					return out, true, nil
				}
				return dst, false, nil
			}
		}
		k.table[name] = f
	}
}

// call gives the named functions a quick form.
func (k *kit) call(q quick, names ...string) {
	k.set(form{call: q}, names...)
}

// text gives the named functions, whose result is a string, both forms.
func (k *kit) text(w writer, names ...string) {
	k.set(form{call: k.collect(w), write: w}, names...)
}

// collect makes a quick of a writer.
func (k *kit) collect(w writer) quick {
	return func(args []any) (any, bool) {
		buf := k.buffers.Get().(*[]byte)
		out, ok := w((*buf)[:0], args)
		var result any
		if ok {
			result = string(out)
			if cap(out) <= maxKeptBuffer {
				*buf = out
			}
		}
		k.buffers.Put(buf)
		return result, ok
	}
}

// maxKeptBuffer is the largest buffer that is kept for the next call.
const maxKeptBuffer = 64 << 10

// textForm makes the forms of a function whose result is a string that exists
// already, often the argument at the place same; that is then handed on as it
// is.
func textForm(same int, f func(args []any) (string, bool)) form {
	return form{
		call: func(args []any) (any, bool) {
			s, ok := f(args)
			if !ok {
				return nil, false
			}
			if in, isText := args[same].(string); isText && in == s {
				return args[same], true
			}
			return s, true
		},
		write: func(dst []byte, args []any) ([]byte, bool) {
			s, ok := f(args)
			return append(dst, s...), ok
		},
	}
}

var dictType = reflect.TypeFor[map[string]any]()

// asDict returns v as a map[string]any if it is one or is of a named type of
// it, such as the values of a chart.
func asDict(v any) (map[string]any, bool) {
	if m, ok := v.(map[string]any); ok {
		return m, true
	}
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() != reflect.Map || !t.AssignableTo(dictType) {
		return nil, false
	}
	return reflect.ValueOf(v).Convert(dictType).Interface().(map[string]any), true
}
