package tmpl

import (
	"errors"
	"fmt"
	"reflect"
)

// precisely pushes the arguments as text/template has them, for functions
// whose parameters are of type reflect.Value.
func (e *callExpr) precisely(st *State, base int) []reflect.Value {
	values := make([]reflect.Value, 0, 4)
	for i, v := range st.stack[base:] {
		if i < len(e.args) {
			values = append(values, st.precise(e.args[i], e.argNode(i), v))
		} else {
			values = append(values, toReflect(v))
		}
	}
	return values
}

// lenExpr is a call of len.
type lenExpr struct{ callExpr }

func (e *lenExpr) eval(st *State) (any, error) {
	base, err := e.push(st)
	if err != nil {
		return nil, err
	}
	defer st.pop(base)
	switch v := st.stack[base].(type) {
	case string:
		return len(v), nil
	case []any:
		return len(v), nil
	case map[string]any:
		return len(v), nil
	}
	n, err := length(e.precisely(st, base)[0])
	if err != nil {
		return nil, st.callError(e.n, e.fn.name, err)
	}
	return n, nil
}

func length(v reflect.Value) (n int, err error) {
	defer recoverCall(&err)
	v, isNil := indirect(v)
	if isNil {
		return 0, errors.New("len of nil pointer")
	}
	switch v.Kind() {
	case reflect.Array, reflect.Chan, reflect.Map, reflect.Slice, reflect.String:
		return v.Len(), nil
	}
	return 0, fmt.Errorf("len of type %s", v.Type())
}

// indexExpr is a call of index.
type indexExpr struct{ callExpr }

func (e *indexExpr) eval(st *State) (any, error) {
	base, err := e.push(st)
	if err != nil {
		return nil, err
	}
	defer st.pop(base)
	if v, ok := st.indexPlain(st.stack[base:]); ok {
		return v, nil
	}
	args := e.precisely(st, base)
	v, err := index(args[0], args[1:])
	if err != nil {
		return nil, st.callError(e.n, e.fn.name, err)
	}
	result, _ := fromReflect(v)
	return result, nil
}

// indexPlain indexes maps by strings and lists by ints. It reports false for anything else.
func (st *State) indexPlain(args []any) (any, bool) {
	v := args[0]
	for _, key := range args[1:] {
		switch key := key.(type) {
		case string:
			m, ok := st.funcs.asMap(v)
			if !ok {
				return nil, false
			}
			v = m[key]
		case int:
			list, ok := v.([]any)
			if !ok || key < 0 || key >= len(list) {
				return nil, false
			}
			v = list[key]
		default:
			return nil, false
		}
	}
	return v, v != nil
}

func index(item reflect.Value, keys []reflect.Value) (_ reflect.Value, err error) {
	defer recoverCall(&err)
	item = indirectInterface(item)
	if !item.IsValid() {
		return item, errors.New("index of untyped nil")
	}
	for _, key := range keys {
		key = indirectInterface(key)
		var isNil bool
		if item, isNil = indirect(item); isNil {
			return item, errors.New("index of nil pointer")
		}
		switch item.Kind() {
		case reflect.Array, reflect.Slice, reflect.String:
			i, err := position(key, item.Len())
			if err != nil {
				return item, err
			}
			item = item.Index(i)
		case reflect.Map:
			key, err := prepare(key, item.Type().Key())
			if err != nil {
				return item, err
			}
			if v := item.MapIndex(key); v.IsValid() {
				item = v
			} else {
				item = reflect.Zero(item.Type().Elem())
			}
		default:
			return item, fmt.Errorf("can't index item of type %s", item.Type())
		}
	}
	return item, nil
}

// position returns the index as an int not above limit.
func position(key reflect.Value, limit int) (int, error) {
	var i int64
	switch {
	case !key.IsValid():
		return 0, errors.New("cannot index slice/array with nil")
	case key.CanInt():
		i = key.Int()
	case key.CanUint():
		i = int64(key.Uint())
	default:
		return 0, fmt.Errorf("cannot index slice/array with type %s", key.Type())
	}
	if i < 0 || int(i) < 0 || int(i) > limit {
		return 0, fmt.Errorf("index out of range: %d", i)
	}
	return int(i), nil
}

// prepare returns the value as one of the type.
func prepare(v reflect.Value, typ reflect.Type) (reflect.Value, error) {
	if !v.IsValid() {
		if !canBeNil(typ) {
			return v, fmt.Errorf("value is nil; should be of type %s", typ)
		}
		v = reflect.Zero(typ)
	}
	switch {
	case v.Type().AssignableTo(typ):
		return v, nil
	case isInteger(v.Kind()) && isInteger(typ.Kind()) && v.Type().ConvertibleTo(typ):
		return v.Convert(typ), nil
	}
	return v, fmt.Errorf("value has type %s; should be %s", v.Type(), typ)
}

func isInteger(k reflect.Kind) bool { return reflect.Int <= k && k <= reflect.Uintptr }

// sliceExpr is a call of slice.
type sliceExpr struct{ callExpr }

func (e *sliceExpr) eval(st *State) (any, error) {
	base, err := e.push(st)
	if err != nil {
		return nil, err
	}
	args := e.precisely(st, base)
	st.pop(base)
	v, err := slice(args[0], args[1:])
	if err != nil {
		return nil, st.callError(e.n, e.fn.name, err)
	}
	result, _ := fromReflect(v)
	return result, nil
}

func slice(item reflect.Value, keys []reflect.Value) (_ reflect.Value, err error) {
	defer recoverCall(&err)
	item = indirectInterface(item)
	if !item.IsValid() {
		return item, errors.New("slice of untyped nil")
	}
	item, isNil := indirect(item)
	if isNil {
		return item, errors.New("slice of nil pointer")
	}
	if len(keys) > 3 {
		return item, fmt.Errorf("too many slice indexes: %d", len(keys))
	}
	limit := 0
	switch item.Kind() {
	case reflect.String:
		if len(keys) == 3 {
			return item, errors.New("cannot 3-index slice a string")
		}
		limit = item.Len()
	case reflect.Array, reflect.Slice:
		limit = item.Cap()
	default:
		return item, fmt.Errorf("can't slice item of type %s", item.Type())
	}
	bounds := [3]int{0, item.Len()}
	for i, key := range keys {
		if bounds[i], err = position(key, limit); err != nil {
			return item, err
		}
	}
	switch {
	case bounds[0] > bounds[1]:
		return item, fmt.Errorf("invalid slice index: %d > %d", bounds[0], bounds[1])
	case len(keys) < 3:
		return item.Slice(bounds[0], bounds[1]), nil
	case bounds[1] > bounds[2]:
		return item, fmt.Errorf("invalid slice index: %d > %d", bounds[1], bounds[2])
	}
	return item.Slice3(bounds[0], bounds[1], bounds[2]), nil
}

// callFuncExpr is a call of call.
type callFuncExpr struct{ callExpr }

func (e *callFuncExpr) eval(st *State) (any, error) {
	base, err := e.push(st)
	if err != nil {
		return nil, err
	}
	args := e.precisely(st, base)
	st.pop(base)
	name := args[0].String()
	if len(e.args) > 0 {
		name = e.argNode(0).String()
	}
	v, err := callValue(name, args[0], args[1:])
	if err != nil {
		return nil, st.callError(e.n, e.fn.name, err)
	}
	result, _ := fromReflect(unwrapReflect(v))
	return result, nil
}

// callValue calls a function that is a value.
func callValue(name string, fn reflect.Value, args []reflect.Value) (_ reflect.Value, err error) {
	fn = indirectInterface(fn)
	if !fn.IsValid() {
		return fn, errors.New("call of nil")
	}
	typ := fn.Type()
	if typ.Kind() != reflect.Func {
		return fn, fmt.Errorf("non-function %s of type %s", name, typ)
	}
	if err := checkResults(name, typ); err != nil {
		return fn, err
	}
	fixed := typ.NumIn()
	switch {
	case typ.IsVariadic():
		if fixed--; len(args) < fixed {
			return fn, fmt.Errorf("wrong number of args for %s: got %d want at least %d", name, len(args), fixed)
		}
	case len(args) != fixed:
		return fn, fmt.Errorf("wrong number of args for %s: got %d want %d", name, len(args), fixed)
	}
	values := make([]reflect.Value, len(args))
	for i, arg := range args {
		if values[i], err = prepare(indirectInterface(arg), paramType(typ, i)); err != nil {
			return fn, fmt.Errorf("arg %d: %w", i, err)
		}
	}
	return callReflect(fn, values)
}
