package chart_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/e6d26078/slipway/chart"
)

// folderOf writes a chart's folder; Chart.yaml is added.
func folderOf(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "Chart.yaml", chartYAML)
	for name, body := range files {
		put(t, dir, name, body)
	}
	return dir
}

func put(t testing.TB, dir, name, body string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

var ignorable = map[string]string{
	"values.yaml": "a: 1", "README.md": "x", "a.txt": "x", "b.txt": "x", "sub/a.txt": "x", "sub/deep/a.txt": "x",
	"templates/x.yaml": "x", "templates/.hidden": "x", "templates/sub/.kept": "x", ".dot": "x", "files/é.txt": "x",
	"charts/dep/Chart.yaml": "name: dep\nversion: 0.1.0", "charts/dep/.helmignore": "*", "charts/dep/a.txt": "x",
}

func TestHelmignoreMeansWhatItMeansInHelm(t *testing.T) {
	for _, rules := range []string{
		"", "\n\n# a comment\n   \n", "a.txt", "  a.txt  ", "*.txt", "/a.txt", "//a.txt", "sub/", "sub", "/sub/a.txt", "sub/a.txt", "sub/*",
		"a.txt/", "!*.txt", "!Chart.yaml", "!/Chart.yaml", "!sub/", "!*", "*", "?.txt", "[ab].txt", "[^a].txt", `\a.txt`, "sub/*/a.txt",
		"*/a.txt", "a.txt # no comment", "\ufeffa.txt", "b.txt\n\ufeffa.txt", "a.txt\r\nb.txt\r", "templates/*", ".*", "./a.txt", "charts/dep", "charts/",
		"é.txt", "files/?.txt", "/", "!", "!/", "README.md\n!*.md", "\\#x", "sub/deep/", "/sub/deep", "sub//a.txt",
		"[", "a[", "0*\\", "**", "sub/**", "!**", "\\", "[]a]", strings.Repeat("x", 70_000),
	} {
		t.Run(rules[:min(len(rules), 30)], func(t *testing.T) {
			dir := folderOf(t, ignorable)
			put(t, dir, ".helmignore", rules)
			helms, helmErr := loader.LoadDir(dir)
			ours, err := chart.LoadDir(dir)
			if (err == nil) != (helmErr == nil) {
				t.Fatalf("ours: %v\nHelm: %v", err, helmErr)
			}
			if err == nil {
				mustEqual(t, ours, helms)
			}
		})
	}
}

func TestAFaultInHelmignoreIsNamedWithItsLine(t *testing.T) {
	dir := folderOf(t, map[string]string{".helmignore": "# x\n\nsub/**\n"})
	_, err := chart.Load(dir)
	if err == nil || err.Error() != "read .helmignore: line 3: double-star (**) syntax is not supported" {
		t.Errorf("%v", err)
	}
}

func FuzzHelmignore(f *testing.F) {
	f.Add("a.txt\n!*.md\nsub/")
	f.Add("/templates/*\n\\")
	f.Fuzz(func(t *testing.T, rules string) {
		if strings.Contains(rules, "//") {
			return // #DIFFERS Helm's answer depends on what it was asked before
		}
		dir := folderOf(t, ignorable)
		put(t, dir, ".helmignore", rules)
		helms, helmErr := loader.LoadDir(dir)
		ours, err := chart.LoadDir(dir)
		if (err == nil) != (helmErr == nil) {
			t.Fatalf("ours: %v\nHelm: %v", err, helmErr)
		}
		if err == nil {
			mustEqual(t, ours, helms)
		}
	})
}

func TestLinksInAFolderAreFollowedWithAWarning(t *testing.T) {
	outside := t.TempDir()
	put(t, outside, "shared.yaml", "x")
	put(t, outside, "more/a.tpl", "y")
	dir := folderOf(t, nil)
	link(t, filepath.Join(outside, "shared.yaml"), filepath.Join(dir, "values.yaml"))
	link(t, filepath.Join(outside, "more"), filepath.Join(dir, "templates"))
	put(t, outside, "shared.yaml", "a: 1")
	var warnings []string
	ours, err := chart.Loader{Warn: func(w string) { warnings = append(warnings, w) }}.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	helms, err := loader.LoadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, ours, helms)
	if len(warnings) != 2 || !strings.Contains(warnings[0], "found symbolic link in path: ") || !strings.Contains(warnings[0], "templates resolves to ") {
		t.Errorf("%q", warnings)
	}
}

func link(t testing.TB, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

func TestFoldersThatCannotBeLoaded(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string)
		text    string
	}{
		"a link to its own folder": {func(t *testing.T, dir string) { link(t, dir, filepath.Join(dir, "loop")) }, "leads back to a folder that it lies in"},
		"a link to nothing":        {func(t *testing.T, dir string) { link(t, "nothing", filepath.Join(dir, "x")) }, "error evaluating symlink x"},
		"a large file":             {func(t *testing.T, dir string) { put(t, dir, "x", strings.Repeat("x", 5<<20+1)) }, `chart file "x" is larger than the maximum file size 5242880`},
		"no Chart.yaml": {func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "Chart.yaml")); err != nil {
				t.Fatal(err)
			}
		}, "Chart.yaml file is missing"},
		"values that are no mapping": {func(t *testing.T, dir string) { put(t, dir, "values.yaml", "[1]") }, "cannot load values.yaml: "},
		"values that are no YAML":    {func(t *testing.T, dir string) { put(t, dir, "values.yaml", "a: 1\nb: [") }, "cannot load values.yaml: error converting YAML to JSON: yaml: line "},
		"an invalid version":         {func(t *testing.T, dir string) { put(t, dir, "Chart.yaml", "name: a\nversion: x.y") }, `validation: chart.metadata.version "x.y" is invalid`},
		"an invalid subchart":        {func(t *testing.T, dir string) { put(t, dir, "charts/s/Chart.yaml", "version: 1") }, "error unpacking subchart s in web: validation: chart.metadata.name is required"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, nil)
			c.prepare(t, dir)
			_, err := chart.Load(dir)
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %q in it", err, c.text)
			}
			if _, err := loader.Load(dir); err == nil {
				t.Error("Helm loads it")
			}
		})
	}
}

func TestLoadSaysWhatAFileIsThatIsNoChart(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ body, text string }{
		"values.yaml": {"a: 1", "seems to be a YAML file, but expected a gzipped archive"},
		"page.tgz":    {"<html>", "does not appear to be a gzipped archive; got 'text/html; charset=utf-8'"},
		"zip.tgz":     {"PK\x03\x04", "does not appear to be a gzipped archive; got 'application/zip'"},
		"text":        {"hello", "does not appear to be a gzipped archive; got 'text/plain; charset=utf-8'"},
		"short.tgz":   {"\x1f\x8b\x08", "does not appear to be a valid chart file"},
	} {
		put(t, dir, name, c.body)
		path := filepath.Join(dir, name)
		if _, err := chart.Load(path); err == nil || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q in it", name, err, c.text)
		}
	}
	if _, err := chart.Load(filepath.Join(dir, "nothing")); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}

func TestLoadFSAndLoadFilesGiveTheSameChart(t *testing.T) {
	fsys := fstest.MapFS{}
	var files []*chart.File
	for name, body := range map[string]string{"Chart.yaml": chartYAML, "values.yaml": "a: 1", "templates/x": "y", "charts/d/Chart.yaml": "name: d\nversion: 1.0.0"} {
		fsys[name] = &fstest.MapFile{Data: []byte(body)}
		files = append(files, &chart.File{Name: name, Data: []byte(body)})
	}
	slices.SortFunc(files, func(a, b *chart.File) int { return strings.Compare(a.Name, b.Name) })
	one, err := chart.LoadFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	two, err := chart.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	if diff := difference(one, two); diff != "" {
		t.Error(diff)
	}
}

func TestSmallerLimitsHold(t *testing.T) {
	data := archive(t, file("web/a", strings.Repeat("x", 1000)), file("web/b", strings.Repeat("x", 1000)))
	for name, l := range map[string]chart.Loader{
		"MaxFile":    {MaxFile: 999},
		"MaxArchive": {MaxArchive: 2000},
		"MaxTotal":   {MaxTotal: 2000},
		"MaxFiles":   {MaxFiles: 2},
	} {
		if _, err := l.LoadArchive(bytes.NewReader(data)); err == nil || !strings.Contains(err.Error(), "than") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
