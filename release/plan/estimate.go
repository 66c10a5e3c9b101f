package plan

import (
	"maps"
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
)

// estimate tells what an object will be like when it is applied, without
// asking the server: the live object with the wanted values in it, and without
// what an earlier document had and the wanted one lacks. Secrets are masked in it.
func estimate(live map[string]any, last []manifest.Object, wanted map[string]any) map[string]any {
	h := newHolder(wanted)
	wanted = withoutSecretData(wanted)
	var result any = withoutSecretData(live)
	for i := range last {
		result = prune(result, withoutSecretData(last[i].Fields), wanted)
	}
	merged, _ := merge(h, result, wanted, "", "").(map[string]any)
	return merged
}

// prune takes out of a live value what the last document had and the wanted
// one lacks. Elements of lists are left in: what is wanted of lists replaces them.
func prune(live, last, wanted any) any {
	switch have := live.(type) {
	case map[string]any:
		before, wasMap := last.(map[string]any)
		want, wantsMap := wanted.(map[string]any)
		if wasMap && wantsMap {
			return pruneMap(have, before, want)
		}
	case []any:
		before, wasList := last.([]any)
		want, wantsList := wanted.([]any)
		if wasList && wantsList {
			return pruneList(have, before, want)
		}
	}
	return live
}

func pruneMap(live, last, wanted map[string]any) map[string]any {
	live = maps.Clone(live)
	for key, value := range last {
		if next, kept := wanted[key]; !kept || next == nil {
			delete(live, key)
		} else if current, set := live[key]; set {
			live[key] = prune(current, value, next)
		}
	}
	return live
}

// pruneList prunes the elements that all three lists have, told by their key.
func pruneList(live, last, wanted []any) []any {
	key := keyOf(live, wanted)
	if key == "" || keyOf(live, last) != key {
		return live
	}
	live = slices.Clone(live)
	for i := range live {
		value := live[i].(map[string]any)[key]
		live[i] = prune(live[i], elementWith(last, key, value), elementWith(wanted, key, value))
	}
	return live
}

// merge puts a wanted value into a live one.
func merge(h holder, live, wanted any, key, parent string) any {
	switch want := wanted.(type) {
	case map[string]any:
		have, _ := live.(map[string]any)
		result := maps.Clone(have)
		if result == nil {
			result = make(map[string]any, len(want))
		}
		for name, value := range want {
			switch {
			case value == nil:
				delete(result, name)
			case !h.field(have, name, value, key):
				result[name] = merge(h, have[name], value, name, key)
			}
		}
		return result
	case []any:
		have, _ := live.([]any)
		if len(have) == 0 {
			return want
		}
		return mergeLists(h, have, want, key, parent)
	}
	if h.value(live, wanted, key, parent) {
		return live
	}
	return wanted
}

// mergeLists gives the wanted elements, each with what the live one of the
// same key, or of the same place in a list of the same length, has beside.
func mergeLists(h holder, live, wanted []any, key, parent string) any {
	field := keyOf(live, wanted)
	if field == "" && len(live) != len(wanted) {
		return wanted
	}
	result := make([]any, len(wanted))
	for i, value := range wanted {
		var have any
		if field == "" {
			have = live[i]
		} else {
			have = elementWith(live, field, value.(map[string]any)[field])
		}
		if _, isMap := value.(map[string]any); !isMap || have == nil {
			result[i] = value
			continue
		}
		result[i] = merge(h, have, value, key, parent)
	}
	return result
}

func elementWith(list []any, field string, value any) any {
	for _, element := range list {
		if m, isMap := element.(map[string]any); isMap && m[field] == value {
			return m
		}
	}
	return nil
}
