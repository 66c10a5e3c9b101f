package tmpl

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"text/template/parse"
)

// corpusFolder returns the folder with real charts, or skips the test.
func corpusFolder(tb testing.TB) string {
	tb.Helper()
	folder := os.Getenv("SLIPWAY_CORPUS")
	if folder == "" {
		folder = "../../../../shared/corpus"
	}
	if _, err := os.Stat(folder); err != nil {
		tb.Skip("no corpus")
	}
	return folder
}

// eachTemplate calls f for every file below a templates folder in the archive
// and in the archives inside.
func eachTemplate(tb testing.TB, archive []byte, f func(name, text string)) {
	tb.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		tb.Fatal(err)
	}
	for r := tar.NewReader(gz); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			tb.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		switch {
		case filepath.Ext(head.Name) == ".tgz" && strings.Contains(head.Name, "/charts/"):
			eachTemplate(tb, data, f)
		case strings.Contains(head.Name, "/templates/") && head.Typeflag == tar.TypeReg:
			f(head.Name, string(data))
		}
	}
}

// helmNames adds the names of Helm's functions to sprig's.
func helmNames() Table {
	table := sprigTable()
	stand := func(args ...any) string { return "" }
	for _, name := range []string{"toToml", "fromToml", "toYaml", "toYamlPretty", "fromYaml", "fromYamlArray", "toJson",
		"fromJson", "fromJsonArray", "required", "lookup"} {
		table[name] = Func{Fn: stand}
	}
	return table
}

// parseNames are the functions for text/template/parse.
func parseNames(table Table) map[string]any {
	names := map[string]any{"include": 1, "tpl": 1}
	for name := range table {
		names[name] = 1
	}
	for _, name := range []string{"and", "call", "html", "index", "slice", "js", "len", "not", "or", "print", "printf",
		"println", "urlquery", "eq", "ge", "gt", "le", "lt", "ne"} {
		names[name] = 1
	}
	return names
}

// parseDifference says where the parsers differ over the text, or returns "".
func parseDifference(name, text string, funcs *Funcs, names map[string]any) string {
	want, wantErr := parse.Parse(name, text, "", "", names)
	got, gotErr := Parse(name, text, funcs)
	switch {
	case wantErr != nil && gotErr != nil:
		if wantErr.Error() != gotErr.Error() {
			return "error\n got " + gotErr.Error() + "\nwant " + wantErr.Error()
		}
		return ""
	case wantErr != nil:
		return "accepted; want " + wantErr.Error()
	case gotErr != nil:
		return "refused: " + gotErr.Error()
	}
	if len(got.templates) != len(want) {
		return "number of templates"
	}
	for _, t := range got.templates {
		tree := want[t.name]
		switch {
		case tree == nil:
			return "extra template " + t.name
		case tree.Root.String() != t.tree().String():
			return "tree\n got " + t.tree().String() + "\nwant " + tree.Root.String()
		case parse.IsEmptyTree(tree.Root) != t.empty:
			return "emptiness of " + t.name
		}
	}
	return ""
}

func TestCorpusParsesToTheSameTrees(t *testing.T) {
	folder := corpusFolder(t)
	archives, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(archives) == 0 {
		t.Fatal("no charts", err)
	}
	table := helmNames()
	names := parseNames(table)
	funcs, err := NewFuncs(table)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, archive := range archives {
		data, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		eachTemplate(t, data, func(name, text string) {
			count++
			if d := parseDifference(name, text, funcs, names); d != "" {
				t.Errorf("%s: %.2000s", name, d)
			}
		})
	}
	t.Logf("%d templates of %d charts", count, len(archives))
}

func corpusTexts(b *testing.B) (names, texts []string) {
	archives, _ := filepath.Glob(filepath.Join(corpusFolder(b), "a*.tgz"))
	for _, archive := range archives {
		data, err := os.ReadFile(archive)
		if err != nil {
			b.Fatal(err)
		}
		eachTemplate(b, data, func(name, text string) {
			names, texts = append(names, name), append(texts, text)
		})
	}
	return names, texts
}

func BenchmarkParseCorpus(b *testing.B) {
	names, texts := corpusTexts(b)
	table := helmNames()
	funcs, err := NewFuncs(table)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for i, text := range texts {
				_, _ = Parse(names[i], text, funcs)
			}
		}
	})
	b.Run("compiled", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for i, text := range texts {
				f, err := Parse(names[i], text, funcs)
				if err != nil {
					continue
				}
				for _, t := range f.templates {
					t.compiled()
				}
			}
		}
	})
	b.Run("text_template", func(b *testing.B) {
		root := template.New("x").Funcs(parseFuncs(table))
		b.ReportAllocs()
		for b.Loop() {
			for i, text := range texts {
				_, _ = root.New(names[i]).Parse(text)
			}
		}
	})
}

func parseFuncs(table Table) template.FuncMap {
	funcs := template.FuncMap{"include": func(string, any) string { return "" }, "tpl": func(string, any) string { return "" }}
	for name, f := range table {
		funcs[name] = f.Fn
	}
	return funcs
}
