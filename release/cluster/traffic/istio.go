package traffic

import (
	"fmt"
	"strings"

	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
)

const istioGroup = "networking.istio.io"

// Istio divides traffic by the weights of VirtualServices.
type Istio struct{}

// Name is istio.
func (Istio) Name() string { return "istio" }

// Kinds are VirtualService and DestinationRule.
func (Istio) Kinds() []string {
	return []string{"VirtualService." + istioGroup, "DestinationRule." + istioGroup}
}

// Split changes the weights of the routes for HTTP, TLS and TCP whose
// destination is a Service of the VirtualService's own namespace, by its short
// or its full name. The canary's destination comes after the Service's. A
// DestinationRule of the Service is copied for the canary. Subsets are refused:
// which of them the canary's pods belong to is not known.
func (i Istio) Split(objects []manifest.Object, services map[string]string, weight int) ([]manifest.Object, error) {
	if err := checkWeight(weight); err != nil {
		return nil, err
	}
	var routes, rules []manifest.Object
	for _, o := range objects {
		if o.Group() != istioGroup {
			continue
		}
		switch o.Kind {
		case "VirtualService":
			o = cloned(o)
			routed, err := splitVirtualService(o, services, weight)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", o.Ref, err)
			}
			if routed {
				routes = append(routes, o)
			}
		case "DestinationRule":
			if host := canaryHost(at[string](o.Fields, "spec", "host"), o.Namespace, services); host != "" {
				rules = append(rules, ruleFor(host, o))
			}
		}
	}
	if len(routes) == 0 {
		return nil, unrouted(i.Name(), i.Kinds()[:1], services)
	}
	return append(routes, rules...), nil
}

func splitVirtualService(o manifest.Object, services map[string]string, weight int) (bool, error) {
	routed := false
	for _, protocol := range []string{"http", "tls", "tcp"} {
		for i, rule := range objectsAt(o.Fields, "spec", protocol) {
			changed, err := splitDestinations(rule, o.Namespace, services, weight)
			if err != nil {
				return false, fmt.Errorf("%s rule %d: %w", protocol, i+1, err)
			}
			routed = routed || changed
		}
	}
	return routed, nil
}

// splitDestinations divides the destinations of one rule, and tells whether there were any to divide.
func splitDestinations(rule map[string]any, namespace string, services map[string]string, weight int) (bool, error) {
	routes := objectsAt(rule, "route")
	shares := make([]share, len(routes))
	hosts := make([]string, len(routes))
	routed := false
	for i, route := range routes {
		if given := route["weight"]; given != nil {
			n, whole := number(given)
			if !whole {
				return false, fmt.Errorf("destination %s has the weight %v", at[string](route, "destination", "host"), given)
			}
			shares[i].weight = n
		}
		if len(routes) == 1 {
			shares[i].weight = 1 // the only destination has everything, whatever its weight
		}
		hosts[i] = canaryHost(at[string](route, "destination", "host"), namespace, services)
		if hosts[i] == "" {
			continue
		}
		if subset := at[string](route, "destination", "subset"); subset != "" {
			return false, fmt.Errorf("it sends to subset %s of %s, which the canary does not have: leave the subset out, or choose another router",
				subset, at[string](route, "destination", "host"))
		}
		shares[i].divided, routed = true, true
	}
	if !routed {
		return false, nil
	}
	stable, canary, err := divide(shares, weight)
	if err != nil {
		return false, err
	}
	inPerCent(stable, canary)
	var list []any
	for i, route := range routes {
		route["weight"] = stable[i]
		list = append(list, route)
		if shares[i].divided {
			other, _ := clone(route).(map[string]any)
			other["weight"] = canary[i]
			at[map[string]any](other, "destination")["host"] = hosts[i]
			list = append(list, other)
		}
	}
	rule["route"] = list
	return true, nil
}

// inPerCent makes weights add up to 100 where they can: early versions of Istio ask for that.
func inPerCent(stable, canary []int64) {
	var sum int64
	for i := range stable {
		sum += stable[i] + canary[i]
	}
	if sum == 0 || 100%sum != 0 {
		return
	}
	for i := range stable {
		stable[i] *= 100 / sum
		canary[i] *= 100 / sum
	}
}

// canaryHost is the canary's host for that of a Service, in the same form; ""
// for a host that is none of the Services. Istio expands short names by the
// namespace of the object, and takes those with a dot as they are.
func canaryHost(host, namespace string, services map[string]string) string {
	service, domain, qualified := strings.Cut(host, ".")
	canary := services[service]
	switch {
	case canary == "":
		return ""
	case !qualified:
		return canary
	case strings.HasPrefix(domain, namespace+".svc."):
		return canary + "." + domain
	}
	return ""
}

// ruleFor is a DestinationRule for the canary's host, as another one is for the Service's.
func ruleFor(host string, o manifest.Object) manifest.Object {
	spec, _ := clone(at[map[string]any](o.Fields, "spec")).(map[string]any)
	spec["host"] = host
	delete(spec, "subsets")
	return beside(o, spec, nil)
}

// Settled is true unless Istio has written a status that says otherwise, which
// it does only if it is told to.
func (Istio) Settled(live derive.Fields) (bool, string) {
	generation, _ := number(at[any](live, "metadata", "generation"))
	status := at[map[string]any](live, "status")
	for _, c := range objectsAt(status, "conditions") {
		if at[string](c, "type") != "Reconciled" {
			continue
		}
		if observed, known := number(status["observedGeneration"]); known && observed < generation {
			return false, "Reconciled is about an earlier version of it"
		}
		if at[string](c, "status") != "True" {
			return false, strings.TrimSpace("Reconciled is " + at[string](c, "status") + " " + at[string](c, "message"))
		}
	}
	return true, ""
}
