package deploy

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

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

// takeBackPods has pods of StatefulSets made anew that are still of the target
// although their partition does not give them to the canary any more: the
// controller makes none older by itself. One at a time, the last first.
func (r *rolling) takeBackPods(ctx context.Context) error {
	for _, w := range r.plan.Workloads {
		if w.Form != derive.Partitioned {
			continue
		}
		live, err := r.Cluster.Read(ctx, []manifest.Ref{w.Ref})
		if err != nil || live[w.Ref] == nil {
			return err
		}
		pods, err := r.config.Objects.List(ctx, "v1", "Pod", w.Ref.Namespace, selectorText(live[w.Ref]))
		if err != nil {
			return err
		}
		isCanary := r.canaryLabel(live[w.Ref], w.Key())
		slices.SortFunc(pods, func(a, b Live) int { return ordinal(b) - ordinal(a) })
		for _, pod := range pods {
			if !isCanary(pod) || ordinal(pod) >= partition(live[w.Ref]) || !ownedBy(pod, uid(live[w.Ref])) {
				continue
			}
			if err := r.remake(ctx, w.Ref.Namespace, pod); err != nil {
				return err
			}
		}
	}
	return nil
}

// remake deletes a pod and waits until another one of its name is ready.
func (r *rolling) remake(ctx context.Context, namespace string, pod Live) error {
	name, _ := metadata(pod, "name").(string)
	ref := manifest.Ref{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: name}
	if err := r.Cluster.Delete(ctx, ref, DeleteOptions{UID: uid(pod)}); err != nil {
		return fmt.Errorf("delete %s: %w", ref, err)
	}
	return r.until(ctx, func() string { return ref.String() + " is not ready again" }, func(ctx context.Context) (bool, error) {
		live, err := r.Cluster.Read(ctx, []manifest.Ref{ref})
		return live[ref] != nil && uid(live[ref]) != uid(pod) && isPodReady(live[ref]), err
	})
}

// ordinal is the number at the end of a StatefulSet's pod's name, -1 without one.
func ordinal(pod Live) int {
	name, _ := metadata(pod, "name").(string)
	n, err := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
	if err != nil {
		return -1
	}
	return n
}

// partition is the first ordinal whose pod is of the target.
func partition(set Live) int {
	spec, _ := set["spec"].(map[string]any)
	strategy, _ := spec["updateStrategy"].(map[string]any)
	rolling, _ := strategy["rollingUpdate"].(map[string]any)
	return int(number(rolling["partition"]))
}
