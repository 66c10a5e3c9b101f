package cluster

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/e6d26078/slipway/release/deploy"
)

// MayConflict tells whether applying an object may meet a conflict with another
// field manager: one that holds a field which wanted sets to another value than
// it has. It asks nobody, so it compares values as they are spelt; only a dry
// run knows that two spellings of a quantity are one.
//
// False is certain as long as live is up to date. Fields that Apply hands over
// to itself, and those of the status, do not count.
func MayConflict(live deploy.Live, wanted map[string]any) bool {
	adopt := isAdoption(live, wanted)
	for _, m := range managedFields(live) {
		if m.isOurs() || m.subresource == "status" || adopt && m.isKubectl() {
			continue
		}
		if differs(m.fields, live, wanted) {
			return true
		}
	}
	return false
}

// MayConflict is the function of that name.
func (c *Client) MayConflict(live deploy.Live, wanted map[string]any) bool {
	return MayConflict(live, wanted)
}

// differs walks the managed fields of FieldsV1 ("f:NAME", `k:{"KEY":VALUE}`,
// "v:VALUE", "i:INDEX", and "." for the value itself) through both documents.
func differs(fields map[string]any, live, wanted any) bool {
	for key, below := range fields {
		if key == "." {
			continue
		}
		element, err := fieldpath.DeserializePathElement(key)
		if err != nil {
			return true
		}
		want, ok := child(wanted, element)
		if !ok {
			continue
		}
		have, ok := child(live, element)
		if !ok {
			return true
		}
		if children, _ := below.(map[string]any); len(children) > 0 {
			if differs(children, have, want) {
				return true
			}
		} else if element.Value == nil && element.Key == nil && !same(have, want) {
			return true
		}
	}
	return false
}

// child is one step down a document. Keys of a list's item that the document
// leaves out have a default that is not known here: they match anything.
func child(document any, element fieldpath.PathElement) (any, bool) {
	switch {
	case element.FieldName != nil:
		m, _ := document.(map[string]any)
		v, ok := m[*element.FieldName]
		return v, ok
	case element.Key != nil:
		list, _ := document.([]any)
		for _, item := range list {
			if m, ok := item.(map[string]any); ok && hasKeys(m, *element.Key) {
				return item, true
			}
		}
	case element.Value != nil:
		list, _ := document.([]any)
		for _, item := range list {
			if same(item, (*element.Value).Unstructured()) {
				return item, true
			}
		}
	case element.Index != nil:
		list, _ := document.([]any)
		if *element.Index < len(list) {
			return list[*element.Index], true
		}
	}
	return nil, false
}

func hasKeys(item map[string]any, keys value.FieldList) bool {
	matched := false
	for _, key := range keys {
		v, ok := item[key.Name]
		if ok && !same(v, key.Value.Unstructured()) {
			return false
		}
		matched = matched || ok
	}
	return matched
}

// valueAt is what a document has at a path.
func valueAt(document any, path fieldpath.Path) (any, bool) {
	for _, element := range path {
		var ok bool
		if document, ok = child(document, element); !ok {
			return nil, false
		}
	}
	return document, true
}

// same tells whether two JSON values are equal. A number is its value, whatever
// its Go type.
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, v := range a {
			if w, ok := b[key]; !ok || !same(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	}
	if x, ok := asFloat(a); ok {
		y, ok := asFloat(b)
		return ok && x == y
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

func asFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case float64:
		return v, true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}

// conflict tells who manages the fields that a server-side apply was refused
// for. The server names managers in its text alone, so the object is read.
// Conflicts with what Apply hands over to itself are left out.
func (w *write) conflict(ctx context.Context, fields []string) error {
	e := &deploy.ConflictError{Ref: w.object.Ref}
	live, err := w.read(ctx)
	if err != nil {
		live = w.options.Live
	}
	adopt := isAdoption(live, w.object.Fields)
	holders := map[string][]managed{}
	for _, m := range managedFields(live) {
		set, err := m.set()
		if err != nil {
			continue
		}
		for path := range set.All() {
			name := path.String()
			if slices.Contains(fields, name) {
				holders[name] = append(holders[name], m)
			}
		}
	}
	for _, field := range fields {
		if len(holders[field]) == 0 {
			e.Conflicts = append(e.Conflicts, deploy.Conflict{Manager: "unknown", Field: field})
		}
		for _, m := range holders[field] {
			if !m.isOurs() && !(adopt && m.isKubectl()) {
				e.Conflicts = append(e.Conflicts, deploy.Conflict{Manager: m.manager, Field: strings.TrimPrefix(field, ".")})
			}
		}
	}
	return e
}
