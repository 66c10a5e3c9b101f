package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release/internal/mask"
)

// detailObjects is how many objects are looked into when a wait has failed.
const detailObjects = 10

// depth is how much is told about an object that is not ready.
type depth struct {
	pods   int   // those that tell most
	events int   // of the object and of each pod
	lines  int64 // of each log
}

var inFull = depth{pods: 2, events: 5, lines: 20}

// detailer reads what tells why objects are not ready, without the values of Secrets.
type detailer struct {
	client *Client

	mu      sync.Mutex
	read    map[string]error // Secrets that have been asked for, as namespace/name
	secrets mask.Secrets     // what must not be shown
}

// ofTargets are the events and logs of each target.
func (d *detailer) ofTargets(ctx context.Context, targets []*target) [][]string {
	details := make([][]string, len(targets))
	var work sync.WaitGroup
	for i, g := range targets[:min(len(targets), detailObjects)] {
		work.Go(func() { details[i] = d.of(ctx, g, inFull) })
	}
	work.Wait()
	return details
}

func (d *detailer) of(ctx context.Context, g *target, much depth) []string {
	var lines []string
	if g.uid != "" {
		lines = d.events(ctx, g.ref.Namespace, g.uid, g.ref.Kind+" "+g.ref.Name, much.events)
	}
	for _, pod := range d.pods(ctx, g, much.pods) {
		if string(pod.UID) != g.uid {
			lines = append(lines, d.events(ctx, pod.Namespace, string(pod.UID), "Pod "+pod.Name, much.events)...)
		}
		lines = append(lines, d.logs(ctx, &pod, much.lines)...)
	}
	for i := range lines {
		lines[i] = d.mask(lines[i])
	}
	return lines
}

// pods are those pods of a target that tell most.
func (d *detailer) pods(ctx context.Context, g *target, most int) []corev1.Pod {
	options, known := podOptions(g)
	if !known {
		return nil
	}
	list, err := d.client.kubernetes.CoreV1().Pods(g.ref.Namespace).List(ctx, options)
	if err != nil {
		return nil
	}
	pods := slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return badness(&p) == 0 })
	slices.SortStableFunc(pods, func(a, b corev1.Pod) int {
		return cmp.Or(-cmp.Compare(badness(&a), badness(&b)), b.CreationTimestamp.Compare(a.CreationTimestamp.Time))
	})
	return pods[:min(len(pods), most)]
}

// badness is how much a pod tells of what is wrong, 0 if nothing is.
func badness(pod *corev1.Pod) int {
	switch {
	case pod.Status.Phase == corev1.PodFailed:
		return 3
	case findTrouble(pod).class != "":
		return 3
	case pod.Status.Phase == corev1.PodSucceeded || podReady(pod):
		return 0
	case pod.DeletionTimestamp != nil:
		return 1
	}
	return 2
}

// events are the last events of an object, oldest first.
func (d *detailer) events(ctx context.Context, namespace, uid, about string, most int) []string {
	list, err := d.client.kubernetes.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "involvedObject.uid=" + uid, Limit: pageSize,
	})
	if err != nil {
		return nil
	}
	events := list.Items
	slices.SortStableFunc(events, func(a, b corev1.Event) int { return eventTime(a).Compare(eventTime(b).Time) })
	events = events[max(0, len(events)-most):]
	lines := make([]string, len(events))
	for i, e := range events {
		lines[i] = fmt.Sprintf("event of %s: %s %s: %s", about, e.Type, e.Reason, printable(strings.ReplaceAll(d.mask(e.Message), "\n", " ")))
		if e.Count > 1 {
			lines[i] += fmt.Sprintf(" (%d times)", e.Count)
		}
	}
	return lines
}

// eventTime is when an event was last seen; there are several ways to say it.
func eventTime(e corev1.Event) metav1.Time {
	switch {
	case e.Series != nil:
		return metav1.Time{Time: e.Series.LastObservedTime.Time}
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp
	case !e.EventTime.IsZero():
		return metav1.Time{Time: e.EventTime.Time}
	}
	return e.CreationTimestamp
}

// logs are the last lines of the container that keeps a pod from being ready,
// and of its run before if it was restarted.
func (d *detailer) logs(ctx context.Context, pod *corev1.Pod, lines int64) []string {
	s := worstContainer(pod)
	if s == nil || !hasRun(*s) {
		return nil
	}
	requests := []logRequest{{container: s.Name, lines: lines}}
	if s.LastTerminationState.Terminated != nil {
		requests = append([]logRequest{{container: s.Name, previous: true, lines: lines}}, requests...)
	}
	var all []string
	for _, r := range requests {
		ctx, cancel := context.WithTimeout(ctx, logTime)
		lines, err := d.log(ctx, pod, r)
		cancel()
		title := "log of container " + r.container + " in Pod " + pod.Name
		if r.previous {
			title += " before its restart"
		}
		if err != nil {
			all = append(all, title+" cannot be read: "+printable(err.Error()))
			continue
		}
		for _, line := range lines {
			all = append(all, title+": "+line)
		}
	}
	return all
}

// worstContainer is the container that keeps a pod from being ready, nil if
// there is none.
func worstContainer(pod *corev1.Pod) *corev1.ContainerStatus {
	name := findTrouble(pod).container
	statuses := containerStatuses(pod)
	for i, s := range statuses {
		if name != "" && s.Name == name {
			return &statuses[i]
		}
	}
	if s := failedContainer(pod); s != nil {
		return s
	}
	for i, s := range statuses {
		if completed := s.State.Terminated != nil && s.State.Terminated.ExitCode == 0; !s.Ready && !completed {
			return &statuses[i]
		}
	}
	return nil
}
