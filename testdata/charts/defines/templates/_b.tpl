{{ define "who" }}parent _b{{ end }}{{ define "file" }}_b{{ end }}{{ define "blank" }}not blank{{ end }}
