{{ define "file" }}zz{{ end }}
{{ define "blank" }}   {{ end }}