package tmpl

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"text/template"
)

// FuzzParse holds the parser against text/template/parse: the same texts
// accepted, the same trees, the same errors.
func FuzzParse(f *testing.F) {
	for _, text := range templates {
		f.Add(text)
	}
	for _, text := range badTemplates {
		f.Add(text)
	}
	table := testTable()
	names := parseNames(table)
	funcs, err := NewFuncs(table)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "{{") > maxNesting {
			return // #DIFFERS nesting is bounded here
		}
		if d := parseDifference("name", text, funcs, names); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	})
}

// generator makes random templates that mostly parse.
type generator struct {
	r    *rand.Rand
	b    strings.Builder
	vars []string
	left int // how many more pieces
}

func (g *generator) pick(choices ...string) string { return choices[g.r.IntN(len(choices))] }

func (g *generator) template() string {
	g.left = 25
	for range 1 + g.r.IntN(4) {
		g.statement(0)
	}
	return g.b.String()
}

func (g *generator) statement(depth int) {
	if g.left--; g.left < 0 {
		return
	}
	vars := len(g.vars)
	kind := g.r.IntN(14)
	if depth > 3 {
		kind %= 6
	}
	switch kind {
	case 0:
		g.b.WriteString(g.pick("text ", "\n", "  a\n\tb"))
	case 5:
		name := g.pick("$a", "$b", "$c")
		op := " := "
		for _, v := range g.vars {
			if v == name && g.r.IntN(2) == 0 {
				op = " = "
			}
		}
		g.b.WriteString("{{ " + name + op + g.pipe(depth) + " }}")
		g.vars = append(g.vars, name)
		return
	case 6, 7, 8:
		g.control(g.pick("if", "with"), depth)
	case 9, 10:
		g.loop(depth)
	case 11:
		g.b.WriteString(fmt.Sprintf(`{{ template %q %s }}`, g.pick("t1", "t2"), g.pipe(depth)))
	case 12:
		g.b.WriteString(fmt.Sprintf(`{{ include %q %s | %s }}`, g.pick("t1", "t2", "none"), g.operand(depth), g.filter()))
	case 13:
		g.b.WriteString(fmt.Sprintf(`{{ tpl %q %s }}`, "{{ "+g.operand(2)+" }}{{ define \"t1\" }}inner{{ . }}{{ end }}{{ include \"t2\" . }}", g.operand(depth)))
		return
	default:
		g.b.WriteString(g.pick("{{ ", "{{- ") + g.pipe(depth) + g.pick(" }}", " -}}"))
	}
	g.vars = g.vars[:min(vars, len(g.vars))]
}

func (g *generator) body(depth int) {
	for range g.r.IntN(3) {
		g.statement(depth + 1)
	}
}

func (g *generator) control(word string, depth int) {
	vars := len(g.vars)
	decl := ""
	pipe := g.pipe(depth)
	if g.r.IntN(3) == 0 {
		decl = "$a := "
		g.vars = append(g.vars, "$a")
	}
	g.b.WriteString("{{ " + word + " " + decl + pipe + " }}")
	g.body(depth)
	if g.r.IntN(2) == 0 {
		g.b.WriteString(g.pick("{{ else }}", "{{- else -}}", "{{ else "+word+" "+g.pipe(depth)+" }}"))
		g.body(depth)
	}
	g.b.WriteString("{{ end }}")
	g.vars = g.vars[:vars]
}

func (g *generator) loop(depth int) {
	vars := len(g.vars)
	pipe := g.pipe(depth)
	decl := g.pick("", "$a := ", "$a, $b := ")
	for _, name := range []string{"$a", "$b"} {
		if strings.Contains(decl, name) {
			g.vars = append(g.vars, name)
		}
	}
	g.b.WriteString("{{ range " + decl + pipe + " }}")
	g.body(depth)
	if g.r.IntN(3) == 0 {
		g.b.WriteString("{{ if " + g.operand(depth) + " }}" + g.pick("{{ break }}", "{{ continue }}") + "{{ end }}")
	}
	if g.r.IntN(3) == 0 {
		g.b.WriteString("{{ else }}")
		g.body(depth)
	}
	g.b.WriteString("{{ end }}")
	g.vars = g.vars[:vars]
}

func (g *generator) pipe(depth int) string {
	s := g.command(depth)
	for range g.r.IntN(3) {
		s += " | " + g.filter()
	}
	return s
}

func (g *generator) filter() string {
	return g.pick("upper", "quote", "len", "print", "trimSuffix \"a\"", "default \"d\"", "indent 2", "trunc 3", "not", "printf \"%v\"",
		"eq \"x\"", "and 1", "or 0", "index .Values.l", "text", "number", "mapped", "toString", ".thing.Get", "kindOf", "html", "trimSuffix "+g.operand(3))
}

func (g *generator) command(depth int) string {
	switch g.r.IntN(12) {
	case 0, 1, 2, 3:
		return g.operand(depth)
	case 4:
		return g.pick("eq ", "ne ", "lt ", "le ", "gt ", "ge ") + g.operand(depth) + " " + g.operand(depth)
	case 5:
		return g.pick("and ", "or ") + g.operand(depth) + " " + g.operand(depth) + " " + g.operand(depth)
	case 6:
		return g.pick("index ", "slice ", "default ", "print ", "hasKey ", "get ") + g.operand(depth) + " " + g.operand(depth)
	case 7:
		return g.pick("printf ", "printf \"%s %v\" ") + g.operand(depth) + " " + g.operand(depth)
	case 8:
		return g.pick("not ", "len ", "upper ", "text ", "number ", "floating ", "mapped ", "listed ", "pointed ", "thinged ", "errored ", "boolean ") + g.operand(depth)
	case 9:
		return g.pick("dict \"k\" ", "list ", "variadic 1 ", "ternary \"a\" \"b\" ") + g.operand(depth)
	case 10:
		return g.pick(".thing.Add 1 ", ".thing.Get ", ".pointer.Has ", ".thing.Join ", "call .f ") + g.operand(depth)
	}
	return g.pick("fails", "nothing", "anything", "anything.k", "nothing.k", "now.Year", "panicsText")
}

func (g *generator) operand(depth int) string {
	n := 12
	if depth > 4 {
		n = 9
	}
	switch g.r.IntN(n) {
	case 0:
		return g.pick("1", "-2", "1.5", "true", `"x"`, `"k"`, "nil", "'c'", "`raw`", "0", `""`, "1e3")
	case 1:
		return "."
	case 2:
		if len(g.vars) > 0 {
			return g.vars[g.r.IntN(len(g.vars))] + g.pick("", "", ".a", ".k.x")
		}
		return "$" + g.pick("", ".Values.a", ".Values.m")
	case 9, 10:
		return "(" + g.pipe(depth+1) + ")" + g.pick("", "", "", ".a", ".k")
	case 11:
		return `(include "` + g.pick("t1", "t2") + `" ` + g.operand(depth+1) + ")"
	}
	return g.pick(".Values", ".Values.a", ".Values.n", ".Values.l", ".Values.m", ".Values.nil", ".Values.i", ".Values.yes", ".nope", ".nope.x", ".Values.m.z",
		".thing", ".thing.Name", ".pointer", ".pointer.Version", ".thing.Err", ".nilThing", ".nilThing.Name", ".ints", ".strings", ".things", ".pointers", ".intmap",
		".strmap.k", ".array", ".f", ".err", ".version", ".uint", ".nilmap", ".nillist", ".thing.Fails", ".Values.Method", ".a", ".k", ".Name", ".named", ".bytes")
}

// FuzzAgainstTextTemplate runs random templates here and in text/template.
func FuzzAgainstTextTemplate(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed, seed%3 == 0)
	}
	table := testTable()
	f.Fuzz(func(t *testing.T, seed uint64, strict bool) {
		g := &generator{r: rand.New(rand.NewPCG(seed, 1))}
		text := g.template()
		sources := []source{
			{"_helpers.tpl", `{{ define "t1" }}1[{{ . }}]{{ end }}{{ define "t2" }}{{ if . }}{{ template "t1" . }}{{ .k }}{{ end }}{{ end }}`},
			{"t.yaml", text},
		}
		if d := difference(table, strict, sources, testData); d != "" {
			t.Errorf("%s\n%.3000s", text, d)
		}
	})
}

// badTemplates do not parse, or are at the edge of it.
var badTemplates = strings.Split(`{{
}}
{{}}
{{ }}
{{-}}
{{- }}
{{ -}}
{{--}}
{{-3}}
{{/*}}
{{/* x
{{/* x */ }}
{{ /* x */}}
{{- /* x */ -}}x
{{/* x */}}}
{{ .a
{{ .a }
{{ "a
{{ "a\
{{ "a\q" }}
{{ `+"`a"+`
{{ 'a
{{ '' }}
{{ 'ab' }}
{{ '\q' }}
{{ nofunc }}
{{ nofunc.x }}
{{ .a | nofunc }}
{{ $x }}
{{ $x.y }}
{{ $x = 1 }}
{{ $x := 1 }}{{ $x }}
{{ if $x := 1 }}{{ end }}{{ $x }}
{{ if }}{{ end }}
{{ if .a }}
{{ if .a }}{{ else }}
{{ if .a }}{{ else }}{{ else }}{{ end }}
{{ if .a }}{{ else if }}{{ end }}
{{ if .a }}{{ else with .b }}{{ end }}
{{ with .a }}{{ else if .b }}{{ end }}
{{ range .a }}{{ else if .b }}{{ end }}
{{ else }}
{{ end }}
{{ end x }}
{{ else x }}
{{ else if .a }}
{{ range .a }}{{ end }}{{ break }}
{{ break }}
{{ continue }}
{{ range .a }}{{ break x }}{{ end }}
{{ range .a }}{{ define "x" }}{{ end }}{{ end }}
{{ range .a }}{{ block "x" . }}{{ break }}{{ end }}{{ end }}
{{ range .a }}{{ break }}{{ else }}{{ break }}{{ end }}
{{ define }}{{ end }}
{{ define x }}{{ end }}
{{ define "x" . }}{{ end }}
{{ define "x" }}
{{ define "x" }}{{ else }}
{{ define "x" }}a{{ end }}{{ define "x" }}b{{ end }}
{{ define "x" }} {{ end }}{{ define "x" }}b{{ end }}
{{ define "name" }}b{{ end }}main
{{ define "name" }}b{{ end }} {{/* c */}}
{{ define "a" }}{{ define "b" }}{{ end }}{{ end }}
{{ define "x" }}{{ $ }}{{ end }}{{ $y := 1 }}{{ define "z" }}{{ $y }}{{ end }}
{{ block "x" }}{{ end }}
{{ block x . }}{{ end }}
{{ block "x" . }}
{{ block "x" . }}{{ else }}{{ end }}
{{ block "x" . }}a{{ end }}{{ block "x" . }}b{{ end }}
{{ template }}
{{ template x }}
{{ template "x" . . }}
{{ template "x" . | print }}
{{ template .x . }}
{{ template "a\qb" . }}
{{ range $i, $j, $k := .a }}{{ end }}
{{ range $i, 3 := .a }}{{ end }}
{{ range $i, := .a }}{{ end }}
{{ range $i, $j }}{{ end }}
{{ range $i, }}{{ end }}
{{ $i, $j := .a }}
{{ if $i, $j := .a }}{{ end }}
{{ $x := }}
{{ $x : = 1 }}
{{ .a | }}
{{ | .a }}
{{ .a || .b }}
{{ .a | 3 }}
{{ .a | "x" }}
{{ .a | . }}
{{ .a | nil }}
{{ .a | true }}
{{ .a | (print) }}
{{ print | .x | $ }}
{{ 3.a }}
{{ "a".b }}
{{ nil.a }}
{{ true.a }}
{{ . .a }}
{{ ..a }}
{{ .a.b.c }}
{{ .a .b }}
{{ .a. }}
{{ .a..b }}
{{ .1 }}
{{ .a1 }}
{{ .é }}
{{ é }}
{{ $é := 1 }}{{ $é }}
{{ .a+b }}
{{ .a,b }}
{{ a,b }}
{{ $,b }}
{{ ( }}
{{ ) }}
{{ (.a }}
{{ .a) }}
{{ () }}
{{ (.a).b }}
{{ (.a) .b }}
{{ (.a)b }}
{{ print(.a) }}
{{ (print .a).b.c | print }}
{{ ($x := 1) }}{{ $x }}
{{ (range .a) }}
{{ if (if .a) }}{{ end }}
{{ 1.2.3 }}
{{ 0x }}
{{ 0xg }}
{{ 1_0 }}
{{ _1 }}
{{ 1__0 }}
{{ 08 }}
{{ 0b2 }}
{{ 1e }}
{{ 1e5e }}
{{ 1i }}
{{ 1+2 }}
{{ 1+2i }}
{{ 1+2i+3i }}
{{ +1 }}
{{ - 1 }}
{{ 99999999999999999999 }}
{{ 1e1000 }}
{{ 0x1p-2 }}
{{ 1a }}
{{ 1é }}
{{ # }}
{{ % }}
{{ @ }}
{{ é€ }}
{{ € }}
{{ \ }}
{{ .a
}}
{{ .a | 
  nofunc
}}
{{ if .a }}
 {{ if .b
x
{{ if .a }}
{{ "a
b" }}
a{{ if .x }}b{{ end }}c{{ end }}
{{ $x := 1
}}{{ $x
 }}
{{ end }}{{ if .a }}
{{ true false }}{{ nil nil }}
{{ break.a }}
{{ define.a }}
{{ if.a }}{{ end }}
{{if .a}}{{else  if .b}}{{else}}{{end}}
{{with .a}}{{else  with .b}}{{else}}{{end}}
{{ .a:=1 }}
{{ .a = 1 }}
{{ $a.b := 1 }}
{{ print :=1 }}
{{"a"}}{{"a"|print}}{{print"a"}}
{{print `+"`a`"+`}}
{{.a}}{{.b-}}
{{.a-}}
{{.a -}}
{{ .a - }}
{{ .a -}} b {{- .c}}`, "\n")

func TestBadTemplatesAreRefusedInTheSameWords(t *testing.T) {
	table := testTable()
	names := parseNames(table)
	funcs, err := NewFuncs(table)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(badTemplates, "\n")
	texts := append([]string{all, strings.ReplaceAll(all, " ", "\n")}, badTemplates...)
	for _, text := range badTemplates {
		texts = append(texts, "first\n"+text, "{{ if .x }}\n"+text+"\n{{ end }}", strings.ReplaceAll(text, " ", "\n"), text+"\n"+text)
	}
	for _, text := range texts {
		if d := parseDifference("name", text, funcs, names); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

func TestFunctionsNamedLikeKeywordsReplaceThem(t *testing.T) {
	table := Table{"break": {Fn: func() string { return "b" }}, "continue": {Fn: func() string { return "c" }}, "and": {Fn: func(a, b bool) bool { return a }}}
	for _, text := range []string{"{{ break }}{{ continue }}", "{{ and true false }}", "{{ and 1 }}", "{{ range . }}{{ break }}{{ end }}"} {
		if d := difference(table, false, []source{{"t", text}}, func() any { return []any{1, 2} }); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}

func TestUnfitFunctionsAreRefused(t *testing.T) {
	for name, fn := range map[string]any{"a b": strings.ToUpper, "": strings.ToUpper, "none": func() {}, "two": func() (int, int) { return 0, 0 }, "no": 3} {
		if _, err := NewFuncs(Table{name: {Fn: fn}}); err == nil {
			t.Errorf("%q: accepted", name)
		}
		func() {
			defer func() { _ = recover() }()
			template.New("").Funcs(template.FuncMap{name: fn})
			t.Errorf("%q: text/template accepts it", name)
		}()
	}
}
