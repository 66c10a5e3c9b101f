{{- define "app.container" -}}
- name: app # EXPECT readiness-missing
  image: registry.example/app:{{ .Chart.AppVersion }}
  ports:
    - name: http
      containerPort: 8080
  lifecycle:
    preStop:
      sleep: {seconds: 5}
  resources:
    requests: {cpu: 50m, memory: 64Mi}
    limits: {memory: 128Mi}
{{- end }}
