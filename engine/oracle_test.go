package engine_test

import (
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	helmchart "helm.sh/helm/v3/pkg/chart"
	helmloader "helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	helmengine "helm.sh/helm/v3/pkg/engine"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/engine"
)

// helmRender is Helm's way from a loaded chart to rendered files.
func helmRender(path string, user map[string]any) (map[string]string, error) {
	log.SetOutput(io.Discard)
	c, err := helmloader.Load(path)
	if err != nil {
		return nil, err
	}
	top, err := helmTop(c, user)
	if err != nil {
		return nil, err
	}
	return helmengine.Render(c, top)
}

func helmTop(c *helmchart.Chart, user map[string]any) (chartutil.Values, error) {
	if err := chartutil.ProcessDependenciesWithMerge(c, user); err != nil {
		return nil, err
	}
	caps := chartutil.DefaultCapabilities.Copy()
	caps.KubeVersion = chartutil.KubeVersion{Version: "v1.36.0", Major: "1", Minor: "36"}
	options := chartutil.ReleaseOptions{Name: "rel", Namespace: "ns", Revision: 1, IsInstall: true}
	return chartutil.ToRenderValues(c, user, options, caps)
}

// input is the same situation as helmTop's.
func input(user map[string]any) engine.Input {
	caps := engine.DefaultCapabilities()
	caps.KubeVersion = engine.KubeVersion{Version: "v1.36.0", Major: "1", Minor: "36"}
	caps.HelmVersion.Version = chartutil.DefaultCapabilities.HelmVersion.Version
	caps.HelmVersion.GitTreeState = chartutil.DefaultCapabilities.HelmVersion.GitTreeState
	caps.HelmVersion.GoVersion = chartutil.DefaultCapabilities.HelmVersion.GoVersion
	return engine.Input{Values: user, Release: engine.Release{Name: "rel", Namespace: "ns"}, Capabilities: caps, SkipKubeVersion: true}
}

// render is slipway's way from a chart's folder to rendered files.
func render(path string) (*engine.Output, error) {
	c, err := chart.Load(path)
	if err != nil {
		return nil, err
	}
	p, err := engine.Compile(c, engine.Options{})
	if err != nil {
		return nil, err
	}
	return p.Render(context.Background(), input(nil))
}

func compile(t *testing.T, path string) *engine.Program {
	t.Helper()
	c, err := chart.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.Compile(c, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func asMap(out *engine.Output) map[string]string {
	files := make(map[string]string, len(out.Files))
	for _, f := range out.Files {
		files[f.Name] = f.Content
	}
	return files
}

// ownCharts lists the charts written for this project.
func ownCharts(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("..", "testdata", folder, "*", "Chart.yaml"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no charts in testdata/%s (%v)", folder, err)
	}
	for i, name := range found {
		found[i] = filepath.Dir(name)
	}
	return found
}

func TestChartsRenderAsInHelm(t *testing.T) {
	for _, path := range ownCharts(t, "charts") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want, err := helmRender(path, map[string]any{})
			if err != nil {
				t.Fatal(err)
			}
			out, err := compile(t, path).Render(context.Background(), input(nil))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, asMap(out)); diff != "" {
				t.Errorf("files differ from Helm's (-helm +slipway):\n%s", diff)
			}
		})
	}
}

func TestChartsFailAsInHelm(t *testing.T) {
	for _, path := range ownCharts(t, "charts-failing") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, want := helmRender(path, map[string]any{})
			_, err := render(path)
			switch {
			case want == nil && err != nil:
				t.Errorf("fails with %v, where Helm's engine does not", err)
			case want != nil && err == nil:
				t.Errorf("renders, where Helm fails with %v", want)
			case want != nil && !strings.HasPrefix(err.Error(), want.Error()): // slipway may add what to do
				t.Errorf("error differs:\nhave %v\nwant %v", err, want)
			}
		})
	}
}

// corpus lists the packaged charts of the corpus, if there is one.
func corpus(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("SLIPWAY_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "corpus")
	}
	archives, _ := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if len(archives) == 0 {
		t.Skip("no corpus")
	}
	return archives
}

// TestRenderReplacesHelmsEngine hands the same chart and the same render
// values to both functions, as a program does that changes one import.
func TestRenderReplacesHelmsEngine(t *testing.T) {
	var paths []string
	for i, path := range corpus(t) {
		if i%5 == 0 {
			paths = append(paths, path)
		}
	}
	for _, path := range append(paths, ownCharts(t, "charts")...) {
		c, err := helmloader.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		top, err := helmTop(c, map[string]any{})
		if err != nil {
			continue // a chart that demands values
		}
		want, wantErr := helmengine.Render(c, top)
		again, _ := helmTop(c, map[string]any{})
		second, _ := helmengine.Render(c, again)
		if !maps.Equal(want, second) {
			continue // by chance
		}
		again, _ = helmTop(c, map[string]any{})
		got, err := engine.Render(c, again)
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%s: error %v, want %v", filepath.Base(path), err, wantErr)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: files differ (-helm +slipway):\n%s", filepath.Base(path), diff)
		}
	}
}

func TestOneProgramServesConcurrentRenders(t *testing.T) {
	for _, path := range ownCharts(t, "charts") {
		want, err := compile(t, path).Render(context.Background(), input(nil))
		if err != nil {
			t.Fatal(err)
		}
		p := compile(t, path) // the renders parse and compile its templates at the same time
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					out, err := p.Render(context.Background(), input(nil))
					if err != nil {
						t.Errorf("%s: %v", path, err)
					} else if !maps.Equal(asMap(out), asMap(want)) && !random(path) {
						t.Errorf("%s: a concurrent render gives another text", path)
					}
				}
			})
		}
		wg.Wait()
	}
}

// random reports whether a chart's templates make random values.
func random(path string) bool { return strings.Contains(filepath.Base(path), "random") }

func TestRenderDoesNotChangeChartOrValues(t *testing.T) {
	c := smallChart()
	c.Values["table"] = map[string]any{"kept": "yes"}
	c.Templates[0].Data = []byte(`{{ $_ := set .Values.table "added" 1 }}{{ $_ := set .Values.user "added" 1 }}{{ tpl "{{ $_ := set .Values.table \"late\" 1 }}" . }}{{ .Values.table }}{{ .Values.user }}`)
	user := map[string]any{"user": map[string]any{"own": "yes"}}
	p, err := engine.Compile(c, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		out, err := p.Render(context.Background(), engine.Input{Values: user})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := out.Files[0].Content, "map[added:1 kept:yes late:1]map[added:1 own:yes]"; got != want {
			t.Errorf("rendered %q, want %q", got, want)
		}
	}
	if diff := cmp.Diff(map[string]any{"kept": "yes"}, c.Values["table"]); diff != "" {
		t.Errorf("the chart's values changed: %s", diff)
	}
	if diff := cmp.Diff(map[string]any{"own": "yes"}, user["user"]); diff != "" {
		t.Errorf("the user's values changed: %s", diff)
	}
}

func TestTextsGivenToTplMayChangeValues(t *testing.T) {
	c := smallChart()
	c.Values["table"] = map[string]any{"kept": "yes"}
	c.Templates[0].Data = []byte(`{{ tpl "{{ $_ := set .Values.table \"late\" 1 }}" . }}{{ .Values.table }}`)
	p, err := engine.Compile(c, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		out, err := p.Render(context.Background(), engine.Input{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := out.Files[0].Content, "map[kept:yes late:1]"; got != want {
			t.Errorf("rendered %q, want %q", got, want)
		}
	}
}

func TestContextStopsRunawayTemplates(t *testing.T) {
	c := smallChart()
	c.Templates[0].Data = []byte(`{{ range until 1000000 }}{{ range until 1000000 }}{{ end }}{{ end }}`)
	p, err := engine.Compile(c, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Render(ctx, engine.Input{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want one that wraps context.Canceled", err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	c := smallChart()
	c.Templates[0].Data = []byte(`{{ range until 100000 }}0123456789{{ end }}`)
	p, err := engine.Compile(c, engine.Options{Limits: engine.Limits{OutputBytes: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Render(context.Background(), engine.Input{}); !errors.Is(err, engine.ErrOutputTooLarge) {
		t.Errorf("error %v, want ErrOutputTooLarge", err)
	}
}

func TestDefaultAPIVersionsAreHelms(t *testing.T) {
	if diff := cmp.Diff([]string(chartutil.DefaultVersionSet), []string(engine.DefaultCapabilities().APIVersions)); diff != "" {
		t.Errorf("API versions differ from Helm's (-helm +slipway):\n%s", diff)
	}
}

func TestKubeVersionsParseAsInHelm(t *testing.T) {
	for _, text := range []string{"1.36", "v1.36.0", "1.36.2-eks-1", "v1.20.7+k3s1", " v1.2", "1", "v", "", "x1.2", "01.2", "1.02.3", "1.2.3.4", "99999999999999999999.1", "1.2junk"} {
		want, wantErr := chartutil.ParseKubeVersion(text)
		got, err := engine.Helm3.ParseKubeVersion(text)
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%q: error %v, want %v", text, err, wantErr)
			continue
		}
		if err == nil && (got.Version != want.Version || got.Major != want.Major || got.Minor != want.Minor) {
			t.Errorf("%q: %+v, want %+v", text, got, *want)
		} else if err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%q: error %q, want %q", text, err, wantErr)
		}
	}
}

func TestErrorsNameEachPlaceInTheChain(t *testing.T) {
	c := smallChart()
	c.Templates = append(c.Templates, &chart.File{Name: "templates/_h.tpl", Data: []byte("{{ define \"inner\" }}\n  {{ .Values.missing.key }}{{ end }}")})
	c.Templates[0].Data = []byte("a: 1\nb: {{ include \"inner\" . }}\n")
	p, err := engine.Compile(c, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Render(context.Background(), engine.Input{})
	var te *engine.TemplateError
	if !errors.As(err, &te) {
		t.Fatalf("error %v is no TemplateError", err)
	}
	want := []engine.Frame{
		{File: "web/templates/cm.yaml", Line: 2, Col: 7, Template: "web/templates/cm.yaml", Context: `include "inner" .`},
		{File: "web/templates/_h.tpl", Line: 2, Col: 13, Template: "inner", Context: ".Values.missing.key"},
	}
	if diff := cmp.Diff(want, te.Chain); diff != "" {
		t.Errorf("chain differs (-want +have):\n%s", diff)
	}
	if te.Message != "nil pointer evaluating interface {}.key" || te.Line != 2 || te.File != "web/templates/cm.yaml" {
		t.Errorf("place and message: %s:%d %q", te.File, te.Line, te.Message)
	}
}

func TestTraceLeadsToTheTemplateThatWroteAByte(t *testing.T) {
	c := smallChart()
	c.Templates = append(c.Templates, &chart.File{Name: "templates/_h.tpl", Data: []byte("{{ define \"labels\" }}app: web\ntier: {{ .Values.tier }}{{ end }}")})
	c.Templates[0].Data = []byte("labels:\n  {{- include \"labels\" . | nindent 2 }}\nend: here\n")
	p, err := engine.Compile(c, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	trace, err := p.Trace(context.Background(), engine.Input{Values: map[string]any{"tier": "front"}}, "web/templates/cm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if want := "labels:\n  app: web\n  tier: front\nend: here\n"; trace.Content != want {
		t.Fatalf("content %q, want %q", trace.Content, want)
	}
	include := engine.Frame{File: "web/templates/cm.yaml", Line: 2, Col: 7, Template: "web/templates/cm.yaml"}
	for text, want := range map[string][]engine.Frame{
		"labels": {{File: "web/templates/cm.yaml", Line: 1, Col: 1, Template: "web/templates/cm.yaml"}},
		"web":    {include, {File: "web/templates/_h.tpl", Line: 1, Col: 27, Template: "labels"}},
		"front":  {include, {File: "web/templates/_h.tpl", Line: 2, Col: 10, Template: "labels"}},
		"here":   {{File: "web/templates/cm.yaml", Line: 3, Col: 6, Template: "web/templates/cm.yaml"}},
	} {
		if diff := cmp.Diff(want, trace.At(strings.Index(trace.Content, text))); diff != "" {
			t.Errorf("%q (-want +have):\n%s", text, diff)
		}
	}
	if frames := trace.At(len(trace.Content)); len(frames) != 0 {
		t.Errorf("a place behind the end has the frames %v", frames)
	}
}

func TestFilesAreSortedByName(t *testing.T) {
	out, err := compile(t, ownCharts(t, "charts")[0]).Render(context.Background(), input(nil))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(out.Files, func(a, b engine.File) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the files are not in ascending order")
	}
}
