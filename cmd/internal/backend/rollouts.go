package backend

import (
	"context"
	"fmt"
	"os"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/e6d26078/slipway/release/analysis"
	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/cluster/traffic"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/rollout"
)

// Metrics reads metrics; without data they are those of rollouts that are not
// told what to measure.
func (Kubernetes) Metrics(data []byte, file string, read func(name string) ([]byte, error)) ([]rollout.Metric, error) {
	if data == nil {
		return analysis.Default(), nil
	}
	return analysis.ParseMetrics(data, file, read)
}

// Routers are those that are built in.
func (c *client) Routers() []derive.Router { return traffic.All() }

// Sampler measures with everything that the machine and the cluster have.
func (c *client) Sampler(env []string) deploy.Sampler {
	return analysis.New(analysis.Options{
		Now: c.now, ReadFile: os.ReadFile, Run: analysis.RunProgram, Env: env, Jobs: jobs{c.Kubernetes()},
	})
}

// jobs runs Jobs for measurements.
type jobs struct{ client cluster.Typed }

// jobPoll is how often a Job is looked at.
const jobPoll = time.Second

// RunJob runs a Job to its end and deletes it. One that is there already is
// gone on with.
func (j jobs) RunJob(ctx context.Context, fields map[string]any) error {
	job := &batchv1.Job{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, job); err != nil {
		return fmt.Errorf("read the Job: %w", err)
	}
	all := j.client.BatchV1().Jobs(job.Namespace)
	if _, err := all.Create(ctx, job, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create Job %s/%s: %w", job.Namespace, job.Name, err)
	}
	var failure error
	err := wait.PollUntilContextCancel(ctx, jobPoll, true, func(ctx context.Context) (bool, error) {
		live, err := all.Get(ctx, job.Name, metav1.GetOptions{})
		if err != nil {
			return false, fmt.Errorf("read Job %s/%s: %w", job.Namespace, job.Name, err)
		}
		for _, c := range live.Status.Conditions {
			if c.Status != corev1.ConditionTrue {
				continue
			}
			switch c.Type {
			case batchv1.JobComplete:
				return true, nil
			case batchv1.JobFailed:
				failure = fmt.Errorf("Job %s/%s: %w: %s", job.Namespace, job.Name, analysis.ErrFailed, c.Message)
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground
	if err := all.Delete(ctx, job.Name, metav1.DeleteOptions{PropagationPolicy: &background}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete Job %s/%s: %w", job.Namespace, job.Name, err)
	}
	return failure
}
