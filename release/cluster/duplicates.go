package cluster

import (
	"fmt"
	"maps"
	"slices"
)

// withoutDuplicates is an object without environment variables that a later one
// of the same name hides, and the names of these. Kubernetes keeps both and
// lets the last one count; a server-side apply does not take such a document.
// The object given is not changed; without duplicates it is the result.
func withoutDuplicates(fields map[string]any) (map[string]any, []string) {
	changed, names := dropHidden(fields)
	if len(names) == 0 {
		return fields, nil
	}
	result, _ := changed.(map[string]any)
	return result, names
}

// dropHidden copies what it changes in a document: lists that are called "env",
// wherever they are.
func dropHidden(value any) (any, []string) {
	switch v := value.(type) {
	case map[string]any:
		result, all := v, []string(nil)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			part, names := dropHidden(v[key])
			if list, ok := part.([]any); ok && key == "env" {
				kept, hidden := lastOfEachName(list)
				part, names = kept, append(names, hidden...)
			}
			if len(names) == 0 {
				continue
			}
			if all == nil {
				result = maps.Clone(v)
			}
			result[key] = part
			all = append(all, names...)
		}
		return result, all
	case []any:
		result, all := v, []string(nil)
		for i, item := range v {
			part, names := dropHidden(item)
			if len(names) == 0 {
				continue
			}
			if all == nil {
				result = slices.Clone(v)
			}
			result[i] = part
			all = append(all, names...)
		}
		return result, all
	}
	return value, nil
}

func lastOfEachName(list []any) (kept []any, hidden []string) {
	last := map[any]int{}
	for i, item := range list {
		if m, ok := item.(map[string]any); ok {
			if name, ok := m["name"].(string); ok {
				last[name] = i
			}
		}
	}
	for i, item := range list {
		m, _ := item.(map[string]any)
		if name, ok := m["name"].(string); ok && last[name] != i {
			hidden = append(hidden, name)
			continue
		}
		kept = append(kept, item)
	}
	return kept, hidden
}

// warnOfDuplicates tells that variables were left out.
func (w *write) warnOfDuplicates(names []string) {
	if w.client.options.Warn != nil {
		w.client.options.Warn(fmt.Sprintf("%s sets environment variables more than once, of which the last counts: %q", w.object.Ref, names))
	}
}
