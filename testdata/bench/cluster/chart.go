package main

import (
	"os"
	"path/filepath"
)

// charts are the folders of the generated charts.
type charts struct{ large, small string }

const (
	configMaps  = 300
	deployments = 50
)

const configMapTemplate = `{{- range $i := until (int .Values.configMaps) }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $.Release.Name }}-{{ $i }}
  labels: {app.kubernetes.io/name: config-{{ $i }}, app.kubernetes.io/instance: {{ $.Release.Name }}}
data:
  revision: {{ $.Values.revision | quote }}
  settings.yaml: |
    {{- range $line := until 8 }}
    setting-{{ $line }}: value {{ $line }} of object {{ $i }}
    {{- end }}
{{- end }}
`

const workloadTemplate = `{{- range $i := until (int .Values.deployments) }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $.Release.Name }}-{{ $i }}
  labels: {app.kubernetes.io/name: web-{{ $i }}, app.kubernetes.io/instance: {{ $.Release.Name }}}
spec:
  replicas: {{ $.Values.replicas }}
  selector:
    matchLabels: {app.kubernetes.io/name: web-{{ $i }}, app.kubernetes.io/instance: {{ $.Release.Name }}}
  template:
    metadata:
      labels: {app.kubernetes.io/name: web-{{ $i }}, app.kubernetes.io/instance: {{ $.Release.Name }}}
      annotations: {revision: {{ $.Values.revision | quote }}}
    spec:
      containers:
      - name: web
        image: example.com/web:1.0
        ports: [{name: http, containerPort: 8080}]
        env: [{name: REVISION, value: {{ $.Values.revision | quote }}}]
        resources: {requests: {cpu: 10m, memory: 16Mi}}
{{- end }}
`

const serviceTemplate = `{{- range $i := until (int .Values.deployments) }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $.Release.Name }}-{{ $i }}
  labels: {app.kubernetes.io/name: web-{{ $i }}, app.kubernetes.io/instance: {{ $.Release.Name }}}
  annotations: {revision: {{ $.Values.revision | quote }}}
spec:
  selector: {app.kubernetes.io/name: web-{{ $i }}, app.kubernetes.io/instance: {{ $.Release.Name }}}
  ports: [{name: http, port: 80, targetPort: http}]
{{- end }}
`

const accountTemplate = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}
  annotations: {revision: {{ .Values.revision | quote }}}
`

// writeCharts writes one chart of 400 objects and one of four.
func writeCharts(dir string) (charts, error) {
	c := charts{large: filepath.Join(dir, "large"), small: filepath.Join(dir, "small")}
	files := map[string]string{
		"large/Chart.yaml":                 "apiVersion: v2\nname: large\nversion: 1.0.0\nappVersion: \"1.0\"\n",
		"large/values.yaml":                "configMaps: 300\ndeployments: 50\nreplicas: 2\nrevision: 1\n",
		"large/templates/configmaps.yaml":  configMapTemplate,
		"large/templates/deployments.yaml": workloadTemplate,
		"large/templates/services.yaml":    serviceTemplate,
		"small/Chart.yaml":                 "apiVersion: v2\nname: small\nversion: 1.0.0\nappVersion: \"1.0\"\n",
		"small/values.yaml":                "configMaps: 1\ndeployments: 1\nreplicas: 2\nrevision: 1\n",
		"small/templates/configmap.yaml":   configMapTemplate,
		"small/templates/deployment.yaml":  workloadTemplate,
		"small/templates/service.yaml":     serviceTemplate,
		"small/templates/account.yaml":     accountTemplate,
	}
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return c, err
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			return c, err
		}
	}
	return c, nil
}
