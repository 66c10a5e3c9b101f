package tmpl

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// Read is a value that templates read: the keys that lead to it, indexes of
// lists as "[0]". Missing says that there was nothing.
type Read struct {
	Path    []string
	Missing bool
}

// TraceReads makes the Executes that follow remember what they read of a tree
// of maps and lists that templates see as a part of their data. It errs on the
// side of too many: of what is handed to a function as a whole, all counts.
func (st *State) TraceReads(tree map[string]any) {
	st.reads = &reads{funcs: st.funcs, places: map[place][][]string{}, seen: map[string]int{}, whole: map[place]bool{}}
	st.reads.index(tree, nil)
}

// Reads returns what was read since TraceReads, each path once, in the order of the first reads.
func (st *State) Reads() []Read {
	if st.reads == nil {
		return nil
	}
	return slices.Clone(st.reads.list)
}

// place identifies a map, or a list that is not empty.
type place struct {
	at     uintptr
	length int // of a list; -1 for a map
}

// reads is what a State remembers of reads.
type reads struct {
	funcs  *Funcs
	places map[place][][]string // paths of the tree's maps and lists; more than one where they are shared
	list   []Read
	seen   map[string]int // index in list
	whole  map[place]bool // maps and lists of which everything counts already
}

const maxReadPaths = 8 // of one map; what is shared by more charts is seldom a value

func (r *reads) place(v any) (place, bool) {
	if list, ok := v.([]any); ok {
		return place{uintptr(unsafe.Pointer(unsafe.SliceData(list))), len(list)}, len(list) > 0
	}
	m, ok := r.funcs.asMap(v)
	if !ok || m == nil {
		return place{}, false
	}
	return place{reflect.ValueOf(m).Pointer(), -1}, true
}

// index notes where the maps and lists of the tree stand.
func (r *reads) index(v any, path []string) {
	at, ok := r.place(v)
	if !ok || len(r.places[at]) >= maxReadPaths || len(path) > maxTraceDepth {
		return
	}
	r.places[at] = append(r.places[at], path)
	r.each(v, func(key string, child any) {
		r.index(child, append(path[:len(path):len(path)], key))
	})
}

const maxTraceDepth = 200

// each calls do with the entries of a map, sorted, or of a list.
func (r *reads) each(v any, do func(key string, child any)) {
	if list, ok := v.([]any); ok {
		for i, child := range list {
			do("["+strconv.Itoa(i)+"]", child)
		}
		return
	}
	m, _ := r.funcs.asMap(v)
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		do(key, m[key])
	}
}

// note remembers that an entry of a map or list was read.
func (r *reads) note(container any, keys []string, missing bool) {
	at, ok := r.place(container)
	if !ok {
		return
	}
	for _, path := range r.places[at] {
		path = append(path[:len(path):len(path)], keys...)
		id := strings.Join(path, "\x00")
		if _, known := r.seen[id]; !known {
			r.seen[id] = len(r.list)
			r.list = append(r.list, Read{path, missing})
		}
	}
}

// isEntry reports whether a value has nothing below it, so that reading it is
// reading an entry of what holds it.
func (r *reads) isEntry(v any) bool {
	if list, ok := v.([]any); ok {
		return len(list) == 0
	}
	m, ok := r.funcs.asMap(v)
	return !ok || len(m) == 0
}

// fields remembers a chain of fields that was walked from v.
func (r *reads) fields(v any, names []string) {
	for i, name := range names {
		m, ok := r.funcs.asMap(v)
		if !ok {
			return
		}
		next, found := m[name]
		switch {
		case !found && r.funcs.methods[name]:
			r.all(v, 0)
			return
		case !found:
			r.note(v, names[i:], true)
			return
		case r.isEntry(next):
			r.note(v, names[i:i+1], false)
			return
		}
		v = next
	}
}

// elements remembers that the entries of a map or list were gone through.
func (r *reads) elements(v any) {
	if _, ok := r.place(v); !ok {
		return
	}
	r.each(v, func(key string, child any) {
		if r.isEntry(child) {
			r.note(v, []string{key}, false)
		}
	})
}

// all remembers that everything in v was read.
func (r *reads) all(v any, depth int) {
	at, ok := r.place(v)
	if !ok || r.whole[at] || depth > maxTraceDepth {
		return
	}
	r.whole[at] = true
	r.elements(v)
	r.each(v, func(_ string, child any) { r.all(child, depth+1) })
}

// handsOn reports whether a function hands its arguments on, or asks for
// their kind, size or keys alone.
func handsOn(name string) bool {
	switch name {
	case "dict", "list", "tuple", "default", "coalesce", "ternary", "required", "include", "tpl", "set", "unset", "hasKey",
		"empty", "len", "not", "kindOf", "kindIs", "typeOf", "typeIs", "typeIsLike", "and", "or":
		return true
	}
	return false
}

// call remembers the call of a function.
func (r *reads) call(name string, args []any) {
	switch {
	case handsOn(name), len(args) == 0:
	case name == "index":
		r.indexed(args[0], args[1:])
	case name == "get" && len(args) == 2:
		r.indexed(args[0], args[1:])
	case name == "dig" && len(args) >= 3:
		r.all(args[len(args)-2], 0) // what is not there is the default
		r.indexed(args[len(args)-1], args[:len(args)-2])
	default:
		for _, arg := range args {
			r.all(arg, 0)
		}
	}
}

// indexed remembers that v was indexed by the keys in turn.
func (r *reads) indexed(v any, keys []any) {
	for i, key := range keys {
		switch key := key.(type) {
		case string:
			m, _ := r.funcs.asMap(v)
			next, found := m[key]
			if !found {
				r.note(v, texts(keys[i:]), true)
				return
			}
			if r.isEntry(next) {
				r.note(v, []string{key}, false)
				return
			}
			v = next
		case int:
			list, ok := v.([]any)
			if !ok || key < 0 || key >= len(list) {
				r.all(v, 0)
				return
			}
			if r.isEntry(list[key]) {
				r.note(v, []string{"[" + strconv.Itoa(key) + "]"}, false)
				return
			}
			v = list[key]
		default:
			r.all(v, 0)
			return
		}
	}
}

// texts is those keys, from the first on, that are strings.
func texts(keys []any) []string {
	var list []string
	for _, key := range keys {
		s, ok := key.(string)
		if !ok {
			break
		}
		list = append(list, s)
	}
	return list
}
