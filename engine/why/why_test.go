package why

import (
	"context"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
)

// explorerOf renders a chart of one template and an optional subchart named sub.
func explorerOf(t *testing.T, defaults, text string, o Options) *Explorer {
	t.Helper()
	c := &chart.Chart{
		Metadata:  &chart.Metadata{APIVersion: "v2", Name: "web", Version: "1.2.3", AppVersion: "4.5.6"},
		Templates: []*chart.File{{Name: "templates/all.yaml", Data: []byte(text)}},
		Files:     []*chart.File{{Name: "a.txt", Data: []byte("alpha")}, {Name: "b.txt", Data: []byte("beta")}},
		Values:    decode(t, defaults).(map[string]any),
	}
	program, err := engine.Compile(c, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(context.Background(), program, engine.Input{Release: engine.Release{Name: "rel", Namespace: "ns"}}, o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// causesOf asks about data.x of the only object.
func causesOf(t *testing.T, e *Explorer) (string, *Answer) {
	t.Helper()
	p, err := ParsePath("data.x")
	if err != nil {
		t.Fatal(err)
	}
	a, err := e.Ask(context.Background(), e.Objects()[0], p)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, c := range a.Causes {
		text := string(c.Role) + " " + c.Name + values.FormatPath(c.Value)
		if c.Unset {
			text += " unset"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", "), a
}

func TestCauses(t *testing.T) {
	const defaults = "{s: text, num: 7, act: true, idle: false, empty: '', m: {k: v, l: [p, q]}, cfg: {}, none: null, tmpl: '{{ .Values.s }}'}"
	for name, c := range map[string]struct{ text, want string }{
		"the text itself":          {"{{ .Values.s }}", "text s"},
		"a number":                 {"a{{ .Values.num }}", "text num"},
		"two values":               {"{{ .Values.s }}-{{ .Values.num }}", "text s, text num"},
		"another way":              {"{{ .Values.s | sha256sum }}", "decides s"},
		"a condition":              {"{{ if .Values.act }}a{{ else }}b{{ end }}", "decides act"},
		"a part of a table":        {"{{ toJson .Values.m | quote }}", "text m.k, text m.l[0], text m.l[1]"},
		"an element":               {"{{ index .Values.m.l 1 }}", "text m.l[1]"},
		"a loop":                   {"{{ range .Values.m.l }}{{ . }}{{ end }}", "text m.l[0], text m.l[1]"},
		"through a variable":       {"{{ $v := .Values.m }}{{ with $v }}{{ .k }}{{ end }}", "text m.k"},
		"a default":                {"{{ .Values.empty | default \"c\" }}", "decides empty"},
		"what is not set":          {"{{ .Values.other | default \"c\" }}", "decides other unset"},
		"a null":                   {"{{ .Values.none | default \"c\" }}", "decides none"},
		"an empty table":           {"{{ if .Values.cfg }}a{{ else }}b{{ end }}", "decides cfg"},
		"tpl":                      {"{{ tpl .Values.tmpl . }}", "text s, decides tmpl"},
		"the release":              {"{{ .Release.Name }}-{{ .Release.Namespace }}", "decides Release.Name, decides Release.Namespace"},
		"the chart":                {"{{ .Chart.AppVersion }}", "decides Chart.AppVersion"},
		"a file":                   {"{{ .Files.Get \"b.txt\" | quote }}", "decides file web/b.txt"},
		"kinds that are served":    {"{{ .Capabilities.APIVersions.Has \"example.org/v1\" }}", "decides Capabilities.APIVersions"},
		"the cluster's version":    {"{{ semverCompare \">=1.20-0\" .Capabilities.KubeVersion.Version }}", "decides Capabilities.KubeVersion"},
		"chance":                   {"{{ randAlphaNum 8 }}", "decides chance"},
		"time":                     {"{{ now | date \"2006\" | quote }}", "decides chance"},
		"a constant":               {"c", ""},
		"values that were changed": {"{{ $_ := set .Values \"s2\" .Values.s }}{{ .Values.s2 }}", "text s"},
		"two that hide each other": {"{{ if and .Values.act .Values.idle }}a{{ else }}b{{ end }}", "decides idle"},
	} {
		t.Run(name, func(t *testing.T) {
			text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: " + c.text + "\n"
			got, a := causesOf(t, explorerOf(t, defaults, text, Options{}))
			if got != c.want {
				t.Errorf("%s\ngot  %s\nwant %s", c.text, got, c.want)
			}
			constant := true
			for _, cause := range a.Causes {
				constant = constant && cause.Unset
			}
			if a.Constant() != constant {
				t.Errorf("constant: %v", a.Constant())
			}
			if len(a.Writers) == 0 || a.Writers[len(a.Writers)-1].Frames[0].Line != 5 {
				t.Errorf("written by %+v", a.Writers)
			}
		})
	}
}

func TestWhatAFieldIsThereBy(t *testing.T) {
	const text = "{{ if .Values.act }}\nkind: A\nmetadata: {name: a}\ndata:\n{{- with .Values.s }}\n  x: c\n{{- end }}\n{{ end }}\n"
	got, a := causesOf(t, explorerOf(t, "{act: true, s: t}", text, Options{}))
	if want := "presence act, presence s"; got != want || !a.Constant() {
		t.Errorf("got %s, want %s; constant %v", got, want, a.Constant())
	}
}

func TestAFileThatDoesNotRenderIsNoEffect(t *testing.T) {
	const text = "kind: A\nmetadata: {name: a}\ndata:\n  x: {{ if eq .Values.s \"t\" }}c{{ else }}{{ fail \"no\" }}{{ end }}\n"
	if got, _ := causesOf(t, explorerOf(t, "{s: t}", text, Options{})); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestALimitIsTold(t *testing.T) {
	const text = "kind: A\nmetadata: {name: a}\ndata:\n  x: {{ .Values.s }}\n"
	_, a := causesOf(t, explorerOf(t, "{s: t}", text, Options{Renders: 5}))
	if !a.Incomplete || a.Renders != 5 {
		t.Errorf("incomplete %v after %d renders", a.Incomplete, a.Renders)
	}
}
