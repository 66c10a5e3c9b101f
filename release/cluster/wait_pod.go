package cluster

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// trouble is a reason why a pod does not start that usually needs help. The
// zero value is none.
type trouble struct {
	class     string // reasons of one class take turns while the same thing is wrong
	reason    string // as the kubelet or the scheduler gives it
	message   string
	container string // "" if it is the pod's
}

// troubleClasses are the reasons of waiting containers that need help.
var troubleClasses = map[string]string{
	"ErrImagePull":               "image",
	"ImagePullBackOff":           "image",
	"ErrImageNeverPull":          "image",
	"ImageInspectError":          "image",
	"RegistryUnavailable":        "image",
	"SignatureValidationFailed":  "image",
	"InvalidImageName":           "image",
	"CreateContainerConfigError": "start",
	"CreateContainerError":       "start",
	"RunContainerError":          crashClass,
	"CrashLoopBackOff":           crashClass,
}

const (
	crashClass    = "crash"
	scheduleClass = "schedule"
)

// asPod converts a pod.
func asPod(u *unstructured.Unstructured) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, pod); err != nil {
		return nil, fmt.Errorf("read pod %s: %w", u.GetName(), err)
	}
	return pod, nil
}

func podReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// findTrouble looks for what keeps a pod from starting. A pod that is being
// deleted has none.
func findTrouble(pod *corev1.Pod) trouble {
	if pod.DeletionTimestamp != nil {
		return trouble{}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return trouble{class: scheduleClass, reason: c.Reason, message: c.Message}
		}
	}
	for _, s := range containerStatuses(pod) {
		if s.State.Waiting == nil {
			continue
		}
		reason := s.State.Waiting.Reason
		if class := troubleClasses[reason]; class != "" {
			return trouble{class, reason, containerMessage(s), s.Name}
		}
	}
	return trouble{}
}

func containerStatuses(pod *corev1.Pod) []corev1.ContainerStatus {
	all := make([]corev1.ContainerStatus, 0, len(pod.Status.InitContainerStatuses)+len(pod.Status.ContainerStatuses))
	all = append(all, pod.Status.InitContainerStatuses...)
	return append(all, pod.Status.ContainerStatuses...)
}

// containerMessage says what is wrong with a container that waits.
func containerMessage(s corev1.ContainerStatus) string {
	waiting := s.State.Waiting
	parts := []string{"container " + s.Name + ": " + waiting.Reason}
	if ended := s.LastTerminationState.Terminated; ended != nil && troubleClasses[waiting.Reason] == crashClass {
		parts = append(parts, terminated(ended))
	}
	if waiting.Message != "" {
		parts = append(parts, waiting.Message)
	}
	return strings.Join(parts, ": ")
}

// terminated says how a container ended: "exit code 1 (Error)".
func terminated(t *corev1.ContainerStateTerminated) string {
	s := fmt.Sprintf("exit code %d", t.ExitCode)
	if t.Signal != 0 {
		s = fmt.Sprintf("signal %d", t.Signal)
	}
	if t.Reason != "" {
		s += " (" + t.Reason + ")"
	}
	return s
}

// failedPod says why a pod is in phase Failed.
func failedPod(pod *corev1.Pod) (reason, message string) {
	if pod.Status.Reason != "" {
		return pod.Status.Reason, pod.Status.Message
	}
	if s := failedContainer(pod); s != nil {
		return "Failed", "container " + s.Name + " ended with " + terminated(s.State.Terminated)
	}
	return "Failed", "the pod failed"
}

func failedContainer(pod *corev1.Pod) *corev1.ContainerStatus {
	for _, s := range containerStatuses(pod) {
		if s.State.Terminated != nil && s.State.Terminated.ExitCode != 0 {
			return &s
		}
	}
	return nil
}

// revisionLabel is what a Deployment's controller tells pods of its
// ReplicaSets apart by.
const revisionLabel = "pod-template-hash"

// revisionAnnotation is the number of a Deployment's revision, on itself and on
// its ReplicaSets.
const revisionAnnotation = "deployment.kubernetes.io/revision"

// podOwner names the workload that a pod belongs to. The ReplicaSet of a
// Deployment is called like it, followed by a hash that its pods have as a
// label; of such a pod deployment is set too.
func podOwner(meta metav1.Object) (kind, name, deployment string) {
	owner := metav1.GetControllerOf(meta)
	if owner == nil {
		return "", "", ""
	}
	if hash := meta.GetLabels()[revisionLabel]; owner.Kind == "ReplicaSet" && hash != "" {
		if before, found := strings.CutSuffix(owner.Name, "-"+hash); found {
			deployment = before
		}
	}
	return owner.Kind, owner.Name, deployment
}
