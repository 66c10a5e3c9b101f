package permission

import (
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// resource is a kind and where the API server serves it.
type resource struct {
	group, kind, name string
	namespaced        bool
	guessed           bool
}

type groupKind struct{ group, kind string }

// kinds knows the resources of kinds.
type kinds map[groupKind]resource

// builtIn are the kinds of Kubernetes itself whose resource has another name
// than the rule gives, or which are outside namespaces; with a star. The others
// of these groups follow the rule.
var builtIn = map[string]string{
	"": "ConfigMap Endpoints=endpoints Event LimitRange Namespace* Node* PersistentVolume* PersistentVolumeClaim Pod PodTemplate " +
		"ReplicationController ResourceQuota Secret Service ServiceAccount",
	"admissionregistration.k8s.io": "MutatingAdmissionPolicy* MutatingAdmissionPolicyBinding* MutatingWebhookConfiguration* " +
		"ValidatingAdmissionPolicy* ValidatingAdmissionPolicyBinding* ValidatingWebhookConfiguration*",
	crdGroup:                       "CustomResourceDefinition*",
	"apiregistration.k8s.io":       "APIService*",
	"apps":                         "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
	"autoscaling":                  "HorizontalPodAutoscaler",
	"batch":                        "CronJob Job",
	"certificates.k8s.io":          "CertificateSigningRequest* ClusterTrustBundle*",
	leaseGroup:                     "Lease",
	"discovery.k8s.io":             "EndpointSlice",
	"flowcontrol.apiserver.k8s.io": "FlowSchema* PriorityLevelConfiguration*",
	"networking.k8s.io":            "Ingress IngressClass* IPAddress* NetworkPolicy ServiceCIDR*",
	"node.k8s.io":                  "RuntimeClass*",
	"policy":                       "PodDisruptionBudget PodSecurityPolicy*",
	rbacGroup:                      "ClusterRole* ClusterRoleBinding* Role RoleBinding",
	"resource.k8s.io":              "DeviceClass* ResourceClaim ResourceClaimTemplate ResourceSlice*",
	"scheduling.k8s.io":            "PriorityClass*",
	"storage.k8s.io":               "CSIDriver* CSINode* CSIStorageCapacity StorageClass* VolumeAttachment* VolumeAttributesClass*",
}

func knownKinds() kinds {
	k := kinds{}
	for group, names := range builtIn {
		for name := range strings.FieldsSeq(names) {
			name, outside := strings.CutSuffix(name, "*")
			kind, plural, given := strings.Cut(name, "=")
			if !given {
				plural = pluralOf(kind)
			}
			k[groupKind{group, kind}] = resource{group: group, kind: kind, name: plural, namespaced: !outside}
		}
	}
	return k
}

// pluralOf is how resources are named by convention.
func pluralOf(kind string) string {
	name := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(name, "s"), strings.HasSuffix(name, "x"), strings.HasSuffix(name, "ch"), strings.HasSuffix(name, "sh"):
		return name + "es"
	case strings.HasSuffix(name, "y") && !strings.ContainsAny(name[max(0, len(name)-2):len(name)-1], "aeiou"):
		return name[:len(name)-1] + "ies"
	}
	return name + "s"
}

// learn takes up the kinds that definitions among the objects define.
func (k kinds) learn(objects []manifest.Object) {
	for _, o := range objects {
		if o.Group() != crdGroup || o.Kind != "CustomResourceDefinition" {
			continue
		}
		spec, _ := o.Fields["spec"].(map[string]any)
		names, _ := spec["names"].(map[string]any)
		group, _ := spec["group"].(string)
		kind, _ := names["kind"].(string)
		plural, _ := names["plural"].(string)
		if kind != "" && plural != "" {
			k[groupKind{group, kind}] = resource{group: group, kind: kind, name: plural, namespaced: spec["scope"] != "Cluster"}
		}
	}
}

// resources are those of the objects' kinds, in the objects' order.
func (k kinds) resources(objects []manifest.Object) []resource {
	var all []resource
	for _, o := range objects {
		r, known := k[groupKind{o.Group(), o.Kind}]
		if !known {
			r = resource{group: o.Group(), kind: o.Kind, name: pluralOf(o.Kind), namespaced: true, guessed: true}
		}
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// awaited reports whether a wait looks at objects of the kind: not at those
// that are ready as soon as they exist, and at Services only by their
// EndpointSlices.
func (r resource) awaited() bool {
	_, builtin := builtIn[r.group]
	if !builtin {
		return true
	}
	switch r.group {
	case "apps":
		return r.kind != "ControllerRevision"
	case "batch":
		return r.kind == "Job"
	case "policy", crdGroup:
		return true
	case "":
		return r.kind == "Pod" || r.kind == "PersistentVolumeClaim" || r.kind == "ReplicationController"
	}
	return false
}

// runs reports whether a hook of the kind is waited for.
func (r resource) runs() bool {
	return r.group == "batch" && r.kind == "Job" || r.group == "" && r.kind == "Pod"
}

// hasPods reports whether objects of the kind have pods.
func (r resource) hasPods() bool {
	return r.group == "apps" && r.kind != "ControllerRevision" || r.runs() || r.group == "" && r.kind == "ReplicationController"
}

// serves reports whether objects of the kind have pods that do not end by themselves.
func (r resource) serves() bool { return r.hasPods() && r.group != "batch" }

// hasSides reports whether a rollout has two sides of objects of the kind.
func (r resource) hasSides() bool {
	return r.group == "apps" && (r.kind == "Deployment" || r.kind == "StatefulSet") || r.group == "" && r.kind == "Service"
}
