package analysis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"

	"go.yaml.in/yaml/v3"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

// JobRunner runs a Job to its end.
type JobRunner interface {
	// RunJob creates the Job in its namespace, or goes on with the one of that
	// name that a killed process left, waits until it is over, and deletes it.
	// An error that wraps ErrFailed says that the Job failed, any other that it could not be run.
	RunJob(ctx context.Context, job map[string]any) error
}

// ErrFailed is wrapped by errors of what ran and failed, as against what could not be run.
var ErrFailed = errors.New("failed")

// job runs the metric's Job under a name of its own: the same one if the
// measurement is taken again by the next process.
func (s *Sampler) job(ctx context.Context, m rollout.Metric, subject deploy.Subject) (reading, error) {
	if s.options.Jobs == nil {
		return reading{}, errors.New("there is nothing here to run Jobs with")
	}
	job, err := parseJob(m.Provider.Job.Manifest)
	if err != nil {
		return reading{}, err
	}
	meta, _ := job["metadata"].(map[string]any)
	meta = maps.Clone(meta)
	if meta == nil {
		meta = map[string]any{}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%s", subject.Operation, subject.Step, m.Name))
	base, _ := meta["name"].(string)
	meta["name"] = base[:min(len(base), 50)] + "-" + hex.EncodeToString(sum[:4])
	meta["namespace"] = subject.Namespace
	job["metadata"] = meta
	err = s.options.Jobs.RunJob(ctx, job)
	return ranOrFailed(ctx, err)
}

// helmTest runs the target's test hooks.
func helmTest(ctx context.Context, subject deploy.Subject) (reading, error) {
	if subject.Test == nil {
		return reading{}, errors.New("there is nothing here to run the chart's tests with")
	}
	return ranOrFailed(ctx, subject.Test(ctx))
}

// ranOrFailed tells a failure from what could not be run.
func ranOrFailed(ctx context.Context, err error) (reading, error) {
	var hook *deploy.HookFailedError
	switch {
	case err == nil:
		return reading{verdict: rollout.Successful}, nil
	case ctx.Err() == nil && (errors.Is(err, ErrFailed) || errors.As(err, &hook)):
		return reading{verdict: rollout.Bad, message: err.Error()}, nil
	}
	return reading{}, err
}

// parseJob reads a manifest of one Job.
func parseJob(manifest string) (map[string]any, error) {
	var job map[string]any
	if err := yaml.Unmarshal([]byte(manifest), &job); err != nil {
		return nil, fmt.Errorf("the Job's manifest cannot be read: %w", err)
	}
	if job["kind"] != "Job" || job["apiVersion"] != "batch/v1" {
		return nil, errors.New("the manifest is not a Job of batch/v1")
	}
	meta, _ := job["metadata"].(map[string]any)
	if name, _ := meta["name"].(string); !plainName(name) {
		return nil, errors.New("the Job's manifest has no metadata.name")
	}
	if meta["namespace"] != nil {
		return nil, errors.New("the Job's manifest has a namespace: leave it out, it runs in that of the release")
	}
	return job, nil
}
