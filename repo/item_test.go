package repo

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/chart"
)

// compareItem holds the lines of a version against those that Helm's writer has for it.
func compareItem(t *testing.T, v *Version) {
	t.Helper()
	got, err := v.AppendYAML([]byte("before\n"))
	want, helmErr := sigsyaml.Marshal(map[string]any{"x": map[string]any{"x": Versions{v}}})
	if err != nil || helmErr != nil {
		if err == nil || helmErr == nil {
			t.Errorf("error %v, Helm's %v", err, helmErr)
		}
		return
	}
	if diff := cmp.Diff("before\n"+strings.TrimPrefix(string(want), "x:\n  x:\n"), string(got)); diff != "" {
		t.Errorf("(- Helm's, + ours)\n%s", diff)
	}
}

// Odd texts are everywhere in these versions: each field is of each kind in one of them.
var oddTexts = []string{
	"", "plain", "1.10", "true", "null", "~", "0x1f", "2026-01-02", "2026-01-02T03:04:05Z", "a: b", "a #b", "- a", "it's", `"quoted"`, "*a", "&a", "{}", "[]", "a:", ":a", " a", "a ", "\ta",
	"two\nlines", "two\nlines\n", "\n", "\x07", "é", "\u2028", "\ufeff", strings.Repeat("words ", 9), strings.Repeat("words ", 9) + "words", strings.Repeat("words ", 30), strings.Repeat("it's ", 30),
	strings.Repeat("long", 15), strings.Repeat("long", 50), strings.Repeat("1", 200), strings.Repeat("it's: ", 10), strings.Repeat("é ", 40), "https://example.com/" + strings.Repeat("a-", 60) + "1.0.0.tgz",
	strings.Repeat("a", 60) + " b", strings.Repeat("a", 58) + " b", "# " + strings.Repeat("b", 58), "#" + strings.Repeat("b", 100), "a\\b", "%", "@", "`", "!", "|", ">", "?", "? a", ",", "<<", "=", "y", "No",
}

// fill puts texts into every field of a value, and makes its lists as long as size says.
func fill(v reflect.Value, text func() string, size func() int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text())
	case reflect.Bool:
		v.SetBool(size() > 0)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, size)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(size()), int64(size())).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), text, size)
		}
	case reflect.Slice:
		for range size() {
			one := reflect.New(v.Type().Elem()).Elem()
			fill(one, text, size)
			v.Set(reflect.Append(v, one))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range size() {
			v.SetMapIndex(reflect.ValueOf(text()), reflect.ValueOf(text()))
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf(map[string]any{"child": text(), "parent": text()}))
	}
}

func TestVersionsAreWrittenAsHelmWritesThem(t *testing.T) {
	for _, text := range oddTexts {
		var v Version
		fill(reflect.ValueOf(&v).Elem(), func() string { return text }, func() int { return 2 })
		compareItem(t, &v)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var v Version
		fill(reflect.ValueOf(&v).Elem(), func() string { return oddTexts[r.IntN(len(oddTexts))] }, func() int { return r.IntN(3) })
		compareItem(t, &v)
	}
	compareItem(t, nil)
	compareItem(t, &Version{})
	compareItem(t, &Version{URLs: []string{}, Metadata: &chart.Metadata{Maintainers: []*chart.Maintainer{nil, {}}, Dependencies: []*chart.Dependency{nil, {}}}})
}

// The names of charts stand over them as Helm's writer has them.
func TestNamesAreWrittenAsHelmWritesThem(t *testing.T) {
	for _, name := range []string{"web", "1e3", "a: b", "<<", "two\nlines", strings.Repeat("n", 127), strings.Repeat("n", 129), strings.Repeat("n ", 80)} {
		for _, list := range []Versions{{}, {{URLs: []string{"a"}, Metadata: &chart.Metadata{Name: name}}, {Digest: "1"}}} {
			x := &Index{APIVersion: "v1", Entries: map[string]Versions{name: list}}
			got, err := x.AppendYAML(nil)
			if err != nil {
				t.Fatal(err)
			}
			want, err := sigsyaml.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("(- Helm's, + ours)\n%s", diff)
			}
		}
	}
}

// The same for the charts that there are.
func TestVersionsOfTheCorpusAreWrittenAsHelmWritesThem(t *testing.T) {
	dir := os.Getenv("SLIPWAY_CORPUS")
	if dir == "" {
		t.Skip("no SLIPWAY_CORPUS")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no charts in "+dir)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := readHead(f); err == nil && m != nil {
			compareItem(t, &Version{Metadata: m, URLs: []string{filepath.Base(file)}, Created: time.Unix(1, 2).UTC(), Digest: strings.Repeat("0", 64)})
		}
		f.Close()
	}
}

// FuzzVersion does it for texts that somebody thinks of.
func FuzzVersion(f *testing.F) {
	for i, text := range oddTexts {
		f.Add(text, oddTexts[len(oddTexts)-1-i], uint8(i))
	}
	f.Add("\x7f", "plain", uint8(5)) // cannot be written
	f.Fuzz(func(t *testing.T, one, other string, seed uint8) {
		var v Version
		r := rand.New(rand.NewPCG(uint64(seed), 0))
		fill(reflect.ValueOf(&v).Elem(), func() string { return []string{one, other}[r.IntN(2)] }, func() int { return r.IntN(3) })
		compareItem(t, &v)
	})
}
