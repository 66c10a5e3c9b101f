package backend

import (
	"slices"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/e6d26078/slipway/release/deploy"
)

// Readiness is what kstatus says of an object, but that a Job which runs is in
// progress and not ready.
func (*client) Readiness(live deploy.Live) (state, message string) {
	if live == nil {
		return "missing", ""
	}
	result, err := status.Compute(&unstructured.Unstructured{Object: live})
	if err != nil {
		return "unknown", err.Error()
	}
	switch result.Status {
	case status.CurrentStatus:
		if live["kind"] == "Job" && !isComplete(live) {
			return "in progress", result.Message
		}
		return "ready", ""
	case status.FailedStatus:
		return "failed", result.Message
	case status.TerminatingStatus:
		return "terminating", result.Message
	}
	return "in progress", result.Message
}

// isComplete reports whether a Job says that it is.
func isComplete(job deploy.Live) bool {
	conditions, _, _ := unstructured.NestedSlice(job, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		condition, _ := c.(map[string]any)
		return condition["type"] == "Complete" && condition["status"] == "True"
	})
}
