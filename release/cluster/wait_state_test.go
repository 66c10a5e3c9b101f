package cluster

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// object reads an object from YAML.
func object(t *testing.T, document string) *unstructured.Unstructured {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(strings.ReplaceAll(document, "\t", "  ")))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestStateOfAnObject(t *testing.T) {
	const deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, generation: 2}, "
	const daemonSet = "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: web, generation: 2}, "
	const stateful = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web, generation: 2}, "
	const job = "{apiVersion: batch/v1, kind: Job, metadata: {name: web}, "
	const pod = "{apiVersion: v1, kind: Pod, metadata: {name: web}, "
	const custom = "{apiVersion: example.com/v1, kind: Shop, metadata: {name: web, generation: 2}, "
	const available = "{type: Available, status: 'True'}, {type: Progressing, status: 'True', reason: NewReplicaSetAvailable}"

	tests := []struct {
		name     string
		document string
		want     verdict
	}{
		{"a deployment is ready when all its replicas are available",
			deployment + "spec: {replicas: 2, progressDeadlineSeconds: 600}, status: {observedGeneration: 2, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2, conditions: [" + available + "]}}",
			verdict{state: ready}},
		// #DIFFERS Helm 3 is content with replicas minus maxUnavailable; kstatus and Helm 4 want all.
		{"a deployment of which one replica may be unavailable waits for it",
			deployment + "spec: {replicas: 4, strategy: {rollingUpdate: {maxUnavailable: 1}}}, status: {observedGeneration: 2, replicas: 4, updatedReplicas: 4, readyReplicas: 3, availableReplicas: 3, conditions: [" + available + "]}}",
			verdict{waiting, "", "3 of 4 replicas are ready"}},
		{"a deployment whose controller has not seen the change is not ready",
			deployment + "spec: {replicas: 1}, status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1, conditions: [" + available + "]}}",
			verdict{waiting, "", "its controller has not seen the change yet"}},
		{"a deployment waits for its updated replicas",
			deployment + "spec: {replicas: 3}, status: {observedGeneration: 2, replicas: 4, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3, conditions: [" + available + "]}}",
			verdict{waiting, "", "1 of 3 replicas are updated"}},
		{"a deployment waits for old replicas to go",
			deployment + "spec: {replicas: 1}, status: {observedGeneration: 2, replicas: 2, updatedReplicas: 1, readyReplicas: 2, availableReplicas: 1, conditions: [" + available + "]}}",
			verdict{waiting, "", "1 old replicas are still there"}},
		{"a deployment without replicas is ready",
			deployment + "spec: {replicas: 0}, status: {observedGeneration: 2, conditions: [" + available + "]}}",
			verdict{state: ready}},
		{"a paused deployment is ready",
			deployment + "spec: {replicas: 2, paused: true}, status: {observedGeneration: 2, conditions: [{type: Progressing, status: Unknown, reason: DeploymentPaused}]}}",
			verdict{state: ready}},
		{"a deployment past its deadline is in trouble",
			deployment + "spec: {replicas: 1}, status: {observedGeneration: 2, conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: timed out}]}}",
			verdict{troubled, "ProgressDeadlineExceeded", "timed out"}},
		{"a deployment whose pods are refused is in trouble",
			deployment + "spec: {replicas: 1}, status: {observedGeneration: 2, conditions: [{type: ReplicaFailure, status: 'True', reason: FailedCreate, message: exceeded quota}]}}",
			verdict{troubled, "FailedCreate", "exceeded quota"}},
		{"a refused pod is no trouble while another is on its way",
			deployment + "spec: {replicas: 2}, status: {observedGeneration: 2, replicas: 2, updatedReplicas: 1, readyReplicas: 1, conditions: [{type: ReplicaFailure, status: 'True', reason: FailedCreate, message: exceeded quota}]}}",
			verdict{waiting, "", "1 of 2 replicas are updated"}},
		{"an object that is being deleted is in trouble",
			"{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, deletionTimestamp: '2026-01-01T00:00:00Z'}}",
			verdict{troubled, "Deleted", "it is being deleted"}},

		{"a stateful set is ready when its revision is current",
			stateful + "spec: {replicas: 2}, status: {observedGeneration: 2, replicas: 2, currentReplicas: 2, readyReplicas: 2, updatedReplicas: 2, currentRevision: a, updateRevision: a}}",
			verdict{state: ready}},
		{"a stateful set waits for its updated pods",
			stateful + "spec: {replicas: 2}, status: {observedGeneration: 2, replicas: 2, currentReplicas: 1, readyReplicas: 2, updatedReplicas: 1, currentRevision: a, updateRevision: b}}",
			verdict{waiting, "", "1 of 2 replicas are updated"}},
		{"a stateful set is ready up to its partition",
			stateful + "spec: {replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}}, status: {observedGeneration: 2, replicas: 3, currentReplicas: 2, readyReplicas: 3, updatedReplicas: 1, currentRevision: a, updateRevision: b}}",
			verdict{state: ready}},
		{"a stateful set that is updated by hand is ready",
			stateful + "spec: {replicas: 3, updateStrategy: {type: OnDelete}}, status: {observedGeneration: 2, replicas: 3, readyReplicas: 1}}",
			verdict{state: ready}},

		{"a daemon set waits for its pods",
			daemonSet + "status: {observedGeneration: 2, desiredNumberScheduled: 3, currentNumberScheduled: 3, updatedNumberScheduled: 3, numberReady: 1, numberAvailable: 1}}",
			verdict{waiting, "", "1 of 3 replicas are ready"}},
		{"a daemon set that no node wants is ready",
			daemonSet + "status: {observedGeneration: 2, desiredNumberScheduled: 0}}",
			verdict{state: ready}},
		{"a daemon set that is updated by hand is ready",
			daemonSet + "spec: {updateStrategy: {type: OnDelete}}, status: {observedGeneration: 2, desiredNumberScheduled: 3, currentNumberScheduled: 3, numberReady: 3, numberAvailable: 3}}",
			verdict{state: ready}},
		{"a daemon set that is updated by hand is not ready before it was seen",
			daemonSet + "spec: {updateStrategy: {type: OnDelete}}}",
			verdict{waiting, "", "its controller has not reported it available yet"}},

		{"a replication controller is judged as a replica set",
			"{apiVersion: v1, kind: ReplicationController, metadata: {name: web}, spec: {replicas: 2}, status: {replicas: 2, fullyLabeledReplicas: 2, readyReplicas: 1, availableReplicas: 1}}",
			verdict{waiting, "", "1 of 2 replicas are ready"}},

		{"a job runs", job + "spec: {completions: 3}, status: {startTime: '2026-01-01T00:00:00Z', active: 1, succeeded: 1, failed: 1}}",
			verdict{waiting, "", "1 of 3 completions, 1 pods have failed"}},
		{"a job that is complete is ready", job + "status: {conditions: [{type: Complete, status: 'True'}]}}", verdict{state: ready}},
		{"a job that is suspended waits", job + "spec: {suspend: true}}", verdict{waiting, "", "it is suspended"}},
		{"a job that gave up has failed", job + "status: {conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded, message: too often}]}}",
			verdict{failed, "BackoffLimitExceeded", "too often"}},

		{"a pod is ready", pod + "status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}", verdict{state: ready}},
		{"a pod that succeeded is ready", pod + "status: {phase: Succeeded}}", verdict{state: ready}},
		{"a pod runs and is not ready", pod + "status: {phase: Running, conditions: [{type: Ready, status: 'False'}]}}", verdict{waiting, "", "it runs but is not ready"}},
		{"a pod that is not there yet", pod + "status: {phase: Pending}}", verdict{waiting, "", "it has not started"}},
		{"a pod that failed has failed",
			pod + "status: {phase: Failed, containerStatuses: [{name: main, image: a, imageID: '', ready: false, restartCount: 0, state: {terminated: {exitCode: 3, reason: Error}}}]}}",
			verdict{failed, "Failed", "container main ended with exit code 3 (Error)"}},
		{"a pod that was evicted has failed", pod + "status: {phase: Failed, reason: Evicted, message: low on memory}}",
			verdict{failed, "Evicted", "low on memory"}},
		{"a pod whose image cannot be pulled is in trouble",
			pod + "status: {phase: Pending, containerStatuses: [{name: main, image: a, imageID: '', ready: false, restartCount: 0, state: {waiting: {reason: ImagePullBackOff, message: back-off}}}]}}",
			verdict{troubled, "ImagePullBackOff", "container main: ImagePullBackOff: back-off"}},
		{"a pod that fits no node is in trouble",
			pod + "status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: 0/1 nodes}]}}",
			verdict{troubled, "Unschedulable", "0/1 nodes"}},
		{"a pod behind a scheduling gate only waits",
			pod + "status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: SchedulingGated}]}}",
			verdict{waiting, "", "it has not started"}},

		{"a claim is bound", "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: web}, status: {phase: Bound}}", verdict{state: ready}},
		{"a claim is not bound", "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: web}, status: {phase: Pending}}", verdict{waiting, "", "it is not bound"}},
		{"a definition is established", "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: a.b}, status: {conditions: [{type: Established, status: 'True'}]}}", verdict{state: ready}},
		{"a definition is not established", "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: a.b}}", verdict{waiting, "", "Install in progress"}},
		{"a definition whose names are taken is in trouble",
			"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: a.b}, status: {conditions: [{type: NamesAccepted, status: 'False', reason: ListKindConflict, message: in use}]}}",
			verdict{troubled, "ListKindConflict", "in use"}},

		// #DIFFERS Helm 3 takes every custom resource as ready.
		{"a custom resource that says it is not ready waits", custom + "status: {conditions: [{type: Ready, status: 'False', reason: Working, message: at work}]}}", verdict{waiting, "", "at work"}},
		{"a custom resource that says it is ready is so", custom + "status: {observedGeneration: 2, conditions: [{type: Ready, status: 'True'}]}}", verdict{state: ready}},
		{"a custom resource without a Ready condition is ready", custom + "status: {conditions: [{type: Busy, status: 'True'}]}}", verdict{state: ready}},
		{"a custom resource without a status is ready", custom + "spec: {}}", verdict{state: ready}},
		{"a custom resource that has stalled is in trouble", custom + "status: {conditions: [{type: Stalled, status: 'True', reason: NoSource, message: not found}]}}", verdict{troubled, "NoSource", "not found"}},
		{"a custom resource with conditions in a form of its own is ready", custom + "status: {conditions: 7}}", verdict{ready, "", "not waited for: its status is not in the form that is known"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := assess(object(t, tt.document)); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAHookPodIsDoneWhenItHasRun(t *testing.T) {
	for phase, want := range map[string]state{"Running": waiting, "Succeeded": ready, "Failed": failed} {
		u := object(t, "{apiVersion: v1, kind: Pod, metadata: {name: web}, status: {phase: "+phase+", conditions: [{type: Ready, status: 'True'}]}}")
		if got := assessHook(u).state; got != want {
			t.Errorf("%s: got %v, want %v", phase, got, want)
		}
	}
}

func TestTroubleOfAPod(t *testing.T) {
	const waits = "{name: main, image: a, imageID: '', ready: false, restartCount: 4, state: {waiting: {reason: %}}, lastState: {terminated: {exitCode: 137, reason: OOMKilled}}}"
	status := func(reason string) string { return strings.Replace(waits, "%", reason, 1) }
	tests := []struct {
		name, document string
		want           trouble
	}{
		{"a crash loop tells how the container ended", "{status: {containerStatuses: [" + status("CrashLoopBackOff") + "]}}",
			trouble{crashClass, "CrashLoopBackOff", "container main: CrashLoopBackOff: exit code 137 (OOMKilled)", "main"}},
		{"an init container counts", "{status: {initContainerStatuses: [" + status("CreateContainerConfigError") + "]}}",
			trouble{"start", "CreateContainerConfigError", "container main: CreateContainerConfigError", "main"}},
		{"a pull that fails and one that waits are one trouble", "{status: {containerStatuses: [" + status("ErrImagePull") + "]}}",
			trouble{"image", "ErrImagePull", "container main: ErrImagePull", "main"}},
		{"a container that is being made is none", "{status: {containerStatuses: [" + status("ContainerCreating") + "]}}", trouble{}},
		{"a pod that is being deleted has none", "{metadata: {deletionTimestamp: '2026-01-01T00:00:00Z'}, status: {containerStatuses: [" + status("CrashLoopBackOff") + "]}}", trouble{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := object(t, "{apiVersion: v1, kind: Pod, "+tt.document[1:])
			pod, err := asPod(u)
			if err != nil {
				t.Fatal(err)
			}
			if got := findTrouble(pod); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
