package values

import (
	"fmt"
	"maps"
	"slices"
)

// globalKey names the table that is handed down to every subchart.
const globalKey = "global"

// CoalesceOptions adjusts [Node.Coalesce]. The zero value copies everything.
type CoalesceOptions struct {
	// Share lets the result refer to maps and lists of the charts' defaults and
	// of the user's values where nothing had to be merged. It is faster; the
	// caller must not write to the result. Without it the result is the
	// caller's, and maps below "global" are shared between a chart and its
	// subcharts exactly where Helm shares them.
	Share bool
	// Warn receives Helm's warnings, as in [ResolveOptions].
	Warn func(message string)
}

// MismatchError reports that the values of a subchart are not a map.
type MismatchError struct {
	Chart string // name of the subchart
	Value any    // what stands in its place
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("type mismatch on %s: %t: the values of a subchart must be a map", e.Chart, e.Value)
}

// Coalesce lays vals over the defaults of n and of all its subcharts: the
// result is .Values of n, and below the name of each subchart that chart's
// .Values. The error is a *MismatchError. vals may be nil and is not changed.
func (n *Node) Coalesce(vals map[string]any, o CoalesceOptions) (map[string]any, error) {
	return coalesce(n, vals, mergeOptions{warn: o.Warn, copy: !o.Share})
}

// mergeOptions says how coalesce works.
type mergeOptions struct {
	merge bool // keep nulls everywhere (Helm's MergeValues)
	copy  bool // the result must not share anything with its input
	warn  func(string)
}

// coalesce is done copy-on-write: maps are only copied where an entry changes.
// Helm copies first and then writes in place, which shows in one spot: tables
// two levels below "global" are the same objects in a chart and its subcharts,
// so that what a subchart adds there also appears in its parent and in later
// siblings. The writer stops when it meets that case and the work is
// done again in Helm's way.
func coalesce(n *Node, vals map[string]any, o mergeOptions) (map[string]any, error) {
	var c copier
	w := writer{helm4: n.dialect == Helm4, merge: o.merge, warn: o.warn}
	dest := maps.Clone(vals)
	if dest == nil {
		dest = map[string]any{}
	}
	err := w.chart(n, dest, nil)
	if w.leaked {
		w = writer{helm4: w.helm4, merge: o.merge, warn: o.warn, inPlace: true, copier: &c}
		dest = c.table(vals)
		if dest == nil {
			dest = map[string]any{}
		}
		err = w.chart(n, dest, nil)
	} else if err == nil && o.copy {
		dest = c.tree([]*Node{n}, dest, nil, nil)
	}
	if err != nil {
		return nil, err
	}
	if c.tooDeep {
		return nil, errTooDeep
	}
	for _, message := range w.warnings {
		w.warn(message)
	}
	return dest, nil
}

// writer merges tables. The tables it is given as destination of a chart are
// its own to write; those below are copied before a write, unless inPlace.
type writer struct {
	helm4   bool
	merge   bool
	inPlace bool
	copier  *copier // with inPlace
	warn    func(string)

	leaked   bool // a write would have been visible in another chart
	warnings []string
	sorted   int // how many of them are in their final order
}

// trail is the path to the table at hand, innermost key first.
type trail struct {
	up  *trail
	key string
}

func (t *trail) String() string {
	if t == nil {
		return ""
	}
	if up := t.up.String(); up != "" {
		return up + "." + t.key
	}
	return t.key
}

func (w *writer) warnf(format string, args ...any) {
	if w.warn != nil {
		w.warnings = append(w.warnings, fmt.Sprintf(format, args...))
	}
}

// settle orders the warnings of one step, which came in the order of a map.
func (w *writer) settle() {
	slices.Sort(w.warnings[w.sorted:])
	w.sorted = len(w.warnings)
}

// chart completes dest with the defaults of n and of everything below n.
func (w *writer) chart(n *Node, dest map[string]any, up *trail) error {
	at := &trail{up, n.Name()}
	w.defaults(n, dest, at)
	w.settle()
	if _, namesakes := n.index(); namesakes && !w.inPlace {
		// The second of them changes what was handed down from the first.
		w.leaked = true
		return nil
	}
	for _, sub := range n.Deps() {
		name := sub.Name()
		own, ok := dest[name].(map[string]any)
		if old, exists := dest[name]; exists && !ok {
			return &MismatchError{Chart: name, Value: old}
		}
		if !w.inPlace {
			own = maps.Clone(own)
		}
		if own == nil {
			own = map[string]any{}
		}
		dest[name] = own
		w.globals(own, dest, at)
		w.settle()
		if err := w.chart(sub, own, at); err != nil {
			return err
		}
		if !w.inPlace && leaks(dest, own) {
			w.leaked = true
		}
		if w.leaked {
			return nil
		}
	}
	return nil
}

// defaults adds the defaults of n itself to dest.
func (w *writer) defaults(n *Node, dest map[string]any, at *trail) {
	subcharts, _ := n.index()
	for key, val := range n.Values {
		old, ok := dest[key]
		if !ok {
			if w.helm4 && !w.merge {
				if val == nil {
					continue
				}
				val = withoutNils(val)
			}
			if w.inPlace {
				val = w.copier.value(val, 0)
			}
			dest[key] = val
			continue
		}
		if old == nil {
			if !w.merge {
				delete(dest, key)
			}
			continue
		}
		dst, ok := old.(map[string]any)
		if !ok {
			continue
		}
		src, ok := val.(map[string]any)
		if !ok {
			if val != nil {
				w.warnf("warning: skipped value for %s.%s: Not a table.", at, key)
			}
			continue
		}
		if same(dst, src) {
			continue
		}
		merge := w.merge || subcharts[key]
		if w.helm4 && !merge {
			src, _ = withoutNils(src).(map[string]any)
		}
		if w.inPlace {
			src = w.copier.table(src)
		}
		if out := w.tables(dst, src, &trail{at, key}, merge); !same(out, dst) {
			dest[key] = out
		}
	}
}

// globals hands the table "global" of src down to dest. The entries of src win.
func (w *writer) globals(dest, src map[string]any, at *trail) {
	own, ok := dest[globalKey].(map[string]any)
	if _, exists := dest[globalKey]; exists && !ok {
		w.warnf("warning: skipping globals because destination %s is not a table.", globalKey)
		return
	}
	from, ok := src[globalKey].(map[string]any)
	if _, exists := src[globalKey]; exists && !ok {
		w.warnf("warning: skipping globals because source %s is not a table.", globalKey)
		return
	}
	if !w.inPlace {
		own = maps.Clone(own)
	}
	if own == nil {
		own = make(map[string]any, len(from))
	}
	keys := maps.Keys(from)
	if same(from, dest) {
		// A subchart called "global": entries depend on each other.
		keys = slices.Values(slices.Sorted(keys))
	}
	for key := range keys {
		val := from[key]
		old, exists := own[key]
		oldTable, oldIsTable := old.(map[string]any)
		valTable, valIsTable := val.(map[string]any)
		switch {
		case valIsTable && !exists:
			own[key] = maps.Clone(valTable)
		case valIsTable && !oldIsTable:
			w.warnf("Conflict: cannot merge map onto non-map for %q. Skipping.", key)
		case valIsTable:
			merged := maps.Clone(valTable)
			if !same(oldTable, valTable) {
				merged = w.tables(merged, oldTable, &trail{at, key}, true)
			}
			own[key] = merged
		case oldIsTable:
			w.warnf("key %s is table. Skipping", key)
		default:
			own[key] = val
		}
	}
	dest[globalKey] = own
}

// leaks says whether a chart's table "global" and that of its subchart differ
// where Helm has one object in both: in what lies two levels below "global".
func leaks(parent, child map[string]any) bool {
	from, _ := parent[globalKey].(map[string]any)
	own, _ := child[globalKey].(map[string]any)
	if own == nil {
		return false
	}
	for key, val := range from {
		inner, _ := val.(map[string]any)
		ownInner, _ := own[key].(map[string]any)
		if inner == nil || ownInner == nil {
			continue
		}
		for k, v := range inner {
			t, ok := v.(map[string]any)
			if !ok {
				continue
			}
			if ownT, ok := ownInner[k].(map[string]any); ok && !same(t, ownT) {
				return true
			}
		}
	}
	return false
}

// tables merges src below dst and returns the result, which is dst itself
// where nothing was added or removed, or when working in place.
func (w *writer) tables(dst, src map[string]any, at *trail, merge bool) map[string]any {
	if src == nil || dst == nil || same(dst, src) {
		return dst
	}
	out := dst
	mine := w.inPlace
	own := func() map[string]any {
		if !mine {
			out, mine = maps.Clone(dst), true
		}
		return out
	}
	for key, val := range src {
		old, exists := dst[key]
		if !exists {
			own()[key] = val
			continue
		}
		if old == nil {
			if !merge && val != nil {
				delete(own(), key)
			}
			continue
		}
		oldTable, oldIsTable := old.(map[string]any)
		valTable, valIsTable := val.(map[string]any)
		switch {
		case valIsTable && oldIsTable:
			if merged := w.tables(oldTable, valTable, &trail{at, key}, merge); !same(merged, oldTable) {
				own()[key] = merged
			}
		case valIsTable:
			w.warnf("warning: cannot overwrite table with non table for %s (%v)", &trail{at, key}, val)
		case oldIsTable && val != nil:
			w.warnf("warning: destination for %s is a table. Ignoring non-table value (%v)", &trail{at, key}, val)
		}
	}
	return out
}

// withoutNils returns v without the null entries of its tables; v itself where
// there are none.
func withoutNils(v any) any {
	in, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := in
	for key, val := range in {
		cleaned := withoutNils(val)
		t, isTable := cleaned.(map[string]any)
		if val != nil && (!isTable || same(t, val.(map[string]any))) {
			continue
		}
		if same(out, in) {
			out = maps.Clone(in)
		}
		if val == nil {
			delete(out, key)
		} else {
			out[key] = cleaned
		}
	}
	return out
}
