package funcs

import (
	"maps"
	"slices"
)

// sortedKeys returns the keys of each dict, sorted within that dict.
func sortedKeys(dicts ...map[string]any) []string {
	n := 0
	for _, d := range dicts {
		n += len(d)
	}
	keys := make([]string, 0, n)
	for _, d := range dicts {
		start := len(keys)
		keys = slices.AppendSeq(keys, maps.Keys(d))
		slices.Sort(keys[start:])
	}
	return keys
}

// valuesByKey returns the values of a dict in the order of their keys.
func valuesByKey(dict map[string]any) []any {
	values := make([]any, 0, len(dict))
	for _, key := range sortedKeys(dict) {
		values = append(values, dict[key])
	}
	return values
}
