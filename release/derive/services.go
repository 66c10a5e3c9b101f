package derive

import (
	"fmt"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

func isService(r manifest.Ref) bool { return r.APIVersion == "v1" && r.Kind == "Service" }

// findServices finds the Services that select pods of workloads that change.
func (c *computation) findServices() {
	served := map[string]bool{}
	for i := range c.in.Base {
		service := &c.in.Base[i]
		if !isService(service.Ref) {
			continue
		}
		selected := c.selected(service)
		w := c.changeAmong(selected)
		if w == nil {
			continue
		}
		served[w.Key()] = true
		if len(selected) > 1 {
			c.refuse(service, "it selects pods of several workloads: "+names(selected),
				"give each workload a Service of its own, or use upgrade")
			continue
		}
		c.checkService(service, w)
		c.plan.Services = append(c.plan.Services, Service{Ref: service.Ref, Workload: w.Key(), Preview: c.preview(service, w)})
	}
	c.findNewServices()
	c.findOtherServices(served)
	for _, w := range c.changes {
		if !served[w.Key()] {
			c.unserved(w)
		}
	}
}

// unserved is a workload that no Service selects.
func (c *computation) unserved(w *change) {
	if !c.in.Options.Ungated {
		c.refuse(w.target, "no Service selects its pods, so that nothing but their number holds its share of the work",
			"allow that with --ungated, or use upgrade")
	}
	if w.Form == Partitioned {
		return
	}
	if c.in.Settings.Strategy == rollout.BlueGreen {
		c.warn("%s: no Service selects its pods, so that those of both sides work from the start", w.Ref)
		return
	}
	w.Worker = true
	if w.Form == Adoptable {
		// To adopt, the stable side would have to have old pods again.
		w.Form = Labelled
	}
}

// preview names the Service of the canary alone, "" for none.
func (c *computation) preview(service *manifest.Object, w *change) string {
	if !c.pinned || w.Form == Partitioned {
		return ""
	}
	made := service.Ref
	made.Name = named(service.Name, "-preview", maxService)
	c.collision(service, made)
	return made.Name
}

// selected are the workloads whose pods a Service selects: those of the base,
// and others of the namespace.
func (c *computation) selected(service *manifest.Object) []manifest.Ref {
	selector := mapping(at(service.Fields, "spec", "selector"))
	var found []manifest.Ref
	for i := range c.in.Base {
		o := &c.in.Base[i]
		if slices.Contains(podKinds, o.Kind) && o.Namespace == service.Namespace && selects(selector, labelsOf(templateOf(o.Fields))) {
			found = append(found, o.Ref)
		}
	}
	for _, f := range c.in.Around {
		r := refOf(f)
		made := text(at(f, "metadata", "annotations", RolloutAnnotation)) != ""
		owned := r.Kind == "ReplicaSet" && len(mappings(at(f, "metadata", "ownerReferences"))) > 0
		if made || owned || c.base.find(r) != nil || c.target.find(r) != nil {
			continue
		}
		if slices.Contains(podKinds, r.Kind) && r.Namespace == service.Namespace &&
			wholeOr(at(f, "spec", "replicas"), 1) > 0 && selects(selector, labelsOf(templateOf(f))) {
			found = append(found, r)
		}
	}
	return found
}

func (c *computation) changeAmong(refs []manifest.Ref) *change {
	for _, r := range refs {
		if w := c.changeOf(r); w != nil {
			return w
		}
	}
	return nil
}

func (c *computation) changeOf(r manifest.Ref) *change {
	for _, w := range c.changes {
		if identify(w.Ref) == identify(r) {
			return w
		}
	}
	return nil
}

func names(refs []manifest.Ref) string {
	list := make([]string, len(refs))
	for i, r := range refs {
		list[i] = r.Kind + " " + r.Name
	}
	return strings.Join(list, ", ")
}

// findNewServices finds the Services that are new and select pods of workloads that change.
func (c *computation) findNewServices() {
	for i := range c.in.Target {
		service := &c.in.Target[i]
		if !isService(service.Ref) || c.base.find(service.Ref) != nil {
			continue
		}
		for _, w := range c.changes {
			selector := mapping(at(service.Fields, "spec", "selector"))
			if w.Form != Partitioned && w.Ref.Namespace == service.Namespace && selects(selector, labelsOf(templateOf(w.target.Fields))) {
				c.plan.NewServices = append(c.plan.NewServices, Service{Ref: service.Ref, Workload: w.Key()})
			}
		}
	}
}

// findOtherServices looks at Services of the namespace that are not the release's.
func (c *computation) findOtherServices(served map[string]bool) {
	for _, f := range c.in.Around {
		r := refOf(f)
		made := text(at(f, "metadata", "annotations", RolloutAnnotation)) != ""
		if !isService(r) || made || c.base.find(r) != nil || c.target.find(r) != nil {
			continue
		}
		for _, w := range c.changes {
			selector := mapping(at(f, "spec", "selector"))
			if w.Ref.Namespace != r.Namespace || !selects(selector, labelsOf(templateOf(w.base.Fields))) {
				continue
			}
			served[w.Key()] = true
			if c.pinned && w.Form != Partitioned {
				c.refuse(w.target, fmt.Sprintf("%s selects its pods too, but is not part of the release and cannot be kept from the canary", r),
					"move that Service into the chart, or launch by pods alone")
			} else {
				c.warn("%s: it selects pods of %s and is not part of the release; at 100 %% it still divides its traffic by pods", r, w.Ref)
			}
		}
	}
}

// checkService looks for what keeps a Service from dividing traffic.
func (c *computation) checkService(service *manifest.Object, w *change) {
	spec := mapping(service.Fields["spec"])
	selector, after := mapping(spec["selector"]), templateOf(w.target.Fields)
	if !selects(selector, labelsOf(after)) {
		c.refuse(service, "it does not select the new pods of "+w.Key()+", whose labels differ",
			"leave the labels in its selector as they are, or use upgrade")
	}
	if next := c.target.find(service.Ref); next != nil {
		if selector := mapping(at(next.Fields, "spec", "selector")); !selects(selector, labelsOf(after)) {
			c.refuse(next, "with its new selector it does not select the new pods of "+w.Key(), "make it select them, or use upgrade")
		}
	}
	c.checkTargetPorts(service, w)
	live := c.live[identify(service.Ref)]
	switch liveSelector := mapping(at(live, "spec", "selector")); {
	case live == nil:
		c.refuse(service, "it is not in the cluster", "bring it back by an upgrade to what is deployed first")
	case liveSelector[hashLabel] != nil && selector[hashLabel] == nil:
		c.refuse(service, "it still selects the pods of one side of an earlier rollout", "run recover first")
	case differs(liveSelector, selector):
		c.refuse(service, "its live selector is not what the deployed revision says, and would be lost",
			"bring chart and cluster together by an upgrade first")
	}
	c.checkRatio(service, spec)
}

// checkTargetPorts refuses a Service whose ports the new pods do not have.
func (c *computation) checkTargetPorts(service *manifest.Object, w *change) {
	_, before := ports(templateOf(w.base.Fields))
	names, numbers := ports(templateOf(w.target.Fields))
	for _, port := range mappings(at(service.Fields, "spec", "ports")) {
		target := port["targetPort"]
		if target == nil {
			target = port["port"]
		}
		n, isNumber := whole(target)
		if isNumber && (!before[n] || numbers[n]) || !isNumber && names[text(target)] {
			continue
		}
		c.refuse(service, fmt.Sprintf("its targetPort %v is none of the new pods of %s", target, w.Key()),
			"keep the old port for one more revision, or name it and leave the name")
	}
}

// longLived are protocols whose connections live long, as ports name them.
var longLived = []string{"grpc", "redis", "amqp", "h2c", "websocket", "mysql", "postgres", "mongo", "kafka", "nats"}

// checkRatio looks for what makes traffic not follow the number of pods.
func (c *computation) checkRatio(service *manifest.Object, spec map[string]any) {
	if c.pinned {
		return
	}
	const remedy = "choose a router or blue-green"
	if text(spec["sessionAffinity"]) == "ClientIP" {
		c.refuse(service, "sessionAffinity ClientIP keeps clients on the pods they have, so that the ratio of pods is not that of traffic", remedy)
	}
	for _, field := range []string{"internalTrafficPolicy", "externalTrafficPolicy"} {
		if text(spec[field]) == "Local" {
			c.refuse(service, field+" Local prefers the pods of a node, so that the ratio of pods is not that of traffic", remedy)
		}
	}
	if text(spec["clusterIP"]) == "None" {
		c.warn("%s: it is headless, and its clients may ignore the ratio of pods", service.Ref)
	}
	if distribution := text(spec["trafficDistribution"]); distribution != "" {
		c.warn("%s: trafficDistribution %s prefers near pods, whatever the ratio", service.Ref, distribution)
	}
	for _, port := range mappings(spec["ports"]) {
		said := strings.ToLower(text(port["name"]) + " " + text(port["appProtocol"]) + " " + text(port["targetPort"]))
		for _, protocol := range longLived {
			if strings.Contains(said, protocol) {
				c.warn("%s: long-lived connections (%s) ignore the ratio of pods", service.Ref, protocol)
			}
		}
	}
}
