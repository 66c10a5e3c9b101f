package rollouttest

import (
	"reflect"
	"slices"
	"strings"
)

const (
	podHash       = "pod-template-hash"
	revisionHash  = "controller-revision-hash" // the same for a StatefulSet
	serviceLabel  = "kubernetes.io/service-name"
	revisionNote  = "deployment.kubernetes.io/revision"
	leasePrefix   = "slipway-"
	kindPod       = "Pod"
	kindService   = "Service"
	kindSlice     = "EndpointSlice"
	kindReplicas  = "ReplicaSet"
	kindDeploy    = "Deployment"
	kindStateful  = "StatefulSet"
	kindLease     = "Lease"
	kindJob       = "Job"
	kindSecret    = "Secret"
	stateTypeName = "slipway.dev/rollout"
)

// Endpoint is a pod behind a Service, as EndpointSlices tell it.
type Endpoint struct {
	Pod                         string
	Ready, Serving, Terminating bool
}

// Endpoints are those of a Service, each pod once, sorted.
func (w *World) Endpoints(service string) []Endpoint {
	var found []Endpoint
	for _, slice := range w.objects[kindSlice] {
		if text(slice, "metadata", "labels", serviceLabel) != service {
			continue
		}
		for _, item := range list(slice, "endpoints") {
			e, _ := item.(map[string]any)
			pod := text(e, "targetRef", "name")
			if pod == "" || slices.ContainsFunc(found, func(f Endpoint) bool { return f.Pod == pod }) {
				continue
			}
			found = append(found, Endpoint{
				Pod: pod, Ready: truth(e, "conditions", "ready"), Serving: truth(e, "conditions", "serving"), Terminating: truth(e, "conditions", "terminating"),
			})
		}
	}
	slices.SortFunc(found, func(a, b Endpoint) int { return strings.Compare(a.Pod, b.Pod) })
	return found
}

// ready counts the ready endpoints of a Service.
func (w *World) ready(service string) int {
	count := 0
	for _, e := range w.Endpoints(service) {
		if e.Ready {
			count++
		}
	}
	return count
}

// Template is the hash of the pod template that a pod was made from.
func Template(pod Fields) string {
	if hash := text(pod, "metadata", "labels", podHash); hash != "" {
		return hash
	}
	return text(pod, "metadata", "labels", revisionHash)
}

// Templates are the hashes of all pods.
func (w *World) Templates() map[string]bool {
	found := map[string]bool{}
	for _, pod := range w.objects[kindPod] {
		if hash := Template(pod); hash != "" {
			found[hash] = true
		}
	}
	return found
}

// selects reports whether a selector, a table of labels, fits an object's labels. An empty one fits none.
func selects(selector, labels Fields) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}

// owner is the controller of an object.
func owner(object Fields) (kind, name string) {
	for _, item := range list(object, "metadata", "ownerReferences") {
		if o, _ := item.(map[string]any); truth(o, "controller") {
			return text(o, "kind"), text(o, "name")
		}
	}
	return "", ""
}

// sameTemplate reports whether a ReplicaSet was made from the template that a Deployment has.
func sameTemplate(deployment, set Fields) bool {
	a, b := table(deployment, "spec", "template"), table(set, "spec", "template")
	if !reflect.DeepEqual(a["spec"], b["spec"]) {
		return false
	}
	if !reflect.DeepEqual(withoutHash(table(a, "metadata", "labels")), withoutHash(table(b, "metadata", "labels"))) {
		return false
	}
	return reflect.DeepEqual(withoutHash(table(a, "metadata", "annotations")), withoutHash(table(b, "metadata", "annotations")))
}

func withoutHash(labels Fields) Fields {
	rest := Fields{}
	for key, value := range labels {
		if key != podHash {
			rest[key] = value
		}
	}
	return rest
}

// isReady reports whether a pod has the condition Ready.
func isReady(pod Fields) bool {
	for _, item := range list(pod, "status", "conditions") {
		if c, _ := item.(map[string]any); text(c, "type") == "Ready" {
			return text(c, "status") == "True"
		}
	}
	return false
}

func isDeleted(object Fields) bool { return text(object, "metadata", "deletionTimestamp") != "" }

// complete reports whether all pods of a Deployment or StatefulSet are of its template, and ready.
func complete(workload Fields) bool {
	want := number(workload, "spec", "replicas")
	return number(workload, "status", "observedGeneration") >= number(workload, "metadata", "generation") &&
		!truth(workload, "spec", "paused") &&
		number(workload, "status", "updatedReplicas") >= want && number(workload, "status", "readyReplicas") >= want
}
