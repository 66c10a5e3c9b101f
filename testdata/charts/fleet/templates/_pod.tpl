{{- define "fleet.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "fleet.pod" -}}
metadata:
  labels:
    {{- include "fleet.labels" . | nindent 4 }}
  {{- if .root.Values.checksum }}
  annotations:
    checksum/config: {{ include (print .root.Template.BasePath "/config.yaml") .root | sha256sum }}
  {{- end }}
spec:
  terminationGracePeriodSeconds: 30
  containers:
    - name: app
      image: example.test/app-{{ .root.Values.version }}:{{ .root.Values.stage }}
      ports:
        - name: http
          containerPort: 8080
      {{- if or .root.Values.config .root.Values.secret }}
      envFrom:
        {{- if .root.Values.config }}
        - configMapRef:
            name: {{ .root.Release.Name }}-config
        {{- end }}
        {{- if .root.Values.secret }}
        - secretRef:
            name: {{ .root.Release.Name }}-secret
        {{- end }}
      {{- end }}
{{- end }}
