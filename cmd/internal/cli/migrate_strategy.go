package cli

import (
	"fmt"

	"github.com/e6d26078/slipway/release/manifest"
)

// adviseStrategies says which rollout strategies fit the objects of a release.
// Both need a workload that a Service of the release selects: traffic is what
// they shift. A canary runs two versions side by side; blue-green does so under
// another name, which a StatefulSet cannot have.
func adviseStrategies(objects []manifest.Object) []strategyAdvice {
	canary := strategyAdvice{Strategy: "canary"}
	blueGreen := strategyAdvice{Strategy: "blue-green"}
	workloads := 0
	for _, o := range objects {
		if o.Group() != "apps" || o.Kind != "Deployment" && o.Kind != "StatefulSet" {
			continue
		}
		workloads++
		if !isServed(o, objects) {
			reason := fmt.Sprintf("no Service of the release selects the pods of %s", o.Ref)
			canary.Reasons, blueGreen.Reasons = append(canary.Reasons, reason), append(blueGreen.Reasons, reason)
			continue
		}
		if nested(o.Fields, "spec", "strategy", "type") == "Recreate" {
			reason := fmt.Sprintf("%s has the strategy Recreate: its pods must not run beside those of another version", o.Ref)
			canary.Reasons, blueGreen.Reasons = append(canary.Reasons, reason), append(blueGreen.Reasons, reason)
			continue
		}
		canary.Fits = true
		if o.Kind == "StatefulSet" {
			blueGreen.Reasons = append(blueGreen.Reasons, fmt.Sprintf("%s gives its pods names and volumes of their own, so there cannot be a second one", o.Ref))
			continue
		}
		blueGreen.Fits = true
	}
	if workloads == 0 {
		const reason = "the release has no Deployment and no StatefulSet"
		canary.Reasons, blueGreen.Reasons = []string{reason}, []string{reason}
	}
	return []strategyAdvice{canary, blueGreen}
}

// isServed reports whether a Service among the objects selects the pods of a workload.
func isServed(workload manifest.Object, objects []manifest.Object) bool {
	labels, _ := nested(workload.Fields, "spec", "template", "metadata", "labels").(map[string]any)
	for _, o := range objects {
		if o.Kind != "Service" || o.Group() != "" || o.Namespace != workload.Namespace {
			continue
		}
		selector, _ := nested(o.Fields, "spec", "selector").(map[string]any)
		matches := len(selector) > 0
		for name, value := range selector {
			matches = matches && labels[name] == value
		}
		if matches {
			return true
		}
	}
	return false
}
