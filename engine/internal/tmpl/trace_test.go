package tmpl

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// traceOf renders the sources with tracing and describes where each line of
// the output comes from: file:line:col of each frame, the innermost first.
func traceOf(t *testing.T, data any, sources ...source) string {
	t.Helper()
	funcs, err := NewFuncs(testTable())
	if err != nil {
		t.Fatal(err)
	}
	var files []*File
	for _, s := range sources {
		f, err := Parse(s.name, s.text, funcs)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	st := NewState(context.Background(), NewSet(funcs, files), Env{}, Limits{})
	name := sources[len(sources)-1].name
	plain, err := st.Execute(name, data)
	if err != nil {
		t.Fatal(err)
	}
	want := string(plain)
	st.Trace()
	out, err := st.Execute(name, data)
	if err != nil || string(out) != want {
		t.Fatalf("with tracing %q %v; without %q", out, err, want)
	}
	text := string(StripNoValue(out))
	var b strings.Builder
	offset := 0
	for line := range strings.Lines(text) {
		content := strings.TrimSpace(line)
		if content != "" {
			fmt.Fprintf(&b, "%s <-", content)
			for _, f := range st.TraceAt(offset + strings.Index(line, content)) {
				fmt.Fprintf(&b, " %s:%d:%d", f.File, f.Line, f.Col)
			}
			b.WriteString("\n")
		}
		offset += len(line)
	}
	if st.TraceAt(len(text)) != nil || st.TraceAt(-1) != nil {
		t.Error("a place outside of the output")
	}
	return b.String()
}

func TestTraceTellsWhereEachLineComesFrom(t *testing.T) {
	helpers := source{"_h.tpl", "{{ define \"labels\" }}\na: 1\nb: {{ .v }}\n{{ if .v }}c: 3{{ end }}\n{{- end }}\n{{ define \"outer\" }}\nouter:\n{{ include \"labels\" . | indent 2 }}\n{{ end }}"}
	data := map[string]any{"v": "val", "text": "x: {{ .v }}{{ .nope }}\ny: 2", "list": []any{"p", "q"}}
	for name, c := range map[string]struct{ text, want string }{
		"text and values":              {"a\n  b: {{ .v }}\n{{ .v }}\n", "a <- t:1:1\nb: val <- t:2:3\nval <- t:3:4\n"},
		"an include straight":          {"x\n{{ include \"labels\" . }}", "x <- t:1:1\na: 1 <- _h.tpl:2:1 t:2:4\nb: val <- _h.tpl:3:1 t:2:4\nc: 3 <- _h.tpl:4:12 t:2:4\n"},
		"an include indented":          {"x:{{ include \"labels\" . | nindent 4 }}", "x: <- t:1:1\na: 1 <- _h.tpl:2:1 t:1:6\nb: val <- _h.tpl:3:1 t:1:6\nc: 3 <- _h.tpl:4:12 t:1:6\n"},
		"an include in an include":     {"{{ include \"outer\" . | trim }}", "outer: <- _h.tpl:7:1 t:1:4\na: 1 <- _h.tpl:2:1 _h.tpl:8:4 t:1:4\nb: val <- _h.tpl:3:1 _h.tpl:8:4 t:1:4\nc: 3 <- _h.tpl:4:12 _h.tpl:8:4 t:1:4\n"},
		"an include through variables": {"{{ $x := include \"labels\" . }}{{ with $x }}{{ . | trim }}{{ end }}", "a: 1 <- _h.tpl:2:1 t:1:10\nb: val <- _h.tpl:3:1 t:1:10\nc: 3 <- _h.tpl:4:12 t:1:10\n"},
		"a template action":            {"{{ template \"labels\" . }}", "a: 1 <- _h.tpl:2:1 t:1:13\nb: val <- _h.tpl:3:1 t:1:13\nc: 3 <- _h.tpl:4:12 t:1:13\n"},
		"tpl":                          {"k\n{{ tpl .text . }}", "k <- t:1:1\nx: val <- gotpl:1:1 t:2:4\ny: 2 <- gotpl:2:1 t:2:4\n"},
		"tpl indented":                 {"{{ tpl .text . | nindent 2 }}", "x: val <- gotpl:1:1 t:1:4\ny: 2 <- gotpl:2:1 t:1:4\n"},
		"no value before it":           {"{{ .nope }}{{ .nope }}a\n{{ .nope }}b", "a <- t:1:23\nb <- t:2:12\n"},
		"print puts strings together":  {"{{ print (include \"labels\" . | trim) \"\\n\" .v }}", "a: 1 <- _h.tpl:2:1 t:1:11\nb: val <- _h.tpl:3:1 t:1:11\nc: 3 <- _h.tpl:4:12 t:1:11\nval <- t:1:4\n"},
		"a loop":                       {"{{ range .list }}\n- {{ . }}\n{{ end }}", "- p <- t:2:1\n- q <- t:2:1\n"},
		"what cannot be followed":      {"{{ include \"labels\" . | len }}\n{{ include \"labels\" . | upper | trunc 3 }}", "17 <- t:1:4\nA: <- t:2:4\n"},
		"a line cut short":             {"x: {{ include \"labels\" . | trim | trunc 2 }}\n{{ include \"labels\" . | trim | trunc 4 }}", "x: a: <- t:1:1\na: 1 <- _h.tpl:2:1 t:2:4\n"},
		"a condition writes nothing":   {"{{ if include \"labels\" . }}a{{ end }}{{ if eq (include \"labels\" .) \"\" }}{{ else }}b{{ end }}\n{{ .v }}", "ab <- t:1:28\nval <- t:2:4\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := traceOf(t, data, helpers, source{"t", c.text}); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
