package values

import (
	"errors"
	"reflect"

	"github.com/mitchellh/copystructure"
)

// maxDepth bounds how deep values may nest. Files cannot get there; values
// built by a program can, and imports that put a table into itself.
const maxDepth = 10_000

var errTooDeep = errors.New("values nest more than 10000 levels deep")

// same says whether a and b are one map, not two with the same entries.
func same(a, b map[string]any) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}

// copier makes deep copies.
type copier struct {
	tooDeep bool
}

func (c *copier) table(in map[string]any) map[string]any {
	out, _ := c.value(in, 0).(map[string]any)
	return out
}

// value copies v. Maps and lists of values are copied here; other types that
// hold references (a program may put anything into values) by copystructure.
func (c *copier) value(v any, depth int) any {
	if depth > maxDepth {
		c.tooDeep = true
		return nil
	}
	switch v := v.(type) {
	case nil, bool, string, float64, int64, int:
		return v
	case map[string]any:
		if v == nil {
			return v
		}
		out := make(map[string]any, len(v))
		for key, val := range v {
			out[key] = c.value(val, depth+1)
		}
		return out
	case []any:
		if v == nil {
			return v
		}
		out := make([]any, len(v))
		for i, val := range v {
			out[i] = c.value(val, depth+1)
		}
		return out
	}
	switch reflect.TypeOf(v).Kind() {
	case reflect.Map, reflect.Slice, reflect.Pointer, reflect.Struct, reflect.Array, reflect.Interface:
		if out, err := copystructure.Copy(v); err == nil {
			return out
		}
	}
	return v
}

// tree copies the values of a chart, described by nodes, and of its subcharts.
// Below "global" the copy has one object where a chart and its subchart had
// one. There are several nodes where subcharts have the same name: they share
// one table of values.
func (c *copier) tree(nodes []*Node, in, upGlobal, upCopy map[string]any) map[string]any {
	out := make(map[string]any, len(in))
	global, _ := in[globalKey].(map[string]any)
	var globalCopy map[string]any
	if global != nil {
		globalCopy = c.shared(global, upGlobal, upCopy, 2)
		out[globalKey] = globalCopy
	}
	subs := map[string][]*Node{}
	for _, n := range nodes {
		for _, sub := range n.Deps() {
			subs[sub.Name()] = append(subs[sub.Name()], sub)
		}
	}
	for name, namesakes := range subs {
		if t, isTable := in[name].(map[string]any); isTable && name != globalKey {
			out[name] = c.tree(namesakes, t, global, globalCopy)
		}
	}
	for key, val := range in {
		if _, done := out[key]; !done {
			out[key] = c.value(val, 0)
		}
	}
	return out
}

// shared copies a table of globals. Where in holds the very object that up
// holds under the same key, the copy holds that of upCopy. Tables of the first
// levels are never one object.
func (c *copier) shared(in, up, upCopy map[string]any, levels int) map[string]any {
	out := make(map[string]any, len(in))
	for key, val := range in {
		old, inUp := up[key]
		if t, ok := val.(map[string]any); ok && levels > 1 {
			upTable, _ := old.(map[string]any)
			upTableCopy, _ := upCopy[key].(map[string]any)
			out[key] = c.shared(t, upTable, upTableCopy, levels-1)
			continue
		}
		if inUp && sameObject(val, old) {
			out[key] = upCopy[key]
			continue
		}
		out[key] = c.value(val, 0)
	}
	return out
}

// sameObject says whether a and b are one map or one list.
func sameObject(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && same(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && len(a) == len(b) && len(a) > 0 && &a[0] == &b[0]
	}
	return false
}
