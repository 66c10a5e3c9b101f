package tmpl

import (
	"fmt"
	"reflect"
	"strconv"
	"unsafe"
)

// Values travel as any. Nil stands both for no value at all and for a nil
// interface; where text/template tells them apart, the code asks where the nil
// came from. A value that an any cannot carry as it is (one that can be
// addressed, so that methods on its pointer count, or one of an interface type
// with methods) travels as a *boxed.
type boxed struct{ v reflect.Value }

// toReflect returns v as text/template would have it.
func toReflect(v any) reflect.Value {
	if b, ok := v.(*boxed); ok {
		return b.v
	}
	return reflect.ValueOf(v)
}

// unbox returns the value as a function with a parameter of type any gets it.
func unbox(v any) any {
	if b, ok := v.(*boxed); ok {
		return b.v.Interface()
	}
	return v
}

// fromReflect is the reverse of toReflect. It reports whether v was an
// interface{}, of which the result is the content.
func fromReflect(v reflect.Value) (any, bool) {
	isInterface := false
	if v.Kind() == reflect.Interface && v.NumMethod() == 0 {
		isInterface = true
		v = v.Elem()
	}
	switch {
	case !v.IsValid():
		return nil, isInterface
	case v.Kind() == reflect.Interface, v.CanAddr() && addressMatters(v.Type()):
		return &boxed{v}, isInterface
	}
	return v.Interface(), isInterface
}

// addressMatters reports whether anything can be done with an addressable
// value of the type that cannot be done with a copy.
func addressMatters(typ reflect.Type) bool {
	return typ.Kind() == reflect.Struct || typ.Kind() == reflect.Array || reflect.PointerTo(typ).NumMethod() > typ.NumMethod()
}

// interfaceOf returns v as the content of an interface{}.
func interfaceOf(v any) reflect.Value { return reflect.ValueOf(&v).Elem() }

// indirect follows pointers and interfaces to the end, or to a nil one.
func indirect(v reflect.Value) (_ reflect.Value, isNil bool) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return v, true
		}
		v = v.Elem()
	}
	return v, false
}

// indirectInterface returns what an interface holds, or v itself.
func indirectInterface(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Interface {
		return v.Elem()
	}
	return v
}

// truth reports whether a value counts as true: whether it is not the zero of its type.
func truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	case int:
		return v != 0
	case int64:
		return v != 0
	case float64:
		return v != 0
	}
	return truthOf(indirectInterface(toReflect(v)))
}

func truthOf(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Invalid:
		return false
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() > 0
	case reflect.Chan, reflect.Func, reflect.Pointer, reflect.UnsafePointer, reflect.Interface:
		return !v.IsNil()
	case reflect.Struct:
		return true
	case reflect.Float32, reflect.Float64:
		return v.Float() != 0
	case reflect.Complex64, reflect.Complex128:
		return v.Complex() != 0
	}
	return !v.IsZero()
}

// noValue is what the absence of a value prints as.
const noValue = "<no value>"

// appendValue appends what printing the value gives. It reports false for a
// value that cannot be printed.
func appendValue(dst []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case string:
		return append(dst, v...), true
	case nil:
		return append(dst, noValue...), true
	case int:
		return strconv.AppendInt(dst, int64(v), 10), true
	case bool:
		return strconv.AppendBool(dst, v), true
	case float64:
		return strconv.AppendFloat(dst, v, 'g', -1, 64), true
	case int64:
		return strconv.AppendInt(dst, v, 10), true
	}
	p, ok := printable(toReflect(v))
	if !ok {
		return dst, false
	}
	return fmt.Append(dst, p), true
}

var stringerType = reflect.TypeFor[fmt.Stringer]()

// printable returns what fmt should print for a value: the end of its
// pointers, or the pointer if that has the method to print with.
func printable(v reflect.Value) (any, bool) {
	if v.Kind() == reflect.Pointer {
		v, _ = indirect(v)
	}
	if !v.IsValid() {
		return noValue, true
	}
	if !prints(v.Type()) {
		switch {
		case v.CanAddr() && prints(reflect.PointerTo(v.Type())):
			v = v.Addr()
		case v.Kind() == reflect.Chan, v.Kind() == reflect.Func:
			return nil, false
		}
	}
	return v.Interface(), true
}

func prints(typ reflect.Type) bool {
	return typ.Implements(errorType) || typ.Implements(stringerType)
}

// transient returns bytes of the output as a string without a copy. It is good
// for as long as the output is not cut and rewritten below it.
func transient(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
