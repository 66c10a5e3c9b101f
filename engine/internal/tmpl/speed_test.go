package tmpl_test

import (
	"context"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	helm "helm.sh/helm/v3/pkg/engine"

	"github.com/e6d26078/slipway/engine/internal/funcs"
	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// subject is a chart that Helm renders.
type subject struct {
	name   string
	chart  *chart.Chart
	values chartutil.Values
	files  []subjectFile
	set    *tmpl.Set
}

type subjectFile struct {
	name, text, base string
	data             chartutil.Values
}

func subjects(b *testing.B, fs *tmpl.Funcs) []*subject {
	folder := os.Getenv("SLIPWAY_CORPUS")
	if folder == "" {
		folder = "../../../../shared/corpus"
	}
	if _, err := os.Stat(folder); err != nil {
		b.Skip("no corpus")
	}
	pattern := os.Getenv("SLIPWAY_CHARTS")
	if pattern == "" {
		pattern = "*"
	}
	archives, err := filepath.Glob(filepath.Join(folder, pattern+".tgz"))
	if err != nil {
		b.Fatal(err)
	}
	var all []*subject
	for _, archive := range archives {
		if s := loadSubject(archive); s != nil {
			for _, f := range s.files {
				if _, err := tmpl.Parse(f.name, f.text, fs); err != nil {
					b.Fatal(err)
				}
			}
			all = append(all, s)
		}
	}
	return all
}

func loadSubject(archive string) *subject {
	s := &subject{name: strings.TrimSuffix(filepath.Base(archive), ".tgz")}
	var err error
	if s.chart, err = loader.LoadFile(archive); err != nil {
		return nil
	}
	given := map[string]any{}
	if data, err := os.ReadFile(strings.TrimSuffix(archive, ".tgz") + ".values.yaml"); err == nil {
		given, _ = chartutil.ReadValues(data)
	}
	if chartutil.ProcessDependenciesWithMerge(s.chart, given) != nil {
		return nil
	}
	options := chartutil.ReleaseOptions{Name: "rel", Namespace: "ns", Revision: 1, IsInstall: true}
	s.values, err = chartutil.ToRenderValuesWithSchemaValidation(s.chart, given, options, chartutil.DefaultCapabilities.Copy(), true)
	if err != nil {
		return nil
	}
	if _, err := helm.Render(s.chart, s.values); err != nil {
		return nil
	}
	collectFiles(s, s.chart, s.values)
	slices.SortFunc(s.files, func(a, b subjectFile) int {
		if n := strings.Count(b.name, "/") - strings.Count(a.name, "/"); n != 0 {
			return n
		}
		return strings.Compare(b.name, a.name)
	})
	return s
}

type files map[string][]byte

func (f files) Get(name string) string      { return string(f[name]) }
func (f files) GetBytes(name string) []byte { return f[name] }
func (f files) Glob(pattern string) files {
	found := files{}
	for name, data := range f {
		if ok, err := path.Match(pattern, name); ok && err == nil {
			found[name] = data
		}
	}
	return found
}
func (f files) Lines(name string) []string { return strings.Split(string(f[name]), "\n") }
func (f files) AsConfig() string           { return "" }
func (f files) AsSecrets() string          { return "" }

func collectFiles(s *subject, c *chart.Chart, values chartutil.Values) map[string]any {
	fs := files{}
	for _, f := range c.Files {
		fs[f.Name] = f.Data
	}
	subcharts := map[string]any{}
	next := map[string]any{
		"Chart": struct {
			chart.Metadata
			IsRoot bool
		}{*c.Metadata, c.IsRoot()},
		"Files": fs, "Release": values["Release"], "Capabilities": values["Capabilities"],
		"Values": chartutil.Values{}, "Subcharts": subcharts,
	}
	if c.IsRoot() {
		next["Values"] = values["Values"]
	} else if v, err := values.Table("Values." + c.Name()); err == nil {
		next["Values"] = v
	}
	for _, child := range c.Dependencies() {
		subcharts[child.Name()] = collectFiles(s, child, next)
	}
	for _, f := range c.Templates {
		if c.Metadata.Type == "library" && !strings.HasPrefix(path.Base(f.Name), "_") {
			continue
		}
		full := c.ChartFullPath()
		s.files = append(s.files, subjectFile{path.Join(full, f.Name), string(f.Data), path.Join(full, "templates"), next})
	}
	return next
}

func (s *subject) compile(fs *tmpl.Funcs) {
	list := make([]*tmpl.File, 0, len(s.files))
	for _, f := range s.files {
		file, err := tmpl.Parse(f.name, f.text, fs)
		if err != nil {
			panic(err)
		}
		list = append(list, file)
	}
	s.set = tmpl.NewSet(fs, list)
}

func (s *subject) render(buf []byte) ([]byte, error) {
	st := tmpl.NewState(context.Background(), s.set, tmpl.Env{}, tmpl.Limits{})
	for _, f := range s.files {
		if strings.HasPrefix(path.Base(f.name), "_") {
			continue
		}
		f.data["Template"] = chartutil.Values{"Name": f.name, "BasePath": f.base}
		out, err := st.Execute(f.name, f.data)
		if err != nil {
			return buf, err
		}
		buf = append(buf, tmpl.StripNoValue(out)...)
	}
	return buf, nil
}

// quickest returns the least time of a few runs.
func quickest(runs int, f func()) float64 {
	best := math.Inf(1)
	for range runs {
		start := time.Now()
		f()
		best = min(best, time.Since(start).Seconds())
	}
	return best
}

// BenchmarkAgainstHelm reports how many times quicker than Helm's engine.Render
// the charts are rendered, once compiled and with compiling, as geometric means.
func BenchmarkAgainstHelm(b *testing.B) {
	fs, err := tmpl.NewFuncs(funcs.Helm3(), tmpl.MapOf[chartutil.Values]())
	if err != nil {
		b.Fatal(err)
	}
	all := subjects(b, fs)
	for b.Loop() {
		var logs, firstLogs float64
		var lines []string
		for _, s := range all {
			theirs := quickest(2, func() { _, _ = helm.Render(s.chart, s.values) })
			first := quickest(2, func() { s.compile(fs); _, _ = s.render(nil) })
			var buf []byte
			if buf, err = s.render(nil); err != nil {
				b.Logf("%s: %v", s.name, err)
				continue
			}
			ours := quickest(4, func() { buf, _ = s.render(buf[:0]) })
			logs += math.Log(theirs / ours)
			firstLogs += math.Log(theirs / first)
			lines = append(lines, strings.Join([]string{format(theirs / ours), format(theirs / first), format(theirs * 1e3), format(ours * 1e3), s.name}, "\t"))
		}
		b.ReportMetric(math.Exp(logs/float64(len(all))), "x")
		b.ReportMetric(math.Exp(firstLogs/float64(len(all))), "x-with-compile")
		if name := os.Getenv("SLIPWAY_REPORT"); name != "" {
			if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func format(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) }

// BenchmarkRender renders all charts once compiled.
func BenchmarkRender(b *testing.B) {
	fs, err := tmpl.NewFuncs(funcs.Helm3(), tmpl.MapOf[chartutil.Values]())
	if err != nil {
		b.Fatal(err)
	}
	all := subjects(b, fs)
	for _, s := range all {
		s.compile(fs)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range all {
			buf, _ = s.render(buf[:0])
		}
	}
}
