package deploy

import (
	"context"
	"errors"
	"fmt"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// StatusOfRollout reads what is live of a rollout, or returns
// release.ErrNotFound. It takes no lock.
func StatusOfRollout(ctx context.Context, config RolloutConfig, name string) (*RolloutStatus, error) {
	r := newRolling(config, name, 0)
	if err := release.ValidateName(name); err != nil {
		return nil, err
	}
	var err error
	if r.past, err = r.Store.History(ctx, name); err != nil {
		return nil, fmt.Errorf("read the history of release %s: %w", name, err)
	}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	if r.stored == nil {
		return nil, fmt.Errorf("release %s: %w", name, ErrNoRollout)
	}
	status := &RolloutStatus{
		State: r.state(), Plan: r.plan, Bypassed: bypassed(r.past, r.state()),
		Workloads: []WorkloadStatus{}, Services: []ServiceStatus{}, // printed as lists, also when they are empty
	}
	status.Next = nextCommand(status)
	sides, err := r.sides(ctx)
	if err != nil {
		return nil, err
	}
	for i, w := range r.plan.Workloads {
		status.Workloads = append(status.Workloads, r.workloadStatus(w, &sides[i]))
	}
	for _, service := range r.plan.Services {
		s, err := r.serviceStatus(ctx, service, sides)
		if err != nil {
			return nil, err
		}
		status.Services = append(status.Services, s)
	}
	return status, nil
}

func (r *rolling) workloadStatus(w derive.Workload, pods *podSides) WorkloadStatus {
	hashes := r.state().Hashes[w.Key()]
	status := WorkloadStatus{Workload: w.Key(), Sides: []SideStatus{
		{Side: rollout.Stable, Name: w.Ref.Name, Hash: hashes.Stable, Pods: len(pods.stable), Ready: readyPods(pods.stable)},
		{Side: rollout.CanarySide, Name: w.Clone, Hash: hashes.Canary, Pods: len(pods.canary), Ready: readyPods(pods.canary)},
	}}
	if w.Form == derive.Partitioned {
		status.Sides[1].Name = w.Ref.Name
	}
	if all := status.Sides[0].Ready + status.Sides[1].Ready; all > 0 {
		status.Achieved = 100 * float64(status.Sides[1].Ready) / float64(all)
	}
	return status
}

func readyPods(pods []Live) int {
	n := 0
	for _, pod := range pods {
		if isPodReady(pod) {
			n++
		}
	}
	return n
}

func (r *rolling) serviceStatus(ctx context.Context, service derive.Service, sides []podSides) (ServiceStatus, error) {
	status := ServiceStatus{Service: service.Ref.Name, By: "pods"}
	found, err := r.endpointsOf(ctx, service.Ref)
	if errors.Is(err, release.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return status, err
	}
	canary := map[string]bool{}
	for _, side := range sides {
		for _, pod := range side.canary {
			name, _ := metadata(pod, "name").(string)
			canary[name] = true
		}
	}
	for name := range found {
		if canary[name] {
			status.Canary++
		} else {
			status.Stable++
		}
	}
	if all := status.Stable + status.Canary; all > 0 {
		status.Weight = 100 * float64(status.Canary) / float64(all)
	}
	return r.byWhat(ctx, service, status)
}

// byWhat tells what divides the traffic of a Service.
func (r *rolling) byWhat(ctx context.Context, service derive.Service, status ServiceStatus) (ServiceStatus, error) {
	live, err := r.Cluster.Read(ctx, []manifest.Ref{service.Ref})
	if err != nil {
		return status, err
	}
	spec, _ := live[service.Ref]["spec"].(map[string]any)
	selector, _ := spec["selector"].(map[string]any)
	if selector[hashLabel] == nil {
		return status, nil
	}
	status.By = "pin"
	s := r.state()
	if view := s.View(); view.Routed {
		status.By, status.Weight = r.plan.Router, float64(view.Weight)
	}
	return status, nil
}

// nextCommand is what a person would do next.
func nextCommand(status *RolloutStatus) string {
	s := status.State
	switch {
	case status.Bypassed != "":
		return "recover " + s.Release
	case s.Phase == rollout.Done, s.Phase == rollout.Aborted:
		return ""
	case s.Phase == rollout.Gate:
		return fmt.Sprintf("rollout promote %s --from-step %d", s.Release, s.Step+1)
	case s.Phase == rollout.Returning, s.Phase == rollout.Clearing, s.Phase == rollout.Restoring:
		return "rollout abort " + s.Release
	}
	return "rollout promote " + s.Release
}
