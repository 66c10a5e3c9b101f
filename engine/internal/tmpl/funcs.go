package tmpl

import (
	"fmt"
	"reflect"
	"text/template"
	"unicode"
)

// builtin tells the functions that the compiler knows from the others.
type builtin uint8

const (
	notBuiltin builtin = iota
	builtinAnd
	builtinOr
	builtinNot
	builtinEq
	builtinNe
	builtinLt
	builtinLe
	builtinGt
	builtinGe
	builtinLen
	builtinIndex
	builtinSlice
	builtinCall
	builtinPrint
	builtinPrintf
	builtinPrintln
	builtinInclude
	builtinTpl
	builtinOther
)

// function is one entry of Funcs.
type function struct {
	Func
	name    string
	builtin builtin
	typ     reflect.Type
	params  []param // for a variadic function the last is that of one element
	// adapted calls Fn without reflection. It is nil when Fn's type is a rare one.
	adapted func(args []any) (any, error)
	// scalar says that the result cannot share memory with an argument.
	scalar bool
}

// param is the type of a parameter.
type param struct {
	kind paramKind
	typ  reflect.Type
}

type paramKind uint8

const (
	paramOther paramKind = iota
	paramAny
	paramString
	paramInt
	paramBool
	paramMap  // map[string]any
	paramList // []any
	paramValue
)

var (
	anyType     = reflect.TypeFor[any]()
	errorType   = reflect.TypeFor[error]()
	stringType  = reflect.TypeFor[string]()
	intType     = reflect.TypeFor[int]()
	boolType    = reflect.TypeFor[bool]()
	mapType     = reflect.TypeFor[map[string]any]()
	listType    = reflect.TypeFor[[]any]()
	reflectType = reflect.TypeFor[reflect.Value]()
)

func makeParam(typ reflect.Type) param {
	switch typ {
	case anyType:
		return param{paramAny, typ}
	case stringType:
		return param{paramString, typ}
	case intType:
		return param{paramInt, typ}
	case boolType:
		return param{paramBool, typ}
	case mapType:
		return param{paramMap, typ}
	case listType:
		return param{paramList, typ}
	case reflectType:
		return param{paramValue, typ}
	}
	return param{paramOther, typ}
}

// param returns the type of the i-th parameter.
func (f *function) param(i int) param {
	if f.typ.IsVariadic() && i >= len(f.params) {
		i = len(f.params) - 1
	}
	return f.params[i]
}

// shortCircuits reports whether the function leaves out arguments.
func (f *function) shortCircuits() bool { return f.builtin == builtinAnd || f.builtin == builtinOr }

// Funcs is a table of functions made ready for templates. It is immutable.
type Funcs struct {
	byName map[string]*function
	maps   []MapType
	// methods has the methods of the known map types, which go before the maps' keys.
	methods map[string]bool
}

// MapType makes a named map type known, so that templates reach into it as
// quickly as into a map[string]any. It changes no result.
type MapType struct {
	convert func(v any) (map[string]any, bool)
	typ     reflect.Type
}

// MapOf returns the MapType of M.
func MapOf[M ~map[string]any]() MapType {
	return MapType{
		convert: func(v any) (map[string]any, bool) { m, ok := v.(M); return m, ok },
		typ:     reflect.TypeFor[M](),
	}
}

// NewFuncs returns the functions of the table, those of text/template that the
// table does not replace, and include and tpl. It fails when a name or the
// type of a function is not fit for templates.
func NewFuncs(table Table, maps ...MapType) (*Funcs, error) {
	fs := &Funcs{byName: make(map[string]*function, len(table)+32), maps: maps, methods: make(map[string]bool)}
	for _, m := range maps {
		pointer := reflect.PointerTo(m.typ) // has the methods of the type as well
		for i := range pointer.NumMethod() {
			fs.methods[pointer.Method(i).Name] = true
		}
	}
	for name, b := range builtins() {
		fn, err := newFunction(name, Func{Fn: b.fn})
		if err != nil {
			return nil, err
		}
		fn.builtin = b.id
		fs.byName[name] = fn
	}
	for name, f := range table {
		if name == "include" || name == "tpl" {
			continue
		}
		fn, err := newFunction(name, f)
		if err != nil {
			return nil, err
		}
		fs.byName[name] = fn
	}
	return fs, nil
}

type builtinFunc struct {
	id builtin
	fn any
}

// builtins lists the functions that every template has. For those that the
// compiler knows only the type of fn counts.
func builtins() map[string]builtinFunc {
	type value = reflect.Value
	compare := func(_, _ value) (bool, error) { return false, nil }
	text := func(string, any) (string, error) { return "", nil }
	choose := func(v value, _ ...value) value { return v }
	pick := func(v value, _ ...value) (value, error) { return v, nil }
	return map[string]builtinFunc{
		"and":      {builtinAnd, choose},
		"or":       {builtinOr, choose},
		"not":      {builtinNot, func(value) bool { return false }},
		"eq":       {builtinEq, func(value, ...value) (bool, error) { return false, nil }},
		"ne":       {builtinNe, compare},
		"lt":       {builtinLt, compare},
		"le":       {builtinLe, compare},
		"gt":       {builtinGt, compare},
		"ge":       {builtinGe, compare},
		"len":      {builtinLen, func(value) (int, error) { return 0, nil }},
		"index":    {builtinIndex, pick},
		"slice":    {builtinSlice, pick},
		"call":     {builtinCall, choose},
		"print":    {builtinPrint, fmt.Sprint},
		"printf":   {builtinPrintf, fmt.Sprintf},
		"println":  {builtinPrintln, fmt.Sprintln},
		"html":     {builtinOther, template.HTMLEscaper},
		"js":       {builtinOther, template.JSEscaper},
		"urlquery": {builtinOther, template.URLQueryEscaper},
		"include":  {builtinInclude, text},
		"tpl":      {builtinTpl, text},
	}
}

func newFunction(name string, f Func) (*function, error) {
	if !goodName(name) {
		return nil, fmt.Errorf("function name %q is not a valid identifier", name)
	}
	typ := reflect.TypeOf(f.Fn)
	if typ == nil || typ.Kind() != reflect.Func {
		return nil, fmt.Errorf("value for %s not a function", name)
	}
	if err := checkResults(name, typ); err != nil {
		return nil, err
	}
	fn := &function{Func: f, name: name, typ: typ, adapted: adapt(f.Fn)}
	for i := range typ.NumIn() {
		in := typ.In(i)
		if typ.IsVariadic() && i == typ.NumIn()-1 {
			in = in.Elem()
		}
		fn.params = append(fn.params, makeParam(in))
	}
	switch typ.Out(0).Kind() {
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		fn.scalar = true
	}
	return fn, nil
}

// checkResults reports why a function's results are not fit for templates.
func checkResults(name string, typ reflect.Type) error {
	switch n := typ.NumOut(); {
	case n == 1, n == 2 && typ.Out(1) == errorType:
		return nil
	case n == 2:
		return fmt.Errorf("invalid function signature for %s: second return value should be error; is %s", name, typ.Out(1))
	default:
		return fmt.Errorf("function %s has %d return values; should be 1 or 2", name, n)
	}
}

func goodName(name string) bool {
	for i, r := range name {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return name != ""
}

// asMap returns v as the map that it is, if its type is map[string]any or a
// named one that Funcs was told of.
func (fs *Funcs) asMap(v any) (map[string]any, bool) {
	if m, ok := v.(map[string]any); ok {
		return m, true
	}
	for i := range fs.maps {
		if m, ok := fs.maps[i].convert(v); ok {
			return m, true
		}
	}
	return nil, false
}
