package chart_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/e6d26078/slipway/chart"
)

func TestSavedChartsOfTheCorpusAreWhatHelmSaves(t *testing.T) {
	for i, path := range corpus(t) {
		if i%8 != 0 {
			continue
		}
		c, err := chart.Load(path)
		if err != nil {
			continue // Helm does not load it either: TestArchivesOfTheCorpusLoadAsHelmLoadsThem
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			helms, err := loader.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			saved, helmErr := chartutil.Save(inOrder(helms), t.TempDir())
			var ours bytes.Buffer
			if err := chart.Save(c, &ours, chart.SaveOptions{}); (err == nil) != (helmErr == nil) {
				t.Fatalf("ours: %v\nHelm: %v", err, helmErr)
			}
			if helmErr != nil {
				return
			}
			mustSurviveSaving(t, c)
			want, err := chart.Load(saved)
			if err != nil {
				t.Fatalf("what Helm saved: %v", err)
			}
			got, err := chart.LoadArchive(&ours)
			if err != nil {
				t.Fatal(err)
			}
			if diff := difference(got, want); diff != "" {
				t.Errorf("what we save differs from what Helm saves: %s", diff)
			}
		})
	}
}

func sample(t testing.TB) *chart.Chart {
	t.Helper()
	c, err := chart.LoadArchive(bytes.NewReader(archive(t,
		file("web/values.yaml", "# kept\na: 1\n"),
		file("web/templates/x.yaml", "x"),
		file("web/Chart.lock", "digest: sha256:0\ngenerated: \"2024-01-02T03:04:05Z\"\ndependencies: []\n"),
		file("web/README.md", "hello"),
		file("web/charts/b/Chart.yaml", "apiVersion: v2\nname: b\nversion: 2.0.0\n"),
		file("web/charts/a/Chart.yaml", "apiVersion: v2\nname: a\nversion: 2.0.0\n"),
		file("web/charts/old/Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
	)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSaveIsReproducibleAndCarriesHelmsMarks(t *testing.T) {
	c := sample(t)
	var first, later bytes.Buffer
	if err := chart.Save(c, &first, chart.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	deps := c.Dependencies()
	c.SetDependencies(deps[2], deps[0], deps[1])
	if err := chart.Save(c, &later, chart.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), later.Bytes()) {
		t.Error("the order of the subcharts changes the bytes")
	}
	later.Reset()
	if err := chart.Save(c, &later, chart.SaveOptions{ModTime: time.Unix(1_700_000_000, 5)}); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first.Bytes(), later.Bytes()) {
		t.Error("the time of change has no effect")
	}
	r, err := gzip.NewReader(&first)
	if err != nil {
		t.Fatal(err)
	}
	if r.Comment != "Helm" || string(r.Extra) != "+aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=" || !r.ModTime.IsZero() {
		t.Errorf("gzip header %+v", r.Header)
	}
}

func TestSaveKeepsTwoVersionsOfOneSubchart(t *testing.T) {
	var buf bytes.Buffer
	if err := chart.Save(sample(t), &buf, chart.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	c, err := chart.LoadArchive(&buf)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range c.Dependencies() {
		got = append(got, d.Name()+" "+d.Metadata.Version)
	}
	if want := "a 1.0.0, a 2.0.0, b 2.0.0"; strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestSaveDoesNotChangeTheChart(t *testing.T) {
	c := sample(t)
	c.Metadata.Description = "two\nlines"
	c.Metadata.APIVersion = "v1"
	c.Metadata.Dependencies = []*chart.Dependency{{Name: "a\tb", Version: "1"}}
	if err := chart.Save(c, &bytes.Buffer{}, chart.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	if c.Metadata.Description != "two\nlines" || c.Metadata.Dependencies[0].Name != "a\tb" {
		t.Errorf("changed: %+v", c.Metadata)
	}
}

func TestSaveRefusesWhatNobodyCouldLoad(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*chart.Chart)
		text   string
	}{
		"no metadata":                 {func(c *chart.Chart) { c.Metadata = nil }, "chart validation: validation: chart.metadata is required"},
		"no version":                  {func(c *chart.Chart) { c.Metadata.Version = "" }, "chart validation: validation: chart.metadata.version is required"},
		"a name with a slash":         {func(c *chart.Chart) { c.Metadata.Name = "../x" }, `chart.metadata.name "../x" is invalid`},
		"a path to the parent":        {func(c *chart.Chart) { c.Files = append(c.Files, &chart.File{Name: "../x"}) }, "unsafe path"},
		"two files of a name":         {func(c *chart.Chart) { c.Files = append(c.Files, &chart.File{Name: "templates/x.yaml"}) }, "two files named"},
		"a schema of no JSON":         {func(c *chart.Chart) { c.Schema = []byte("{") }, "Invalid JSON in values.schema.json"},
		"a subchart without metadata": {func(c *chart.Chart) { c.Dependencies()[0].Metadata.Name = "" }, "chart.metadata.name is required"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := sample(t)
			c.change(broken)
			dir := filepath.Join(t.TempDir(), "out")
			_, err := chart.SaveFile(broken, dir, chart.SaveOptions{})
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %q in it", err, c.text)
			}
			if list, err := os.ReadDir(dir); err == nil && len(list) != 0 {
				t.Errorf("left behind: %v", list)
			}
		})
	}
}

func TestSaveFileNamesAndReplacesThePackage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	for range 2 {
		path, err := chart.SaveFile(sample(t), dir, chart.SaveOptions{})
		if err != nil || path != filepath.Join(dir, "web-1.0.0.tgz") {
			t.Fatalf("%q, %v", path, err)
		}
		if _, err := loader.Load(path); err != nil {
			t.Errorf("Helm: %v", err)
		}
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}

// fullDisk takes some bytes and then fails.
type fullDisk struct{ left int }

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.left {
		return 0, errFull
	}
	d.left -= len(p)
	return len(p), nil
}

func TestSaveReportsAWriterThatFails(t *testing.T) {
	for left := 0; left < 400; left += 37 {
		if err := chart.Save(sample(t), &fullDisk{left}, chart.SaveOptions{}); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes: %v", left, err)
		}
	}
}

func TestMissingDependenciesAreNamedAsInHelm(t *testing.T) {
	c := sample(t)
	if err := chart.CheckDependencies(c); err != nil {
		t.Error(err)
	}
	c.Metadata.Dependencies = []*chart.Dependency{{Name: "z"}, {Name: "a"}, {Name: "y", Alias: "b"}}
	err, want := chart.CheckDependencies(c), action.CheckDependencies(c, c.Metadata.Dependencies)
	if err == nil || want == nil || err.Error() != want.Error() {
		t.Errorf("%v, want %v", err, want)
	}
	var missing *chart.MissingDependenciesError
	if !errors.As(err, &missing) || len(missing.Names) != 2 {
		t.Errorf("%#v", err)
	}
}
