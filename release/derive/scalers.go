package derive

import (
	"fmt"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

func isScaler(r manifest.Ref) bool {
	return r.Group() == "autoscaling" && r.Kind == "HorizontalPodAutoscaler"
}

// pointsTo reports whether a reference such as scaleTargetRef is to a workload.
func pointsTo(reference any, w *change) bool {
	kind := text(at(reference, "kind"))
	return text(at(reference, "name")) == w.Ref.Name && (kind == w.Ref.Kind || kind == "")
}

// findScalers finds what scales the workloads that change.
func (c *computation) findScalers() {
	for _, w := range c.changes {
		for i := range c.in.Base {
			if o := &c.in.Base[i]; isScaler(o.Ref) && o.Namespace == w.Ref.Namespace && pointsTo(at(o.Fields, "spec", "scaleTargetRef"), w) {
				c.ownScaler(w, o)
			}
		}
		for _, f := range c.in.Around {
			if r := refOf(f); isScaler(r) && c.base.find(r) == nil && r.Namespace == w.Ref.Namespace && pointsTo(at(f, "spec", "scaleTargetRef"), w) {
				c.otherScaler(w, f)
			}
		}
		c.unknownScaler(w)
		c.checkReplicas(w)
	}
}

// ownScaler is one of the release's.
func (c *computation) ownScaler(w *change, o *manifest.Object) {
	live := c.live[identify(o.Ref)]
	switch {
	case live == nil:
		c.refuse(o, "it is not in the cluster", "bring it back by an upgrade to what is deployed first")
	case wholeOr(at(live, "spec", "minReplicas"), 1) != wholeOr(at(o.Fields, "spec", "minReplicas"), 1):
		c.refuse(o, "its live minReplicas is not what the deployed revision says, and would be lost", "bring chart and cluster together by an upgrade first")
	case !pointsTo(at(live, "spec", "scaleTargetRef"), w):
		c.refuse(o, "its live scaleTargetRef is not what the deployed revision says, and would be lost", "bring chart and cluster together by an upgrade first")
	}
	w.Scaler, w.Max = o.Name, wholeOr(at(o.Fields, "spec", "maxReplicas"), w.Replicas)
	c.plan.Scalers = append(c.plan.Scalers, Scaler{Ref: o.Ref, Workload: w.Key(), Floor: min(w.Replicas, w.Max)})
	next := c.target.find(o.Ref)
	if next != nil && !pointsTo(at(next.Fields, "spec", "scaleTargetRef"), w) {
		c.refuse(next, "it is to scale another workload than before", "use upgrade")
	}
}

// otherScaler is one beside the release, which is not changed.
func (c *computation) otherScaler(w *change, f Fields) {
	if w.Scaler != "" {
		return
	}
	if len(mappings(at(f, "metadata", "ownerReferences"))) > 0 {
		c.refuse(w.target, fmt.Sprintf("%s scales it and belongs to another controller", refOf(f)), "pause that controller, or use upgrade")
		return
	}
	w.Scaler, w.Max = text(at(f, "metadata", "name")), wholeOr(at(f, "spec", "maxReplicas"), w.Replicas)
	if w.Form != Partitioned {
		c.warn("%s: it is not part of the release and is left alone; the canary has maxReplicas, %d pods, while it serves alone", refOf(f), w.Max)
	}
}

// unknownScaler refuses what else changes the number of pods.
func (c *computation) unknownScaler(w *change) {
	for _, f := range c.in.Around {
		r := refOf(f)
		if r.Group() != "autoscaling" && r.Namespace == w.Ref.Namespace && strings.Contains(r.Kind, "Scale") && pointsTo(at(f, "spec", "scaleTargetRef"), w) {
			c.refuse(w.target, r.String()+" scales it, which slipway cannot hold", "pause that scaler, or use upgrade")
		}
	}
	if w.Scaler != "" {
		return
	}
	for _, entry := range mappings(at(w.live, "metadata", "managedFields")) {
		manager := text(entry["manager"])
		known := manager == "kube-controller-manager" || manager == "helm" || strings.HasPrefix(manager, "kubectl")
		if text(entry["subresource"]) == "scale" && !known {
			c.refuse(w.target, manager+" scales it, and is not a HorizontalPodAutoscaler", "stop it, or use upgrade")
		}
	}
}

// checkReplicas compares who says how many pods there are.
func (c *computation) checkReplicas(w *change) {
	said, inBase := whole(at(w.base.Fields, "spec", "replicas"))
	_, inTarget := whole(at(w.target.Fields, "spec", "replicas"))
	if inBase && !inTarget {
		c.warn("%s: the chart no longer says how many pods it has, so that the API server makes it one after the promotion, as after an upgrade", w.Ref)
	}
	if w.Scaler != "" {
		if w.Form == Adoptable && !inTarget {
			// Adopting needs the number of the canary's pods, which only the scaler could set.
			w.Form = Labelled
			c.warn("%s: %s says how many pods it has, not the chart; so its pods are rolled once more after the canary", w.Ref, w.Scaler)
		}
		return
	}
	shrinks := c.in.Settings.Total && w.Form != Partitioned
	switch {
	case inBase && said != w.Replicas && shrinks:
		c.refuse(w.target, fmt.Sprintf("it has %d pods and the deployed revision says %d, which would come back", w.Replicas, said),
			"scale it to what the chart says, or upgrade first")
	case inBase && said != w.Replicas:
		c.warn("%s: it has %d pods and the deployed revision says %d, which will come back", w.Ref, w.Replicas, said)
	case shrinks && (!inBase || !inTarget):
		c.refuse(w.target, "its number of pods is not in the chart, so that it cannot be lowered and brought back", "set replicas in the chart, or do without --total")
	}
}
