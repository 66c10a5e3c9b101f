package funcs

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Masterminds/sprig/v3"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	helm "helm.sh/helm/v3/pkg/engine"

	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// renderWithHelm returns what Helm's engine makes of one template.
func renderWithHelm(text string, values map[string]any) (string, error) {
	c := &chart.Chart{
		Metadata:  &chart.Metadata{Name: "c", Version: "1.0.0", APIVersion: "v2"},
		Templates: []*chart.File{{Name: "templates/t.txt", Data: []byte(text)}},
	}
	out, err := helm.Render(c, chartutil.Values{"Values": chartutil.Values(values)})
	return out["c/templates/t.txt"], err
}

func TestTheTableHasHelmsFunctions(t *testing.T) {
	table := Helm3()
	names := map[string]bool{"include": false, "tpl": false}
	for name := range sprig.TxtFuncMap() {
		names[name] = true
	}
	for name := range Helm4() {
		names[name] = true
	}
	for name, ours := range names {
		_, err := renderWithHelm(fmt.Sprintf("{{ if false }}{{ %s }}{{ end }}", name), nil)
		helmHas := err == nil || !strings.Contains(err.Error(), "not defined")
		if _, have := table[name]; ours && have != helmHas {
			t.Errorf("%s: in our table %v, in Helm's %v", name, have, helmHas)
		}
	}
	for name := range table {
		if _, also := Helm4()[name]; !also {
			t.Errorf("%s: in Helm3 but not in Helm4", name)
		}
	}
}

func TestHelm4HasItsOwnFunctions(t *testing.T) {
	three, four := Helm3(), Helm4()
	var extra []string
	for name := range four {
		if _, ok := three[name]; !ok {
			extra = append(extra, name)
		}
	}
	slices.Sort(extra)
	want := []string{
		"durationDays", "durationHours", "durationMicroseconds", "durationMilliseconds", "durationMinutes", "durationNanoseconds",
		"durationRoundTo", "durationSeconds", "durationTruncateTo", "durationWeeks", "mustToDuration", "mustToToml", "mustToYaml",
	}
	if !slices.Equal(extra, want) {
		t.Errorf("Helm 4 adds %v, want %v", extra, want)
	}
}

func TestEveryEntryHasAGoFunction(t *testing.T) {
	for _, table := range []tmpl.Table{Helm3(), Helm4()} {
		for name, f := range table {
			if f.Fn == nil {
				t.Errorf("%s has no Fn", name)
			}
			if f.Append != nil && f.Fast == nil {
				t.Errorf("%s has an Append form only", name)
			}
		}
	}
}

func TestConvertersGiveWhatHelmGives(t *testing.T) {
	values := []any{
		nil, "", "text", "a\nb\n", 1, 1.5, 1e6, 1e21, math.NaN(), true, []any{}, map[string]any{}, []any{1, "b", nil}, json.Number("1.0"),
		map[string]any{"a": map[string]any{"b": []any{1.0, "c", map[string]any{"d": nil}}}, "<&>": "<&>", "big": 123456789.0, "long": strings.Repeat("word ", 40)},
		map[string]any{"f": func() {}}, []string{"x"}, time.Unix(0, 0).UTC(), chart.Metadata{Name: "n"}, "\x7f", "a\xffb",
	}
	for name, fn := range map[string]func(any) string{
		"toYaml": toYAML, "toYamlPretty": toYAMLPretty, "toJson": toJSON, "toToml": toTOML,
	} {
		for _, v := range values {
			want, err := renderWithHelm(fmt.Sprintf("{{ %s .Values.v }}", name), map[string]any{"v": v})
			if err != nil {
				if !panics(func() { fn(v) }) {
					t.Errorf("%s %#v: Helm says %v", name, v, err)
				}
				continue
			}
			if got := strings.ReplaceAll(fn(v), "<no value>", ""); got != want {
				t.Errorf("%s %#v = %q, Helm gives %q", name, v, got, want)
			}
		}
	}

	texts := []string{
		"", " ", "null", "~", "a: 1", "a: 1\nb: [x, 2.5, null]", "- 1\n- b", "[]", "{}", "text", "12", "a: b: c", "\t", "{", `{"a":1}`, `[1,"b"]`, `"s"`, "true", "a: &x 1\nb: *x", "y: 1", "1: 2", "---\na: 1\n---\nb: 2", "a: 1\na: 2",
		"[a]\nx = 1\ny = 1.5\n", "x = 1979-05-27T07:32:00Z", "x = [1, 2]", "x =", `{"a":{"b":[1,2,{"c":null}]}} x`, "nul", "\x00",
	}
	for name, fn := range map[string]any{
		"fromYaml": fromYAML, "fromYamlArray": fromYAMLArray, "fromJson": fromJSON, "fromJsonArray": fromJSONArray, "fromToml": fromTOML,
	} {
		for _, s := range texts {
			want, err := renderWithHelm(fmt.Sprintf(`{{ printf "%%#v" (%s .Values.v) }}`, name), map[string]any{"v": s})
			if err != nil {
				t.Fatal(err)
			}
			result, _ := callOriginal(fn, []any{s})
			if got := fmt.Sprintf("%#v", result); got != want {
				t.Errorf("%s %q = %s, Helm gives %s", name, s, got, want)
			}
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestRequiredAndFailSayWhatTheUserMeant(t *testing.T) {
	for _, v := range []any{nil, ""} {
		_, err := required(nil, "name is needed", v)
		var said *UserError
		if !errors.As(err, &said) || said.Msg != "name is needed" || err.Error() != "HELM_ERR_STARTname is neededHELM_ERR_END" {
			t.Errorf("required %#v: %v", v, err)
		}
		var logged []string
		env := &tmpl.Env{Lint: true, Log: func(format string, args ...any) { logged = append(logged, fmt.Sprintf(format, args...)) }}
		got, err := required(env, "name is needed", v)
		if got != "" || err != nil || !slices.Equal(logged, []string{"[INFO] Missing required value: name is needed"}) {
			t.Errorf("required %#v while linting: %#v, %v, log %q", v, got, err, logged)
		}
	}
	for _, v := range []any{" ", 0, false, map[string]any{}, []any{}} {
		if got, err := required(nil, "m", v); err != nil || fmt.Sprint(got) != fmt.Sprint(v) {
			t.Errorf("required %#v = %#v, %v", v, got, err)
		}
	}
	var said *UserError
	if _, err := fail(&tmpl.Env{}, "no"); !errors.As(err, &said) || said.Msg != "no" {
		t.Errorf("fail: %v", err)
	}
	if got, err := fail(&tmpl.Env{Lint: true}, "no"); got != "" || err != nil {
		t.Errorf("fail while linting: %q, %v", got, err)
	}
}

func TestRequiredTakesValuesThatCannotBeCompared(t *testing.T) {
	if got, err := required(nil, "m", func() {}); got == nil || err != nil {
		t.Errorf("required of a func = %v, %v", got, err)
	}
}

func TestLookupAsksTheRendersCluster(t *testing.T) {
	asked := ""
	env := &tmpl.Env{Lookup: func(apiVersion, kind, namespace, name string) (map[string]any, error) {
		asked = strings.Join([]string{apiVersion, kind, namespace, name}, " ")
		return map[string]any{"found": true}, nil
	}}
	if got, err := lookup(env, "v1", "Secret", "ns", "n"); err != nil || got["found"] != true || asked != "v1 Secret ns n" {
		t.Errorf("lookup = %v, %v after asking for %q", got, err, asked)
	}
	env.Lint = true
	for _, e := range []*tmpl.Env{nil, {}, env} {
		if got, err := lookup(e, "v1", "Secret", "ns", "n"); err != nil || got == nil || len(got) != 0 {
			t.Errorf("lookup without a cluster = %#v, %v", got, err)
		}
	}
}

func TestKeysAndValuesHaveOneOrder(t *testing.T) {
	table := Helm3()
	d := map[string]any{"b": 2, "a": 1, "c": 3}
	e := chartutil.Values{"z": 26, "a": 0}
	for range 20 {
		got, handled, err := table["keys"].Fast(nil, []any{d, e})
		if !handled || err != nil || !slices.Equal(got.([]string), []string{"a", "b", "c", "a", "z"}) {
			t.Fatalf("keys = %v (%v, %v)", got, handled, err)
		}
		if got, _ := callOriginal(table["values"].Fn, []any{d}); fmt.Sprint(got) != "[1 2 3]" {
			t.Fatalf("values = %v", got)
		}
	}
	if got := sortedKeys(); got == nil || len(got) != 0 {
		t.Errorf("keys of nothing = %#v, want an empty list", got)
	}
}

func TestFlagsOfFunctionsThatChangeOrGuess(t *testing.T) {
	var mutating, random []string
	for name, f := range Helm3() {
		if f.Mutates {
			mutating = append(mutating, name)
		}
		if f.Random {
			random = append(random, name)
		}
	}
	slices.Sort(mutating)
	if want := []string{"merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite", "set", "unset"}; !slices.Equal(mutating, want) {
		t.Errorf("mutating functions %v, want %v", mutating, want)
	}
	for _, name := range []string{"now", "uuidv4", "genCA", "randAlphaNum", "shuffle", "bcrypt", "htpasswd", "encryptAES", "lookup", "getHostByName", "date", "ago"} {
		if !slices.Contains(random, name) {
			t.Errorf("%s is not marked as random", name)
		}
	}
	for _, name := range []string{"derivePassword", "sha256sum", "quote", "toYaml"} {
		if slices.Contains(random, name) {
			t.Errorf("%s is marked as random", name)
		}
	}
}

func TestDurationsOfHelm4(t *testing.T) {
	for _, c := range []struct {
		in   any
		want time.Duration
		err  string
	}{
		{"1h30m", 90 * time.Minute, ""}, {" 2.5 ", 2500 * time.Millisecond, ""}, {90, 90 * time.Second, ""}, {uint8(3), 3 * time.Second, ""},
		{1.5, 1500 * time.Millisecond, ""}, {float32(0.5), 500 * time.Millisecond, ""}, {time.Minute, time.Minute, ""}, {int64(-1), -time.Second, ""},
		{nil, 0, "invalid duration"}, {"", 0, "empty duration"}, {"soon", 0, `could not parse duration "soon"`}, {true, 0, "unsupported duration type bool"},
		{int64(math.MaxInt64), 0, "duration seconds overflow: 9223372036854775807"}, {uint64(math.MaxUint64), 0, "duration seconds overflow: 18446744073709551615"},
		{math.NaN(), 0, "invalid duration seconds: NaN"}, {1e10, 0, "duration seconds overflow: 1e+10"}, {"1e10", 0, "duration seconds overflow: 1e+10"},
	} {
		got, err := asDuration(c.in)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("asDuration(%#v) = %v, %v; want %v, %s", c.in, got, err, c.want, c.err)
		}
	}
	table := Helm4()
	for _, c := range []struct {
		name string
		args []any
		want any
	}{
		{"durationSeconds", []any{"1m"}, 60.0}, {"durationMilliseconds", []any{"1.5s"}, int64(1500)}, {"durationMicroseconds", []any{1}, int64(1e6)},
		{"durationNanoseconds", []any{1}, int64(1e9)}, {"durationMinutes", []any{"90s"}, 1.5}, {"durationHours", []any{"90m"}, 1.5}, {"durationDays", []any{"36h"}, 1.5},
		{"durationWeeks", []any{"84h"}, 0.5}, {"durationSeconds", []any{"x"}, 0.0}, {"durationRoundTo", []any{"2h13m", "1h"}, 2 * time.Hour},
		{"durationTruncateTo", []any{"2h53m", "1h"}, 2 * time.Hour}, {"durationRoundTo", []any{"2h", "x"}, 2 * time.Hour}, {"durationRoundTo", []any{"x", "1h"}, time.Duration(0)},
		{"mustToDuration", []any{"1s"}, time.Second},
	} {
		if got, ok := callOriginal(table[c.name].Fn, c.args); !ok || got != c.want {
			t.Errorf("%s %v = %#v, want %#v", c.name, c.args, got, c.want)
		}
	}
	if _, ok := callOriginal(table["mustToDuration"].Fn, []any{"x"}); ok {
		t.Error("mustToDuration takes x")
	}
}

func TestValuesInsideThemselvesAreAnError(t *testing.T) {
	loop := map[string]any{"a": 1}
	loop["self"] = []any{loop, loop}
	table := Helm3()
	for name, args := range map[string][]any{
		"deepCopy": {loop}, "toString": {loop}, "quote": {loop}, "squote": {loop}, "cat": {loop}, "dict": {loop}, "join": {",", []any{loop}}, "toStrings": {[]any{loop}}, "sortAlpha": {[]any{loop}},
		"merge": {loopOf("b"), loopOf("b")}, "mergeOverwrite": {loopOf("b"), loopOf("b")},
	} {
		func() {
			defer func() {
				if r := recover(); r != errNested {
					t.Errorf("%s ends with %v", name, r)
				}
			}()
			_, _, _ = table[name].Fast(nil, args)
		}()
	}
	if got := toYAML(loop) + toYAMLPretty(loop) + toJSON(loop); got != "" {
		t.Errorf("text %q", got)
	}
	if got := toTOML(loop); got != errNested.Error() {
		t.Errorf("TOML %q", got)
	}
}

func loopOf(key string) map[string]any {
	m := map[string]any{}
	m[key] = m
	return m
}
