package plan

import (
	"encoding/json"
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
)

// State is how a live object compares with the stored one.
type State string

// The states.
const (
	InOrder State = "ok"
	Missing State = "missing" // there is no live object
	Drifted State = "changed"
)

// ObjectDrift compares one object of a stored manifest with the live one.
type ObjectDrift struct {
	Ref    manifest.Ref `json:"object"`
	Source string       `json:"source,omitempty"` // template
	State  State        `json:"state"`
	// Fields are those that differ, secrets masked: Old is the live value, New
	// the stored one. Managers are those that hold the live field.
	Fields    []FieldChange `json:"fields,omitempty"`
	Estimated bool          `json:"estimated,omitempty"` // Fields were found without a dry run
}

// Drift compares each object of a stored manifest with the live one, in the
// manifest's order. applied holds what a server-side dry run made of the
// stored objects; for those it lacks the comparison is [Holds], which may
// report a value that is only spelled in another way.
func Drift(stored []manifest.Object, live, applied map[manifest.Ref]map[string]any) []ObjectDrift {
	drifts := make([]ObjectDrift, len(stored))
	for i := range stored {
		o := &stored[i]
		drifts[i] = ObjectDrift{Ref: o.Ref, Source: o.Source, State: InOrder}
		is := live[o.Ref]
		if is == nil {
			drifts[i].State = Missing
			continue
		}
		should := applied[o.Ref]
		if should == nil {
			if Holds(is, o.Fields) {
				continue
			}
			should = estimate(is, nil, o.Fields)
			drifts[i].Estimated = true
		}
		fields := Diff(is, should)
		if len(fields) == 0 {
			continue
		}
		drifts[i].State, drifts[i].Fields = Drifted, fields
		managed := managedFields(is)
		for f := range fields {
			fields[f].Managers = managersOf(managed, fields[f].path)
		}
	}
	return drifts
}

// managed is what one field manager holds, in the form of fieldsV1
// (sigs.k8s.io/structured-merge-diff/fieldpath).
type managed struct {
	manager string
	fields  map[string]any
}

func managedFields(live map[string]any) []managed {
	entries, _ := at(live, "metadata", "managedFields").([]any)
	var result []managed
	for _, entry := range entries {
		entry, _ := entry.(map[string]any)
		if fields, isMap := entry["fieldsV1"].(map[string]any); isMap && text(entry["subresource"]) == "" {
			result = append(result, managed{text(entry["manager"]), fields})
		}
	}
	return result
}

// managersOf names the managers that hold a field, sorted.
func managersOf(all []managed, path []step) []string {
	var names []string
	for _, m := range all {
		if holdsField(m.fields, path) && !slices.Contains(names, m.manager) {
			names = append(names, m.manager)
		}
	}
	slices.Sort(names)
	return names
}

// holdsField follows a path through a set of fields. A list that is held as
// one value ends the way, and so does a field below which nothing is told apart.
func holdsField(fields map[string]any, path []step) bool {
	for i, s := range path {
		var next map[string]any
		if s.list {
			next = elementFields(fields, s)
			if next == nil {
				return i > 0 && isLeaf(fields) // an atomic list
			}
		} else {
			var found bool
			if next, found = fields["f:"+s.field].(map[string]any); !found {
				return i > 0 && isLeaf(fields)
			}
		}
		fields = next
	}
	return true
}

func isLeaf(fields map[string]any) bool {
	for key := range fields {
		if key != "." {
			return false
		}
	}
	return true
}

// elementFields finds the element of a list whose key has the step's value.
// Keys may have further fields, such as the protocol of a port.
func elementFields(fields map[string]any, s step) map[string]any {
	for name, value := range fields {
		if len(name) < 2 || name[1] != ':' {
			continue
		}
		var key any
		if json.Unmarshal([]byte(name[2:]), &key) != nil {
			continue
		}
		found := false
		switch {
		case name[0] == 'k' && s.field != "":
			keys, _ := key.(map[string]any)
			found = sameScalar(s.value, keys[s.field])
		case name[0] == 'i' && s.field == "":
			found = sameScalar(int64(s.index), key)
		}
		if found {
			next, _ := value.(map[string]any)
			return next
		}
	}
	return nil
}
