package derive

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/e6d26078/slipway/release/manifest"
)

// identity is what makes two references name one object: a change of the API
// version alone is none of the object.
type identity struct{ group, kind, namespace, name string }

func identify(r manifest.Ref) identity { return identity{r.Group(), r.Kind, r.Namespace, r.Name} }

// refOf reads the reference of a live object.
func refOf(f Fields) manifest.Ref {
	return manifest.Ref{APIVersion: text(f["apiVersion"]), Kind: text(f["kind"]),
		Namespace: text(at(f, "metadata", "namespace")), Name: text(at(f, "metadata", "name"))}
}

// index finds objects of a list.
type index map[identity]*manifest.Object

func indexOf(objects []manifest.Object) index {
	x := make(index, len(objects))
	for i := range objects {
		if objects[i].Name != "" {
			x[identify(objects[i].Ref)] = &objects[i]
		}
	}
	return x
}

func (x index) find(r manifest.Ref) *manifest.Object { return x[identify(r)] }

// at follows keys through mappings; nil where the way ends.
func at(value any, path ...string) any {
	for _, key := range path {
		m, _ := value.(map[string]any)
		value = m[key]
	}
	return value
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

func mapping(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// mappings are the elements of a list that are mappings.
func mappings(value any) []map[string]any {
	list, _ := value.([]any)
	var found []map[string]any
	for _, element := range list {
		if m, isMap := element.(map[string]any); isMap {
			found = append(found, m)
		}
	}
	return found
}

// whole reads a whole number.
func whole(value any) (n int, ok bool) {
	switch value := value.(type) {
	case int64:
		return int(value), true
	case int:
		return value, true
	case float64:
		return int(value), float64(int(value)) == value
	}
	return 0, false
}

// wholeOr reads a whole number, or has a default.
func wholeOr(value any, otherwise int) int {
	if n, ok := whole(value); ok {
		return n
	}
	return otherwise
}

// clone is a deep copy of a JSON value.
func clone(value any) any {
	switch value := value.(type) {
	case map[string]any:
		return cloneMap(value)
	case []any:
		copied := make([]any, len(value))
		for i := range value {
			copied[i] = clone(value[i])
		}
		return copied
	}
	return value
}

func cloneMap(m map[string]any) map[string]any {
	copied := make(map[string]any, len(m))
	for key, value := range m {
		copied[key] = clone(value)
	}
	return copied
}

// child is the mapping at a key, made if there is none.
func child(parent map[string]any, path ...string) map[string]any {
	for _, key := range path {
		m, isMap := parent[key].(map[string]any)
		if !isMap {
			m = map[string]any{}
			parent[key] = m
		}
		parent = m
	}
	return parent
}

// difference is the path of the first field in which two values differ, and
// whether there is one. Null, and a mapping or list without content, count as absent.
func difference(a, b any, path string) (string, bool) {
	if isEmpty(a) && isEmpty(b) {
		return "", false
	}
	switch x := a.(type) {
	case map[string]any:
		y, isMap := b.(map[string]any)
		if !isMap {
			return path, true
		}
		keys := slices.Collect(maps.Keys(x))
		for key := range y {
			if _, both := x[key]; !both {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			if p, found := difference(x[key], y[key], join(path, key)); found {
				return p, true
			}
		}
		return "", false
	case []any:
		y, isList := b.([]any)
		if !isList || len(x) != len(y) {
			return path, true
		}
		for i := range x {
			if p, found := difference(x[i], y[i], path+"["+strconv.Itoa(i)+"]"); found {
				return p, true
			}
		}
		return "", false
	}
	return path, !sameScalar(a, b)
}

func differs(a, b any) bool {
	_, found := difference(a, b, "")
	return found
}

// lacking is the path of the first field of wanted that live does not have
// with its value, and whether there is one. Live may have more fields.
func lacking(live, wanted any, path string) (string, bool) {
	if isEmpty(wanted) {
		return "", false
	}
	switch w := wanted.(type) {
	case map[string]any:
		l, isMap := live.(map[string]any)
		if !isMap {
			return path, true
		}
		for _, key := range slices.Sorted(maps.Keys(w)) {
			if p, found := lacking(l[key], w[key], join(path, key)); found {
				return p, true
			}
		}
		return "", false
	case []any:
		l, isList := live.([]any)
		if !isList || len(l) != len(w) {
			return path, true
		}
		for i := range w {
			if p, found := lacking(l[i], w[i], path+"["+strconv.Itoa(i)+"]"); found {
				return p, true
			}
		}
		return "", false
	}
	return path, !sameScalar(live, wanted)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func isEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case map[string]any:
		return !slices.ContainsFunc(slices.Collect(maps.Values(value)), func(v any) bool { return !isEmpty(v) })
	case []any:
		return len(value) == 0
	}
	return false
}

// sameScalar compares values that are neither mappings nor lists; numbers compare by value.
func sameScalar(a, b any) bool {
	switch a.(type) {
	case map[string]any, []any:
		return false
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	if x, isWhole := whole(a); isWhole {
		y, both := whole(b)
		return both && cmp.Compare(x, y) == 0
	}
	return a == b
}
