package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// writeUmbrella writes a chart with subcharts whose templates call tpl over
// and over: the shape that Helm is slowest on, since it copies the whole set of
// templates for each call. Each subchart has eleven template files (one of
// helpers), 25 named templates and templates*calls calls of tpl.
func writeUmbrella(dir string, subcharts, templates, calls int) error {
	files := map[string]string{"values.yaml": "global:\n  domain: example.org\n  env: prod\n"}
	root := "apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n"
	for s := range subcharts {
		name := fmt.Sprintf("svc%03d", s)
		root += fmt.Sprintf("- name: %s\n  version: 1.0.0\n  condition: %s.enabled\n", name, name)
		base := filepath.Join("charts", name)
		files[filepath.Join(base, "Chart.yaml")] = fmt.Sprintf("apiVersion: v2\nname: %s\nversion: 1.0.0\n", name)
		files[filepath.Join(base, "values.yaml")] = subchartValues(calls)
		files[filepath.Join(base, "templates", "_helpers.tpl")] = helpers(name)
		for t := range templates {
			files[filepath.Join(base, "templates", fmt.Sprintf("cm%02d.yaml", t))] = configMap(name, t, calls)
		}
	}
	files["Chart.yaml"] = root
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func subchartValues(calls int) string {
	var b strings.Builder
	b.WriteString("enabled: true\nreplicas: 2\nimage:\n  repository: registry.example.org/app\n  tag: \"1.2.3\"\nsettings:\n")
	for c := range calls {
		fmt.Fprintf(&b, "  key%02d: \"{{ .Release.Name }}-%d.{{ .Values.global.domain }}\"\n", c, c)
	}
	return b.String()
}

func helpers(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{{- define %q }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}\n", name+".fullname")
	fmt.Fprintf(&b, "{{- define %q }}\napp.kubernetes.io/name: {{ .Chart.Name }}\napp.kubernetes.io/instance: {{ .Release.Name }}\n{{- end }}\n", name+".labels")
	for i := range 23 {
		fmt.Fprintf(&b, "{{- define %q }}{{ printf \"%%s-%d\" .Chart.Name | trunc 63 | trimSuffix \"-\" }}{{ end }}\n", fmt.Sprintf("%s.part%02d", name, i), i)
	}
	return b.String()
}

func configMap(name string, t, calls int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ include %q . }}-%d\n  labels: {{- include %q . | nindent 4 }}\ndata:\n", name+".fullname", t, name+".labels")
	for c := range calls {
		fmt.Fprintf(&b, "  key%02d: {{ tpl .Values.settings.key%02d . | quote }}\n", c, c)
	}
	return b.String()
}
