package deploy

import (
	"context"
	"fmt"
	"slices"
	"time"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// measure takes the measurements that are due, after waiting for the first of
// them. The machine hears of each round, so that none is lost or taken twice.
func (r *rolling) measure(ctx context.Context, runs []rollout.Run) (rollout.Event, error) {
	next := time.Time{}
	due := make([]time.Time, len(runs))
	runs = slices.Clone(runs)
	for i := range runs {
		metric, ok := r.metric(runs[i].Metric)
		if !ok {
			return nil, fmt.Errorf("the rollout has no metric %q", runs[i].Metric)
		}
		runs[i], due[i] = rollout.Judge(metric, runs[i], r.Clock(), r.holdFor())
		if !due[i].IsZero() && (next.IsZero() || due[i].Before(next)) {
			next = due[i]
		}
	}
	if next.IsZero() {
		return rollout.Measured{Runs: runs}, nil
	}
	if err := r.sleep(ctx, next.Sub(r.Clock())); err != nil {
		return nil, err
	}
	subject, err := r.subject(ctx)
	if err != nil {
		return nil, err
	}
	now := r.Clock()
	for i := range runs {
		if due[i].IsZero() || due[i].After(now) {
			continue
		}
		metric, _ := r.metric(runs[i].Metric)
		m := r.config.Sampler.Sample(ctx, metric, subject)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		runs[i].Measurements = append(slices.Clip(runs[i].Measurements), m)
		runs[i], _ = rollout.Judge(metric, runs[i], r.Clock(), r.holdFor())
		r.notify(Notice{Step: StepRollout, Action: "measured", Message: measured(runs[i], m)})
	}
	return rollout.Measured{Runs: runs}, nil
}

func measured(run rollout.Run, m rollout.Measurement) string {
	text := fmt.Sprintf("%s: %s", run.Metric, m.Verdict)
	if m.Value != "" {
		text += " (" + m.Value + ")"
	}
	if m.Message != "" {
		text += ": " + m.Message
	}
	return text
}

func (r *rolling) metric(name string) (rollout.Metric, bool) {
	metrics := r.state().Settings.Metrics
	i := slices.IndexFunc(metrics, func(m rollout.Metric) bool { return m.Name == name })
	if i < 0 {
		return rollout.Metric{}, false
	}
	return metrics[i], true
}

// holdFor is how long the step is held at least: metrics without a count last as long.
func (r *rolling) holdFor() time.Duration {
	s := r.state()
	if s.Step >= len(s.Steps) {
		return 0
	}
	return s.Steps[s.Step].Pause
}

// subject is what is measured now.
func (r *rolling) subject(ctx context.Context) (Subject, error) {
	s := r.state()
	subject := Subject{Release: r.name, Namespace: r.Namespace, Revision: s.Revision, Step: s.Step, Operation: s.ID, Test: r.test}
	if s.Step < len(s.Steps) {
		subject.Weight = s.Steps[s.Step].Weight
	}
	sides, err := r.sides(ctx)
	if err != nil {
		return subject, err
	}
	for _, side := range sides {
		subject.Stable = append(subject.Stable, side.stable...)
		subject.Canary = append(subject.Canary, side.canary...)
	}
	return subject, nil
}

// test runs the test hooks of the revision that is launched, each time anew.
func (r *rolling) test(ctx context.Context) error {
	if r.target == nil || r.target.Operation == nil {
		return nil
	}
	r.target.Operation.Hooks = untested(r.target.Operation.Hooks)
	return r.runHooks(ctx, helm.HookTest, &ChangeOptions{Timeout: r.timeout}, nil)
}

// podSides are the pods of a workload, by side.
type podSides struct {
	workload       string
	ref            manifest.Ref
	stable, canary []Live
}

// sides lists the pods of each workload that changes.
func (r *rolling) sides(ctx context.Context) ([]podSides, error) {
	var all []podSides
	for _, w := range r.plan.Workloads {
		side := podSides{workload: w.Key(), ref: w.Ref}
		live, err := r.Cluster.Read(ctx, []manifest.Ref{w.Ref})
		if err != nil {
			return nil, err
		}
		if live[w.Ref] == nil {
			all = append(all, side)
			continue
		}
		pods, err := r.config.Objects.List(ctx, "v1", "Pod", w.Ref.Namespace, selectorText(live[w.Ref]))
		if err != nil {
			return nil, err
		}
		canary := r.canaryLabel(live[w.Ref], w.Key())
		for _, pod := range pods {
			if canary(pod) {
				side.canary = append(side.canary, pod)
			} else {
				side.stable = append(side.stable, pod)
			}
		}
		all = append(all, side)
	}
	return all, nil
}

// canaryLabel tells whether a pod is one of the canary's.
func (r *rolling) canaryLabel(live Live, workload string) func(Live) bool {
	if live["kind"] == "StatefulSet" {
		status, _ := live["status"].(map[string]any)
		current, _ := status["currentRevision"].(string)
		update, _ := status["updateRevision"].(string)
		return func(pod Live) bool { return update != current && label(pod, "controller-revision-hash") == update }
	}
	hash := r.state().Hashes[workload].Canary
	return func(pod Live) bool { return hash != "" && label(pod, hashLabel) == hash }
}
