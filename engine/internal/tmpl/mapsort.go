package tmpl

import (
	"cmp"
	"reflect"
	"slices"
)

// entry is a key and value of a map of any type.
type entry struct{ key, value reflect.Value }

// sortedKeys returns the map's entries in the order in which text/template
// and fmt go through maps.
func sortedKeys(m reflect.Value) []entry {
	entries := make([]entry, 0, m.Len())
	for iter := m.MapRange(); iter.Next(); {
		entries = append(entries, entry{iter.Key(), iter.Value()})
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return compareKeys(a.key, b.key) })
	return entries
}

// compareKeys orders map keys: numbers and strings by <, false before true,
// nil first, pointers and channels by address, structs and arrays by their
// parts, interfaces by type and then by content.
func compareKeys(a, b reflect.Value) int {
	if a.Type() != b.Type() {
		return -1
	}
	switch {
	case a.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	case a.CanFloat():
		return cmp.Compare(a.Float(), b.Float())
	case a.CanComplex():
		x, y := a.Complex(), b.Complex()
		return cmp.Or(cmp.Compare(real(x), real(y)), cmp.Compare(imag(x), imag(y)))
	}
	switch a.Kind() {
	case reflect.String:
		return cmp.Compare(a.String(), b.String())
	case reflect.Bool:
		return cmp.Compare(boolRank(a.Bool()), boolRank(b.Bool()))
	case reflect.Pointer, reflect.UnsafePointer, reflect.Chan:
		return cmp.Compare(a.Pointer(), b.Pointer())
	case reflect.Interface:
		return compareInterfaces(a, b)
	}
	return compareParts(a, b)
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

func compareInterfaces(a, b reflect.Value) int {
	if a.IsNil() || b.IsNil() {
		return cmp.Compare(boolRank(!a.IsNil()), boolRank(!b.IsNil()))
	}
	if c := compareKeys(reflect.ValueOf(a.Elem().Type()), reflect.ValueOf(b.Elem().Type())); c != 0 {
		return c
	}
	return compareKeys(a.Elem(), b.Elem())
}

// compareParts orders structs and arrays, which are what is left of the types of keys.
func compareParts(a, b reflect.Value) int {
	count, part := 0, reflect.Value.Index
	if a.Kind() == reflect.Struct {
		count, part = a.NumField(), reflect.Value.Field
	} else {
		count = a.Len()
	}
	for i := range count {
		if c := compareKeys(part(a, i), part(b, i)); c != 0 {
			return c
		}
	}
	return 0
}
