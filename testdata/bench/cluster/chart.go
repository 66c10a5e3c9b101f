package main

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// charts are the folders of the generated charts, and an archive of the corpus.
type charts struct{ large, small, middle string }

// listedChart is a chart whose releases are listed.
type listedChart struct {
	name, path string
	target     bool // the list of its releases has to be faster by listTarget
}

func (c charts) listed() []listedChart {
	all := []listedChart{{"small", c.small, false}, {"large", c.large, true}}
	if c.middle != "" {
		all = append(all, listedChart{"middle", c.middle, true})
	}
	return all
}

// middleOf gives the archive of a folder that is the middle one by size of those
// that a tool renders, "" if there is none.
func middleOf(corpus, program string) (string, error) {
	archives, err := filepath.Glob(filepath.Join(corpus, "*.tgz"))
	if err != nil {
		return "", err
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	slices.SortFunc(archives, func(a, b string) int { return cmp.Compare(size(a), size(b)) })
	for _, path := range archives[len(archives)/2:] {
		if exec.Command(program, "template", "first", path).Run() == nil {
			return path, nil
		}
	}
	return "", nil
}

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
