// Package traffic divides the traffic of Services between the pods of two
// versions, by changing objects that route it: those of the Gateway API, of
// Istio and of ingress-nginx. It is pure, and needs no client of Kubernetes.
package traffic

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
)

// All are the routers that there are.
func All() []derive.Router { return []derive.Router{Gateway{}, Istio{}, Nginx{}} }

// unrouted is the error for Services that no object routes to.
func unrouted(router string, kinds []string, services map[string]string) error {
	names := slices.Sorted(maps.Keys(services))
	short := make([]string, len(kinds))
	for i, kind := range kinds {
		short[i], _, _ = strings.Cut(kind, ".")
	}
	return fmt.Errorf("router %s: no %s of the release routes to Service %s: choose another router, or none",
		router, strings.Join(short, " or "), strings.Join(names, " or "))
}

// checkWeight refuses what is no percentage.
func checkWeight(weight int) error {
	if weight < 0 || weight > 100 {
		return fmt.Errorf("a weight of %d per cent: it has to be 0 to 100", weight)
	}
	return nil
}

// cloned is an object with fields that can be changed.
func cloned(o manifest.Object) manifest.Object {
	o.Fields, _ = clone(o.Fields).(map[string]any)
	return o
}

// clone copies a value of an object.
func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for key, item := range v {
			c[key] = clone(item)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, item := range v {
			c[i] = clone(item)
		}
		return c
	}
	return value
}

// at is what stands at a path of keys, the zero value if there is nothing of its type.
func at[T any](fields map[string]any, path ...string) T {
	var value any = fields
	for _, key := range path {
		m, _ := value.(map[string]any)
		value = m[key]
	}
	t, _ := value.(T)
	return t
}

// maps of a list, without what else is in it.
func objectsAt(fields map[string]any, path ...string) []map[string]any {
	var list []map[string]any
	for _, item := range at[[]any](fields, path...) {
		if m, ok := item.(map[string]any); ok {
			list = append(list, m)
		}
	}
	return list
}

// number is an integer as JSON and YAML give it.
func number(value any) (int64, bool) {
	switch n := value.(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), n == float64(int64(n))
	}
	return 0, false
}
