package cli

import (
	"fmt"
	"slices"
	"testing"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy/permission"
)

// rolloutChart is one that can be launched in steps, with a configuration that changes.
var rolloutChart = map[string]string{
	"Chart.yaml":  "apiVersion: v2\nname: web\nversion: 1.0.0\n",
	"values.yaml": "v: 1\nadded: false\n",
	"templates/objects.yaml": `
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-v{{ .Values.v }}}
data: {v: "{{ .Values.v }}"}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {selector: {app: {{ .Release.Name }}}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: 2
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
      annotations: {slipway.dev/stage: ready, v: "{{ .Values.v }}"}
    spec: {containers: [{name: main, image: "example.com/app:1", envFrom: [{configMapRef: {name: {{ .Release.Name }}-v{{ .Values.v }}}}]}]}
`,
	"templates/hooks.yaml": `
apiVersion: batch/v1
kind: Job
metadata: {name: {{ .Release.Name }}-before, annotations: {helm.sh/hook: pre-upgrade}}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {slipway.dev/stage: complete}}
    spec: {restartPolicy: Never, containers: [{name: main, image: "example.com/app:1"}]}
`,
}

func rolloutScenarios() []scenario {
	const (
		install = "install one CHART --wait"
		start   = "rollout start one CHART --set v=2 --steps 50 --hooks at-start --settle 0s"
	)
	waiting := append(runs(install), step{exitPaused, start})
	return []scenario{
		{name: "rollout start", command: permission.RolloutStart, setup: runs(install), steps: []step{{exitPaused, start}}},
		{name: "rollout promote", command: permission.RolloutPromote, setup: waiting, steps: runs("rollout promote one")},
		{name: "rollout abort", command: permission.RolloutAbort, setup: waiting, steps: runs("rollout abort one")},
		{name: "rollout status", command: permission.RolloutStatus, setup: waiting, steps: runs("rollout status one", "rollout list")},
		{name: "rollout guard", command: permission.Guard, setup: waiting, steps: runs("rollout guard")},
	}
}

// TestEachCommandOfRolloutsRunsUnderItsRole runs every command as a user who
// has exactly the rights that "rbac" prints as needed, and the one that only
// reads also without each of them.
func TestEachCommandOfRolloutsRunsUnderItsRole(t *testing.T) {
	c := clustertest.Shared(t)
	chart := writeChart(t, rolloutChart)
	for _, s := range rolloutScenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			rules := neededRules(t, s, chart)
			if err := newRights(t, c, "deployer", chart).try(s, rules); err != nil {
				t.Fatalf("with every right: %v", err)
			}
			if s.command != permission.RolloutStatus {
				return // which of the others' rights make a difference depends on where the rollout is
			}
			for i, rule := range rules {
				for _, verb := range rule.Verbs {
					t.Run(fmt.Sprintf("without %s %s.%s", verb, rule.Resource, rule.Group), func(t *testing.T) {
						t.Parallel()
						less := slices.Clone(rules)
						less[i].Verbs = slices.DeleteFunc(slices.Clone(rule.Verbs), func(v string) bool { return v == verb })
						if err := newRights(t, c, "deployer", chart).try(s, less); err == nil {
							t.Error("it makes no difference")
						}
					})
				}
			}
		})
	}
}
