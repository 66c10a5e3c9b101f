package tmpl

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
)

// The types below give templates what maps and lists do not have.

type inner struct{ Deep string }

type hidden struct{ Shown string }

type thing struct {
	inner
	*hidden
	Name    string
	List    []int
	Self    *thing
	Any     any
	Err     error
	Map     map[string]int
	private string
	Func    func(int) string
	Version version
}

type version struct{ Major string }

func (v *version) String() string { return "v" + v.Major }
func (v *version) Git() string    { return "git-" + v.Major }

func (t thing) Value() string              { return "value of " + t.Name }
func (t *thing) Pointer() string           { return "pointer to " + t.Name }
func (t thing) Add(a, b int) int           { return a + b }
func (t thing) Join(s ...string) string    { return strings.Join(s, "+") }
func (t thing) Fails() (string, error)     { return "", errors.New("method failed") }
func (t thing) Panics() string             { panic("method panicked") }
func (t thing) Takes(m map[string]any) int { return len(m) }
func (t thing) Two() (string, string)      { return "", "" }
func (t thing) Nothing()                   {}
func (t thing) Has(s string) bool          { return s == t.Name }
func (t thing) Get(s string) string        { return "got " + s }
func (t thing) TakesThing(o *thing) string { return o.Name }

// testChannel stands in testData, where its address must not change.
var testChannel = make(chan int)

type named string

type values map[string]any

func (values) Method() string { return "method" }

func testTable() Table {
	table := sprigTable()
	add := func(name string, fn any) { table[name] = Func{Fn: fn} }
	add("number", func(n int) int { return n })
	add("long", func(n int64) int64 { return n })
	add("short", func(n int8) int8 { return n })
	add("unsigned", func(n uint) uint { return n })
	add("floating", func(n float64) float64 { return n })
	add("complexed", func(n complex128) complex128 { return n })
	add("boolean", func(b bool) bool { return b })
	add("text", func(s string) string { return s })
	add("mapped", func(m map[string]any) int { return len(m) })
	add("listed", func(l []any) int { return len(l) })
	add("pointed", func(t *thing) string { return t.Name })
	add("thinged", func(t thing) string { return t.Name })
	add("errored", func(e error) string { return e.Error() })
	add("panics", func(s string) string { panic(errors.New("panic: " + s)) })
	add("panicsText", func() string { panic("text") })
	add("fails", func() (string, error) { return "x", errors.New("it failed") })
	add("nothing", func() any { return nil })
	add("anything", func() any { return map[string]any{"k": "v"} })
	add("variadic", func(n int, s ...string) string { return fmt.Sprint(n, s) })
	add("function", func() func(int) string { return func(n int) string { return fmt.Sprint("called ", n) } })
	add("counted", func() iter.Seq[int] { return func(yield func(int) bool) { _ = yield(4) && yield(5) } })
	add("pairs", func() iter.Seq2[string, int] {
		return func(yield func(string, int) bool) { _ = yield("a", 1) && yield("b", 2) }
	})
	add("named", func(s string) named { return named(s) })
	addForms(table, "upper", "quote", "trimSuffix", "indent", "nindent", "trunc", "toString", "text", "cat", "repeat", "replace")
	return table
}

func testData() any {
	t := thing{Name: "bob", List: []int{1, 2}, Any: "any", Map: map[string]int{"one": 1}, inner: inner{"deep"}, private: "p",
		Func: func(n int) string { return fmt.Sprint("field ", n) }, Version: version{"7"}}
	ch := make(chan int, 3)
	ch <- 1
	ch <- 2
	close(ch)
	var nilThing *thing
	return map[string]any{
		"Values": values{"a": "x", "n": 1.0, "big": 1e6, "l": []any{"p", "q", nil, map[string]any{"k": "v"}},
			"m": map[string]any{"z": 1, "b": "two", "nil": nil}, "nil": nil, "yes": true, "no": false, "empty": "", "Method": "key",
			"i": 3, "text": "Hello, World", "tpl": "{{ .Values.a }}", "html": "<a href='x'>&\"</a>"},
		"thing": t, "pointer": &t, "nilThing": nilThing, "things": []thing{t, {Name: "ann"}}, "pointers": []*thing{&t, nil},
		"ints": []int{7, 8, 9}, "strings": []string{"s", "t"}, "intmap": map[int]string{2: "b", 1: "a"}, "anymap": map[any]any{1: 2, "a": "b"},
		"strmap": map[string]string{"k": "v"}, "mapmap": map[string]map[string]int{"a": {"b": 1}}, "ch": ch, "nilch": (chan int)(nil),
		"array": [3]string{"x", "y", "z"}, "int8": int8(3), "uint": uint(4), "rune": 'x', "complex": 1 + 2i, "bytes": []byte("ab"), "named": named("nm"),
		"err": errors.New("an error"), "f": func(n int) string { return fmt.Sprint("f", n) }, "f0": func() int { return 1 }, "float32": float32(0.1),
		"nilmap": map[string]any(nil), "nillist": []any(nil), "version": &version{"9"}, "negative": -5, "i64": int64(1) << 40,
		"int8s": []int8{-1, 2}, "bools": map[bool]int{true: 1, false: 0}, "floats": map[float64]int{1.5: 1, -2: 2}, "send": (chan<- int)(testChannel),
	}
}

// templates is every feature of the language and every kind of error. The same
// text runs in text/template.
var templates = strings.Split(`plain text
{{ .Values.a }}
{{ .Values.a.b }}
{{ .Values.q.b }}
{{ .Values.q }}
{{ .Values.nil }}|{{ .Values.nil.x }}
{{ .nope.x }}
{{ .nope.x.y.z }}
{{ (.nope).x }}
{{ (.nope).x.y }}
{{ (.Values.a).b }}
{{ ((.Values.m).z) }}
{{ (.Values.m).nil.x }}
{{ $x := .nope }}{{ $x.y }}
{{ $x := .Values.a }}{{ $x.y }}
{{ .Values.Method }}
{{ .Values.Method.x }}
{{ .Values.big }} {{ .Values.n }} {{ .float32 }} {{ .complex }} {{ .int8 }} {{ .uint }} {{ .rune }} {{ .bytes }} {{ .i64 }}
{{ .Values.l }} {{ .Values.m }} {{ .nilmap }} {{ .nillist }} {{ .nilThing }} {{ .err }} {{ .named }}
{{ .thing.Name }} {{ .thing.Deep }} {{ .thing.inner.Deep }}
{{ .thing.private }}
{{ .thing.Shown }}
{{ .thing.Nope }}
{{ .pointer.Nope }}
{{ .pointer.Name.x }}
{{ .thing.Value }} {{ .pointer.Value }} {{ .pointer.Pointer }}
{{ .thing.Pointer }}
{{ .nilThing.Name }}
{{ .nilThing.Nope }}
{{ .nilThing.Pointer }}
{{ .nilThing.Value }}
{{ .pointer.Version }} {{ .thing.Version }} {{ .pointer.Version.Git }} {{ .pointer.Version.Major }} {{ .version }} {{ .version.Git }}
{{ .thing.Version.Git }}
{{ $v := .pointer.Version }}{{ $v }}{{ $v.Git }}
{{ with .pointer.Version }}{{ . }}{{ .Git }}{{ end }}
{{ range .things }}{{ .Name }}{{ .Pointer }}{{ .Version }};{{ end }}
{{ range $t := .things }}{{ $t.Pointer }}{{ end }}
{{ range .pointers }}{{ .Name }}{{ end }}
{{ (index .things 0).Pointer }} {{ (index .things 1).Version }}
{{ .thing.Add 1 2 }} {{ 2 | .thing.Add 1 }} {{ .thing.Join "a" "b" }} {{ .thing.Join }}
{{ .thing.Add 1 }}
{{ .thing.Add 1 2 3 }}
{{ .thing.Add "a" 2 }}
{{ .thing.Add 1 "a" }}
{{ .thing.Add 1 .Values.a }}
{{ .Values.a | .thing.Add 1 }}
{{ .thing.Add 1 .Values.q }}
{{ .thing.Add 1 1.5 }}
{{ .thing.Fails }}
{{ .thing.Panics }}
{{ .thing.Two }}
{{ .thing.Nothing }}
{{ .thing.Takes .Values }} {{ .thing.Takes .nilmap }} {{ .thing.Takes nil }}
{{ .thing.Takes .Values.a }}
{{ .thing.Has "bob" }} {{ .thing.Get "x" }} {{ .pointer.Has "y" }} {{ .thing.Get .Values.a }}
{{ .thing.TakesThing .pointer }}
{{ .thing.TakesThing .thing }}
{{ .Values.a "x" }}
{{ .thing.Name "x" }}
{{ 1 | .thing.Name }}
{{ .Values.m.z 1 }}
{{ .thing.Any }} {{ .thing.Any.x }}
{{ .thing.Err }}
{{ .thing.Err.Error }}
{{ .thing.Self.Name }}
{{ .pointer.Self }}
{{ .thing.Map.one }} {{ .thing.Map.two }} {{ .strmap.k }} {{ .strmap.nope }} {{ .mapmap.a.b }} {{ .mapmap.x.y }}
{{ .strmap.nope.x }}
{{ .intmap.x }}
{{ .thing.Func }}
{{ .f }}
{{ .nilch }}
{{ call .f 3 }} {{ call .f0 }} {{ call .thing.Func 2 }} {{ call (function) 5 }}
{{ call .f }}
{{ call .f 1 2 }}
{{ call .f "x" }}
{{ call .f .int8 }}
{{ call .Values.a }}
{{ call .nope }}
{{ call nil }}
{{ .f0 | call }}
{{ .Values.a | call }}
{{ call }}
{{ call .Values.a.b }}
{{ if .Values.a }}y{{ else }}n{{ end }}{{ if .nope }}y{{ else }}n{{ end }}{{ if .Values.empty }}y{{ else if .Values.yes }}z{{ else }}n{{ end }}
{{ if not .Values.a }}y{{ else }}n{{ end }}{{ if and .Values.a .Values.nil }}y{{ else }}n{{ end }}{{ if or .Values.nil .Values.a }}y{{ end }}
{{ if .thing }}t{{ end }}{{ if .nilThing }}p{{ end }}{{ if .ch }}c{{ end }}{{ if .nilch }}n{{ end }}{{ if .complex }}x{{ end }}{{ if .f }}f{{ end }}{{ if .array }}a{{ end }}{{ if .uint }}u{{ end }}{{ if .float32 }}l{{ end }}
{{ with .Values.m }}{{ .z }}{{ $.Values.a }}{{ else }}none{{ end }}{{ with .nope }}x{{ else with .Values.a }}{{ . }}{{ else }}z{{ end }}
{{ with $x := .Values.m }}{{ $x.b }}{{ .b }}{{ end }}{{ with $x := .nope }}a{{ else }}{{ $x }}{{ end }}
{{ if $x := .Values.a }}{{ $x }}{{ end }}{{ if $x := .nope }}a{{ else if $y := .Values.i }}{{ $x }}{{ $y }}{{ end }}
{{ range .Values.l }}[{{ . }}]{{ end }}
{{ range .Values.l }}{{ .x }}{{ end }}
{{ range slice .Values.l 2 3 }}{{ .x }}{{ end }}
{{ range $e := .Values.l }}{{ $e.x }}{{ end }}
{{ range $i, $e := .Values.l }}{{ $i }}={{ $e }},{{ end }}
{{ range $k, $v := .Values.m }}{{ $k }}={{ $v }},{{ end }}
{{ range $k, $v := .intmap }}{{ $k }}={{ $v }},{{ end }}{{ range $k, $v := .bools }}{{ $k }}={{ $v }},{{ end }}{{ range $k, $v := .floats }}{{ $k }}={{ $v }},{{ end }}
{{ range .nope }}a{{ else }}b{{ end }}{{ range .nillist }}a{{ else }}b{{ end }}{{ range .nilmap }}a{{ else }}b{{ end }}
{{ range $i, $e := .nillist }}a{{ else }}{{ $i }}{{ $e }}{{ end }}
{{ range .Values.a }}a{{ end }}
{{ range .Values.n }}a{{ end }}
{{ range .thing }}a{{ end }}
{{ range $i, $e := (.Values.a) }}a{{ end }}
{{ range upper .Values.a }}a{{ end }}
{{ range .Values.a | upper }}a{{ end }}
{{ range 3 }}{{ . }}{{ end }}{{ range $i := 2 }}{{ $i }}{{ end }}{{ range 0 }}a{{ else }}b{{ end }}{{ range .int8 }}{{ . }}{{ end }}{{ range .uint }}{{ . }}{{ end }}
{{ range $i, $e := 3 }}{{ $i }}{{ end }}
{{ range .ch }}{{ . }},{{ end }}
{{ range $i, $e := .ch }}{{ $i }}{{ $e }},{{ end }}
{{ range .nilch }}a{{ else }}b{{ end }}
{{ range .send }}a{{ end }}
{{ range counted }}{{ . }}{{ end }}{{ range $v := counted }}{{ $v }}{{ break }}{{ end }}
{{ range $a, $b := counted }}{{ $a }}{{ end }}
{{ range pairs }}{{ . }}{{ end }}{{ range $k := pairs }}{{ $k }}{{ end }}{{ range $k, $v := pairs }}{{ $k }}{{ $v }}{{ end }}
{{ range .f }}a{{ end }}
{{ range .array }}{{ . }}{{ end }}{{ range .ints }}{{ . }}{{ end }}{{ range .strings }}{{ . }}{{ end }}{{ range $k, $v := .strmap }}{{ $k }}{{ $v }}{{ end }}
{{ range .ints }}{{ if eq . 8 }}{{ continue }}{{ end }}{{ . }}{{ end }}{{ range .ints }}{{ if eq . 8 }}{{ break }}{{ end }}{{ . }}{{ end }}
{{ range $i, $e := .ints }}{{ range $.strings }}{{ if $i }}{{ break }}{{ end }}{{ . }}{{ end }}{{ with $e }}{{ continue }}{{ end }}z{{ end }}
{{ $i := 0 }}{{ $e := "" }}{{ range $i, $e = .strings }}{{ end }}{{ $i }}{{ $e }}{{ range $e = .ints }}{{ end }}{{ $e }}{{ range $i, $e = .nillist }}{{ end }}{{ $i }}{{ $e }}
{{ $x := 1 }}{{ $x = 2 }}{{ $x }}{{ if true }}{{ $x = 3 }}{{ $x := 4 }}{{ $x = 5 }}{{ end }}{{ $x }}
{{ $x := 1 }}{{ $x := $x }}{{ $x }}{{ with $x := 7 }}{{ $x }}{{ end }}{{ $x }}
{{ $x = 1 }}
{{ if .Values.a }}{{ $x := 1 }}{{ else }}{{ end }}{{ $x = .Values.m.z | print }}
{{ $x = .Values.m.z }}
{{ $x := $x }}
{{ if .nope }}{{ $x := 1 }}{{ else }}{{ $x }}{{ end }}
{{ $x := 0 }}{{ if .nope }}{{ $x := 1 }}{{ else }}{{ $x }}{{ end }}
{{ ($y := 3) }}{{ $y }}
{{ and .nope ($y := 3) }}{{ $y }}
{{ and .Values.a ($y := 3) }}{{ $y }}
{{ $y := 9 }}{{ and .nope ($y := 3) }}{{ $y }}{{ $y = 8 }}{{ $y }}{{ or .nope ($y := 4) }}{{ $y }}{{ $y = 1 }}{{ $y }}
{{ range .ints }}{{ and (eq . 8) ($z := .) }}{{ if eq . 8 }}{{ $z }}{{ end }}{{ end }}
{{ range .ints }}{{ and (eq . 8) ($z := .) }}{{ if eq . 9 }}{{ $z }}{{ end }}{{ end }}
{{ $a := 1 }}{{ define "d" }}{{ $ }}{{ . }}{{ end }}{{ template "d" $a }}{{ template "d" }}{{ template "d" .nope }}
{{ define "d" }}{{ .x }}{{ end }}{{ template "d" }}
{{ define "d" }}{{ .x }}{{ end }}{{ template "d" .nope }}
{{ define "d" }}{{ .x }}{{ end }}{{ template "d" .Values.a }}
{{ template "nope" . }}
{{ template "t.yaml" . }}
{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}
{{ block "b" .Values }}{{ .a }}{{ end }}{{ block "b2" .Values.nope }}{{ .a }}{{ end }}{{ define "q" }} {{ end }}{{ template "q" }}
{{ include "nope" . }}
{{ include "h" }}
{{ include .Values.n . }}
{{ include .Values.q . }}
{{ include "h" . . }}
{{ define "h" }}H{{ .Values.a }}{{ end }}{{ include "h" . }}{{ include "h" . | upper | indent 2 }}{{ . | include "h" }}{{ if include "h" . }}y{{ end }}{{ include (print "h") . }}
{{ define "h" }}{{ end }}{{ if include "h" . }}y{{ else }}n{{ end }}{{ eq (include "h" .) "" }}{{ include "h" . | eq "x" }}{{ eq "" (include "h" .) }}
{{ define "h" }}{{ .Values.a.b }}{{ end }}{{ include "h" . }}
{{ define "h" }}{{ include "i" . }}{{ end }}{{ define "i" }}{{ fail "no" }}{{ end }}a{{ include "h" . | nindent 4 }}
{{ define "h" }}{{ .nope }}{{ end }}{{ include "h" . | trunc 4 }}{{ include "h" . | len }}
{{ define "h" }}{{ include "h" . }}{{ end }}{{ include "h" . }}
{{ define "h" }}{{ $ }}{{ . }}{{ end }}{{ include "h" nil }}{{ include "h" .nope }}{{ include "h" "x" }}{{ include "h" 1 }}
{{ define "h" }}{{ .String }}{{ end }}{{ include "h" .pointer.Version }}
{{ tpl .Values.tpl . }}{{ tpl "no action <no value>" . }}{{ tpl "{{ .nope }}<no value>" . }}|{{ tpl "" . }}
{{ tpl "{{ .Values.a.b }}" . }}
{{ tpl "{{ .Values.a" . }}
{{ tpl "{{ nofunc }}" . }}
{{ tpl "{{ fail \"x\" }}" . }}
{{ tpl .Values.n . }}
{{ tpl .nope . }}
{{ tpl "{{ define \"x\" }}X{{ . }}{{ end }}{{ include \"x\" 1 }}{{ template \"x\" 2 }}" . }}
{{ tpl "{{ define \"x\" }}X{{ end }}" . }}{{ include "x" . }}
{{ define "h" }}base{{ end }}{{ tpl "{{ define \"h\" }}mine{{ end }}{{ include \"h\" . }}{{ include \"g\" . }}" . }}{{ define "g" }}{{ template "h" }}{{ end }}{{ include "g" . }}
{{ define "h" }}base{{ end }}{{ tpl "{{ define \"h\" }} {{ end }}{{ include \"h\" . }}" . }}
{{ tpl "{{ define \"x\" }} {{ end }}{{ tpl \"{{ define \\\"x\\\" }}  {{ end }}[{{ include \\\"x\\\" . }}]\" . }}" . }}
{{ tpl "{{ tpl \"{{ tpl .Values.tpl . }}\" . }}" . | upper }}
{{ tpl "{{ if . }}{{ include \"gotpl\" false }}x{{ else }}y{{ end }}" true }}
{{ tpl "{{ if . }}{{ tpl \"{{ if . }}{{ include \\\"gotpl\\\" false }}in{{ else }}end{{ end }}\" . }}{{ include \"gotpl\" false }}x{{ else }}y{{ end }}" true }}
{{ include "gotpl" . }}
{{ define "gotpl" }}defined{{ end }}{{ include "gotpl" . }}{{ tpl "{{ if . }}{{ include \"gotpl\" false }}a{{ else }}b{{ end }}" true }}
{{ tpl "{{ define \"gotpl\" }}defined{{ end }} " . }}
{{ tpl "{{ define \"gotpl\" }}defined{{ end }}main" . }}
{{ tpl "{{ range . }}{{ tpl . $ }}{{ end }}" .strings }}
{{ "constant" }}{{ 1 }}{{ 1.0 }}{{ 1e3 }}{{ 1e6 }}{{ 0x1F }}{{ 'a' }}{{ true }}{{ 1i }}{{ 1+2i }}{{ -3 }}{{ 1_000 }}{{ 0b11 }}{{ 0o17 }}{{ 017 }}{{ 0x1p4 }}{{ 1e19 }}
{{ 99999999999999999999 }}
{{ 18446744073709551615 }}
{{ print 18446744073709551615 }}
{{ nil }}
{{ nil | print }}
{{ print nil 1 "a" "b" 2 3 nil }}{{ println "a" 1 }}{{ printf "%s-%d-%v-%q-%5.2f-%t" "a" 1 .Values.m "q" 1.5 true }}
{{ printf "%s" }}{{ printf "%d" "a" }}{{ printf "%s" .nope }}{{ printf "%v %s" 1 2 3 }}{{ printf "100%%" }}{{ printf "%s%%" "a" }}{{ printf "%" }}{{ printf "%d" .int8 }}{{ printf "x" "y" }}
{{ printf .Values.n }}
{{ printf .nope }}
{{ printf }}
{{ printf 1 }}
{{ print .pointer.Version }}{{ print .version }}{{ printf "%v" .pointer.Version }}{{ printf "%s" .version }}
{{ html .Values.html }}{{ js .Values.html }}{{ urlquery .Values.html "&" }}{{ html .pointer.Version }}{{ html 1 "<" }}{{ .Values.html | html | js }}
{{ len .Values.l }}{{ len .Values.m }}{{ len .Values.a }}{{ len .array }}{{ len .ch }}{{ len .nilmap }}{{ len .Values }}{{ len "abc" }}{{ .Values.text | len }}
{{ len .nope }}
{{ .nope | len }}
{{ len (.nope) }}
{{ len nil }}
{{ len 3 }}
{{ len .nilThing }}
{{ range .Values.l }}{{ len . }}{{ end }}
{{ index .Values.l 0 }}{{ index .Values.m "z" }}{{ index .Values.m "nope" }}{{ index .Values.l 3 "k" }}{{ index .ints 1 }}{{ index .intmap 1 }}{{ index .array 2 }}{{ index "abc" 1 }}{{ index .Values "a" }}{{ index .anymap 1 }}{{ index .Values.l }}{{ index .strmap "q" }}
{{ index .Values.l 9 }}
{{ index .Values.l -1 }}
{{ index .Values.l "a" }}
{{ index .Values.l nil }}
{{ index .Values.m 1 }}
{{ index .Values.m nil }}
{{ index .nope 1 }}
{{ index .nope "a" "b" }}
{{ index .Values.m "nope" "x" }}
{{ index .Values.n 1 }}
{{ index .nilThing 1 }}
{{ index nil 1 }}
{{ index }}
{{ 1 | index .Values.l }}{{ (index .Values.l 3).k }}{{ (index .Values.m "nope").x }}
{{ index .ints .int8 }}
{{ index .intmap .int8 }}{{ index .intmap 1.0 }}
{{ slice .Values.text 1 3 }}{{ slice .ints 1 }}{{ slice .Values.l 0 1 }}
{{ and 1 0 2 }}{{ or 0 "" 3 }}{{ and .Values.a .Values.n }}{{ or .nope .Values.nil }}{{ and }}
{{ or }}
{{ 1 | and 2 }}{{ 0 | or 1 }}{{ 0 | or 0 }}{{ 5 | and }}{{ and nil }}{{ or nil 1 }}
{{ and .nope (fail "not reached") }}{{ or 1 (fail "not reached") }}{{ and 1 .Values.a.b }}
{{ or (and .nope 1) .Values.a | upper }}{{ not .nope }}{{ not 1 }}{{ .Values.a | not }}{{ not (include "t2" .) }}
{{ not }}
{{ not 1 2 }}
{{ eq 1 1 }}{{ eq 1 2 1 }}{{ eq "a" "a" }}{{ eq .Values.a "x" }}{{ eq .nope nil }}{{ eq nil nil }}{{ eq .Values.nil .nope }}{{ eq 1.5 1.5 }}{{ eq .uint 4 }}{{ eq 4 .uint }}{{ eq .negative .uint }}{{ eq true true }}{{ eq .complex .complex }}{{ eq .int8 3 }}{{ eq .named "nm" }}{{ eq .version .version }}{{ eq .nilThing nil }}{{ eq .thing.Err nil }}
{{ eq 1 1.0 }}
{{ eq .Values.a 1 }}
{{ eq 1 .Values.a }}
{{ .Values.n | eq "x" }}
{{ eq .Values.n "x" }}
{{ eq "x" .Values.n }}
{{ eq .Values.m .Values.m }}
{{ eq .Values.l 1 }}
{{ eq .thing .thing }}
{{ eq .version .thing.Self }}
{{ eq 1 }}
{{ eq }}
{{ eq .nope "x" }}{{ eq "x" .nope }}{{ ne .nope "x" }}{{ ne 1 2 }}{{ ne "a" .Values.a }}
{{ ne 1 2 3 }}
{{ ne 1 "a" }}
{{ lt 1 2 }}{{ le 2 2 }}{{ gt 1 2 }}{{ ge 2 2 }}{{ lt "a" "b" }}{{ lt 1.5 2.5 }}{{ lt .negative .uint }}{{ lt .uint .negative }}{{ gt .uint 3 }}{{ le .uint .uint }}{{ 5 | lt 3 }}
{{ lt true false }}
{{ lt 1 "a" }}
{{ lt 1 1.0 }}
{{ lt .nope 1 }}
{{ gt 1 .nope }}
{{ ge .complex .complex }}
{{ le .thing 1 }}
{{ text "a" }}{{ text .Values.a }}{{ text (print 1) }}
{{ text .Values.n }}
{{ text .nope }}
{{ text (.nope) }}
{{ .nope | text }}
{{ .Values.n | text }}
{{ text nil }}
{{ text 1 }}
{{ text true }}
{{ text .named }}
{{ range .Values.l }}{{ text . }}{{ end }}
{{ number 1 }}{{ number 1.0 }}{{ number 'a' }}{{ long 5 }}{{ short 300 }}{{ unsigned 3 }}{{ floating 1 }}{{ complexed 1i }}{{ boolean true }}{{ boolean .Values.yes }}{{ floating .Values.n }}{{ number .Values.i }}
{{ number 1.5 }}
{{ number "a" }}
{{ number .Values.n }}
{{ 5 | long }}
{{ unsigned -1 }}
{{ floating "a" }}
{{ complexed 1 }}
{{ boolean 1 }}
{{ boolean nil }}
{{ boolean .Values.a }}
{{ mapped .Values }}{{ mapped .Values.m }}{{ mapped nil }}{{ mapped .nilmap }}{{ mapped (dict "a" 1) }}{{ mapped (.nope) }}
{{ mapped .nope }}
{{ .nope | mapped }}
{{ mapped .Values.a }}
{{ mapped "a" }}
{{ mapped 1 }}
{{ listed .Values.l }}{{ listed nil }}{{ listed .nillist }}{{ .nope | listed }}
{{ listed .nope }}
{{ listed .strings }}
{{ pointed .pointer }}{{ pointed .pointer.Version.Git }}
{{ pointed .thing }}
{{ thinged .pointer }}{{ thinged .thing }}{{ thinged (index .things 0) }}{{ pointed (index .things 0) }}
{{ thinged .nilThing }}
{{ errored .err }}
{{ errored .Values.a }}
{{ errored "x" }}
{{ panics "x" }}
{{ panicsText }}
{{ fails }}
{{ upper (fails) }}
{{ upper fails }}
{{ nothing }}{{ nothing | print }}{{ default "d" nothing }}{{ anything.k }}{{ (anything).k }}
{{ nothing.x }}
{{ anything.k.x }}
{{ text nothing }}
{{ variadic 1 }}{{ variadic 1 "a" "b" }}{{ "c" | variadic 1 "b" }}{{ 2 | variadic }}
{{ variadic }}
{{ variadic 1 2 }}
{{ 3 | variadic 1 }}
{{ variadic "a" }}
{{ upper }}
{{ upper "a" "b" }}
{{ "a" | upper "b" }}
{{ .Values.n | trimSuffix "a" }}
{{ .Values.n | trimSuffix .Values.a }}
{{ .Values.n | trimSuffix (print .Values.a) }}
{{ .Values.n | trimSuffix (or .Values.a .nope) }}
{{ .Values.n | trimSuffix (and .Values.a .Values.text) }}
{{ .Values.n | trimSuffix (upper (or .nope .Values.a)) }}
{{ .Values.n | upper }}
{{ trimSuffix .Values.n (fail "later") }}
{{ trimSuffix (fail "first") .Values.n }}
{{ .Values.a | upper | trimSuffix .Values.n }}
{{ 1 2 }}
{{ "a" "b" }}
{{ . "a" }}
{{ true 1 }}
{{ $ 1 }}
{{ $x := 1 }}{{ $x 2 }}
{{ $x := 1 }}{{ 2 | $x }}
{{ (.Values.a) 1 }}
{{ 1 | (upper "a") }}
{{ 1 | print | (upper "a") }}
{{ .nope | .Values.a }}
{{ .nope.x | upper }}
{{ .Values.a | upper | quote }}{{ .nope | quote }}{{ .Values.l | toStrings | join "," }}{{ dict "a" 1 "b" (list 1 2) }}{{ get (dict "k" "v") "k" }}
{{ $d := dict "a" 1 }}{{ $_ := set $d "b" 2 }}{{ $d }}{{ unset $d "a" }}{{ hasKey $d "b" }}{{ range $k, $v := $d }}{{ $_ := set $d "c" 3 }}{{ $k }}{{ end }}{{ $d.c }}
{{ named "x" }}{{ eq (named "x") "x" }}{{ text (named "x") }}
{{- /* comment */ -}} a {{/* b */}} b {{- "c" -}} d
{{- range $i, $e := .strings -}} {{- $i -}} : {{ $e }} {{- end }}
a
  {{- "x" }}
b {{ "y" -}}
  c
{{ "a\tb\"c\\" }}{{ `+"`raw\\n`"+` }}{{ "\u00e9" }}é{{ "é" | upper }}{{ '\n' }}{{ '\'' }}{{ 'é' }}
{{ define "x" }}{{ range . }}{{ . }}{{ end }}{{ end }}{{ template "x" .ints }}{{ template "x" (list 1 2) }}
{{ $.Values.a }}{{ with .Values.m }}{{ $.Values.a }}{{ end }}{{ range .ints }}{{ $.Values.a }}{{ end }}
{{ $.nope.x }}
{{ $.Values.a.x }}
{{ $v := .Values }}{{ $v.a }}{{ $v.m.z }}{{ $v.q.x }}
{{ (dict "a" .Values.m).a.z }}{{ (dict "a" 1).b }}{{ (dict "a" 1).b.c }}
{{ (.Values.m).z.y }}
{{ (.thing.Value).x }}
{{ .thing.Value.x }}
{{ .thing.Fails.x }}
{{ if eq .Values.a 1 }}{{ end }}
{{ with fail "w" }}{{ end }}
{{ range fail "r" }}{{ end }}
{{ template "x" (fail "t") }}
{{ define "x" }}{{ end }}{{ template "x" (fail "t") }}
{{ ternary "a" "b" true }}{{ default "d" .nope }}{{ default "d" .Values.a }}{{ coalesce .nope .Values.a }}{{ empty .nope }}{{ .Values.n | int }}{{ add 1 2 }}{{ toString 1.5 }}{{ kindOf .nope }}{{ typeOf .Values }}
{{ dig "a" "b" "d" (dict) }}{{ keys (dict "a" 1) }}{{ pick .Values.m "z" }}{{ merge (dict) .Values.m }}{{ first .Values.l }}{{ last .ints }}{{ until 3 }}{{ has 1 (list 1) }}
{{ regexReplaceAll "a" .Values.nope "b" }}
{{ repeat -1 "a" }}
{{ fail "a: b: c" }}
{{ index (list 1) 5 }}`, "\n")

func TestEveryFeatureActsAsInTextTemplate(t *testing.T) {
	table := testTable()
	for _, strict := range []bool{false, true} {
		for _, text := range templates {
			sources := []source{{"t2", "second"}, {"t.yaml", text}}
			if strings.Contains(text, `template "t.yaml"`) || strings.Contains(text, `template "r"`) {
				continue // TestRecursionEnds has them
			}
			if d := difference(table, strict, sources, testData); d != "" {
				t.Errorf("strict=%v %s: %.1500s", strict, text, d)
			}
		}
	}
}

func TestSeveralLinesArePlacedInErrors(t *testing.T) {
	for _, text := range []string{
		"a\nb\n  {{ .Values.a.b }}", "{{ if true }}\n\n{{ range .Values.l }}\n {{ .k.x.y }}{{ end }}{{ end }}",
		"é{{ .Values.a.b }}", "\n\té {{ .Values.a |\n  trimSuffix\n  1 }}", "{{ define \"x\" }}\n\n{{ fail \"f\" }}{{ end }}\n{{ include \"x\" . }}",
	} {
		if d := difference(testTable(), false, []source{{"dir/t.yaml", text}}, testData); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}
