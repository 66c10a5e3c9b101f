package cluster

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// confirmed asks what a pod's own state does not say before its trouble fails
// the wait: whether it belongs to a former revision of its Deployment, which is
// about to go, and whether a pod without a node will soon have one.
func (w *waiter) confirmed(ctx context.Context, s suspicion) bool {
	if s.uid == "" {
		return true
	}
	if w.isOld(ctx, s) {
		w.tracker.ignore(s)
		return false
	}
	return s.class != scheduleClass || !w.nodeIsComing(ctx, s) && !w.roomIsComing(ctx, s)
}

// isOld says that a pod belongs to a former revision of its Deployment.
func (w *waiter) isOld(ctx context.Context, s suspicion) bool {
	g := w.tracker.find(s.ref)
	if g == nil || g.kind != deploymentKind {
		return false
	}
	sets, err := w.client.kubernetes.AppsV1().ReplicaSets(s.ref.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: revisionLabel + "=" + g.troubles[s.pod].hash,
	})
	if err != nil {
		return false
	}
	for _, set := range sets.Items {
		if owner := metav1.GetControllerOf(&set); owner != nil && string(owner.UID) == g.uid {
			return set.Annotations[revisionAnnotation] != g.revision
		}
	}
	return false
}

// nodeIsComing says that an autoscaler makes room for a pod.
func (w *waiter) nodeIsComing(ctx context.Context, s suspicion) bool {
	events, err := w.client.kubernetes.CoreV1().Events(s.ref.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "involvedObject.uid=" + s.uid, Limit: pageSize,
	})
	if err != nil {
		return false
	}
	return slices.ContainsFunc(events.Items, func(e corev1.Event) bool {
		return e.Reason == "TriggeredScaleUp" || e.Reason == "Nominated" // cluster-autoscaler, Karpenter
	})
}

// roomIsComing says that what a pod needs to be scheduled is under way: a
// volume is being made, or a pod that it is to follow is about to end.
func (w *waiter) roomIsComing(ctx context.Context, s suspicion) bool {
	pods := w.client.kubernetes.CoreV1().Pods(s.ref.Namespace)
	g := w.tracker.find(s.ref)
	options, known := podOptions(g)
	if !known {
		return false
	}
	list, err := pods.List(ctx, options)
	if err != nil {
		return false
	}
	for _, pod := range list.Items {
		if pod.DeletionTimestamp != nil {
			return true
		}
		if string(pod.UID) == s.uid && w.volumeIsComing(ctx, &pod) {
			return true
		}
	}
	return false
}

func (w *waiter) volumeIsComing(ctx context.Context, pod *corev1.Pod) bool {
	claims := w.client.kubernetes.CoreV1().PersistentVolumeClaims(pod.Namespace)
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		claim, err := claims.Get(ctx, volume.PersistentVolumeClaim.ClaimName, metav1.GetOptions{})
		if err == nil && claim.Status.Phase == corev1.ClaimPending {
			return true
		}
	}
	return false
}

// podOptions select the pods of a workload, or a Pod itself.
func podOptions(g *target) (options metav1.ListOptions, known bool) {
	options.Limit = pageSize
	switch {
	case g.kind == podKind:
		options.FieldSelector = nameSelector([]string{g.ref.Name})
	case podOwners[g.kind] && len(g.pods) > 0:
		selector := &metav1.LabelSelector{MatchLabels: matchLabels(g.pods)}
		if g.kind != controllerKind {
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(g.pods, selector); err != nil {
				return options, false
			}
		}
		options.LabelSelector = metav1.FormatLabelSelector(selector)
	default:
		return options, false
	}
	return options, true
}
