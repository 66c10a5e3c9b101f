package main

import (
	"bytes"
	"encoding/json"
	"strings"
)

// A stage is one step in the life of an object: when an object meets the condition, KWOK waits and then does the rest.
// No two stages of a kind may meet the same object at once; KWOK would choose at random.
type stage struct {
	name      string
	group     string // API group and version, as in apiVersion
	kind      string
	when      string // condition in jq over the object, after the definitions of definitions
	wait      int    // milliseconds
	adjust    bool   // lets delayAnnotation set the wait
	status    string // template of a patch of the status
	apply     string // template of another object
	remove    bool   // removes the object
	eventType string
	reason    string
	message   string
}

// delayAnnotation holds how long a pod takes for its step, as in "10s", where the step takes a while.
const delayAnnotation = "slipway.dev/delay"

// definitions are what the conditions are written in. The stage of a pod is the annotation slipway.dev/stage or else the
// tag of its first container's image, where that is one of the known names; else it follows from the restart policy.
const definitions = `
def chosen: (.metadata.annotations["slipway.dev/stage"] // (.spec.containers[0].image | split("@")[0] | split(":") | last));
def stage:
  (.spec.restartPolicy // "Always") as $restart | chosen as $s |
  if $s == "fail" and $restart == "Always" then "crash-loop"
  elif $s == "complete" and $restart == "Always" then "ready"
  elif $s == "ready" or $s == "slow" or $s == "never-ready" or $s == "crash-loop" or $s == "image-pull" or
    $s == "complete" or $s == "fail" or $s == "slow-deletion" then $s
  elif $restart == "Always" then "ready"
  else "complete" end;
def once: (.spec.restartPolicy // "Always") != "Always";
def deleted: .metadata.deletionTimestamp != null;
def phase: .status.phase // "Pending";
def alive: (deleted | not) and (phase == "Pending" or phase == "Running");
def isready: any(.status.conditions[]?; .type == "Ready" and .status == "True");
def waiting: .status.containerStatuses[0]?.state.waiting.reason // "";
def restarts: .status.containerStatuses[0]?.restartCount // 0;
def lives: stage == "ready" or stage == "slow-deletion" and (once | not);
def ends: stage == "complete" or stage == "slow-deletion" and once;
`

func podStages() []stage {
	pod := func(s stage) stage { s.group, s.kind = "v1", "Pod"; return s }
	const begun = `alive and phase == "Running" and `
	return []stage{
		pod(stage{name: "pod-ready", when: `alive and (isready | not) and lives`, status: running(true)}),
		pod(stage{name: "pod-begin", status: running(true),
			when: `alive and phase == "Pending" and (ends or stage == "fail")`}),
		pod(stage{name: "pod-start", status: running(false),
			when: `alive and phase == "Pending" and (stage == "slow" or stage == "never-ready")`}),
		pod(stage{name: "pod-slow", wait: 3000, adjust: true, status: running(true),
			when: begun + `stage == "slow" and (once | not) and (isready | not)`}),
		pod(stage{name: "pod-unready", status: running(false), when: begun + `stage == "never-ready" and isready`}),
		pod(stage{name: "pod-complete", wait: 200, adjust: true, status: ended(0), when: begun + `ends`}),
		pod(stage{name: "pod-slow-complete", wait: 3000, adjust: true, status: ended(0),
			when: begun + `stage == "slow" and once`}),
		pod(stage{name: "pod-fail", wait: 200, adjust: true, status: ended(1), when: begun + `stage == "fail"`}),
		pod(stage{name: "pod-crash", status: crashed,
			when:      `alive and stage == "crash-loop" and waiting != "CrashLoopBackOff"`,
			eventType: "Warning", reason: "BackOff", message: "Back-off restarting failed container"}),
		pod(stage{name: "pod-crash-again", wait: 2000, status: crashed,
			when:      `alive and stage == "crash-loop" and waiting == "CrashLoopBackOff" and restarts < 5`,
			eventType: "Warning", reason: "BackOff", message: "Back-off restarting failed container"}),
		pod(stage{name: "pod-pull", status: pulling("ErrImagePull"),
			when:      `alive and phase == "Pending" and stage == "image-pull" and waiting == ""`,
			eventType: "Warning", reason: "Failed", message: "Failed to pull image: not found"}),
		pod(stage{name: "pod-pull-again", wait: 300, status: pulling("ImagePullBackOff"),
			when:      `alive and phase == "Pending" and stage == "image-pull" and waiting == "ErrImagePull"`,
			eventType: "Normal", reason: "BackOff", message: "Back-off pulling image"}),
		pod(stage{name: "pod-delete", when: `deleted and stage != "slow-deletion"`, remove: true}),
		pod(stage{name: "pod-slow-deletion", wait: 3000, adjust: true, when: `deleted and stage == "slow-deletion"`, remove: true}),
	}
}

// otherStages answer claims for volumes and Services for load balancers, which a cluster leaves to add-ons.
func otherStages() []stage {
	return []stage{
		{name: "node", group: "v1", kind: "Node", when: `.metadata.name != "` + nodeName + `" and (isready | not)`, status: nodeReady},
		{name: "claim", group: "v1", kind: "PersistentVolumeClaim", apply: volume,
			when: `(deleted | not) and .spec.storageClassName == "` + storageClass + `" and .spec.volumeName == null and
				.metadata.annotations["slipway.dev/stage"] != "never-ready"`},
		{name: "volume", group: "v1", kind: "PersistentVolume", remove: true,
			when: `(deleted | not) and .spec.storageClassName == "` + storageClass + `" and phase == "Released"`},
		{name: "load-balancer", group: "v1", kind: "Service", status: "loadBalancer: {ingress: [{ip: 192.0.2.1}]}",
			when: `(deleted | not) and .spec.type == "LoadBalancer" and .status.loadBalancer.ingress == null and
				.metadata.annotations["slipway.dev/stage"] != "never-ready"`},
	}
}

// stagesYAML is all stages in the form that KWOK reads.
func stagesYAML() []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out) // JSON is YAML
	put := func(object map[string]any) {
		out.WriteString("---\n")
		if err := encoder.Encode(object); err != nil {
			panic(err) // maps of strings
		}
	}
	put(map[string]any{"apiVersion": "config.kwok.x-k8s.io/v1alpha1", "kind": "KwokConfiguration",
		"options": map[string]any{"podPlayStageParallelism": 16, "nodePlayStageParallelism": 1, "podsOnNodeSyncParallelism": 1}})
	for _, s := range append(podStages(), otherStages()...) {
		put(s.object())
	}
	return out.Bytes()
}

func (s stage) object() map[string]any {
	type object = map[string]any
	var steps []object
	switch {
	case s.remove:
		steps = append(steps, object{"delete": true})
	case s.apply != "":
		steps = append(steps, object{"apply": object{"template": s.apply}})
	case s.status != "":
		steps = append(steps, object{"patch": object{"subresource": "status", "template": patch(s.status)}})
	}
	if s.reason != "" {
		steps = append(steps, object{"event": object{"type": s.eventType, "reason": s.reason, "message": s.message}})
	}
	delay := object{"durationMilliseconds": s.wait}
	if s.adjust {
		delay["durationFrom"] = object{"jq": object{"expression": `.metadata.annotations["` + delayAnnotation + `"]`}}
	}
	return object{
		"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": object{"name": s.name},
		"spec": object{
			"resourceRef": object{"apiGroup": s.group, "kind": s.kind},
			"selector": object{"matchExpressions": []object{
				{"jq": object{"key": definitions + s.when, "operator": "In", "values": []string{"true"}}},
			}},
			"delay": delay,
			"steps": steps,
		},
	}
}

// patch is the template of a patch of the status that is refused if the object has changed since KWOK saw it: without the
// version, a pod that is seen twice in one state would take the same step twice.
func patch(status string) string {
	return "metadata: {resourceVersion: {{ .metadata.resourceVersion | Quote }}}\nstatus:\n  " +
		strings.ReplaceAll(status, "\n", "\n  ")
}
