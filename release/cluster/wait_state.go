package cluster

import (
	"fmt"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/e6d26078/slipway/release/manifest"
)

// state is how far the cluster is with an object.
type state int

const (
	waiting  state = iota // it takes its time
	ready                 // nothing more to wait for
	troubled              // it needs help if this lasts
	failed                // it cannot become ready any more
)

// verdict is the state of one object and why it is so.
type verdict struct {
	state
	reason  string // of troubled and failed, such as ProgressDeadlineExceeded
	message string
}

// kindKey is a kind without its version.
type kindKey struct{ group, kind string }

// settledKinds are ready as soon as they exist: kstatus finds every one of
// them Current, and Helm does not look at them.
var settledKinds = map[kindKey]bool{
	{"", "ConfigMap"}: true, {"", "Secret"}: true, {"", "ServiceAccount"}: true, {"", "Namespace"}: true,
	{"", "LimitRange"}: true, {"", "ResourceQuota"}: true, {"", "Endpoints"}: true, {"", "PersistentVolume"}: true,
	{"apps", "ControllerRevision"}: true, {"batch", "CronJob"}: true,
	{"autoscaling", "HorizontalPodAutoscaler"}:   true,
	{"networking.k8s.io", "Ingress"}:             true,
	{"networking.k8s.io", "IngressClass"}:        true,
	{"networking.k8s.io", "NetworkPolicy"}:       true,
	{"rbac.authorization.k8s.io", "Role"}:        true,
	{"rbac.authorization.k8s.io", "RoleBinding"}: true,

	{"rbac.authorization.k8s.io", "ClusterRole"}:                         true,
	{"rbac.authorization.k8s.io", "ClusterRoleBinding"}:                  true,
	{"admissionregistration.k8s.io", "MutatingWebhookConfiguration"}:     true,
	{"admissionregistration.k8s.io", "ValidatingWebhookConfiguration"}:   true,
	{"admissionregistration.k8s.io", "ValidatingAdmissionPolicy"}:        true,
	{"admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"}: true,
	{"apiregistration.k8s.io", "APIService"}:                             true,
	{"scheduling.k8s.io", "PriorityClass"}:                               true,
	{"storage.k8s.io", "StorageClass"}:                                   true,
	{"coordination.k8s.io", "Lease"}:                                     true,
	{"discovery.k8s.io", "EndpointSlice"}:                                true,
}

// podOwners are the kinds whose pods tell why they are not ready.
var podOwners = map[kindKey]bool{
	{"apps", "Deployment"}: true, {"apps", "StatefulSet"}: true, {"apps", "DaemonSet"}: true,
	{"apps", "ReplicaSet"}: true, {"", "ReplicationController"}: true, {"batch", "Job"}: true,
}

// Kinds that have rules of their own.
var (
	deploymentKind = kindKey{"apps", "Deployment"}
	daemonSetKind  = kindKey{"apps", "DaemonSet"}
	jobKind        = kindKey{"batch", "Job"}
	podKind        = kindKey{"", "Pod"}
	serviceKind    = kindKey{"", "Service"}
	claimKind      = kindKey{"", "PersistentVolumeClaim"}
	controllerKind = kindKey{"", "ReplicationController"}
)

func keyOf(r manifest.Ref) kindKey { return kindKey{r.Group(), r.Kind} }

// assess tells the state of an object as the API server has it, by the rules
// of kstatus. What differs from them:
//
//   - A paused Deployment and a DaemonSet that is updated by hand (OnDelete) are
//     ready, as they are for Helm: nobody but the user can bring them further.
//   - A ReplicationController is judged as a ReplicaSet, which kstatus does not do.
//   - A pod that failed has failed.
//   - A Job has to complete.
//   - A status that kstatus cannot make sense of is no reason to wait.
//
// All replicas of a Deployment have to be ready, as Helm 4 wants it; Helm 3 is
// content when as many are as its update strategy leaves available.
func assess(u *unstructured.Unstructured) verdict {
	key := kindKey{u.GroupVersionKind().Group, u.GetKind()}
	switch key {
	case jobKind:
		return assessJob(u)
	case podKind:
		return assessPod(u)
	case controllerKind:
		u = &unstructured.Unstructured{Object: shallow(u.Object)}
		u.SetAPIVersion("apps/v1")
		u.SetKind("ReplicaSet")
	}
	result, err := status.Compute(u)
	if err != nil {
		return verdict{ready, "", "not waited for: its status is not in the form that is known"}
	}
	if byHand(key, u) && result.Status != status.TerminatingStatus && observed(u) {
		return verdict{state: ready}
	}
	switch result.Status {
	case status.CurrentStatus:
		return verdict{state: ready}
	case status.TerminatingStatus:
		return verdict{troubled, "Deleted", "it is being deleted"}
	case status.FailedStatus:
		return failure(u, result)
	}
	if c, found := findCondition(u, "ReplicaFailure", "True"); found && settledReplicas(u) {
		return verdict{troubled, c.reason, c.message}
	}
	return verdict{waiting, "", progress(u, result)}
}

// failure is what kstatus calls failed. It may heal when what the object
// lacked is there, so it counts only if it lasts.
func failure(u *unstructured.Unstructured, result *status.Result) verdict {
	v := verdict{state: troubled, reason: "Failed", message: result.Message}
	if c, found := findCondition(u, "Progressing", "False"); found {
		v.reason, v.message = c.reason, c.message
		return v
	}
	for _, c := range result.Conditions {
		if c.Reason != "" {
			v.reason = c.Reason
		}
		if c.Message != "" {
			v.message = c.Message
		}
	}
	return v
}

// byHand says that a workload only goes on when its user does something.
func byHand(key kindKey, u *unstructured.Unstructured) bool {
	switch key {
	case deploymentKind:
		paused, _, _ := unstructured.NestedBool(u.Object, "spec", "paused")
		return paused
	case daemonSetKind:
		return text(u.Object, "spec", "updateStrategy", "type") == "OnDelete"
	}
	return false
}

// observed says that a controller has seen the object as it is now.
func observed(u *unstructured.Unstructured) bool {
	seen, found, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	return found && seen >= u.GetGeneration()
}

func assessJob(u *unstructured.Unstructured) verdict {
	if u.GetDeletionTimestamp() != nil {
		return verdict{troubled, "Deleted", "it is being deleted"}
	}
	if _, found := findCondition(u, "Complete", "True"); found {
		return verdict{state: ready}
	}
	if c, found := findCondition(u, "Failed", "True"); found {
		return verdict{failed, c.reason, c.message}
	}
	if suspended, _, _ := unstructured.NestedBool(u.Object, "spec", "suspend"); suspended {
		return verdict{waiting, "", "it is suspended"}
	}
	succeeded, unsuccessful := number(u.Object, 0, "status", "succeeded"), number(u.Object, 0, "status", "failed")
	completions := number(u.Object, number(u.Object, 1, "spec", "parallelism"), "spec", "completions")
	message := fmt.Sprintf("%d of %d completions", succeeded, completions)
	if unsuccessful > 0 {
		message += fmt.Sprintf(", %d pods have failed", unsuccessful)
	}
	return verdict{waiting, "", message}
}

func assessPod(u *unstructured.Unstructured) verdict {
	pod, err := asPod(u)
	if err != nil {
		return verdict{waiting, "", fmt.Sprintf("its status cannot be read: %v", err)}
	}
	switch {
	case pod.DeletionTimestamp != nil:
		return verdict{troubled, "Deleted", "it is being deleted"}
	case pod.Status.Phase == corev1.PodSucceeded, pod.Status.Phase == corev1.PodRunning && podReady(pod):
		return verdict{state: ready}
	case pod.Status.Phase == corev1.PodFailed:
		reason, message := failedPod(pod)
		return verdict{failed, reason, message}
	}
	if trouble := findTrouble(pod); trouble.reason != "" {
		return verdict{troubled, trouble.reason, trouble.message}
	}
	if pod.Status.Phase == corev1.PodRunning {
		return verdict{waiting, "", "it runs but is not ready"}
	}
	return verdict{waiting, "", "it has not started"}
}

// assessHook tells whether a Job or Pod has run to its end. Other objects have
// nothing to run.
func assessHook(u *unstructured.Unstructured) verdict {
	v := assess(u)
	if u.GetKind() == "Pod" && v.state == ready && text(u.Object, "status", "phase") != string(corev1.PodSucceeded) {
		return verdict{waiting, "", "it runs"}
	}
	return v
}

// progress says in words how far an object is.
func progress(u *unstructured.Unstructured, result *status.Result) string {
	if seen, found, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration"); found && seen < u.GetGeneration() {
		return "its controller has not seen the change yet"
	}
	switch u.GetKind() {
	case "Deployment", "StatefulSet", "ReplicaSet", "DaemonSet":
		return replicaProgress(u)
	case "PersistentVolumeClaim":
		return "it is not bound"
	}
	return result.Message
}

func replicaProgress(u *unstructured.Unstructured) string {
	n := countReplicas(u)
	switch {
	case n.updated < n.desired && u.GetKind() != "ReplicaSet":
		return fmt.Sprintf("%d of %d replicas are updated", n.updated, n.desired)
	case n.ready < n.desired:
		return fmt.Sprintf("%d of %d replicas are ready", n.ready, n.desired)
	case n.existing > n.desired:
		return fmt.Sprintf("%d old replicas are still there", n.existing-n.desired)
	}
	return "its controller has not reported it available yet"
}

// replicas are the numbers in the status of a workload.
type replicas struct{ desired, existing, updated, ready int64 }

func countReplicas(u *unstructured.Unstructured) replicas {
	if u.GetKind() == "DaemonSet" {
		return replicas{
			desired:  number(u.Object, 0, "status", "desiredNumberScheduled"),
			existing: number(u.Object, 0, "status", "currentNumberScheduled"),
			updated:  number(u.Object, 0, "status", "updatedNumberScheduled"),
			ready:    number(u.Object, 0, "status", "numberReady"),
		}
	}
	if u.GetKind() == "Job" {
		active := number(u.Object, 0, "status", "active")
		done := number(u.Object, 0, "status", "succeeded") + number(u.Object, 0, "status", "failed")
		return replicas{desired: number(u.Object, 1, "spec", "parallelism"), existing: active + done, ready: done}
	}
	return replicas{
		desired:  number(u.Object, 1, "spec", "replicas"),
		existing: number(u.Object, 0, "status", "replicas"),
		updated:  number(u.Object, 0, "status", "updatedReplicas"),
		ready:    number(u.Object, 0, "status", "readyReplicas"),
	}
}

// settledReplicas says that every pod of a workload is ready and none is on
// its way. Only then is a refusal to create another one what holds it up: with
// a tight quota the next pod may be let in when one in flight has replaced an old one.
func settledReplicas(u *unstructured.Unstructured) bool {
	n := countReplicas(u)
	return n.existing == n.ready
}

// servingReplicas is how many pods of a workload or pod are meant to answer
// for a Service, and how many of them are ready.
func servingReplicas(u *unstructured.Unstructured) (desired, isReady int64) {
	switch u.GetKind() {
	case "Pod":
		pod, err := asPod(u)
		if err != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			return 0, 0
		}
		if podReady(pod) {
			return 1, 1
		}
		return 1, 0
	case "Deployment":
		if paused, _, _ := unstructured.NestedBool(u.Object, "spec", "paused"); paused {
			return 0, 0
		}
	case "DaemonSet":
		if !observed(u) {
			return 1, 0
		}
	}
	n := countReplicas(u)
	return n.desired, n.ready
}

// condition is an entry of status.conditions.
type condition struct{ reason, message string }

func findCondition(u *unstructured.Unstructured, kind, value string) (condition, bool) {
	list, _, _ := unstructured.NestedFieldNoCopy(u.Object, "status", "conditions")
	items, _ := list.([]any)
	for _, item := range items {
		c, _ := item.(map[string]any)
		if text(c, "type") == kind && text(c, "status") == value {
			return condition{text(c, "reason"), text(c, "message")}, true
		}
	}
	return condition{}, false
}

// text is a string field of an object, "" if there is none.
func text(fields map[string]any, path ...string) string {
	s, _, _ := unstructured.NestedString(fields, path...)
	return s
}

// number is an integer field of an object, or fallback if there is none.
func number(fields map[string]any, fallback int64, path ...string) int64 {
	value, found, err := unstructured.NestedFieldNoCopy(fields, path...)
	if !found || err != nil {
		return fallback
	}
	switch n := value.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return fallback
}

func shallow(m map[string]any) map[string]any {
	c := make(map[string]any, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}
