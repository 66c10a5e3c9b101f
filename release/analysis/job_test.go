package analysis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// jobs records what it is to run, and answers with err.
type jobs struct {
	ran []map[string]any
	err error
}

func (j *jobs) RunJob(_ context.Context, job map[string]any) error {
	j.ran = append(j.ran, job)
	return j.err
}

func TestJob(t *testing.T) {
	runner := &jobs{}
	s := New(Options{Now: time.Now, Jobs: runner})
	m := rollout.Metric{Name: "smoke", Provider: rollout.Provider{Job: &rollout.Job{Manifest: "apiVersion: batch/v1\nkind: Job\nmetadata: {name: smoke, labels: {a: b}}\nspec: {}\n"}}}
	if err := Check(m); err != nil {
		t.Fatal(err)
	}
	subject := deploy.Subject{Namespace: "shop", Operation: "op", Step: 1}
	expect(t, s.Sample(t.Context(), m, subject), rollout.Successful, "", "")
	expect(t, s.Sample(t.Context(), m, subject), rollout.Successful, "", "")
	subject.Step = 2
	runner.err = fmt.Errorf("job smoke %w: BackoffLimitExceeded", ErrFailed)
	expect(t, s.Sample(t.Context(), m, subject), rollout.Bad, "", "job smoke failed: BackoffLimitExceeded")
	runner.err = errors.New("the API server is away")
	expect(t, s.Sample(t.Context(), m, subject), rollout.Erroneous, "", "the API server is away")

	var names []string
	for _, job := range runner.ran {
		names = append(names, field(job, "metadata", "name").(string))
		if field(job, "metadata", "namespace") != "shop" || field(job, "metadata", "labels", "a") != "b" {
			t.Errorf("job %v", job)
		}
	}
	if names[0] != names[1] || names[1] == names[2] || !strings.HasPrefix(names[0], "smoke-") {
		t.Errorf("a Job has one name for a step and another for the next: %q", names)
	}
}

func TestHelmTest(t *testing.T) {
	m := rollout.Metric{Name: "m", Provider: rollout.Provider{HelmTest: &rollout.HelmTest{}}}
	for _, tt := range []struct {
		err     error
		want    rollout.Verdict
		message string
	}{
		{nil, rollout.Successful, ""},
		{fmt.Errorf("test: %w", &deploy.HookFailedError{Ref: manifest.Ref{Kind: "Pod", Name: "test"}, Message: "exit code 1"}), rollout.Bad, "exit code 1"},
		{errors.New("the API server is away"), rollout.Erroneous, "the API server is away"},
	} {
		subject := deploy.Subject{Test: func(context.Context) error { return tt.err }}
		expect(t, sampler().Sample(t.Context(), m, subject), tt.want, "", tt.message)
	}
}
