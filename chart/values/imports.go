package values

import (
	"fmt"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart"
)

// importAll brings the values that charts export into their parents' defaults,
// the deepest charts first.
func (r *resolver) importAll(n *Node) error {
	for _, d := range n.Deps() {
		if err := r.importAll(d); err != nil {
			return err
		}
	}
	return r.importValues(n)
}

// importValues replaces the defaults of n by those of n and all its subcharts
// merged, nulls kept, and adds what the dependency entries import. What n says
// itself wins over what it imports.
func (r *resolver) importValues(n *Node) error {
	if n.Metadata.Dependencies == nil {
		return nil
	}
	imports := slices.ContainsFunc(n.Metadata.Dependencies, func(d *chart.Dependency) bool {
		return len(d.ImportValues) > 0
	})
	// Helm merges the imported tables in place, so that they grow in the child
	// too; that takes a copy of our own.
	merged, err := coalesce(n, nil, mergeOptions{merge: true, copy: imports})
	if err != nil {
		return err
	}
	if !imports {
		for _, req := range n.Metadata.Dependencies {
			req.ImportValues = nil
		}
		n.Values = merged
		return nil
	}
	imported := map[string]any{}
	for _, req := range n.Metadata.Dependencies {
		imported = r.importFrom(req, merged, imported)
	}
	var c copier
	own := c.table(merged)
	imported = c.table(imported)
	if c.tooDeep {
		return fmt.Errorf("import-values of chart %s: %w", n.Name(), errTooDeep)
	}
	n.Values = mergeInPlace(own, imported, nil, r.warn)
	return nil
}

// importFrom adds what one entry imports to into, and rewrites the entry as
// Helm leaves it.
func (r *resolver) importFrom(req *chart.Dependency, vals, into map[string]any) map[string]any {
	var rewritten []any
	for _, entry := range req.ImportValues {
		var child, parent, of string
		switch entry := entry.(type) {
		case map[string]any:
			child, parent = fmt.Sprintf("%v", entry["child"]), fmt.Sprintf("%v", entry["parent"])
			of = " from chart " + req.Name
		case string:
			child, parent = "exports."+entry, "."
		default:
			continue
		}
		rewritten = append(rewritten, map[string]string{"child": child, "parent": parent})
		t, missing := importTable(vals, req.Name+"."+child)
		if missing != "" {
			r.warnf("Warning: ImportValues missing table%s: %q is not a table", of, missing)
			continue
		}
		into = mergeInPlace(into, under(parent, t), nil, r.warn)
	}
	req.ImportValues = rewritten
	return into
}

// importTable is like table; missing is the key that holds no table. An empty
// table is returned as a new one.
func importTable(vals map[string]any, path string) (t map[string]any, missing string) {
	for key := range strings.SplitSeq(path, ".") {
		next, ok := vals[key].(map[string]any)
		if !ok {
			return nil, key
		}
		vals = next
	}
	if len(vals) == 0 {
		vals = map[string]any{}
	}
	return vals, ""
}

// under wraps t in tables so that it stands at the dotted path.
func under(path string, t map[string]any) map[string]any {
	if path == "." {
		return t
	}
	keys := strings.Split(path, ".")
	for _, key := range slices.Backward(keys) {
		t = map[string]any{key: t}
	}
	return t
}

// mergeInPlace merges src below dst, writing to both as Helm's MergeTables
// does: entries of dst that are null become null in src.
func mergeInPlace(dst, src map[string]any, at *trail, warn func(string)) map[string]any {
	for key, val := range dst {
		if val == nil {
			src[key] = nil
		}
	}
	keys := make([]string, 0, len(src))
	for key := range src {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		val := src[key]
		old, exists := dst[key]
		oldTable, oldIsTable := old.(map[string]any)
		valTable, valIsTable := val.(map[string]any)
		switch {
		case !exists:
			dst[key] = val
		case valIsTable && oldIsTable:
			if !same(oldTable, valTable) {
				mergeInPlace(oldTable, valTable, &trail{at, key}, warn)
			}
		case valIsTable && warn != nil:
			warn(fmt.Sprintf("warning: cannot overwrite table with non table for %s (%v)", &trail{at, key}, val))
		case oldIsTable && val != nil && warn != nil:
			warn(fmt.Sprintf("warning: destination for %s is a table. Ignoring non-table value (%v)", &trail{at, key}, val))
		}
	}
	return dst
}
