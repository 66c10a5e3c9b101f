package policy

import (
	"slices"
	"strconv"

	"github.com/e6d26078/slipway/release/manifest"
)

// behind are the workloads of the set whose pods a Service selects.
func (in *inspection) behind(service *manifest.Object) []*workload {
	s := selectorOf(at(service.Fields, "spec", "selector"), true)
	return slices.DeleteFunc(in.selected(in.namespace(service), s), func(w *workload) bool { return !w.endless() })
}

// served yields each workload behind a Service once, with the first such Service.
func (in *inspection) served(yield func(w *workload, service *manifest.Object)) {
	seen := map[*workload]bool{}
	for _, service := range in.services {
		for _, w := range in.behind(service) {
			if !seen[w] && !w.made {
				seen[w] = true
				yield(w, service)
			}
		}
	}
}

// findProbes finds pods that get requests before they can answer.
func findProbes(in *inspection) {
	seen := map[*workload]map[string]bool{}
	for _, service := range in.services {
		if at(service.Fields, "spec", "publishNotReadyAddresses") == true {
			continue
		}
		for _, w := range in.behind(service) {
			if _, gated := w.spec["readinessGates"].([]any); gated || w.made {
				continue
			}
			for _, c := range w.answering(service) {
				if c.fields["readinessProbe"] != nil || seen[w][c.name()] {
					continue
				}
				if seen[w] == nil {
					seen[w] = map[string]bool{}
				}
				seen[w][c.name()] = true
				in.add(w.Object, c.path, "add a readinessProbe to container "+c.name(),
					"container %s has no readinessProbe: Service %s sends it requests as soon as it runs, and in an upgrade the old pods go before the new ones can answer",
					c.name(), service.Name)
			}
		}
	}
}

// answering are the containers that the ports of a Service lead to. If that
// cannot be told it is the first one, unless any container has a probe.
func (w *workload) answering(service *manifest.Object) []container {
	all := w.containers("containers", "initContainers")
	all = slices.DeleteFunc(all, func(c container) bool { return c.kind == "initContainers" && !c.sidecar() })
	var list []container
	ports, _ := at(service.Fields, "spec", "ports").([]any)
	for _, p := range ports {
		port, _ := p.(map[string]any)
		target := port["targetPort"]
		if target == nil || target == "" {
			target = port["port"]
		}
		for _, c := range all {
			if c.listens(target) && !slices.ContainsFunc(list, func(d container) bool { return d.name() == c.name() }) {
				list = append(list, c)
			}
		}
	}
	if len(list) > 0 || len(all) == 0 {
		return list
	}
	if slices.ContainsFunc(all, func(c container) bool { return c.fields["readinessProbe"] != nil }) {
		return nil
	}
	return all[:1]
}

// listens reports whether a container declares a port, by name or number.
func (c *container) listens(target any) bool {
	ports, _ := c.fields["ports"].([]any)
	for _, p := range ports {
		port, _ := p.(map[string]any)
		number, _ := intOf(port["containerPort"])
		wanted, isNumber := intOf(target)
		if isNumber && number == wanted || !isNumber && target == port["name"] {
			return true
		}
	}
	return false
}

// findSpread finds workloads of several pods that may all be on one node.
func findSpread(in *inspection) {
	for _, w := range in.workloads {
		if !w.endless() || w.made || w.replicas < 2 {
			continue
		}
		spread, _ := w.spec["topologySpreadConstraints"].([]any)
		apart, _ := at(w.spec, "affinity", "podAntiAffinity").(map[string]any)
		if len(spread) > 0 || len(apart) > 0 {
			continue
		}
		object := w.Object
		if w.scaler != nil {
			object = w.scaler
		}
		in.add(object, w.at, "add topologySpreadConstraints or podAntiAffinity to the pods of "+w.Ref.String(),
			"%d pods of %s have neither topologySpreadConstraints nor podAntiAffinity: all of them may be on one node, and end with it", w.replicas, w.Ref)
	}
}

// findEnds finds pods that are stopped while they still get requests.
func findEnds(in *inspection) {
	in.served(func(w *workload, service *manifest.Object) {
		grace, given := intOf(w.spec["terminationGracePeriodSeconds"])
		gracePath := under(w.path, "terminationGracePeriodSeconds")
		if given && grace == 0 {
			in.add(w.Object, gracePath, "set it to the time that the longest request takes, and some seconds",
				"terminationGracePeriodSeconds is 0: pods are killed at once, with the requests that Service %s has sent them", service.Name)
			return
		}
		hooks := 0
		for _, c := range w.containers("containers") {
			hook := at(c.fields, "lifecycle", "preStop")
			if hook == nil {
				continue
			}
			hooks++
			usual := grace
			if !given {
				usual = usualGrace
			}
			if seconds, ok := intOf(at(c.fields, "lifecycle", "preStop", "sleep", "seconds")); ok && seconds >= usual {
				in.add(w.Object, under(c.path, "lifecycle", "preStop", "sleep", "seconds"), "set terminationGracePeriodSeconds to more than "+strconv.Itoa(seconds),
					"the preStop hook of container %s sleeps for %d s, and the pod is killed after %d s: nothing is left for the program to end", c.name(), seconds, usual)
			}
		}
		if hooks == 0 && !given {
			in.add(w.Object, w.path, "add a preStop hook that sleeps some seconds; or set terminationGracePeriodSeconds if the program goes on for a while after SIGTERM by itself",
				"its pods have neither a preStop hook nor terminationGracePeriodSeconds of their own: Service %s sends requests for some seconds after they were told to stop", service.Name)
		}
	})
}

// usualGrace is the grace period of pods that name none, in seconds.
const usualGrace = 30
