package plan

import (
	"encoding/json"
	"slices"
	"strings"
)

// Holder is a field manager that holds a field of a live object.
type Holder struct {
	Manager     string `json:"manager"`
	Operation   string `json:"operation"`             // Apply or Update
	Time        string `json:"time,omitempty"`        // when it last changed any field of the object, as the API server wrote it
	Subresource string `json:"subresource,omitempty"` // such as status or scale, else ""
}

// Holders lists the managers that hold a field of a live object, the one that
// changed the object last first. The path has keys of maps (string) and indexes
// of lists (int).
func Holders(live map[string]any, path []any) []Holder {
	entries, _ := at(live, "metadata", "managedFields").([]any)
	var found []Holder
	for _, entry := range entries {
		entry, _ := entry.(map[string]any)
		fields, isMap := entry["fieldsV1"].(map[string]any)
		if !isMap || !holdsPath(fields, live, path, false) {
			continue
		}
		found = append(found, Holder{
			Manager: text(entry["manager"]), Operation: text(entry["operation"]),
			Time: text(entry["time"]), Subresource: text(entry["subresource"]),
		})
	}
	slices.SortStableFunc(found, func(a, b Holder) int { return strings.Compare(b.Time, a.Time) })
	return found
}

// holdsPath follows a path through a live value and a set of fields in the form
// of fieldsV1. What has no fields below it is held as a whole.
func holdsPath(fields map[string]any, live any, path []any, inside bool) bool {
	if len(path) == 0 || inside && len(fields) == 0 {
		return true
	}
	switch step := path[0].(type) {
	case string:
		m, _ := live.(map[string]any)
		next, found := fields["f:"+step].(map[string]any)
		return found && holdsPath(next, m[step], path[1:], true)
	case int:
		list, _ := live.([]any)
		if step >= len(list) {
			return false
		}
		for name, value := range fields {
			if next, isMap := value.(map[string]any); isMap && isElement(name, list[step], step) {
				return holdsPath(next, list[step], path[1:], true)
			}
		}
	}
	return false
}

// isElement reports whether a name in fieldsV1 is that of an element of a list.
func isElement(name string, element any, index int) bool {
	if len(name) < 2 || name[1] != ':' {
		return false
	}
	var key any
	if json.Unmarshal([]byte(name[2:]), &key) != nil {
		return false
	}
	switch name[0] {
	case 'k':
		m, _ := element.(map[string]any)
		keys, _ := key.(map[string]any)
		for k, want := range keys {
			if !sameScalar(m[k], want) {
				return false
			}
		}
		return len(keys) > 0
	case 'v':
		return sameScalar(element, key)
	case 'i':
		return sameScalar(int64(index), key)
	}
	return false
}
