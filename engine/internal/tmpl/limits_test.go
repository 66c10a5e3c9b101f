package tmpl

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// runWith renders the text with limits.
func runWith(ctx context.Context, t *testing.T, limits Limits, text string, data any) (string, error) {
	t.Helper()
	table := testTable()
	set := table["set"]
	set.Mutates = true
	table["set"] = set
	funcs, err := NewFuncs(table)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse("t.yaml", text, funcs)
	if err != nil {
		t.Fatal(err)
	}
	out, err := NewState(ctx, NewSet(funcs, []*File{f}), Env{}, limits).Execute("t.yaml", data)
	return string(out), err
}

func TestRecursionEnds(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a template calls itself": {
			`{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}`, "exceeded maximum template depth (100000)",
		},
		"a template calls itself below many structures": {
			`{{ define "r" }}` + strings.Repeat("{{ if true }}{{ with . }}{{ range list 1 }}", 30) + `{{ template "r" 1 }}` + strings.Repeat("{{ end }}{{ end }}{{ end }}", 30) +
				`{{ end }}{{ template "r" 1 }}`, ErrTooDeep.Error(),
		},
		"an include calls itself": {
			`{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}`, "rendering template has a nested reference name: r: unable to execute template",
		},
		"include and template call each other": {
			`{{ define "a" }}{{ template "b" . }}{{ end }}{{ define "b" }}{{ if lt (len .) 40 }}{{ template "b" (print . "x") }}{{ else }}{{ include "a" "" }}{{ end }}{{ end }}{{ include "a" "" }}`,
			"nested",
		},
		"tpl calls itself": {
			`{{ tpl .text . }}`, ErrTooDeep.Error(),
		},
		"tpl includes what calls tpl": {
			`{{ define "x" }}{{ tpl .other . }}{{ end }}{{ include "x" . }}`, "nested reference name: x",
		},
		"many names include each other": {
			`{{ define "x" }}{{ range $n := until 3 }}{{ include (print "n" $n) $ }}{{ end }}{{ end }}{{ define "n0" }}{{ include "n1" . }}{{ end }}{{ define "n1" }}{{ include "n2" . }}{{ end }}{{ define "n2" }}{{ include "n0" . }}{{ end }}{{ include "x" . }}`,
			"nested reference name: n0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			data := map[string]any{"text": "{{ tpl .text . }}", "other": `{{ include "x" . }}`}
			_, err := runWith(context.Background(), t, Limits{}, c.text, data)
			if err == nil {
				t.Fatal("no error")
			}
			if text := err.Error(); !strings.Contains(text, c.want) {
				t.Errorf("got %.300s ... %s, want %s", text, text[max(0, len(text)-300):], c.want)
			}
		})
	}
}

func TestEndlessRenderStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := runWith(ctx, t, Limits{}, `{{ range 1000000000 }}{{ range 1000000000 }}{{ end }}{{ end }}`, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	text := `{{ define "a" }}{{ range 1000 }}{{ include "b" . }}{{ end }}{{ end }}{{ define "b" }}{{ range 1000 }}0123456789{{ end }}{{ end }}{{ include "a" . }}`
	_, err := runWith(context.Background(), t, Limits{MaxOutput: 100000}, text, nil)
	if !errors.Is(err, ErrOutputTooLarge) {
		t.Error(err)
	}
}

func TestReadOnlyRenderRefusesMutators(t *testing.T) {
	data := func() any { return map[string]any{"m": map[string]any{}, "t": `{{ $_ := set .m "a" 1 }}{{ .m.a }}`} }
	for _, text := range []string{`{{ $_ := set .m "a" 1 }}{{ .m.a }}`, `{{ tpl .t . }}`} {
		if _, err := runWith(context.Background(), t, Limits{ReadOnly: true}, text, data()); !errors.Is(err, ErrMutates) {
			t.Errorf("%s: %v", text, err)
		}
		if out, err := runWith(context.Background(), t, Limits{}, text, data()); out != "1" || err != nil {
			t.Errorf("%s: %q %v", text, out, err)
		}
	}
}
