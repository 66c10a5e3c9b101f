package values

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	helmvalues "helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/getter"
)

func TestFlagsMergeInHelmsOrder(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := file("one.yaml", "a: {b: 1, c: 2}\nl: [1, 2]\nn: {x: 1}\nd: 1\n")
	two := file("two.yaml", "a: {c: null, d: {e: f}}\nl: [3]\nn: null\nd: {x: y}\n")
	three := file("three.yaml", "a: text\nn: {y: 2}\n")
	empty, null := file("empty.yaml", ""), file("null.yaml", "null\n")
	list, broken := file("list.yaml", "- a\n"), file("broken.yaml", "a: 1\nb: [\n")
	content := file("content.txt", "line\n")
	for name, o := range map[string]Options{
		"nothing":                    {},
		"two files":                  {ValueFiles: []string{one, two}},
		"two files the other way":    {ValueFiles: []string{two, one}},
		"a table replaced by a text": {ValueFiles: []string{one, three, two}},
		"an empty and a null file":   {ValueFiles: []string{empty, one, null}},
		"a list for a file":          {ValueFiles: []string{list}},
		"a broken file":              {ValueFiles: []string{broken}},
		"a missing file":             {ValueFiles: []string{filepath.Join(dir, "missing")}},
		"every flag on one key":      {ValueFiles: []string{one}, JSONValues: []string{"d=[1]"}, Values: []string{"d=2"}, StringValues: []string{"d=3"}, FileValues: []string{"d=" + content}, LiteralValues: []string{"d=4,5"}},
		"all but the last":           {ValueFiles: []string{one}, JSONValues: []string{"d=[1]"}, Values: []string{"d=2"}, StringValues: []string{"d=3"}, FileValues: []string{"d=" + content}},
		"set into a file's list":     {ValueFiles: []string{one}, Values: []string{"l[4]=x", "a.b=null"}},
		"set below a text":           {ValueFiles: []string{three}, Values: []string{"a.b=1"}},
		"a missing file in set-file": {FileValues: []string{"a=" + filepath.Join(dir, "missing")}},
		"a bad set":                  {Values: []string{"a"}},
		"a bad set-string":           {StringValues: []string{"a[x]=1"}},
		"a bad set-json":             {JSONValues: []string{"a={"}},
		"an object in set-json":      {JSONValues: []string{`{"a":1}`}},
		"a bad set-literal":          {LiteralValues: []string{"a"}},
	} {
		helm := helmvalues.Options{ValueFiles: o.ValueFiles, StringValues: o.StringValues, Values: o.Values, FileValues: o.FileValues, JSONValues: o.JSONValues, LiteralValues: o.LiteralValues}
		want, helmErr := helm.MergeValues(getter.Providers{})
		got, err := o.Merge(Source{ReadFile: os.ReadFile})
		if !sameErrors(err, helmErr) {
			t.Errorf("%s: error %v, Helm %v", name, err, helmErr)
			continue
		}
		if err == nil && !reflect.DeepEqual(got.Values, want) {
			t.Errorf("%s: got %v, Helm %v", name, got.Values, want)
		}
	}
}

func TestValuesComeFromWhereTheSourceAllows(t *testing.T) {
	fetch := func(url string) ([]byte, error) { return []byte("url: " + url), nil }
	o := Options{ValueFiles: []string{"-", "https://x.test/v.yaml"}}
	got, err := o.Merge(Source{Stdin: strings.NewReader("in: 1"), Fetch: fetch})
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]any{"in": 1.0, "url": "https://x.test/v.yaml"}; !reflect.DeepEqual(got.Values, want) {
		t.Errorf("got %v, want %v", got.Values, want)
	}
	for name, file := range map[string]string{"standard input": "-", "URLs are not allowed": "https://x.test/v.yaml", "files are not allowed": "v.yaml"} {
		if _, err := (Options{ValueFiles: []string{file}}).Merge(Source{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", file, err)
		}
	}
}

func TestAFileErrorNamesTheFileAndWhatToDo(t *testing.T) {
	src := Source{ReadFile: func(string) ([]byte, error) { return []byte("- a"), nil }}
	_, err := Options{ValueFiles: []string{"f.yaml"}}.Merge(src)
	var fileErr *FileError
	if !errors.As(err, &fileErr) || fileErr.File != "f.yaml" || !strings.Contains(err.Error(), "must be a map") {
		t.Errorf("error %v", err)
	}
	src.ReadFile = func(string) ([]byte, error) { return []byte("a: 1\n# c\nb: c: d\n"), nil }
	_, err = Options{ValueFiles: []string{"f.yaml"}}.Merge(src)
	if !errors.As(err, &fileErr) || fileErr.Line != 3 {
		t.Errorf("error %#v", err)
	}
}

func TestLayersTellWhatEachFlagSet(t *testing.T) {
	src := Source{ReadFile: func(string) ([]byte, error) { return []byte("a: 1"), nil }}
	got, err := Options{ValueFiles: []string{"f"}, Values: []string{"b.c=1,d[2].e=x"}, JSONValues: []string{"j={\"k\":1}"}}.Merge(src)
	if err != nil {
		t.Fatal(err)
	}
	want := []Layer{
		{Flag: "-f", Text: "f", Data: []byte("a: 1")},
		{Flag: "--set-json", Text: "j={\"k\":1}", Sets: []Setting{{[]string{"j"}, map[string]any{"k": 1.0}}}},
		{Flag: "--set", Text: "b.c=1,d[2].e=x", Sets: []Setting{{[]string{"b", "c"}, int64(1)}, {[]string{"d", "[2]", "e"}, "x"}}},
	}
	if !reflect.DeepEqual(got.Layers, want) {
		t.Errorf("got %v", got.Layers)
	}
}
