package tmpl

import (
	"fmt"
	"reflect"
)

// canBeNil reports whether a parameter of the type takes an untyped nil.
func canBeNil(typ reflect.Type) bool {
	switch typ.Kind() {
	case reflect.Chan, reflect.Func, reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice:
		return true
	case reflect.Struct:
		return typ == reflectType
	}
	return false
}

// assign returns the value as one of the parameter type, or what is wrong with it.
func assign(v reflect.Value, typ reflect.Type) (reflect.Value, string) {
	if !v.IsValid() {
		if canBeNil(typ) {
			return reflect.Zero(typ), ""
		}
		return v, "invalid value; expected " + typ.String()
	}
	if typ == reflectType && v.Type() != typ {
		return reflect.ValueOf(v), ""
	}
	if v.Type().AssignableTo(typ) {
		return v, ""
	}
	if v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
		if v.Type().AssignableTo(typ) {
			return v, ""
		}
	}
	switch {
	case v.Kind() == reflect.Pointer && v.Type().Elem().AssignableTo(typ):
		if v = v.Elem(); !v.IsValid() {
			return v, "dereference of nil pointer of type " + typ.String()
		}
		return v, ""
	case reflect.PointerTo(v.Type()).AssignableTo(typ) && v.CanAddr():
		return v.Addr(), ""
	}
	return v, fmt.Sprintf("wrong type for value; expected %s; got %s", typ, v.Type())
}

// isLiteral reports whether the node is a constant, which takes the type of the parameter.
func isLiteral(n *node) bool {
	switch n.kind {
	case nodeBool, nodeNil, nodeNumber, nodeString:
		return true
	}
	return false
}

// literal returns the constant as a value of the parameter type, or why that cannot be.
func literal(n *node, typ reflect.Type) (reflect.Value, string) {
	if n.kind == nodeNil {
		if canBeNil(typ) {
			return reflect.Zero(typ), ""
		}
		return reflect.Value{}, "cannot assign nil to " + typ.String()
	}
	switch {
	case typ.Kind() == reflect.Interface && typ.NumMethod() == 0:
		v, text := constant(n)
		return reflect.ValueOf(v), text
	case typ == reflectType:
		v, text := constant(n)
		return reflect.ValueOf(reflect.ValueOf(v)), text
	}
	return typedLiteral(n, typ)
}

// constant returns the constant where nothing asks for a type.
func constant(n *node) (any, string) {
	switch n.kind {
	case nodeBool:
		return n.truth, ""
	case nodeString:
		return n.value(), ""
	}
	return n.number().ideal(n.text)
}

func typedLiteral(n *node, typ reflect.Type) (reflect.Value, string) {
	v := reflect.New(typ).Elem()
	num := &number{}
	if n.kind == nodeNumber {
		num = n.number()
	}
	switch typ.Kind() {
	case reflect.Bool:
		if n.kind != nodeBool {
			return v, "expected bool; found " + n.String()
		}
		v.SetBool(n.truth)
	case reflect.String:
		if n.kind != nodeString {
			return v, "expected string; found " + n.String()
		}
		v.SetString(n.value())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if !num.isInt {
			return v, "expected integer; found " + n.String()
		}
		v.SetInt(num.int)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if !num.isUint {
			return v, "expected unsigned integer; found " + n.String()
		}
		v.SetUint(num.uint)
	case reflect.Float32, reflect.Float64:
		if !num.isFloat {
			return v, "expected float; found " + n.String()
		}
		v.SetFloat(num.float)
	case reflect.Complex64, reflect.Complex128:
		if !num.isComplex {
			return v, "expected complex; found " + n.String()
		}
		v.SetComplex(num.complex)
	default:
		return v, fmt.Sprintf("can't handle %s for arg of type %s", n, typ)
	}
	return v, ""
}

// argOfType evaluates an argument for a parameter type that is known only now.
func (st *State) argOfType(e expr, n *node, typ reflect.Type) (reflect.Value, error) {
	if isLiteral(n) {
		v, text := literal(n, typ)
		if text != "" {
			return v, st.errorf(n, "%s", text)
		}
		return v, nil
	}
	v, err := e.eval(st)
	if err != nil {
		return reflect.Value{}, err
	}
	result, text := assign(st.precise(e, n, v), typ)
	if text != "" {
		return result, st.errorf(st.blame(n), "%s", text)
	}
	return result, nil
}

// precise returns the value of an argument with what got lost in an any: whether
// nil was a nil interface. e and n are where the value came from, nil for the pipeline.
func (st *State) precise(e expr, n *node, v any) reflect.Value {
	if v == nil && e != nil && tellsNil(e, n, st) {
		return interfaceOf(nil)
	}
	return toReflect(v)
}

// tellsNil reports whether e, which gave nil, gave a nil interface{}. What comes
// out of a pipeline never is one.
func tellsNil(e expr, n *node, st *State) bool {
	teller, ok := e.(nilTeller)
	return ok && n.kind != nodePipe && teller.nilIsInterface(st)
}

// convert makes v, the value of an argument, one of the parameter's type. It
// returns what is wrong if that cannot be. e and n are where v came from, nil for
// the pipeline.
func (st *State) convert(v any, e expr, n *node, p param) (any, string) {
	switch p.kind {
	case paramAny:
		return unbox(v), ""
	case paramValue:
		return st.precise(e, n, v), ""
	case paramString:
		if s, ok := v.(string); ok {
			return s, ""
		}
	case paramInt:
		if _, ok := v.(int); ok {
			return v, ""
		}
	case paramBool:
		if _, ok := v.(bool); ok {
			return v, ""
		}
	case paramMap:
		if m, ok := st.funcs.asMap(v); ok {
			return m, ""
		}
	case paramList:
		if _, ok := v.([]any); ok {
			return v, ""
		}
	}
	result, text := assign(st.precise(e, n, v), p.typ)
	if text != "" {
		return nil, text
	}
	if p.kind == paramMap || p.kind == paramList {
		result = result.Convert(p.typ)
	}
	return result.Interface(), ""
}
