package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
)

// rolledChart is what the scripts of rollouts launch: one Deployment behind a
// Service, by default of four pods, with a Secret; and a test.
const rolledChart = `
-- shop/Chart.yaml --
apiVersion: v2
name: shop
version: 1.0.0
-- shop/values.yaml --
v: one
replicas: 4
stage: ready
password: hunter2
hook: ""
-- shop/templates/all.yaml --
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}-login}
stringData: {password: {{ .Values.password | quote }}}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {app: {{ .Release.Name }}}
  ports: [{port: 80}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
      annotations: {slipway.dev/stage: {{ .Values.stage }}}
    spec:
      containers:
      - name: shop
        image: example.test/shop-{{ .Values.v }}:1
        envFrom: [{secretRef: {name: {{ .Release.Name }}-login}}]
-- shop/templates/hooks.yaml --
{{- if .Values.hook }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: {helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: before-hook-creation}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {slipway.dev/stage: {{ .Values.hook }}}}
    spec: {restartPolicy: Never, containers: [{name: main, image: "example.test/migrate:{{ .Values.v }}"}]}
{{- end }}
`

// TestRollouts runs testdata/rollout against a real control plane, each script
// with the chart above in the folder shop and the schema of rollout.yaml in the
// file SCHEMA. Beside the commands of TestDeploying
// there are leak of TestFaults, and edit, inventory and keys of TestOptions.
func TestRollouts(t *testing.T) {
	runOnCluster(t, "testdata/rollout", clusterScripts{
		commands: func(objects scriptObjects) scriptCommands {
			return scriptCommands{"leak": leak, "edit": objects.edit, "inventory": objects.inventory, "keys": keys}
		},
		setup: func(env *testscript.Env, _ *clustertest.Cluster) error {
			schema, err := filepath.Abs("../../../docs/schema/rollout.v1.json")
			if err != nil {
				return err
			}
			env.Setenv("SCHEMA", schema)
			for _, f := range txtar.Parse([]byte(rolledChart)).Files {
				name := filepath.Join(env.WorkDir, filepath.FromSlash(f.Name))
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					return err
				}
				if err := os.WriteFile(name, f.Data, 0o644); err != nil {
					return err
				}
			}
			return nil
		},
	})
}
