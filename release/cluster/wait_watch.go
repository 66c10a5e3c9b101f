package cluster

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/e6d26078/slipway/release/deploy"
)

// lookEvery is how often events and logs are read while somebody watches.
const lookEvery = 2 * time.Second

// atAGlance is what is read of an object while somebody watches.
var atAGlance = depth{pods: 1, events: 2, lines: 3}

// findings are the last events and log lines of an object.
type findings struct {
	target *target
	lines  []string
}

// show tells who watches what has changed about the objects that are not ready.
func (w *waiter) show(ctx context.Context) {
	if w.options.Watch == nil {
		return
	}
	for _, g := range w.tracker.targets {
		w.look(ctx, g)
		if !g.pending() {
			continue
		}
		if s := w.sight(g); g.shown == nil || !reflect.DeepEqual(*g.shown, s) {
			g.shown = &s
			w.options.Watch(s)
		}
	}
}

// sight is what there is to see of a target: its pods, those that are not ready
// first, and what the last look at it has found.
func (w *waiter) sight(g *target) deploy.Sight {
	s := deploy.Sight{Ref: g.ref, Pods: slices.Collect(maps.Values(g.states)), Detail: g.findings}
	slices.SortFunc(s.Pods, func(a, b deploy.PodState) int {
		switch {
		case a.Ready == b.Ready:
			return strings.Compare(a.Name, b.Name)
		case b.Ready:
			return -1
		}
		return 1
	})
	for i := range s.Pods {
		s.Pods[i].State = w.detail.mask(s.Pods[i].State)
	}
	return s
}

// look reads the events and logs of a target again and again as long as it is in trouble.
func (w *waiter) look(ctx context.Context, g *target) {
	inTrouble := g.state().state == troubled
	switch {
	case inTrouble && g.stopLook == nil:
		ctx, cancel := context.WithCancel(ctx)
		g.stopLook = cancel
		seen := *g // the fields of g are this goroutine's
		w.streams.Go(func() { w.keepLooking(ctx, &seen, g) })
	case !inTrouble && g.stopLook != nil:
		g.stopLook()
		g.stopLook, g.findings = nil, nil
	}
}

func (w *waiter) keepLooking(ctx context.Context, seen, g *target) {
	for {
		lines := w.detail.of(ctx, seen, atAGlance)
		select {
		case w.looks <- findings{g, lines}:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return
		}
	}
}

// podState says in a few words what a pod does.
func podState(pod *corev1.Pod, t trouble) deploy.PodState {
	state := deploy.PodState{Name: pod.Name, State: "it has not started"}
	switch {
	case pod.DeletionTimestamp != nil:
		state.State = "it is being deleted"
	case pod.Status.Phase == corev1.PodSucceeded:
		state.Ready, state.State = true, "completed"
	case pod.Status.Phase == corev1.PodFailed:
		_, state.State = failedPod(pod)
	case t.class != "":
		state.State = t.message
	case podReady(pod):
		state.Ready, state.State = true, "ready"
	case pod.Status.Phase == corev1.PodRunning:
		state.State = "it runs but is not ready"
	}
	return state
}
