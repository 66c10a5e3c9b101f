{{- define "count" -}}
{{- if gt (int .n) 0 -}}{{ .n }} {{ include "count" (dict "n" (sub .n 1)) }}{{- else -}}go{{- end -}}
{{- end -}}
{{- define "who" -}}{{ .Template.Name }}{{- end -}}
{{- define "inner" -}}outer inner{{- end -}}
