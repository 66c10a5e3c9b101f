package derive

import (
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// Labels and annotations that are read or set.
const (
	hashLabel     = "pod-template-hash"
	trackLabel    = "track"
	ownTrackLabel = "slipway.dev/track" // where the chart uses the other one itself
	canaryTrack   = "canary"
	// RolloutAnnotation marks what a rollout has made beside the chart's objects; its value is the revision.
	RolloutAnnotation = "slipway.dev/rollout"
)

// isDeployment and isStatefulSet tell the kinds that can be launched in steps.
func isDeployment(r manifest.Ref) bool  { return r.Group() == "apps" && r.Kind == "Deployment" }
func isStatefulSet(r manifest.Ref) bool { return r.Group() == "apps" && r.Kind == "StatefulSet" }

// podKinds are kinds whose pods a Service may be meant to select.
var podKinds = []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"}

func templateOf(f Fields) map[string]any { return mapping(at(f, "spec", "template")) }

func labelsOf(template map[string]any) map[string]any {
	return mapping(at(template, "metadata", "labels"))
}

// selects reports whether labels satisfy the selector of a Service, which is not empty.
func selects(selector, labels map[string]any) bool {
	for key, value := range selector {
		if have, set := labels[key]; !set || have != value {
			return false
		}
	}
	return len(selector) > 0
}

// withoutNoise is a pod template without what differs between charts' versions
// although the pods do not.
func withoutNoise(template map[string]any) map[string]any {
	plain := cloneMap(template)
	metadata := mapping(plain["metadata"])
	delete(metadata, "creationTimestamp")
	delete(mapping(metadata["labels"]), "helm.sh/chart")
	annotations := mapping(metadata["annotations"])
	for key := range annotations {
		if strings.HasPrefix(key, "checksum/") {
			delete(annotations, key)
		}
	}
	return plain
}

// track is the label that a labelled clone's pods have.
func track(template map[string]any) string {
	if _, taken := labelsOf(template)[trackLabel]; taken {
		return ownTrackLabel
	}
	return trackLabel
}

// added says what live pods of a template have beside what the document says,
// put there by people or tools: it would stay when the document is applied, so
// that no second Deployment can have the same template. "" for nothing.
func added(live Fields, base map[string]any) string {
	metadata := mapping(templateOf(live)["metadata"])
	for _, field := range []string{"annotations", "labels"} {
		var more []string
		for key := range mapping(metadata[field]) {
			if _, ours := mapping(at(base, "metadata", field))[key]; !ours {
				more = append(more, field+"["+key+"]")
			}
		}
		if len(more) > 0 {
			return "spec.template.metadata." + slices.Min(more)
		}
	}
	for _, entry := range mappings(at(live, "metadata", "managedFields")) {
		manager := text(entry["manager"])
		if strings.HasPrefix(manager, "kubectl") && text(entry["subresource"]) == "" &&
			at(entry, "fieldsV1", "f:spec", "f:template", "f:spec") != nil {
			return "a change of spec.template.spec by " + manager
		}
	}
	return ""
}

// ports are the ports of a template's containers: by name and by number.
func ports(template map[string]any) (names map[string]bool, numbers map[int]bool) {
	names, numbers = map[string]bool{}, map[int]bool{}
	for _, list := range []string{"containers", "initContainers"} {
		for _, container := range mappings(at(template, "spec", list)) {
			for _, port := range mappings(container["ports"]) {
				if name := text(port["name"]); name != "" {
					names[name] = true
				}
				if n, ok := whole(port["containerPort"]); ok {
					numbers[n] = true
				}
			}
		}
	}
	return names, numbers
}
