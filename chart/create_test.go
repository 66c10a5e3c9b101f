package chart_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"

	"github.com/e6d26078/slipway/chart"
)

// listing gives the files below dir with their contents.
func listing(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, p))
		files[p] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTheCreatedChartPassesHelmsLint(t *testing.T) {
	for _, name := range []string{"web", "my-shop.v2", "a_b", strings.Repeat("long", 30)} {
		path, err := chart.Create(name, t.TempDir(), chart.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(path) != name {
			t.Errorf("path %s", path)
		}
		result := lint.AllWithKubeVersionAndSchemaValidation(path, nil, "default", &chartutil.KubeVersion{Version: "v1.36.0", Major: "1", Minor: "36"}, false)
		for _, m := range result.Messages {
			if m.Severity >= support.WarningSev {
				t.Errorf("%s: %v", name, m)
			}
		}
		for file, text := range listing(t, path) {
			if strings.Contains(text, "<CHARTNAME>") {
				t.Errorf("%s: a placeholder is left in %s", name, file)
			}
		}
	}
}

// render gives what Helm makes of c.
func render(t testing.TB, c *chart.Chart, values map[string]any) map[string]string {
	t.Helper()
	caps := chartutil.DefaultCapabilities.Copy()
	caps.KubeVersion = chartutil.KubeVersion{Version: "v1.36.0", Major: "1", Minor: "36"}
	all, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "rel", Namespace: "ns", IsInstall: true, Revision: 1}, caps)
	if err != nil {
		t.Fatal(err)
	}
	out, err := engine.Render(c, all)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheCreatedChartRendersWithEverythingOnAndOff(t *testing.T) {
	path, err := chart.Create("web", t.TempDir(), chart.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := chart.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	on, off := map[string]any{"enabled": true}, map[string]any{"enabled": false}
	for name, c2 := range map[string]struct {
		values map[string]any
		kinds  string
	}{
		"defaults":       {nil, "Deployment Pod PodDisruptionBudget Service ServiceAccount"},
		"everything on":  {map[string]any{"ingress": on, "httpRoute": on, "autoscaling": on, "networkPolicy": on, "podDisruptionBudget": on}, "Deployment HTTPRoute HorizontalPodAutoscaler Ingress NetworkPolicy Pod PodDisruptionBudget Service ServiceAccount"},
		"everything off": {map[string]any{"podDisruptionBudget": off, "topologySpread": off, "serviceAccount": map[string]any{"create": false}}, "Deployment Pod Service"},
		"a single pod":   {map[string]any{"replicaCount": 1}, "Deployment Pod Service ServiceAccount"},
	} {
		var kinds []string
		for file, text := range render(t, c, c2.values) {
			if strings.HasSuffix(file, "NOTES.txt") {
				continue
			}
			for line := range strings.Lines(text) {
				if kind, ok := strings.CutPrefix(line, "kind: "); ok {
					kinds = append(kinds, strings.TrimSpace(kind))
				}
			}
		}
		slices.Sort(kinds)
		if got := strings.Join(kinds, " "); got != c2.kinds {
			t.Errorf("%s: %s, want %s", name, got, c2.kinds)
		}
	}
}

func TestTheSchemaOfTheCreatedChartRefusesMistakes(t *testing.T) {
	path, err := chart.Create("web", t.TempDir(), chart.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := chart.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, values := range []map[string]any{
		{"replicas": 3},
		{"replicaCount": "3"},
		{"service": map[string]any{"port": 70000}},
		{"image": map[string]any{"digest": "sha256:1"}},
	} {
		if err := chartutil.ValidateAgainstSchema(c, mergedValues(t, c, values)); err == nil {
			t.Errorf("%v is accepted", values)
		}
	}
}

func mergedValues(t testing.TB, c *chart.Chart, values map[string]any) map[string]any {
	t.Helper()
	merged, err := chartutil.CoalesceValues(c, values)
	if err != nil {
		t.Fatal(err)
	}
	return merged
}

func TestCreateReplacesItsOwnFilesOnly(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "web/Chart.yaml", "old")
	put(t, dir, "web/mine.txt", "kept")
	var warnings []string
	path, err := chart.Create("web", dir, chart.CreateOptions{Warn: func(w string) { warnings = append(warnings, w) }})
	if err != nil {
		t.Fatal(err)
	}
	files := listing(t, path)
	if files["mine.txt"] != "kept" || files["Chart.yaml"] == "old" {
		t.Errorf("%q, %q", files["mine.txt"], files["Chart.yaml"])
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "Chart.yaml") || !strings.Contains(warnings[0], "already exists. Overwriting.") {
		t.Errorf("%q", warnings)
	}
}

func TestCreateRefusesBadNamesAndPlaces(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "taken", "")
	for _, c := range []struct{ name, dir, text string }{
		{"", dir, "chart name must be between 1 and 250 characters"},
		{strings.Repeat("a", 251), dir, "chart name must be between 1 and 250 characters"},
		{"a b", dir, `chart name must match the regular expression "^[a-zA-Z0-9._-]+$"`},
		{"../a", dir, "chart name must match"},
		{"..", dir, "is not allowed"},
		{"a", filepath.Join(dir, "missing"), "no such file or directory"},
		{"a", filepath.Join(dir, "taken"), "no such directory"},
		{"taken", dir, "already exists and is not a directory"},
	} {
		if _, err := chart.Create(c.name, c.dir, chart.CreateOptions{}); err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%q: %v, want %q in it", c.name, err, c.text)
		}
	}
	if files := listing(t, dir); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}

func TestAStarterIsUsedAsHelmUsesIt(t *testing.T) {
	starter := folderOf(t, map[string]string{
		"values.yaml": "# of <CHARTNAME>\nname: <CHARTNAME>\n", "templates/x.yaml": "{{ include \"<CHARTNAME>.x\" . }}",
		"README.md": "<CHARTNAME>", "values.schema.json": "{}", "crds/a.yaml": "a: <CHARTNAME>",
	})
	ours, err := chart.Create("web", t.TempDir(), chart.CreateOptions{Starter: starter})
	if err != nil {
		t.Fatal(err)
	}
	m := &chart.Metadata{Name: "web", Description: "A chart for Kubernetes", Type: "application", Version: "0.1.0", AppVersion: "0.1.0", APIVersion: "v2"}
	dir := t.TempDir()
	if err := chartutil.CreateFrom(m, dir, starter); err != nil {
		t.Fatal(err)
	}
	got, want := listing(t, ours), listing(t, filepath.Join(dir, "web"))
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s: %q, want %q", name, got[name], text)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("more than Helm writes: %v", got)
	}
	if _, err := chart.Create("web", t.TempDir(), chart.CreateOptions{Starter: filepath.Join(starter, "none")}); err == nil || !strings.Contains(err.Error(), "could not load") {
		t.Errorf("%v", err)
	}
}

func TestExpandWritesWhatHelmWrites(t *testing.T) {
	data := archive(t, file("web/templates/a/b.yaml", "x"), file("web/.helmignore", "x"), file("web/charts/d.tgz", string(archive(t))))
	ours, helms := t.TempDir(), t.TempDir()
	path, err := chart.Expand(bytes.NewReader(data), ours)
	if err != nil || path != filepath.Join(ours, "web") {
		t.Fatalf("%q, %v", path, err)
	}
	if err := chartutil.Expand(helms, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	got, want := listing(t, ours), listing(t, helms)
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s differs", name)
		}
	}
	if _, err := chart.Expand(bytes.NewReader(data), ours); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("a second time: %v", err)
	}
}

func TestExpandLeavesNothingWhenAFileCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"a file that is also a folder": archive(t, file("web/a", "x"), file("web/a/b", "x")),
		"a chart named ..":             gzipOf(t, tarOf(t, file("web/Chart.yaml", "name: ..\nversion: 1.0.0")), tarEnd),
		"a chart named a/b":            gzipOf(t, tarOf(t, file("web/Chart.yaml", "name: a/b\nversion: 1.0.0")), tarEnd),
		"a chart without a name":       gzipOf(t, tarOf(t, file("web/Chart.yaml", "version: 1.0.0")), tarEnd),
	} {
		if _, err := chart.Expand(bytes.NewReader(data), dir); err == nil {
			t.Errorf("%s: no error", name)
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
			t.Errorf("%s: left behind %v, %v", name, list, err)
		}
	}
}
