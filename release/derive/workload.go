package derive

import (
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// checkWorkload looks for what keeps a workload from being launched in steps.
func (c *computation) checkWorkload(w *change) {
	if differs(at(w.base.Fields, "spec", "selector"), at(w.target.Fields, "spec", "selector")) {
		c.refuse(w.target, "its selector changes", "leave the selector as it is, or give the workload another name")
	}
	c.checkImages(w)
	if w.Form == Partitioned {
		c.checkStatefulSet(w)
		return
	}
	for _, o := range []*manifest.Object{w.base, w.target} {
		if text(at(o.Fields, "spec", "strategy", "type")) == "Recreate" {
			c.refuse(w.target, "its strategy is Recreate, so that two versions must not run at once", "use upgrade, or RollingUpdate if they may")
			break
		}
	}
	if at(w.live, "spec", "paused") == true || at(w.base.Fields, "spec", "paused") == true || at(w.target.Fields, "spec", "paused") == true {
		c.refuse(w.target, "it is paused", "resume it first (kubectl rollout resume), or run recover if a rollout left it so")
	}
	c.checkClone(w)
}

// checkImages refuses a workload whose live image somebody changed: writing
// the deployed revision's document would bring the old one back.
func (c *computation) checkImages(w *change) {
	for _, list := range []string{"containers", "initContainers"} {
		live := mappings(at(templateOf(w.live), "spec", list))
		for _, container := range mappings(at(templateOf(w.base.Fields), "spec", list)) {
			i := slices.IndexFunc(live, func(l map[string]any) bool { return l["name"] == container["name"] })
			if i < 0 || live[i]["image"] != container["image"] && !rewritten(w.live, list, text(container["name"])) {
				c.refuse(w.target, fmt.Sprintf("its live container %v is not what the deployed revision says", container["name"]),
					"bring chart and cluster together by an upgrade first")
			}
		}
	}
}

// rewritten reports whether a container's image is held by Helm's field manager
// alone: then an admission webhook made it another one than the document says,
// and does so each time.
func rewritten(live Fields, list, container string) bool {
	helms := false
	for _, entry := range mappings(at(live, "metadata", "managedFields")) {
		if at(entry, "fieldsV1", "f:spec", "f:template", "f:spec", "f:"+list, `k:{"name":"`+container+`"}`, "f:image") == nil {
			continue
		}
		if text(entry["manager"]) != "helm" {
			return false
		}
		helms = true
	}
	return helms
}

// checkClone refuses what a second Deployment's pods cannot share.
func (c *computation) checkClone(w *change) {
	spec := mapping(templateOf(w.target.Fields)["spec"])
	if spec["hostNetwork"] == true {
		c.refuse(w.target, "its pods use the network of their node (hostNetwork), where two versions take each other's ports", "use upgrade")
	}
	for _, list := range []string{"containers", "initContainers"} {
		for _, container := range mappings(spec[list]) {
			for _, port := range mappings(container["ports"]) {
				if n := wholeOr(port["hostPort"], 0); n != 0 {
					c.refuse(w.target, fmt.Sprintf("its pods use port %d of their node (hostPort)", n), "use a Service instead, or use upgrade")
				}
			}
		}
	}
	if mappings(at(spec, "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")) != nil {
		c.warn("%s: its pods must not share a node (podAntiAffinity), so that the canary needs nodes of its own", w.Ref)
	}
	for _, volume := range mappings(spec["volumes"]) {
		if name := text(at(volume, "persistentVolumeClaim", "claimName")); name != "" {
			c.checkClaim(w, name)
		}
	}
}

// checkClaim refuses a claim that only one node or pod can use.
func (c *computation) checkClaim(w *change, name string) {
	claim := manifest.Ref{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: w.Ref.Namespace, Name: name}
	f := c.live[identify(claim)]
	if o := c.target.find(claim); f == nil && o != nil {
		f = o.Fields
	}
	if f == nil {
		c.warn("%s: it uses %s, which is not part of the release; pods of two versions must be able to use it at once", w.Ref, claim)
		return
	}
	modes, _ := at(f, "spec", "accessModes").([]any)
	shared := slices.ContainsFunc(modes, func(mode any) bool { return mode == "ReadWriteMany" || mode == "ReadOnlyMany" })
	if !shared {
		c.refuse(w.target, fmt.Sprintf("it uses %s, which cannot be used from several nodes (%v)", claim, modes), "use a claim that can be (ReadWriteMany), or use upgrade")
	}
}

// checkStatefulSet refuses what a partition cannot do.
func (c *computation) checkStatefulSet(w *change) {
	before, after := mapping(w.base.Fields["spec"]), mapping(w.target.Fields["spec"])
	for _, field := range []string{"volumeClaimTemplates", "serviceName", "podManagementPolicy"} {
		if differs(before[field], after[field]) {
			c.refuse(w.target, "its "+field+" changes", "leave it as it is, or make the StatefulSet anew")
		}
	}
	if uses(mapping(after["template"]), w.Ref.Namespace, c.config) {
		c.refuse(w.target, "configuration that it uses changes, and its old pods would read it too", "give the changed ConfigMap or Secret another name in the chart, or use upgrade")
	}
	if c.in.Settings.Strategy == rollout.BlueGreen || c.in.Options.Router != "" {
		c.refuse(w.target, "a StatefulSet has its pods once, so that no Service and no route can tell two full sides apart", "launch it as a canary by pods")
	}
	for _, spec := range []map[string]any{before, after} {
		if text(at(spec, "updateStrategy", "type")) == "OnDelete" {
			c.refuse(w.target, "its updateStrategy is OnDelete", "use RollingUpdate, or use upgrade")
			break
		}
	}
	partition := func(f Fields) int {
		return wholeOr(at(f, "spec", "updateStrategy", "rollingUpdate", "partition"), 0)
	}
	switch is := partition(w.live); {
	case is != partition(w.base.Fields):
		c.refuse(w.target, fmt.Sprintf("its live partition is %d, which is not what the deployed revision says", is), "set it to what the chart says, or run recover if a rollout left it so")
	case is != 0 || partition(w.target.Fields) != 0:
		c.refuse(w.target, "the chart sets a partition of its own", "take it out of the chart")
	}
	served := slices.ContainsFunc(c.plan.Services, func(s Service) bool { return s.Workload == w.Key() })
	if w.Replicas == 1 && served && !c.in.Options.AllowDowntime {
		c.refuse(w.target, "it has one pod behind a Service, which is away while it is replaced", "allow that with --allow-downtime, or give it more pods")
	}
}
