package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Op is what happens to a field.
type Op string

// The kinds of field changes.
const (
	Added   Op = "added"
	Removed Op = "removed"
	Changed Op = "changed"
	Moved   Op = "moved" // elements of a list in another order; Old and New are the keys
)

// FieldChange is a change of one field.
type FieldChange struct {
	// Path leads to the field, such as spec.template.spec.containers[name=web].image,
	// data["a.conf"] or spec.args[0].
	Path string `json:"path"`
	Op   Op     `json:"op"`
	// Old and New are JSON values, nil where there is none.
	Old any `json:"old,omitempty"`
	New any `json:"new,omitempty"`
	// Masked is set for what must not be shown. Old and New then are texts
	// that tell a length in bytes.
	Masked bool `json:"masked,omitempty"`
	// Managers are the field managers that hold the field, in a drift.
	Managers []string `json:"managers,omitempty"`

	path []step
}

// Diff returns the fields in which two states of an object differ, in the
// order of their paths. It leaves out the status and what the server keeps in
// the metadata. A field that is null counts as absent. The data of a Secret
// and the annotation kubectl.kubernetes.io/last-applied-configuration are masked.
//
// Elements of lists are matched by a key, where all have one that differs, as
// containers have names; else by their place.
func Diff(before, after map[string]any) []FieldChange {
	d := &differ{}
	d.maps(withoutSecretData(before), withoutSecretData(after))
	for i := range d.found {
		d.found[i].Path = pathText(d.found[i].path)
	}
	return d.found
}

// step leads from a value into a part of it: to a field, or to an element of
// a list, by key or by place.
type step struct {
	field string // of a mapping; of elements the field that is their key, "" for a place
	value any    // of the key
	index int    // the place, or -1 for a field
	list  bool
}

func pathText(path []step) string {
	var b strings.Builder
	for i, s := range path {
		switch {
		case s.list && s.field == "":
			fmt.Fprintf(&b, "[%d]", s.index)
		case s.list:
			fmt.Fprintf(&b, "[%s=%s]", s.field, keyText(s.value))
		case isPlainName(s.field):
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.field)
		default:
			fmt.Fprintf(&b, "[%s]", strconv.Quote(s.field))
		}
	}
	return b.String()
}

// keyText writes a key of list elements; quoted unless it is plain.
func keyText(value any) string {
	s, isString := value.(string)
	if !isString {
		return fmt.Sprint(value)
	}
	for _, r := range s {
		if r <= ' ' || r > '~' || r == ']' || r == '"' {
			return strconv.Quote(s)
		}
	}
	return s
}

func isPlainName(name string) bool {
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-') {
			return false
		}
	}
	return name != ""
}

// ignored are the fields that the server keeps, by the mapping they stand in.
var (
	ignoredTop      = []string{"status"}
	ignoredMetadata = []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"}
)

type differ struct {
	path  []step
	found []FieldChange
}

func (d *differ) ignores(field string) bool {
	switch {
	case len(d.path) == 0:
		return slices.Contains(ignoredTop, field)
	case len(d.path) == 1 && d.path[0].field == "metadata":
		return slices.Contains(ignoredMetadata, field)
	}
	return false
}

func (d *differ) maps(before, after map[string]any) {
	fields := make([]string, 0, len(after))
	for field, value := range after {
		if !equal(before[field], value) {
			fields = append(fields, field)
		}
	}
	for field, value := range before {
		if _, both := after[field]; !both && value != nil {
			fields = append(fields, field)
		}
	}
	slices.Sort(fields)
	for _, field := range fields {
		if !d.ignores(field) {
			d.at(step{field: field, index: -1}, before[field], after[field])
		}
	}
}

// at compares what one step leads to.
func (d *differ) at(s step, before, after any) {
	d.path = append(d.path, s)
	d.values(before, after)
	d.path = d.path[:len(d.path)-1]
}

func (d *differ) values(before, after any) {
	if d.secretData(before, after) {
		return
	}
	switch a := before.(type) {
	case map[string]any:
		if b, both := after.(map[string]any); both && len(a)+len(b) > 0 {
			d.maps(a, b)
			return
		}
	case []any:
		if b, both := after.([]any); both {
			d.lists(a, b)
			return
		}
	}
	switch {
	case equal(before, after):
	case before == nil:
		d.note(Added, nil, d.shown(after))
	case after == nil:
		d.note(Removed, d.shown(before), nil)
	default:
		d.note(Changed, d.shown(before), d.shown(after))
	}
}

// secretData opens mappings with masked values even when only one side has
// them, so that each of their keys is a change of its own.
func (d *differ) secretData(before, after any) bool {
	a, b := maskedMap(before), maskedMap(after)
	if a == nil && b == nil || before != nil && a == nil || after != nil && b == nil {
		return false
	}
	d.maps(a, b)
	return true
}

func maskedMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	for _, item := range m {
		if _, isMask := item.(masked); isMask {
			return m
		}
	}
	return nil
}

// shown leaves out of an added or removed subtree what is not compared.
func (d *differ) shown(value any) any {
	m, isMap := value.(map[string]any)
	if !isMap || len(d.path) != 1 || d.path[0].field != "metadata" {
		return value
	}
	m = cloneMap(m)
	for _, field := range ignoredMetadata {
		delete(m, field)
	}
	return m
}

func (d *differ) note(op Op, before, after any) {
	change := FieldChange{Op: op, Old: before, New: after, path: slices.Clone(d.path)}
	for _, value := range []*any{&change.Old, &change.New} {
		if m, isMask := (*value).(masked); isMask {
			change.Masked = true
			*value = m.String()
		}
	}
	d.found = append(d.found, change)
}

// listKeys are fields that tell the elements of Kubernetes' lists apart.
var listKeys = []string{"name", "mountPath", "devicePath", "containerPort", "port", "key", "ip", "topologyKey", "type", "uid", "host", "path"}

// keyOf finds the field that tells the elements of both lists apart, "" if there is none.
func keyOf(a, b []any) string {
	if len(a) == 0 || len(b) == 0 {
		return ""
	}
	for _, key := range listKeys {
		if isKey(a, key) && isKey(b, key) {
			return key
		}
	}
	return ""
}

func isKey(list []any, key string) bool {
	seen := make(map[any]bool, len(list))
	for _, element := range list {
		m, _ := element.(map[string]any)
		switch value := m[key].(type) {
		case string, int64:
			if seen[value] {
				return false
			}
			seen[value] = true
		default:
			return false
		}
	}
	return true
}

func (d *differ) lists(before, after []any) {
	key := keyOf(before, after)
	if key == "" {
		for i := range max(len(before), len(after)) {
			d.element(i, before, after)
		}
		return
	}
	places := make(map[any]int, len(after))
	for i, element := range after {
		places[element.(map[string]any)[key]] = i
	}
	var keptBefore, keptAfter []any
	for i, element := range before {
		value := element.(map[string]any)[key]
		place, kept := places[value]
		delete(places, value)
		if !kept {
			d.at(step{field: key, value: value, index: i, list: true}, element, nil)
			continue
		}
		keptBefore = append(keptBefore, value)
		d.at(step{field: key, value: value, index: i, list: true}, element, after[place])
	}
	for i, element := range after {
		value := element.(map[string]any)[key]
		if _, isNew := places[value]; isNew {
			d.at(step{field: key, value: value, index: i, list: true}, nil, element)
			continue
		}
		keptAfter = append(keptAfter, value)
	}
	if !slices.Equal(keptBefore, keptAfter) {
		d.note(Moved, keptBefore, keptAfter)
	}
}

// element compares the elements at one place. Null is an element like others.
func (d *differ) element(i int, before, after []any) {
	s := step{index: i, list: true}
	switch {
	case i >= len(before):
		d.path = append(d.path, s)
		d.note(Added, nil, after[i])
	case i >= len(after):
		d.path = append(d.path, s)
		d.note(Removed, before[i], nil)
	case before[i] == nil || after[i] == nil:
		if before[i] == nil && after[i] == nil {
			return
		}
		d.path = append(d.path, s)
		d.note(Changed, before[i], after[i])
	default:
		d.at(s, before[i], after[i])
		return
	}
	d.path = d.path[:len(d.path)-1]
}
