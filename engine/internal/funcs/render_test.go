package funcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// render runs one template with our functions.
func render(text string, values map[string]any, env tmpl.Env) (string, error) {
	const name = "c/templates/t.txt"
	fs, err := tmpl.NewFuncs(Helm3(), tmpl.MapOf[chartutil.Values]())
	if err != nil {
		return "", err
	}
	file, err := tmpl.Parse(name, text, fs)
	if err != nil {
		return "", err
	}
	st := tmpl.NewState(context.Background(), tmpl.NewSet(fs, []*tmpl.File{file}), env, tmpl.Limits{})
	out, err := st.Execute(name, map[string]any{"Values": chartutil.Values(values)})
	if err != nil {
		return "", err
	}
	return string(tmpl.StripNoValue(out)), nil
}

const renderValues = `{
	"name": "web", "empty": "", "nothing": null, "on": true, "off": false, "port": 8080, "big": 1000000, "ratio": 1.5, "zero": 0, "num": "12", "multi": "a\nb\n\nc",
	"list": ["a", "b", "a", null, 3], "numbers": [3, 1, 2], "emptyList": [], "emptyMap": {}, "words": "one,two,,three",
	"labels": {"app": "web", "tier": "front", "a.b/c": "d"}, "nested": {"one": {"two": {"three": "deep"}}, "other": [1, {"x": null}]},
	"other": {"app": "db", "extra": {"k": 1}, "empty": ""}, "version": "1.29.3", "yaml": "a: 1\nb:\n- x\n", "json": "{\"a\":[1,2]}", "b64": "aGVsbG8="
}`

var snippets = strings.Split(strings.TrimSpace(`
toYaml .Values
toYaml .Values.list | nindent 4
.Values.labels | toYaml | indent 2
toYaml .Values.nothing
toYaml .Values.missing
toYaml .Values.multi
toJson .Values
.Values.nested | toPrettyJson
.Values.nested | toRawJson
toString .Values.port
toString .Values.nothing
fromYaml .Values.yaml
(fromYaml .Values.yaml).b
fromYamlArray "- 1\n- b"
fromJson .Values.json | toYaml
(fromYaml "a: b: c").Error
fromYaml .Values.nothing
quote .Values.name .Values.port .Values.nothing .Values.big .Values.on
quote .Values.list .Values.labels
quote
squote .Values.name .Values.ratio .Values.nothing .Values.labels
"it's \"so\"" | quote | squote
cat "a" .Values.nothing "" .Values.port .Values.list
default "d" .Values.empty
default "d" .Values.nothing
default "d" .Values.missing
.Values.zero | default 5
.Values.off | default true
.Values.emptyMap | default .Values.labels
default "d"
coalesce .Values.empty .Values.nothing .Values.name
coalesce .Values.empty 0 false
empty .Values.emptyMap
empty .Values.ratio
ternary "yes" "no" .Values.on
.Values.off | ternary 1 2
ternary "a" "b" .Values.name
trunc 2 .Values.name
trunc -2 .Values.name
.Values.name | trunc 63 | trimSuffix "-"
trunc .Values.port .Values.name
trunc 3 .Values.nothing
trimSuffix "b" .Values.name
trimPrefix "w" .Values.name
trimAll "wb" .Values.name
trim "  x "
.Values.missing | trim
replace "e" "E" .Values.name
contains "e" .Values.name
hasPrefix "w" .Values.name
hasSuffix "w" .Values.port
upper .Values.name
lower .Values.nothing
title "hello world"
indent 2 .Values.multi
nindent 2 ""
nindent 4 .Values.multi
.Values.port | indent 2
join "," .Values.list
join "-" .Values.name
join "," .Values.labels
join "," .Values.nothing
splitList "," .Values.words
(split "," .Values.words)._1
index (splitList "," .Values.words) 3
regexMatch "^w.b$" .Values.name
regexReplaceAll "(w)(e)" .Values.name "$2$1"
regexReplaceAllLiteral "e" .Values.name "$1"
regexFind "[a-z]" .Values.name
regexFindAll "[a-z]" .Values.name 2
regexFindAll "[a-z]" .Values.name -1 | toJson
regexSplit "," .Values.words 2
regexMatch "(" .Values.name
regexReplaceAll "(" .Values.name "x"
mustRegexMatch "(" .Values.name
regexQuoteMeta "a.b"
semverCompare ">=1.20-0" .Values.version
semverCompare "<1.20" .Values.version
semverCompare "x" .Values.version
semverCompare ">=1.0.0" "v1.3.0-alpha"
(semver .Values.version).Minor
dict "a" 1 "b" .Values.list | toJson
dict "a"
dict .Values.port .Values.name | toJson
dict .Values.labels 1
get .Values.labels "app"
get .Values.labels "none"
get .Values "name"
get .Values.list "x"
get .Values.missing "x"
hasKey .Values "name"
hasKey .Values.missing "a"
hasKey .Values.nothing "a"
set .Values.labels "new" 1
set .Values "new" 1 | toJson
unset .Values.labels "app"
pluck "app" .Values.labels .Values.other
pluck "none" .Values.labels
pick .Values.labels "app" "none"
omit .Values.labels "app" "none"
merge (dict "app" "mine" "extra" (dict "l" 2)) .Values.labels .Values.other | toJson
mergeOverwrite (dict "app" "mine" "extra" (dict "l" 2)) .Values.labels .Values.other | toJson
merge .Values.other .Values.labels .Values.nested | toJson
merge .Values.emptyMap .Values.missing
mustMerge (dict) .Values.labels
deepCopy .Values | toJson
deepCopy .Values.nothing
deepCopy .Values.list
typeOf .Values
typeOf .Values.labels
typeOf .Values.nothing
kindOf .Values
kindOf .Values.missing
kindIs "map" .Values
kindIs "float64" .Values.port
typeIs "string" .Values.name
typeIsLike "string" .Values.name
deepEqual .Values.labels (deepCopy .Values.labels)
deepEqual 1 1.0
dig "one" "two" "three" "no" .Values.nested
dig "one" "x" "three" "no" .Values.nested
dig "one" "two" "three" "four" "no" .Values.nested
dig "name" "no" .Values
dig "a" .Values.nested
first .Values.list
last .Values.list
rest .Values.list
initial .Values.list
first .Values.emptyList
rest .Values.emptyList
first .Values.nothing
first .Values.name
append .Values.list "x"
append .Values.nothing "x"
prepend .Values.list "x"
concat .Values.list .Values.numbers (list)
concat .Values.list .Values.nothing
uniq .Values.list
without .Values.list "a" nil
has "a" .Values.list
has 3 .Values.list
has "a" .Values.nothing
compact .Values.list
reverse .Values.list
slice .Values.list 1 3
list
list 1 nil "a"
tuple 1 2 | toJson
sortAlpha .Values.list
keys .Values.labels | sortAlpha
len (keys .Values.labels)
until 3
untilStep 0 10 3
seq 3
seq 0 2 5
int .Values.port
int "12"
int .Values.name
int64 .Values.ratio
float64 .Values.num
int .Values.nothing
atoi .Values.num
atoi .Values.port
add 1 .Values.port "2"
add1 .Values.port
sub .Values.port 80
mul .Values.port 2
div .Values.port 3
div .Values.port 0
mod .Values.port 7
max 1 .Values.port 3
min 1 .Values.port
addf 1.5 .Values.ratio
ceil .Values.ratio
floor .Values.ratio
round .Values.ratio 0
round 3.14159 2 0.5
b64enc .Values.name
b64dec .Values.b64
b64dec "!"
b64enc .Values.port
sha256sum .Values.name
sha256sum .Values.nothing
required "need it" .Values.name
required "need it" .Values.port
required .Values.port .Values.name
fail .Values.port
lookup "v1" "Secret" "ns" "name"
(lookup "v1" "Secret" "" "").items
getHostByName "localhost"
printf "%s-%d" .Values.name 3
printf "%s" .Values.port
printf "%v %v" .Values.big .Values.labels
printf "%d" .Values.port
printf "%.2f|%5s|%-5s|%05d" .Values.ratio "a" "b" 3
printf "%s"
printf "%s" "a" "b"
print .Values.name .Values.port 1 2 "x"
toToml .Values.nested
toYamlPretty .Values.nested
urlParse "http://a:1/b?c#d" | toJson
substr 0 2 .Values.name
repeat 2 .Values.name
nospace "a b"
camelcase "a-b_c"
kebabcase "AbC"
snakecase "AbC"
plural "one" "many" 2
dir "/a/b/c.txt"
base "/a/b/c.txt"
ext "/a/b/c.txt"
toDate "2006-01-02" "2020-01-02" | date "2006"
htmlDate 0
all .Values.name .Values.empty
any .Values.name .Values.empty
chunk 2 .Values.list
splitn "," 2 .Values.words | toJson
adler32sum "a"
toStrings .Values.list
toDecimal "777"
hello
abbrev 5 "long words"
`), "\n")

func TestTemplatesGiveWhatHelmGives(t *testing.T) {
	for _, snippet := range snippets {
		text := "{{ " + snippet + " }}|{{ $x := " + snippet + " }}{{ $x }}|{{ with " + snippet + " }}{{ . | quote }}{{ end }}|{{ .Values | toJson }}"
		want, wantErr := renderWithHelm(text, testValues(t))
		got, err := render(text, testValues(t), tmpl.Env{})
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%s\nerror %v\nHelm: %v", snippet, err, wantErr)
		}
		if got != want {
			t.Errorf("%s\n%s\nHelm gives\n%s", snippet, got, want)
		}
	}
}

func testValues(t *testing.T) map[string]any {
	var values map[string]any
	if err := json.Unmarshal([]byte(renderValues), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func TestErrorsOfUsersAreFoundInTemplateErrors(t *testing.T) {
	for _, text := range []string{
		`{{ required "say why" .Values.missing }}`,
		`{{ fail "say why" }}`,
		`{{ define "x" }}{{ required "say why" .y }}{{ end }}{{ include "x" . | quote }}`,
	} {
		_, err := render(text, nil, tmpl.Env{})
		var said *UserError
		if !errors.As(err, &said) || said.Msg != "say why" {
			t.Errorf("%s: %v", text, err)
		}
		_, helmErr := renderWithHelm(text, nil)
		if helmErr == nil || !strings.Contains(helmErr.Error(), "say why") {
			t.Errorf("%s: Helm says %v", text, helmErr)
		}
	}
}

func TestTheEnvironmentReachesTheFunctions(t *testing.T) {
	var logged []string
	env := tmpl.Env{
		Lookup: func(apiVersion, kind, namespace, name string) (map[string]any, error) {
			if name == "broken" {
				return nil, errors.New("no such kind")
			}
			return map[string]any{"kind": kind}, nil
		},
		Log: func(format string, args ...any) { logged = append(logged, fmt.Sprintf(format, args...)) },
	}
	if got, err := render(`{{ (lookup "v1" "Secret" "ns" "n").kind }}`, nil, env); got != "Secret" || err != nil {
		t.Errorf("lookup: %q, %v", got, err)
	}
	if _, err := render(`{{ lookup "v1" "Secret" "ns" "broken" }}`, nil, env); err == nil || !strings.Contains(err.Error(), "no such kind") {
		t.Errorf("lookup with an error: %v", err)
	}
	env.Lint = true
	if got, err := render(`[{{ lookup "v1" "Secret" "ns" "broken" }}{{ required "r" .Values.x }}{{ fail "f" }}]`, nil, env); got != "[map[]]" || err != nil {
		t.Errorf("while linting: %q, %v", got, err)
	}
	if fmt.Sprint(logged) != "[[INFO] Missing required value: r [INFO] Fail: f]" {
		t.Errorf("log %q", logged)
	}
}
