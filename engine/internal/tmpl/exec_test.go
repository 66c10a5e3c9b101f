package tmpl

import "testing"

func testData() any {
	return map[string]any{"Values": map[string]any{"a": "x", "n": 1.0, "l": []any{"p", "q", nil, map[string]any{"k": "v"}}, "m": map[string]any{"z": 1, "b": "two"}, "nil": nil}}
}

func TestFirst(t *testing.T) {
	for _, text := range []string{
		"plain", "{{ .Values.a }}", "{{ .Values.a.b }}", "{{ .Values.q.b }}", "{{ .Values.q }}",
		"{{ range $i, $e := .Values.l }}{{ $i }}={{ $e }} {{end}}", "{{ range .Values.l }}{{ .x }}{{end}}",
		"{{ .Values.n | trunc 3 }}", "{{ .Values.q | upper }}", "{{ upper .Values.q }}", "{{ .Values.a | upper | quote }}",
		"{{define \"h\"}}H{{.a}}{{end}}{{ include \"h\" .Values | indent 3 }}", "{{ tpl \"{{ .Values.a }}\" . }}", "{{ tpl \"{{ .Values.a.b }}\" . }}",
		"{{ if and .Values.a (eq .Values.n 1.0) }}y{{else}}n{{end}}", "{{ len .Values.q }}", "{{ .Values.q | len }}", "{{ fail \"x\" }}",
		"{{ include \"nope\" . }}",
	} {
		if d := difference(sprigTable(), false, []source{{"t.yaml", text}}, testData); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}
