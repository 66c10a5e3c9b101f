package tmpl

import (
	"errors"
	"fmt"
	"reflect"
)

var (
	errBadComparison = errors.New("invalid type for comparison")
	errNoComparison  = errors.New("missing argument for comparison")
)

// compareExpr is a call of eq, ne, lt, le, gt or ge.
type compareExpr struct {
	callExpr
	// With one plain operand and one constant string, eq and ne take a short way.
	short         bool
	operand       expr
	constant      string
	constantFirst bool
}

func (e *compareExpr) eval(st *State) (any, error) {
	yes, err := e.test(st)
	return yes, err
}

func (e *compareExpr) test(st *State) (bool, error) {
	if e.short {
		return e.testShort(st)
	}
	base, err := e.push(st)
	if err != nil {
		return false, err
	}
	yes, err := compare(e.fn.builtin, st.stack[base:])
	st.pop(base)
	if err != nil {
		return false, st.callError(e.n, e.fn.name, err)
	}
	return yes, nil
}

// testShort compares the operand with the constant.
func (e *compareExpr) testShort(st *State) (bool, error) {
	equal := false
	if em, ok := e.operand.(emitter); ok {
		mark := len(st.buf)
		if err := em.emit(st); err != nil {
			return false, err
		}
		equal = string(st.buf[mark:]) == e.constant
		st.drop(mark)
		return equal == (e.fn.builtin == builtinEq), nil
	}
	v, err := e.operand.eval(st)
	if err != nil {
		return false, err
	}
	if s, ok := v.(string); ok {
		return (s == e.constant) == (e.fn.builtin == builtinEq), nil
	}
	base := len(st.stack)
	args := [2]any{v, e.constant}
	if e.constantFirst {
		args = [2]any{e.constant, v}
	}
	st.stack = append(st.stack, args[:]...)
	yes, err := compare(e.fn.builtin, st.stack[base:])
	st.pop(base)
	if err != nil {
		return false, st.callError(e.n, e.fn.name, err)
	}
	return yes, nil
}

// compare returns the result of one of the comparison functions.
func compare(op builtin, args []any) (yes bool, err error) {
	defer recoverCall(&err)
	switch op {
	case builtinEq:
		return equal(args[0], args[1:])
	case builtinNe:
		yes, err = equal(args[0], args[1:])
		return !yes, err
	case builtinLt:
		return less(args[0], args[1])
	case builtinGe:
		yes, err = less(args[0], args[1])
		return !yes && err == nil, err
	}
	yes, err = less(args[0], args[1])
	if !yes && err == nil {
		yes, err = equal(args[0], args[1:])
	}
	if op == builtinGt {
		return !yes && err == nil, err
	}
	return yes, err
}

// equal reports whether a equals one of the others.
func equal(a any, others []any) (bool, error) {
	if len(others) == 0 {
		return false, errNoComparison
	}
	for _, b := range others {
		yes, err := equalPair(a, b)
		if yes || err != nil {
			return yes, err
		}
	}
	return false, nil
}

func equalPair(a, b any) (bool, error) {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return a == b, nil
		}
	case bool:
		if b, ok := b.(bool); ok {
			return a == b, nil
		}
	case int:
		if b, ok := b.(int); ok {
			return a == b, nil
		}
	}
	return equalReflect(indirectInterface(toReflect(a)), indirectInterface(toReflect(b)))
}

// basicKind is the class of values that can be compared with each other.
type basicKind uint8

const (
	noKind basicKind = iota
	boolKind
	complexKind
	intKind
	floatKind
	stringKind
	uintKind
)

func kindOf(v reflect.Value) basicKind {
	switch {
	case v.Kind() == reflect.Bool:
		return boolKind
	case v.CanInt():
		return intKind
	case v.CanUint():
		return uintKind
	case v.CanFloat():
		return floatKind
	case v.CanComplex():
		return complexKind
	case v.Kind() == reflect.String:
		return stringKind
	}
	return noKind
}

func equalReflect(a, b reflect.Value) (bool, error) {
	ka, kb := kindOf(a), kindOf(b)
	if ka != kb {
		switch {
		case ka == intKind && kb == uintKind:
			return a.Int() >= 0 && uint64(a.Int()) == b.Uint(), nil
		case ka == uintKind && kb == intKind:
			return b.Int() >= 0 && a.Uint() == uint64(b.Int()), nil
		case a.IsValid() && b.IsValid():
			return false, fmt.Errorf("incompatible types for comparison: %v and %v", a.Type(), b.Type())
		}
		return false, nil
	}
	switch ka {
	case boolKind:
		return a.Bool() == b.Bool(), nil
	case complexKind:
		return a.Complex() == b.Complex(), nil
	case floatKind:
		return a.Float() == b.Float(), nil
	case intKind:
		return a.Int() == b.Int(), nil
	case stringKind:
		return a.String() == b.String(), nil
	case uintKind:
		return a.Uint() == b.Uint(), nil
	}
	return equalOther(a, b)
}

// equalOther compares values of no basic kind.
func equalOther(a, b reflect.Value) (bool, error) {
	if a.Kind() != b.Kind() && a.IsValid() && b.IsValid() {
		return false, fmt.Errorf("non-comparable types %s: %v, %s: %v", a, a.Type(), b.Type(), b)
	}
	if isNil(a) || isNil(b) {
		return isNil(a) == isNil(b), nil
	}
	if !b.Type().Comparable() {
		return false, fmt.Errorf("non-comparable type %s: %v", b, b.Type())
	}
	return a.Interface() == b.Interface(), nil
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Chan, reflect.Func, reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice:
		return v.IsNil()
	}
	return false
}

func less(x, y any) (bool, error) {
	a, b := indirectInterface(toReflect(x)), indirectInterface(toReflect(y))
	ka, kb := kindOf(a), kindOf(b)
	switch {
	case ka == noKind || kb == noKind:
		return false, errBadComparison
	case ka == intKind && kb == uintKind:
		return a.Int() < 0 || uint64(a.Int()) < b.Uint(), nil
	case ka == uintKind && kb == intKind:
		return b.Int() >= 0 && a.Uint() < uint64(b.Int()), nil
	case ka != kb:
		return false, fmt.Errorf("incompatible types for comparison: %v and %v", a.Type(), b.Type())
	}
	switch ka {
	case floatKind:
		return a.Float() < b.Float(), nil
	case intKind:
		return a.Int() < b.Int(), nil
	case stringKind:
		return a.String() < b.String(), nil
	case uintKind:
		return a.Uint() < b.Uint(), nil
	}
	return false, errBadComparison
}
