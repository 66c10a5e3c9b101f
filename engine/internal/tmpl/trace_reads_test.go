package tmpl

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// TestReadsAreRemembered holds which values count as read.
func TestReadsAreRemembered(t *testing.T) {
	shared := map[string]any{"x": 1}
	tree := map[string]any{
		"a": "text", "b": map[string]any{"c": 1, "d": map[string]any{"e": true}}, "l": []any{"p", map[string]any{"q": 2}},
		"empty": map[string]any{}, "one": shared, "two": shared,
	}
	for text, want := range map[string]string{
		"{{ .V.a }}":                                     "a",
		"{{ .V.b.c }}":                                   "b.c",
		"{{ if .V.b }}{{ end }}":                         "",
		"{{ if .V.empty }}{{ end }}":                     "empty",
		"{{ with .V.b }}{{ .c }}{{ end }}":               "b.c",
		"{{ range .V.l }}{{ end }}":                      "l.[0]",
		"{{ range .V.l }}{{ printf \"%v\" . }}{{ end }}": "l.[0] l.[1].q",
		"{{ .V.b }}":                                     "b.c b.d.e",
		"{{ index .V.l 1 }}":                             "l.[1].q",
		"{{ index .V.b \"c\" }}":                         "b.c",
		"{{ (index .V.l 1).q }}":                         "l.[1].q",
		"{{ .V.b.nope }}":                                "b.nope-",
		"{{ index .V \"nope\" }}":                        "nope-",
		"{{ printf \"%v\" .V.b.d }}":                     "b.d.e",
		"{{ len .V.b }}":                                 "",
		"{{ $x := .V.b }}{{ $x.d.e }}":                   "b.d.e",
		"{{ template \"u\" .V.b }}{{ define \"u\" }}{{ .c }}{{ end }}": "b.c",
		"{{ .V.one.x }}": "one.x two.x",
		"{{ .Other }}":   "",
	} {
		funcs, err := NewFuncs(testTable())
		if err != nil {
			t.Fatal(err)
		}
		f, err := Parse("t", text, funcs)
		if err != nil {
			t.Fatal(err)
		}
		st := NewState(context.Background(), NewSet(funcs, []*File{f}), Env{}, Limits{})
		st.Trace()
		st.TraceReads(tree)
		if _, err := st.Execute("t", map[string]any{"V": tree, "Other": map[string]any{"z": 1}}); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, r := range st.Reads() {
			path := strings.Join(r.Path, ".")
			if r.Missing {
				path += "-"
			}
			got = append(got, path)
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
