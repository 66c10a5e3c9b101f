package analysis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

// Default is the analysis of rollouts that are not told what to measure: the
// health of the canary's pods every 10 seconds.
func Default() []rollout.Metric {
	return []rollout.Metric{{
		Name: "pod-health", Interval: 10 * time.Second,
		Provider: rollout.Provider{PodHealth: &rollout.PodHealth{}},
	}}
}

// podHealth looks at the canary's pods. Those that are being deleted do not count.
func podHealth(p *rollout.PodHealth, subject deploy.Subject) reading {
	var pods, ready, restarts, killed int
	var waiting []string
	for _, pod := range subject.Canary {
		if field(pod, "metadata", "deletionTimestamp") != nil {
			continue
		}
		pods++
		if isReady(pod) {
			ready++
		}
		for _, c := range containers(pod) {
			restarts += number(c["restartCount"])
			if field(c, "state", "terminated", "reason") == "OOMKilled" || field(c, "lastState", "terminated", "reason") == "OOMKilled" {
				killed++
			}
			if reason, _ := field(c, "state", "waiting", "reason").(string); reason != "" {
				waiting = append(waiting, reason)
			}
		}
	}
	slices.Sort(waiting)
	waiting = slices.Compact(waiting)
	reasons := make([]any, len(waiting))
	for i, w := range waiting {
		reasons[i] = w
	}
	got := reading{result: map[string]any{
		"ready": ready, "pods": pods, "restarts": restarts, "oomKilled": killed, "waiting": reasons,
	}}
	if pods == 0 {
		got.none = "no data: the canary has no pods"
		return got
	}
	got.verdict, got.message = health(p, pods, ready, restarts, killed, waiting)
	return got
}

// health is the verdict on pods that no condition is given for.
func health(p *rollout.PodHealth, pods, ready, restarts, killed int, waiting []string) (rollout.Verdict, string) {
	stuck := slices.DeleteFunc(slices.Clone(waiting), func(reason string) bool { return !isTrouble(reason) })
	switch {
	case killed > 0:
		return rollout.Bad, "containers were OOMKilled: give them more memory, or find out what takes it"
	case len(stuck) > 0:
		return rollout.Bad, "containers wait: " + strings.Join(stuck, ", ")
	case restarts > p.MaxRestarts:
		return rollout.Bad, fmt.Sprintf("containers were restarted %d times, %d are allowed", restarts, p.MaxRestarts)
	case ready == 0:
		return rollout.Undecided, fmt.Sprintf("none of %d pods is ready", pods)
	}
	return rollout.Successful, ""
}

// isTrouble reports whether a container that waits for a reason will not start by itself soon.
func isTrouble(reason string) bool {
	switch reason {
	case "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError",
		"RegistryUnavailable", "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PostStartHookError":
		return true
	}
	return false
}

func isReady(pod deploy.Live) bool {
	conditions, _ := field(pod, "status", "conditions").([]any)
	for _, c := range conditions {
		if condition, _ := c.(map[string]any); condition["type"] == "Ready" {
			return condition["status"] == "True"
		}
	}
	return false
}

// containers are the states of all containers of a pod.
func containers(pod deploy.Live) []map[string]any {
	var all []map[string]any
	for _, name := range []string{"initContainerStatuses", "containerStatuses"} {
		list, _ := field(pod, "status", name).([]any)
		for _, c := range list {
			if status, ok := c.(map[string]any); ok {
				all = append(all, status)
			}
		}
	}
	return all
}

// field reads a nested field, nil if it is not there.
func field(object map[string]any, path ...string) any {
	var v any = object
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// number reads a whole number as JSON decoders give it.
func number(v any) int {
	switch v := v.(type) {
	case int64:
		return int(v)
	case float64:
		return int(v)
	case int:
		return v
	}
	return 0
}
