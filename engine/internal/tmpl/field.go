package tmpl

import (
	"fmt"
	"reflect"
	"sync/atomic"
)

// fieldPath is a chain of field names, and how to walk along it.
type fieldPath struct {
	n     *node // for errors
	names []string
	// methods says that one of the names is a method of a known map type.
	methods bool
	hits    atomic.Pointer[fieldHit]
}

func (p *fieldPath) init(n *node, names []string, fs *Funcs) {
	p.n, p.names = n, names
	for _, name := range names {
		p.methods = p.methods || fs.methods[name]
	}
}

// walk evaluates the chain from v, which came as an interface{} if iface is
// set. It reports the same of the result.
func (p *fieldPath) walk(st *State, v any, iface bool) (any, bool, error) {
	if st.reads != nil {
		st.reads.fields(v, p.names)
	}
	for i, name := range p.names {
		m, ok := v.(map[string]any)
		if !ok {
			return p.walkFrom(st, i, v, iface)
		}
		next, found := m[name]
		if !found && st.strict {
			return nil, false, st.errorf(st.blame(p.n), "map has no entry for key %q", name)
		}
		v, iface = next, true
	}
	return v, iface, nil
}

// walkFrom is walk from names[i] on, for values other than map[string]any.
func (p *fieldPath) walkFrom(st *State, i int, v any, iface bool) (any, bool, error) {
	for ; i < len(p.names); i++ {
		name := p.names[i]
		if m, ok := st.funcs.asMap(v); ok && (!p.methods || !st.funcs.methods[name] || isPlainMap(v)) {
			next, found := m[name]
			if !found && st.strict {
				return nil, false, st.errorf(st.blame(p.n), "map has no entry for key %q", name)
			}
			v, iface = next, true
			continue
		}
		if result, ok := p.known(i, v); ok {
			v, iface = fromReflect(result)
			continue
		}
		f := fieldCall{st: st, n: p.n, name: name}
		result, err := f.eval(receiver(v, iface))
		if err != nil {
			return nil, false, err
		}
		v, iface = fromReflect(result)
	}
	return v, iface, nil
}

// fieldHit remembers where a field of a struct was found.
type fieldHit struct {
	at      int // in the path's names
	typ     reflect.Type
	canAddr bool
	index   []int
	next    *fieldHit
}

const maxHits = 4

// known evaluates names[i] of v if it is a field of a struct, or of a pointer
// to one, and not a method. It reports false for anything else.
func (p *fieldPath) known(i int, v any) (reflect.Value, bool) {
	recv := toReflect(v)
	count := 0
	for hit := p.hits.Load(); hit != nil; hit = hit.next {
		if hit.at == i && recv.IsValid() && hit.typ == recv.Type() && hit.canAddr == recv.CanAddr() {
			return fieldAt(recv, hit.index)
		}
		count++
	}
	if count < maxHits && recv.IsValid() {
		if hit := findField(recv, p.names[i]); hit != nil {
			hit.at, hit.next = i, p.hits.Load()
			p.hits.CompareAndSwap(hit.next, hit)
			return fieldAt(recv, hit.index)
		}
	}
	return reflect.Value{}, false
}

func fieldAt(recv reflect.Value, index []int) (reflect.Value, bool) {
	if recv.Kind() == reflect.Pointer {
		if recv.IsNil() {
			return recv, false
		}
		recv = recv.Elem()
	}
	return recv.FieldByIndex(index), true
}

// findField returns the exported field of that name, if a value of the type
// has it without going through embedded pointers, and no such method.
func findField(recv reflect.Value, name string) *fieldHit {
	typ, methods := recv.Type(), recv.Type()
	switch {
	case typ.Kind() == reflect.Pointer:
		typ = typ.Elem()
	case recv.CanAddr():
		methods = reflect.PointerTo(typ)
	}
	if typ.Kind() != reflect.Struct {
		return nil
	}
	if _, isMethod := methods.MethodByName(name); isMethod {
		return nil
	}
	field, ok := typ.FieldByName(name)
	if !ok || !field.IsExported() {
		return nil
	}
	for i := range len(field.Index) - 1 {
		if typ.FieldByIndex(field.Index[:i+1]).Type.Kind() == reflect.Pointer {
			return nil
		}
	}
	return &fieldHit{typ: recv.Type(), canAddr: recv.CanAddr(), index: field.Index}
}

func isPlainMap(v any) bool { _, ok := v.(map[string]any); return ok }

// receiver returns v with the type that error messages show for it.
func receiver(v any, iface bool) reflect.Value {
	if !iface {
		return toReflect(v)
	}
	if b, ok := v.(*boxed); ok {
		return b.v
	}
	return interfaceOf(v)
}

// fieldCall is the evaluation of one field or method.
type fieldCall struct {
	st    *State
	n     *node
	name  string
	args  []expr // with the nodes that they came from
	nodes []*node
	final expr // what comes through the pipeline, already in value
	value any
}

func (f *fieldCall) hasArgs() bool { return len(f.args) > 0 || f.final != nil }

func (f *fieldCall) fail(format string, args ...any) (reflect.Value, error) {
	return reflect.Value{}, f.st.errorf(f.st.blame(f.n), format, args...)
}

// eval evaluates the field of the receiver, as text/template orders it:
// methods first, then struct fields and map keys.
func (f *fieldCall) eval(recv reflect.Value) (reflect.Value, error) {
	if !recv.IsValid() {
		if f.st.strict {
			return f.fail("nil data; no entry for key %q", f.name)
		}
		return reflect.Value{}, nil
	}
	typ := recv.Type()
	recv, isNil := indirect(recv)
	if recv.Kind() == reflect.Interface && isNil {
		return f.fail("nil pointer evaluating %s.%s", typ, f.name)
	}
	ptr := recv
	if ptr.Kind() != reflect.Interface && ptr.Kind() != reflect.Pointer && ptr.CanAddr() {
		ptr = ptr.Addr()
	}
	if method := ptr.MethodByName(f.name); method.IsValid() {
		return f.call(method)
	}
	switch recv.Kind() {
	case reflect.Struct:
		if field, ok := recv.Type().FieldByName(f.name); ok {
			return f.structField(recv, field, typ)
		}
	case reflect.Map:
		if stringType.AssignableTo(recv.Type().Key()) {
			return f.mapEntry(recv)
		}
	case reflect.Pointer:
		elem := recv.Type().Elem()
		if elem.Kind() == reflect.Struct {
			if _, ok := elem.FieldByName(f.name); !ok {
				break
			}
		}
		if isNil {
			return f.fail("nil pointer evaluating %s.%s", typ, f.name)
		}
	}
	return f.fail("can't evaluate field %s in type %s", f.name, typ)
}

func (f *fieldCall) structField(recv reflect.Value, field reflect.StructField, typ reflect.Type) (reflect.Value, error) {
	value, err := recv.FieldByIndexErr(field.Index)
	switch {
	case !field.IsExported():
		return f.fail("%s is an unexported field of struct type %s", f.name, typ)
	case err != nil:
		return f.fail("%v", err)
	case f.hasArgs():
		return f.fail("%s has arguments but cannot be invoked as function", f.name)
	}
	return value, nil
}

func (f *fieldCall) mapEntry(recv reflect.Value) (reflect.Value, error) {
	if f.hasArgs() {
		return f.fail("%s is not a method but has arguments", f.name)
	}
	result := recv.MapIndex(reflect.ValueOf(f.name))
	if result.IsValid() {
		return result, nil
	}
	if f.st.strict {
		return f.fail("map has no entry for key %q", f.name)
	}
	return reflect.Zero(recv.Type().Elem()), nil
}

// call calls the method with the arguments.
func (f *fieldCall) call(method reflect.Value) (reflect.Value, error) {
	typ := method.Type()
	count := len(f.args)
	if f.final != nil {
		count++
	}
	if text := wrongCount(f.name, typ, len(f.args), count); text != "" {
		return f.fail("%s", text)
	}
	if err := checkResults(f.name, typ); err != nil {
		return f.fail("%v", err)
	}
	values := make([]reflect.Value, 0, count)
	at := f.n
	for i, arg := range f.args {
		v, err := f.st.argOfType(arg, f.nodes[i], paramType(typ, i))
		if err != nil {
			return reflect.Value{}, err
		}
		values, at = append(values, v), f.nodes[i]
	}
	if f.final != nil {
		v, text := assign(toReflect(f.value), paramType(typ, len(f.args)))
		if text != "" {
			return reflect.Value{}, f.st.errorf(f.st.blame(at), "%s", text)
		}
		values = append(values, v)
	}
	result, err := callReflect(method, values)
	if err != nil {
		return result, f.st.callError(f.n, f.name, err)
	}
	return unwrapReflect(result), nil
}

// paramType returns the type of the i-th parameter.
func paramType(fn reflect.Type, i int) reflect.Type {
	if fn.IsVariadic() && i >= fn.NumIn()-1 {
		return fn.In(fn.NumIn() - 1).Elem()
	}
	return fn.In(i)
}

// wrongCount says what is wrong with the number of arguments, if anything is.
func wrongCount(name string, typ reflect.Type, written, count int) string {
	if typ.IsVariadic() {
		if fixed := typ.NumIn() - 1; count < fixed {
			return fmt.Sprintf("wrong number of args for %s: want at least %d got %d", name, fixed, written)
		}
		return ""
	}
	if count != typ.NumIn() {
		return fmt.Sprintf("wrong number of args for %s: want %d got %d", name, typ.NumIn(), count)
	}
	return ""
}

// unwrapReflect returns what a function meant that returns a reflect.Value.
func unwrapReflect(v reflect.Value) reflect.Value {
	if v.IsValid() && v.Type() == reflectType {
		return v.Interface().(reflect.Value)
	}
	return v
}

// callReflect calls fn and makes an error of a panic.
func callReflect(fn reflect.Value, args []reflect.Value) (result reflect.Value, err error) {
	defer recoverCall(&err)
	results := fn.Call(args)
	if len(results) == 2 && !results[1].IsNil() {
		return results[0], results[1].Interface().(error)
	}
	return results[0], nil
}

// recoverCall makes an error of the panic of a function.
func recoverCall(err *error) {
	switch r := recover().(type) {
	case nil:
	case error:
		*err = r
	default:
		*err = fmt.Errorf("%v", r)
	}
}
