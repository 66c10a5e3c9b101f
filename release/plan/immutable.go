package plan

import (
	"slices"
	"strings"
)

// fixed says which fields of a kind cannot be changed once it exists: paths,
// or all fields of spec but some.
type fixed struct {
	paths    []string
	specBut  []string // fields of spec that can be changed
	wholeSet bool     // specBut counts
}

// fixedFields is keyed by group and kind. Its source are the update rules of
// k8s.io/kubernetes/pkg/apis/*/validation, 1.37.
var fixedFields = map[string]fixed{
	"apps/Deployment":                       {paths: []string{"spec.selector"}},
	"apps/ReplicaSet":                       {paths: []string{"spec.selector"}},
	"apps/DaemonSet":                        {paths: []string{"spec.selector"}},
	"apps/StatefulSet":                      {wholeSet: true, specBut: []string{"replicas", "ordinals", "template", "updateStrategy", "persistentVolumeClaimRetentionPolicy", "minReadySeconds", "revisionHistoryLimit"}},
	"apps/ControllerRevision":               {paths: []string{"data"}},
	"batch/Job":                             {paths: []string{"spec.selector", "spec.template", "spec.completions", "spec.completionMode", "spec.podFailurePolicy", "spec.successPolicy", "spec.backoffLimitPerIndex", "spec.managedBy", "spec.manualSelector"}},
	"/Pod":                                  {wholeSet: true, specBut: []string{"containers", "initContainers", "ephemeralContainers", "activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates", "nodeSelector", "affinity"}},
	"/PersistentVolumeClaim":                {wholeSet: true, specBut: []string{"resources", "volumeAttributesClassName", "volumeName"}},
	"/PersistentVolume":                     {wholeSet: true, specBut: []string{"capacity", "accessModes", "persistentVolumeReclaimPolicy", "storageClassName", "mountOptions", "claimRef", "nodeAffinity", "volumeAttributesClassName"}},
	"/Secret":                               {paths: []string{"type"}},
	"rbac.authorization.k8s.io/RoleBinding": {paths: []string{"roleRef"}},
	"rbac.authorization.k8s.io/ClusterRoleBinding":  {paths: []string{"roleRef"}},
	"storage.k8s.io/StorageClass":                   {paths: []string{"provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"}},
	"storage.k8s.io/VolumeAttributesClass":          {paths: []string{"driverName", "parameters"}},
	"storage.k8s.io/VolumeAttachment":               {wholeSet: true},
	"storage.k8s.io/CSIDriver":                      {paths: []string{"spec.attachRequired", "spec.volumeLifecycleModes"}},
	"networking.k8s.io/IngressClass":                {paths: []string{"spec.controller"}},
	"scheduling.k8s.io/PriorityClass":               {paths: []string{"value", "preemptionPolicy"}},
	"node.k8s.io/RuntimeClass":                      {paths: []string{"handler"}},
	"discovery.k8s.io/EndpointSlice":                {paths: []string{"addressType"}},
	"apiextensions.k8s.io/CustomResourceDefinition": {paths: []string{"spec.group", "spec.scope", "spec.names.plural"}},
	"certificates.k8s.io/CertificateSigningRequest": {wholeSet: true},
	"certificates.k8s.io/ClusterTrustBundle":        {paths: []string{"spec.signerName"}},
	"networking.k8s.io/IPAddress":                   {wholeSet: true},
}

// Immutable returns the fields that applying the wanted object would change
// and that the API server does not let be changed, sorted; none for kinds it
// does not know. It is what can be told from the objects alone: the server's
// dry run is the proof.
func Immutable(live, wanted map[string]any) []string {
	kind, _ := wanted["kind"].(string)
	group := groupOf(wanted)
	rules := fixedFields[group+"/"+kind]
	h := newHolder(wanted)
	var hit []string
	for _, path := range rules.paths {
		steps := strings.Split(path, ".")
		// A selector that lost a label is another one.
		if differs(h, live, wanted, steps) || path == "spec.selector" && at(wanted, steps...) != nil && differs(h, wanted, live, steps) {
			hit = append(hit, path)
		}
	}
	if rules.wholeSet {
		spec, _ := wanted["spec"].(map[string]any)
		for field := range spec {
			if !slices.Contains(rules.specBut, field) && differs(h, live, wanted, []string{"spec", field}) {
				hit = append(hit, "spec."+field)
			}
		}
	}
	if group == "" {
		hit = append(hit, immutableCore(h, kind, live, wanted)...)
	}
	slices.Sort(hit)
	return hit
}

// immutableCore has the rules of the core group that need more than a path.
func immutableCore(h holder, kind string, live, wanted map[string]any) []string {
	var hit []string
	switch kind {
	case "Service":
		for _, path := range []string{"clusterIP", "clusterIPs"} {
			have, want := at(live, "spec", path), at(wanted, "spec", path)
			if have == nil || have == "" || want == nil || want == "" || at(wanted, "spec", "type") == "ExternalName" {
				continue
			}
			if !h.value(have, want, path, "spec") {
				hit = append(hit, "spec."+path)
			}
		}
	case "ConfigMap", "Secret":
		if live["immutable"] != true {
			break
		}
		if want, set := wanted["immutable"]; set && want != true {
			hit = append(hit, "immutable")
		}
		if kind == "Secret" {
			if !holdsSecret(h, live, pick(wanted, "data", "stringData")) {
				hit = append(hit, "data")
			}
			break
		}
		for _, path := range []string{"data", "binaryData"} {
			if differs(h, live, wanted, []string{path}) {
				hit = append(hit, path)
			}
		}
	case "PersistentVolumeClaim":
		have, want := quantity(at(live, "spec", "resources", "requests", "storage")), quantity(at(wanted, "spec", "resources", "requests", "storage"))
		if have != nil && want != nil && want.Cmp(have) < 0 {
			hit = append(hit, "spec.resources.requests.storage")
		}
		if name := at(live, "spec", "volumeName"); name != nil && name != "" && differs(h, live, wanted, []string{"spec", "volumeName"}) {
			hit = append(hit, "spec.volumeName")
		}
	case "Pod":
		for _, path := range []string{"containers", "initContainers"} {
			if !h.value(fixedContainers(at(live, "spec", path)), fixedContainers(at(wanted, "spec", path)), path, "spec") {
				hit = append(hit, "spec."+path)
			}
		}
	}
	return hit
}

// fixedContainers are a pod's containers without what can be changed.
func fixedContainers(list any) any {
	containers, _ := list.([]any)
	result := make([]any, len(containers))
	for i, c := range containers {
		container, _ := c.(map[string]any)
		container = cloneMap(container)
		delete(container, "image")
		delete(container, "resources")
		result[i] = container
	}
	return result
}

// differs reports whether a wanted field is set and the live object does not hold it.
func differs(h holder, live, wanted map[string]any, path []string) bool {
	want := at(wanted, path...)
	if want == nil {
		return false
	}
	name, parent := path[len(path)-1], ""
	if len(path) > 1 {
		parent = path[len(path)-2]
	}
	have, _ := at(live, path[:len(path)-1]...).(map[string]any)
	return !h.field(have, name, want, parent)
}

// at returns the value at a path of mappings, nil if there is none.
func at(object map[string]any, path ...string) any {
	var value any = object
	for _, key := range path {
		m, isMap := value.(map[string]any)
		if !isMap {
			return nil
		}
		value = m[key]
	}
	return value
}

func pick(object map[string]any, keys ...string) map[string]any {
	picked := map[string]any{}
	for _, key := range keys {
		if value, set := object[key]; set {
			picked[key] = value
		}
	}
	return picked
}
