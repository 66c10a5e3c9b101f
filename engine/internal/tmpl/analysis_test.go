package tmpl

import "testing"

func TestUsesFollowsWhatATemplateCanCall(t *testing.T) {
	table := Table{
		"set": {Fn: func(m map[string]any, k string, v any) map[string]any { return m }, Mutates: true},
		"now": {Fn: func() string { return "" }, Random: true},
	}
	funcs, err := NewFuncs(table)
	if err != nil {
		t.Fatal(err)
	}
	var files []*File
	for name, text := range map[string]string{
		"plain":    `{{ .a }}{{ include "missing" . }}`,
		"helpers":  `{{ define "m" }}{{ if false }}{{ set . "a" 1 }}{{ end }}{{ end }}{{ define "r" }}{{ now }}{{ end }}{{ define "both" }}{{ include "m" . }}{{ template "r" }}{{ end }}`,
		"mutates":  `{{ include "m" . }}`,
		"random":   `{{ print (include "r" . | print) }}`,
		"deep":     `{{ with include "both" . }}{{ end }}`,
		"tpl":      `{{ tpl .x . }}`,
		"block":    `{{ block "inside" . }}{{ now }}{{ end }}`,
		"computed": `{{ include .name . }}`,
		"circle":   `{{ include "circle" . }}`,
	} {
		f, err := Parse(name, text, funcs)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	set := NewSet(funcs, files)
	for name, want := range map[string]Uses{
		"plain": {}, "helpers": {}, "mutates": {Mutates: true}, "random": {Random: true}, "deep": {Mutates: true, Random: true},
		"tpl": {Tpl: true}, "block": {Random: true}, "computed": {Mutates: true, Random: true, Tpl: true}, "circle": {},
	} {
		if got := set.Uses(name); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if got := set.Uses("random", "mutates"); got != (Uses{Mutates: true, Random: true}) {
		t.Errorf("two: %+v", got)
	}
}
