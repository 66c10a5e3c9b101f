package cluster

import (
	"fmt"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/e6d26078/slipway/release/manifest"
)

// serviceSelector is what a Service selects pods by; nil if it selects none:
// its endpoints are then somebody else's matter.
func serviceSelector(o manifest.Object) labels.Selector {
	if text(o.Fields, "spec", "type") == "ExternalName" {
		return nil
	}
	selector, _, _ := unstructured.NestedStringMap(o.Fields, "spec", "selector")
	if len(selector) == 0 {
		return nil
	}
	return labels.SelectorFromSet(selector)
}

// servingLabels are the labels of the pods that an object makes and that may
// stand behind a Service. Those of Jobs come and go and do not.
func servingLabels(o manifest.Object) labels.Set {
	path := []string{"spec", "template", "metadata", "labels"}
	switch keyOf(o.Ref) {
	case podKind:
		path = []string{"metadata", "labels"}
	default:
		if kind := keyOf(o.Ref); !podOwners[kind] || kind == jobKind {
			return nil
		}
	}
	set, _, _ := unstructured.NestedStringMap(o.Fields, path...)
	return set
}

// assessService tells whether a Service leads anywhere. It is not waited for
// when nothing of the release is meant to answer for it: Helm would call such
// a release ready, so it must not hang here.
func assessService(workloads []*target, readyEndpoints int) verdict {
	if len(workloads) == 0 {
		return verdict{ready, "", "not waited for: it selects no pods of the release"}
	}
	var desired, isReady int64
	for _, w := range workloads {
		desired += w.desired
		isReady += w.ready
	}
	switch {
	case desired == 0:
		return verdict{ready, "", "not waited for: the workloads that it selects have no replicas"}
	case readyEndpoints > 0:
		return verdict{state: ready}
	case isReady > 0:
		return verdict{troubled, "NoEndpoints", fmt.Sprintf("no ready endpoint, although %d pods of the workloads that it selects are ready", isReady)}
	}
	return verdict{waiting, "", "no endpoint is ready"}
}

// slice is what an EndpointSlice says about a Service.
type slice struct {
	service string
	ready   int // endpoints
}

func readSlice(u *unstructured.Unstructured) slice {
	s := slice{service: u.GetLabels()[discoveryv1.LabelServiceName]}
	list, _, _ := unstructured.NestedFieldNoCopy(u.Object, "endpoints")
	endpoints, _ := list.([]any)
	for _, item := range endpoints {
		endpoint, _ := item.(map[string]any)
		isReady, known, _ := unstructured.NestedBool(endpoint, "conditions", "ready")
		if isReady || !known { // unknown counts as ready: KEP-752
			s.ready++
		}
	}
	return s
}
