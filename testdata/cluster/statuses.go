package main

import "strconv"

// The texts below are Go templates over an object that yield YAML.

// placed is what every pod's status says of where it runs. A pod keeps the address it was given.
const placed = `
hostIP: 127.0.0.1
hostIPs: [{ip: 127.0.0.1}]
{{ if not .status.podIP }}
{{ with PodIPsWith .spec.nodeName (or .spec.hostNetwork false) (or .metadata.uid "") (or .metadata.name "") (or .metadata.namespace "") }}
podIP: {{ index . 0 | Quote }}
podIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
{{ end }}
startTime: {{ or .status.startTime Now | Quote }}
`

func conditions(initialized, ready bool, reason string) string {
	condition := func(kind string, value bool, reason string) string {
		text := "True"
		if !value {
			text = "False"
		}
		return "- {type: " + kind + `, status: "` + text + `", reason: "` + reason + `", lastTransitionTime: {{ Now | Quote }}}` + "\n"
	}
	return "conditions:\n" + condition("Initialized", initialized, "") +
		condition("Ready", ready, reason) + condition("ContainersReady", ready, reason)
}

// initialized is the status of init containers that have run, sidecars still running.
const initialized = `
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ .image | Quote }}
  ready: true
  restartCount: 0
  {{ if eq (default "" .restartPolicy) "Always" }}
  started: true
  state: {running: {startedAt: {{ Now | Quote }}}}
  {{ else }}
  started: false
  state: {terminated: {exitCode: 0, reason: Completed, startedAt: {{ Now | Quote }}, finishedAt: {{ Now | Quote }}}}
  {{ end }}
{{ end }}
`

// running is the status of a pod whose containers run.
func running(ready bool) string {
	reason := ""
	if !ready {
		reason = "ContainersNotReady"
	}
	return placed + initialized + conditions(true, ready, reason) + `
phase: Running
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ .image | Quote }}
  ready: ` + strconv.FormatBool(ready) + `
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ Now | Quote }}}, waiting: null}
{{ end }}
`
}

// ended is the status of a pod whose containers have exited for good.
func ended(exitCode int) string {
	phase, reason, condition := "Succeeded", "Completed", "PodCompleted"
	if exitCode != 0 {
		phase, reason, condition = "Failed", "Error", "PodFailed"
	}
	return conditions(true, false, condition) + `
phase: ` + phase + `
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ .image | Quote }}
  ready: false
  started: false
  restartCount: 0
  state:
    running: null
    terminated: {exitCode: ` + strconv.Itoa(exitCode) + `, reason: ` + reason +
		`, startedAt: {{ $.status.startTime | Quote }}, finishedAt: {{ Now | Quote }}}
{{ end }}
`
}

// crashed is the status of a pod whose containers have crashed once more and wait for their restart.
var crashed = placed + initialized + conditions(true, false, "ContainersNotReady") + `
phase: Running
{{ $statuses := or .status.containerStatuses list }}
containerStatuses:
{{ range $i, $container := .spec.containers }}
{{ $restarts := 1 }}
{{ if gt (len $statuses) $i }}{{ $restarts = add 1 (index $statuses $i).restartCount }}{{ end }}
- name: {{ $container.name | Quote }}
  image: {{ $container.image | Quote }}
  imageID: {{ $container.image | Quote }}
  ready: false
  started: false
  restartCount: {{ $restarts }}
  state: {running: null, waiting: {reason: CrashLoopBackOff, message: "back-off 10s restarting failed container"}}
  lastState:
    terminated: {exitCode: 1, reason: Error, startedAt: {{ Now | Quote }}, finishedAt: {{ Now | Quote }}}
{{ end }}
`

// pulling is the status of a pod whose images cannot be pulled.
func pulling(reason string) string {
	return placed + initialized + conditions(true, false, "ContainersNotReady") + `
phase: Pending
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: false
  started: false
  restartCount: 0
  state: {waiting: {reason: ` + reason + `, message: {{ printf "image %s: not found" .image | Quote }}}}
{{ end }}
`
}

const nodeReady = `
conditions:
{{ range NodeConditions }}
- {type: {{ .type }}, status: {{ .status | Quote }}, reason: {{ .reason | Quote }}, lastTransitionTime: {{ Now | Quote }}}
{{ end }}
`

// volume is a volume bound in advance to the claim it is made for.
const volume = `
apiVersion: v1
kind: PersistentVolume
metadata:
  name: pvc-{{ .metadata.uid }}
spec:
  accessModes: {{ toJson .spec.accessModes }}
  capacity: {{ toJson .spec.resources.requests }}
  persistentVolumeReclaimPolicy: Retain
  storageClassName: {{ .spec.storageClassName | Quote }}
  volumeMode: {{ default "Filesystem" .spec.volumeMode | Quote }}
  claimRef:
    apiVersion: v1
    kind: PersistentVolumeClaim
    name: {{ .metadata.name | Quote }}
    namespace: {{ .metadata.namespace | Quote }}
    uid: {{ .metadata.uid | Quote }}
  hostPath: {path: {{ printf "/volumes/%s" .metadata.uid | Quote }}}
`
