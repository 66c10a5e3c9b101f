package deploy

import (
	"context"
	"fmt"

	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
)

// level gives the stable side of workloads that an autoscaler drives as many
// pods as it has given the canary, whose traffic the stable side takes over.
// It returns what had to grow.
func (r *rolling) level(ctx context.Context) (map[manifest.Ref]int, error) {
	seen, err := r.observed(ctx)
	if err != nil {
		return nil, err
	}
	grown := map[manifest.Ref]int{}
	for _, w := range r.plan.Workloads {
		pods := seen.Replicas[w.Clone]
		if w.Scaler == "" || w.Form == derive.Partitioned || pods <= seen.Replicas[w.Ref.Name] {
			continue
		}
		if err := r.config.Objects.Scale(ctx, w.Ref, pods); err != nil {
			return nil, fmt.Errorf("scale %s: %w", w.Ref, err)
		}
		grown[w.Ref] = pods
		r.notify(Notice{Step: StepApply, Ref: w.Ref, Action: "scaled", Message: fmt.Sprintf("to %d pods", pods)})
	}
	return grown, nil
}

// levelFirst is level before traffic goes back: it waits until the pods are ready.
func (r *rolling) levelFirst(ctx context.Context) error {
	grown, err := r.level(ctx)
	if err != nil {
		return err
	}
	for ref, pods := range grown {
		waiting := func() string { return fmt.Sprintf("%s: not all of its %d pods are ready", ref, pods) }
		err := r.until(ctx, waiting, func(ctx context.Context) (bool, error) {
			live, err := r.Cluster.Read(ctx, []manifest.Ref{ref})
			status, _ := live[ref]["status"].(map[string]any)
			return number(status["readyReplicas"]) >= int64(pods), err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
