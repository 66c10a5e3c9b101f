package traffic

import (
	"fmt"
	"strings"

	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
)

const gatewayGroup = "gateway.networking.k8s.io"

// Gateway divides traffic by the weights of HTTPRoutes and GRPCRoutes.
type Gateway struct{}

// Name is gateway.
func (Gateway) Name() string { return "gateway" }

// Kinds are HTTPRoute and GRPCRoute.
func (Gateway) Kinds() []string {
	return []string{"HTTPRoute." + gatewayGroup, "GRPCRoute." + gatewayGroup}
}

// Split changes the weights of the rules that have a Service of the route's own
// namespace for a backend. The canary's backend comes after the Service's, with
// the same port and filters. Mirrors stay as they are.
func (g Gateway) Split(objects []manifest.Object, services map[string]string, weight int) ([]manifest.Object, error) {
	if err := checkWeight(weight); err != nil {
		return nil, err
	}
	var routes []manifest.Object
	for _, o := range objects {
		if o.Group() != gatewayGroup || o.Kind != "HTTPRoute" && o.Kind != "GRPCRoute" {
			continue
		}
		o = cloned(o)
		routed := false
		for i, rule := range objectsAt(o.Fields, "spec", "rules") {
			changed, err := splitRule(rule, o.Namespace, services, weight)
			if err != nil {
				return nil, fmt.Errorf("%s rule %d: %w", o.Ref, i+1, err)
			}
			routed = routed || changed
		}
		if routed {
			routes = append(routes, o)
		}
	}
	if len(routes) == 0 {
		return nil, unrouted(g.Name(), g.Kinds(), services)
	}
	return routes, nil
}

// splitRule divides the backends of one rule, and tells whether there were any to divide.
func splitRule(rule map[string]any, namespace string, services map[string]string, weight int) (bool, error) {
	backends := objectsAt(rule, "backendRefs")
	shares := make([]share, len(backends))
	routed := false
	for i, backend := range backends {
		shares[i].weight = 1
		if given, ok := backend["weight"]; ok && given != nil {
			n, whole := number(given)
			if !whole {
				return false, fmt.Errorf("backend %v has the weight %v", backend["name"], given)
			}
			shares[i].weight = n
		}
		shares[i].divided = services[serviceOf(backend, namespace)] != ""
		routed = routed || shares[i].divided
	}
	if !routed {
		return false, nil
	}
	stable, canary, err := divide(shares, weight)
	if err != nil {
		return false, err
	}
	var refs []any
	for i, backend := range backends {
		backend["weight"] = stable[i]
		refs = append(refs, backend)
		if shares[i].divided {
			other, _ := clone(backend).(map[string]any)
			other["name"], other["weight"] = services[serviceOf(backend, namespace)], canary[i]
			refs = append(refs, other)
		}
	}
	if len(refs) > maxBackends {
		return false, fmt.Errorf("with the canary it has %d backends, and the Gateway API takes %d", len(refs), maxBackends)
	}
	rule["backendRefs"] = refs
	return true, nil
}

// serviceOf is the Service that a backend means, "" for none of the namespace.
func serviceOf(backend map[string]any, namespace string) string {
	kind, group := at[string](backend, "kind"), at[string](backend, "group")
	in := at[string](backend, "namespace")
	if kind != "" && kind != "Service" || group != "" || in != "" && in != namespace {
		return ""
	}
	return at[string](backend, "name")
}

// Settled asks of each parent of the route that a controller has accepted the
// route as it is now, and found all that it refers to.
func (Gateway) Settled(live derive.Fields) (bool, string) {
	generation, _ := number(at[any](live, "metadata", "generation"))
	namespace := at[string](live, "metadata", "namespace")
	answers := objectsAt(live, "status", "parents")
	parents := objectsAt(live, "spec", "parentRefs")
	if len(parents) == 0 {
		return false, "it has no parent that would take it up"
	}
	for _, parent := range parents {
		name := parentName(parent, namespace)
		answered := false
		for _, answer := range answers {
			if parentName(at[map[string]any](answer, "parentRef"), namespace) != name {
				continue
			}
			answered = true
			for _, condition := range []string{"Accepted", "ResolvedRefs"} {
				if why := holds(answer, condition, generation); why != "" {
					return false, name + ": " + why
				}
			}
		}
		if !answered {
			return false, name + ": no controller has taken it up yet"
		}
	}
	return true, ""
}

// parentName tells parents of a route apart: "Gateway ns/name section http port 80".
func parentName(parent map[string]any, namespace string) string {
	kind, in := at[string](parent, "kind"), at[string](parent, "namespace")
	if kind == "" {
		kind = "Gateway"
	}
	if in == "" {
		in = namespace
	}
	name := kind + " " + in + "/" + at[string](parent, "name")
	if section := at[string](parent, "sectionName"); section != "" {
		name += " section " + section
	}
	if port, ok := number(parent["port"]); ok {
		name += fmt.Sprintf(" port %d", port)
	}
	return name
}

// holds says why a condition is not true of the present generation, "" if it is.
func holds(status map[string]any, condition string, generation int64) string {
	for _, c := range objectsAt(status, "conditions") {
		if at[string](c, "type") != condition {
			continue
		}
		if observed, _ := number(c["observedGeneration"]); observed < generation {
			return condition + " is about an earlier version of it"
		}
		if at[string](c, "status") == "True" {
			return ""
		}
		why := condition + " is " + at[string](c, "status")
		if reason := at[string](c, "reason"); reason != "" {
			why += ": " + reason
		}
		return strings.TrimSpace(why + " " + at[string](c, "message"))
	}
	return condition + " is not known yet"
}
