package policy

import "slices"

// LiveKind is a kind of which objects in the cluster matter.
type LiveKind struct {
	APIVersion, Kind string
	// Everywhere is for objects of all namespaces; else they are those of the release's.
	Everywhere bool
}

// LiveKinds are the kinds that the checks of a set compare with: none for
// checks that are off, or that have nothing to compare. Package permission has
// the rights for them.
func LiveKinds(set *Set, config *Config) []LiveKind {
	in := inspect(set, config)
	foreign, unmatched := config.SeverityOf("selector-foreign") != Off, config.SeverityOf("selector-no-match") != Off
	workloads := slices.ContainsFunc(in.workloads, (*workload).endless)
	selects := len(in.services)+len(in.budgets) > 0
	var list []LiveKind
	add := func(needed, everywhere bool, apiVersion string, kinds ...string) {
		for _, kind := range kinds {
			if needed {
				list = append(list, LiveKind{apiVersion, kind, everywhere})
			}
		}
	}
	add(config.SeverityOf("ingress-conflict") != Off && len(in.ingresses) > 0, true, "networking.k8s.io/v1", "Ingress")
	add(foreign && workloads, false, "v1", "Service")
	add(unmatched && (selects || len(in.policies) > 0), false, "v1", "Pod")
	add(foreign && (selects || workloads) || unmatched && (selects || len(in.scalers) > 0), false, "apps/v1", "Deployment", "StatefulSet", "DaemonSet")
	return slices.Clip(list)
}
