package lint

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ownLines gives what the rules beyond Helm's say, with the rule in front.
func ownLines(t *testing.T, archive string, values map[string]any, options Options) []string {
	t.Helper()
	findings, err := Lint(context.Background(), folderOf(t, archive), values, options)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, finding := range findings {
		if !finding.Helm {
			lines = append(lines, finding.Rule+" "+finding.String())
		} else if finding.Severity == Error {
			t.Errorf("the chart is wrong otherwise: %s", finding)
		}
	}
	return lines
}

func chartWith(values, templates string) string {
	return "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.2.3\nicon: https://example.com/i.png\n" +
		"-- values.yaml --\n" + values + templates
}

const readAll = "-- templates/all.yaml --\nkind: A\nmetadata: {name: all}\nall: {{ toJson .Values }}\n"

var ownTable = []struct {
	name    string
	archive string
	values  map[string]any
	want    []string
}{
	{"a clean chart has none", chartWith("a: 1\n", readAll), nil, nil},
	{
		"a key twice in values.yaml", chartWith("a:\n  b: 1\n  c: 2\n  b: 3\n", readAll), nil,
		[]string{"duplicate-key [ERROR] values.yaml:4:3: the key a.b is already set on line 2; only the last one counts"},
	},
	{
		"keys that become booleans", chartWith("n: 300\non: {off: 1}\n\"y\": 1\nnormal: yes\n", readAll), nil,
		[]string{
			`boolean-key [WARNING] values.yaml:1:1: YAML 1.1 reads the key "n" as a boolean: it becomes "false"`,
			`boolean-key [WARNING] values.yaml:2:1: YAML 1.1 reads the key "on" as a boolean: it becomes "true"`,
			`boolean-key [WARNING] values.yaml:2:6: YAML 1.1 reads the key "off" as a boolean: it becomes "false"`,
		},
	},
	{
		"a key twice and a boolean key in rendered text",
		chartWith("", "-- templates/x.yaml --\n# first\nkind: A\nmetadata:\n  name: x\n  name: z\n---\nkind: B\nmetadata:\n  name: z\ndata:\n  y: 1\n"), nil,
		[]string{
			`duplicate-key [ERROR] templates/x.yaml:5:3: A "z" has the key metadata.name twice, on lines 4 and 5 of the rendered document; only the last one counts`,
			`boolean-key [WARNING] templates/x.yaml:11:3: YAML 1.1 reads the key "y" of B "z", on line 5 of the rendered document, as a boolean: it becomes "true"`,
		},
	},
	{
		"an object twice",
		chartWith("", "-- templates/a.yaml --\napiVersion: v1\nkind: Service\nmetadata: {name: x}\n"+
			"-- templates/b.yaml --\napiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: ns}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: other}\n"+
			"-- templates/c.yaml --\napiVersion: b/v1\nkind: Service\nmetadata: {name: x}\n---\napiVersion: b/v2\nkind: Service\nmetadata: {name: x}\n"+
			"-- templates/h.yaml --\napiVersion: v1\nkind: Service\nmetadata: {name: x, annotations: {helm.sh/hook: test}}\n"), nil,
		[]string{
			`duplicate-object [ERROR] templates/b.yaml:1:1: Service "ns/x" is rendered twice, also by templates/a.yaml`,
			`duplicate-object [ERROR] templates/c.yaml:5:1: Service "ns/x" is rendered twice, also by templates/c.yaml`,
		},
	},
	{
		"an integer printed as a float",
		chartWith("big: 1000000\nsmall: 999\nfine: 2000000\nquoted: \"3000000\"\n",
			"-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\nbig: {{ .Values.big }}\nsmall: {{ .Values.small }}\nfine: {{ int64 .Values.fine }}\nquoted: {{ .Values.quoted }}\n"), nil,
		[]string{"float-integer [WARNING] templates/a.yaml:3:9: line 3 of the rendered text has 1e+06 for the integer big (values.yaml:1)"},
	},
	{
		"values that nobody reads",
		chartWith("used: 1\nunused: 2\ntable:\n  a: 1\n  b: {c: 1}\nwhole: {x: 1}\nnone: {x: 1}\ntested: {x: 1}\nglobal: {g: 1, h: 1}\n",
			"-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\n{{ if .Values.tested }}t: 1{{ end }}\nu: {{ .Values.used }}\nb: {{ .Values.table.b.c }}\n"+
				"w: {{ toJson .Values.whole }}\ng: {{ $.Values.global.g }}\n"), nil,
		[]string{
			"unused-value [INFO] values.yaml:2:1: no template reads the value unused",
			"unused-value [INFO] values.yaml:4:3: no template reads the value table.a",
			"unused-value [INFO] values.yaml:7:1: no template reads the value none",
			"unused-value [INFO] values.yaml:8:10: no template reads the value tested.x",
			"unused-value [INFO] values.yaml:9:16: no template reads the value global.h",
		},
	},
	{
		"ways of reading a value",
		chartWith("a: {b: 1, z: 1}\nc: {d: 1}\ne: {f: 1}\ng: [1]\nh: {i: {j: 1}}\nk: {l: 1}\nm: 1\nn1: 1\no: 1\np: 'x{{ .Values.q.r }}'\nq: {r: 1, s: 1}\nt: {u: 1}\nv: {w: 1}\nx1: {x2: {x3: 1}}\n",
			"-- templates/_h.tpl --\n{{ define \"h\" }}{{ .ctx.Values.m }}{{ end }}{{ define \"w\" }}{{ .Values.v.w }}{{ end }}\n"+
				"-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\na: {{ with .Values.a }}{{ .b }}{{ end }}\nc: {{ index .Values \"c\" \"d\" }}\n"+
				"e: {{ get .Values.e \"f\" }}\ng: {{ range .Values.g }}{{ . }}{{ end }}\nh: {{ $x := .Values.h.i }}{{ $x.j }}\nk: {{ dig \"l\" 0 .Values.k }}\n"+
				"i: {{ include \"h\" (dict \"ctx\" .) }}\nnn: {{ (.Values.n1 | default 2) }}\no: {{ .Values.o | quote }}\np: {{ tpl .Values.p . }}\n"+
				"t: {{ if hasKey .Values.t \"u\" }}1{{ end }}\nv: {{ include \"w\" (dict \"Values\" .Values) }}\nx: {{ (.Values.x1.x2 | default dict).x3 }}\n"), nil,
		[]string{
			"unused-value [INFO] values.yaml:1:11: no template reads the value a.z",
			"unused-value [INFO] values.yaml:11:11: no template reads the value q.s",
		},
	},
	{
		"all values are written out", chartWith("a: 1\nb: {c: 1}\n", "-- templates/a.yaml --\nkind: A\nmetadata: {name: x, annotations: {sum: '{{ . | toJson | sha256sum }}'}}\n"), nil, nil,
	},
	{
		"keys of values in a text for tpl",
		chartWith("a: {b c: 1, d: 2}\nt: '{{ index .Values \"a\" \"b c\" }}'\n", "-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\nt: {{ tpl .Values.t . }}\n"), nil,
		[]string{"unused-value [INFO] values.yaml:1:13: no template reads the value a.d"},
	},
	{
		"one of two values opens a context",
		chartWith("a: {c: 1}\nb: {c: 2}\nd: {c: 1, z: 1}\ne: {c: 1}\n",
			"-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\na: {{ with or .Values.a .Values.b }}{{ .c }}{{ end }}\n"+
				"d: {{ if $x := and .Values.e .Values.d }}{{ $x.c }}{{ end }}\n"), nil, nil,
	},
	{
		"methods of the values",
		chartWith("a: {b: 1, c: 1}\n",
			"-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\na: {{ dig \"a\" \"b\" 0 .Values.AsMap }}\n"), nil,
		[]string{"unused-value [INFO] values.yaml:1:11: no template reads the value a.c"},
	},
	{
		"methods of the values that follow a path of their own",
		chartWith("a: {b: 1}\n", "-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\na: {{ .Values.PathValue \"a.b\" }}\n"), nil, nil,
	},
	{
		"files that are templates in a folder of that name",
		chartWith("a: 1\n", "-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\na: {{ tpl (.Files.Get \"files/templates/x.conf\") . }}\n") +
			"-- files/templates/x.conf --\n{{ .Values.a }}\n", nil, nil,
	},
	{
		"values of subcharts that are not there",
		strings.Replace(chartWith("cache: {size: 1}\nother: {x: 1}\n", "-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\n"), "icon:",
			"dependencies:\n- {name: cache, version: 1.x.x}\n- {name: cache, version: 1.x.x, alias: other}\nicon:", 1),
		map[string]any{"cache": map[string]any{"zise": 1}}, nil,
	},
	{
		"templates that the user gives as values",
		chartWith("extra: ''\n", "-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\na: {{ tpl .Values.extra . | quote }}\n"),
		map[string]any{"extra": "{{ .Values.mine.x }}", "mine": map[string]any{"x": 1}}, nil,
	},
	{
		"one document twice in a file, after a longer one that starts alike",
		chartWith("", "-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\n---\nkind: B\nmetadata: {name: x}\na: 1\n---\nkind: B\nmetadata: {name: x}\n---\nkind: B\nmetadata: {name: x}\n"), nil,
		[]string{
			`duplicate-object [ERROR] templates/a.yaml:8:1: B "ns/x" is rendered twice, also by templates/a.yaml`,
			`duplicate-object [ERROR] templates/a.yaml:11:1: B "ns/x" is rendered twice, also by templates/a.yaml`,
		},
	},
	{
		"values that others repeat by an anchor",
		chartWith("base: &b\n  x: 1\na:\n  <<: *b\nc: *b\n",
			"-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\na: {{ .Values.a.x }}\n"), nil,
		[]string{"unused-value [INFO] values.yaml:5:1: no template reads the value c"},
	},
	{
		"values of subcharts",
		chartWith("db: {size: 1, sise: 2, enabled: true}\nalias: {size: 1}\nother: 1\n",
			"-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\n") + "-- charts/db/Chart.yaml --\napiVersion: v2\nname: db\nversion: 1.0.0\n" +
			"-- charts/db/values.yaml --\nsize: 5\n-- charts/db/templates/d.yaml --\nkind: D\nmetadata: {name: '{{ .Chart.Name }}'}\ns: {{ .Values.size }}\n",
		map[string]any{"db": map[string]any{"siez": 1, "color": 2}},
		[]string{
			"misspelt-value [WARNING] the values given: no template reads the value db.siez; is db.size meant?",
			"unused-value [INFO] the values given: no template reads the value db.color",
			"unused-value [INFO] values.yaml:1:15: no template reads the value db.sise",
			"unused-value [INFO] values.yaml:3:1: no template reads the value other",
		},
	},
	{
		"misspelt values", chartWith("image: {repository: x, tag: y}\nreplicas: 1\n",
			"-- templates/a.yaml --\nkind: A\nmetadata: {name: x}\nr: {{ .Values.image.repositroy }}\nt: {{ .Values.image.tag }}\no: {{ .Values.optional }}\n# {{ .Values.replicas }}\n"),
		map[string]any{"replicsa": 2, "image": map[string]any{"tga": "z"}, "optional": 1, "zzz": 1},
		[]string{
			"misspelt-value [WARNING] the values given: no template reads the value image.tga; is image.tag meant?",
			"misspelt-value [WARNING] the values given: no template reads the value replicsa; is replicas meant?",
			"unused-value [INFO] the values given: no template reads the value zzz",
			"misspelt-value [WARNING] templates/a.yaml:3:7: .Values.image.repositroy is not in values.yaml, which has image.repository; is that meant?",
			"unused-value [INFO] values.yaml:1:9: no template reads the value image.repository",
		},
	},
	{
		"hooks of events that do not exist",
		chartWith("", "-- templates/a.yaml --\nkind: Pod\nmetadata:\n  name: x\n  annotations: {helm.sh/hook: test-failure}\n"), nil,
		[]string{`unknown-hook [WARNING] templates/a.yaml:4:3: Pod "x" is left out: its annotation helm.sh/hook names an event that does not exist (test-failure)`},
	},
	{
		"text of a subchart that is no YAML", chartWith("", "") + "-- charts/db/Chart.yaml --\napiVersion: v2\nname: db\nversion: 1.0.0\n" +
			"-- charts/db/templates/d.yaml --\na: b: c\n", nil,
		[]string{"invalid-manifest [ERROR] charts/alias/templates/d.yaml:1:1: rendered text is no YAML: error converting YAML to JSON: yaml: mapping values are not allowed in this context"},
	},
}

func TestOwnRules(t *testing.T) {
	for _, test := range ownTable {
		t.Run(test.name, func(t *testing.T) {
			archive := test.archive
			if strings.Contains(archive, "charts/db/") {
				archive = strings.Replace(archive, "icon:", "dependencies:\n- {name: db, version: 1.x.x, condition: db.enabled}\n- {name: db, version: 1.x.x, alias: alias}\nicon:", 1)
			}
			got := ownLines(t, archive, test.values, Options{Namespace: "ns"})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlacesOfTheUsersValuesComeFromOptions(t *testing.T) {
	got := ownLines(t, chartWith("a: 1\n", "-- templates/x.yaml --\na: {{ .Values.a }}\n"), map[string]any{"b": 1}, Options{
		Origin: func(path []string) (string, int, int, bool) { return strings.Join(path, "/") + ".yaml", 7, 8, true },
	})
	if diff := cmp.Diff([]string{"unused-value [INFO] b.yaml:7:8: no template reads the value b"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFindingsInRenderedTextHaveThePlaceInTheTemplate(t *testing.T) {
	const helper = "-- templates/_h.tpl --\n{{ define \"labels\" -}}\na: 1\na: 2\n{{- end }}\n"
	for _, test := range []struct{ name, archive, rule, want string }{
		{"a helper", helper + "-- templates/x.yaml --\nkind: A\nmetadata:\n  {{- include \"labels\" . | nindent 2 }}\n", "duplicate-key", "templates/_h.tpl:3:1"},
		{"a text given to tpl", "-- templates/x.yaml --\nkind: A\n{{ tpl \"a: 1\\na: 2\" . }}\n", "duplicate-key", "templates/x.yaml:2:4"},
		{"the second document", "-- templates/x.yaml --\n{{/* c */}}\nkind: A\n---\nkind: B\ny: 1\n", "boolean-key", "templates/x.yaml:5:1"},
		{"random text before", "-- templates/x.yaml --\nkind: A\nx: {{ randAlphaNum 9 }}\ny: 1\n", "boolean-key", "templates/x.yaml:3:1"},
		{"Helm's rule for names", "-- templates/x.yaml --\n{{/* c */}}\n---\nkind: A\nmetadata:\n  name: A_B\n", "object-name", "templates/x.yaml:5:3"},
		{"Helm's rule for names in JSON", "-- templates/x.yaml --\n{{/* c */}}\n{\"kind\": \"A\",\n\"metadata\": {\"name\": \"A_B\"}}\n", "object-name", "templates/x.yaml:2:1"},
		{"Helm's rule for APIs", "-- templates/x.yaml --\n{{/* c */}}\nkind: Ingress\napiVersion: extensions/v1beta1\nmetadata: {name: a}\n", "deprecated-api", "templates/x.yaml:3:1"},
		{"Helm's rule for selectors", "-- templates/x.yaml --\nkind: Deployment\nmetadata: {name: a}\nspec: {}\n", "match-selector", "templates/x.yaml:3:1"},
		{"Helm's rule for indents", "-- templates/x.yaml --\n\n  kind: A\n", "template-indent", "templates/x.yaml:2:3"},
		{"Helm's rule for YAML", "-- templates/x.yaml --\n{{/* c */}}\nkind: A\n---\na:\n  b:\n    c: 1\n   d: 1\n", "template-yaml", "templates/x.yaml:7:4"},
		{"Helm's rule for YAML, a word", "-- templates/x.yaml --\n{{/* c */}}\nword\n", "template-yaml", "templates/x.yaml:2:1"},
		{"Helm's rule for YAML, JSON without an end", "-- templates/x.yaml --\n{\n", "template-yaml", "templates/x.yaml:1:1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			findings, err := Lint(t.Context(), folderOf(t, chartWith("", test.archive)), nil, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings {
				if f.Rule == test.rule {
					if got := fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Col); got != test.want {
						t.Errorf("got %s, want %s: %s", got, test.want, f)
					}
					return
				}
			}
			t.Errorf("no finding: %v", findings)
		})
	}
}

func TestSuspicionFindsWhatMattersAndPassesPlainDocuments(t *testing.T) {
	for doc, want := range map[string]bool{
		"a: 1\nb: 2\n": false, "a: 1\na: 2": true, "a:\n- x: 1\n- x: 1\nb: 1\n": false, "a:\n- x: 1\n  x: 1\n": true,
		"a:\n  b: 1\nc:\n  b: 1\n": false, "a: {b: 1, b: 2}": true, "a: {}": false, "a: []": false, "a: [{x: 1}]": true,
		"\"a\": 1\na: 2": true, "y: 1": true, "a: yes": false, "? a\n: b": true, "on:\r\n  a: 1\r\n": true, "- - a: 1\n    a: 2": true,
		"a: b:c\nb: http://x\n": false, strings.Repeat("x", 30) + ": 1\n# a: 1\n": false,
		"k1: 1\nk2: 1\nk3: 1\nk4: 1\nk5: 1\nk6: 1\nk7: 1\nk8: 1\nk9: 1\nk10: 1\nk11: 1\nk12: 1\nk13: 1\nk14: 1\nk15: 1\nk16: 1\nk17: 1\nk18: 1\nk2: 1\n": true,
	} {
		if got := suspiciousKeys(doc); got != want {
			t.Errorf("%q: got %v, want %v", doc, got, want)
		}
	}
}

func TestSimilarNames(t *testing.T) {
	all := func(string) bool { return true }
	for _, test := range []struct{ name, candidates, want string }{
		{"imgae", "image", "image"}, {"Image", "image", "image"}, {"tag", "tags", "tags"}, {"ab", "ac", ""},
		{"port", "host", ""}, {"replicaCuont", "replicaCount other", "replicaCount"}, {"serviceAccuontt", "serviceAccount", "serviceAccount"},
		{"resources", "nothing", ""}, {"same", "same", ""},
	} {
		if got := similar(test.name, strings.Fields(test.candidates), all); got != test.want {
			t.Errorf("%s among %s: got %q, want %q", test.name, test.candidates, got, test.want)
		}
	}
}

var encodedFindings = []Finding{
	{Rule: "chart-icon", Helm: true, Severity: Info, File: "Chart.yaml", Subject: "Chart.yaml", Message: "icon is recommended", Hint: hintFor("chart-icon")},
	{Rule: "duplicate-key", Severity: Error, File: "templates/a b.yaml", Line: 3, Col: 5, Message: "twice <x>"},
	{Rule: "unused-value", Severity: Warning, Message: "somewhere"},
}

func TestJSONHasOneObjectForEachFinding(t *testing.T) {
	got, err := JSON(encodedFindings)
	if err != nil {
		t.Fatal(err)
	}
	want := `[
  {
    "rule": "chart-icon",
    "helm": true,
    "severity": "info",
    "file": "Chart.yaml",
    "message": "icon is recommended",
    "hint": "add icon: with the URL of an SVG or PNG"
  },
  {
    "rule": "duplicate-key",
    "severity": "error",
    "file": "templates/a b.yaml",
    "line": 3,
    "column": 5,
    "message": "twice <x>"
  },
  {
    "rule": "unused-value",
    "severity": "warning",
    "message": "somewhere"
  }
]
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if none, err := JSON(nil); err != nil || string(none) != "[]\n" {
		t.Errorf("no findings: got %q, %v", none, err)
	}
}

func TestSARIFIsAWellFormedLog(t *testing.T) {
	text, err := SARIF(encodedFindings, SARIFOptions{Version: "1.0.0", Prefix: "charts/web/"})
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine, StartColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || len(run.Results) != 3 || len(run.Tool.Driver.Rules) != 3 {
		t.Fatalf("got %s", text)
	}
	for i, want := range []string{"note", "error", "warning"} {
		result := run.Results[i]
		if result.Level != want || run.Tool.Driver.Rules[result.RuleIndex].ID != result.RuleID {
			t.Errorf("result %d: got %+v", i, result)
		}
	}
	second := run.Results[1].Locations[0].PhysicalLocation
	if second.ArtifactLocation.URI != "charts/web/templates/a%20b.yaml" || second.Region.StartLine != 3 || second.Region.StartColumn != 5 {
		t.Errorf("got %+v", second)
	}
	if len(run.Results[2].Locations) != 0 {
		t.Errorf("a finding without a file has a place: %+v", run.Results[2])
	}
	if again, _ := SARIF(encodedFindings, SARIFOptions{Version: "1.0.0", Prefix: "charts/web/"}); string(again) != string(text) {
		t.Error("the same findings give other bytes")
	}
}

func TestEveryRuleIsDescribed(t *testing.T) {
	for rule, text := range ownRules {
		if text.about == "" || text.hint == "" || helmRules[rule].about != "" {
			t.Errorf("%s: %+v", rule, text)
		}
	}
}

func TestACancelledLintEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Lint(ctx, folderOf(t, chartWith("", readAll)), nil, Options{}); err == nil {
		t.Error("want the context's error")
	}
}
