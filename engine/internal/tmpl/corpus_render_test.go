package tmpl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/BurntSushi/toml"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"
)

// helmTable is sprig's functions with those of Helm, and with fixed results
// where real ones differ from call to call.
func helmTable() Table {
	table := sprigTable()
	set := func(name string, fn any) { table[name] = Func{Fn: fn} }
	toYaml := func(v any) string {
		data, err := yaml.Marshal(v)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(string(data), "\n")
	}
	set("toYaml", toYaml)
	set("toYamlPretty", toYaml)
	set("fromYaml", func(s string) map[string]any {
		m := map[string]any{}
		if err := yaml.Unmarshal([]byte(s), &m); err != nil {
			m["Error"] = err.Error()
		}
		return m
	})
	set("fromYamlArray", func(s string) []any {
		a := []any{}
		if err := yaml.Unmarshal([]byte(s), &a); err != nil {
			a = []any{err.Error()}
		}
		return a
	})
	set("toJson", func(v any) string { data, _ := json.Marshal(v); return string(data) })
	set("fromJson", func(s string) map[string]any {
		m := map[string]any{}
		if err := json.Unmarshal([]byte(s), &m); err != nil {
			m["Error"] = err.Error()
		}
		return m
	})
	set("fromJsonArray", func(s string) []any {
		a := []any{}
		if err := json.Unmarshal([]byte(s), &a); err != nil {
			a = []any{err.Error()}
		}
		return a
	})
	set("toToml", func(v any) string {
		var b bytes.Buffer
		if err := toml.NewEncoder(&b).Encode(v); err != nil {
			return err.Error()
		}
		return b.String()
	})
	set("fromToml", func(s string) map[string]any {
		m := map[string]any{}
		if err := toml.Unmarshal([]byte(s), &m); err != nil {
			m["Error"] = err.Error()
		}
		return m
	})
	set("required", func(message string, v any) (any, error) {
		if v == nil || v == "" {
			return v, errors.New("HELM_ERR_START" + message + "HELM_ERR_END")
		}
		return v, nil
	})
	set("fail", func(message string) (string, error) { return "", errors.New(message) })
	set("lookup", func(string, string, string, string) (map[string]any, error) { return map[string]any{}, nil })
	fixedFunctions(set)
	return table
}

func fixedFunctions(set func(string, any)) {
	type certificate struct{ Cert, Key string }
	fixed := certificate{"CERT", "KEY"}
	for _, name := range []string{"randAlphaNum", "randAlpha", "randNumeric", "randAscii"} {
		set(name, func(n int) string { return strings.Repeat("r", n) })
	}
	set("randBytes", func(n int) (string, error) { return strings.Repeat("r", n), nil })
	set("randInt", func(lo, hi int) int { return lo })
	set("uuidv4", func() string { return "uuid" })
	set("shuffle", func(s string) string { return s })
	set("now", func() time.Time { return time.Unix(1700000000, 0) })
	set("ago", func(any) string { return "1s" })
	set("htpasswd", func(a, b string) string { return a + ":" + b })
	set("bcrypt", func(s string) string { return "bcrypt" })
	set("derivePassword", func(uint32, string, string, string, string) string { return "derived" })
	set("genPrivateKey", func(string) string { return "KEY" })
	set("encryptAES", func(a, b string) (string, error) { return a + b, nil })
	set("genCA", func(string, int) (certificate, error) { return fixed, nil })
	set("genCAWithKey", func(string, int, string) (certificate, error) { return fixed, nil })
	set("buildCustomCert", func(string, string) (certificate, error) { return fixed, nil })
	set("genSelfSignedCert", func(string, []any, []any, int) (certificate, error) { return fixed, nil })
	set("genSelfSignedCertWithKey", func(string, []any, []any, int, string) (certificate, error) { return fixed, nil })
	set("genSignedCert", func(string, []any, []any, int, certificate) (certificate, error) { return fixed, nil })
	set("genSignedCertWithKey", func(string, []any, []any, int, certificate, string) (certificate, error) { return fixed, nil })
}

// rendering is one file to render, with its data.
type rendering struct {
	name, text, base string
	data             map[string]any
}

// chartFiles mirrors the objects of Helm's .Files as far as charts use them.
type chartFiles map[string][]byte

func (f chartFiles) Get(name string) string      { return string(f[name]) }
func (f chartFiles) GetBytes(name string) []byte { return f[name] }

func (f chartFiles) Glob(pattern string) chartFiles {
	found := chartFiles{}
	for name, data := range f {
		if ok, err := path.Match(pattern, name); ok && err == nil {
			found[name] = data
		}
	}
	return found
}

func (f chartFiles) Lines(name string) []string { return strings.Split(string(f[name]), "\n") }

func (f chartFiles) AsConfig() string {
	m := map[string]string{}
	for name, data := range f {
		m[path.Base(name)] = string(data)
	}
	data, _ := yaml.Marshal(m)
	return string(data)
}

func (f chartFiles) AsSecrets() string { return f.AsConfig() }

// renderings returns what Helm would render of the chart, in its order.
func renderings(t testing.TB, archive string) []rendering {
	t.Helper()
	c, err := loader.LoadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]any{}
	if data, err := os.ReadFile(strings.TrimSuffix(archive, ".tgz") + ".values.yaml"); err == nil {
		if given, err = chartutil.ReadValues(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := chartutil.ProcessDependenciesWithMerge(c, given); err != nil {
		t.Fatal(err)
	}
	caps := chartutil.DefaultCapabilities.Copy()
	options := chartutil.ReleaseOptions{Name: "rel", Namespace: "ns", Revision: 1, IsInstall: true}
	values, err := chartutil.ToRenderValuesWithSchemaValidation(c, given, options, caps, true)
	if err != nil {
		t.Fatal(err)
	}
	var all []rendering
	collect(c, values, &all)
	slices.SortFunc(all, func(a, b rendering) int {
		if n := strings.Count(b.name, "/") - strings.Count(a.name, "/"); n != 0 {
			return n
		}
		return strings.Compare(b.name, a.name)
	})
	return all
}

func collect(c *chart.Chart, values chartutil.Values, all *[]rendering) map[string]any {
	files := chartFiles{}
	for _, f := range c.Files {
		files[f.Name] = f.Data
	}
	subcharts := map[string]any{}
	next := map[string]any{
		"Chart": struct {
			chart.Metadata
			IsRoot bool
		}{*c.Metadata, c.IsRoot()},
		"Files": files, "Release": values["Release"], "Capabilities": values["Capabilities"],
		"Values": chartutil.Values{}, "Subcharts": subcharts,
	}
	if c.IsRoot() {
		next["Values"] = values["Values"]
	} else if v, err := values.Table("Values." + c.Name()); err == nil {
		next["Values"] = v
	}
	for _, child := range c.Dependencies() {
		subcharts[child.Name()] = collect(child, next, all)
	}
	for _, f := range c.Templates {
		if c.Metadata.Type == "library" && !strings.HasPrefix(path.Base(f.Name), "_") {
			continue
		}
		full := c.ChartFullPath()
		*all = append(*all, rendering{path.Join(full, f.Name), string(f.Data), path.Join(full, "templates"), next})
	}
	return next
}

// oracleSet parses the files with text/template, as Helm does.
func oracleSet(table Table, all []rendering) (*template.Template, error) {
	root := template.New("gotpl").Option("missingkey=zero")
	counts := map[string]int{}
	funcs := template.FuncMap{}
	for name, f := range table {
		funcs[name] = f.Fn
	}
	funcs["include"], funcs["tpl"] = oracleInclude(root, counts), oracleTpl(root, counts, "missingkey=zero")
	root.Funcs(funcs)
	for _, r := range all {
		if _, err := root.New(r.name).Parse(r.text); err != nil {
			return nil, err
		}
	}
	return root, nil
}

func oracleRender(table Table, all []rendering) (map[string]string, error) {
	root, err := oracleSet(table, all)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, r := range all {
		if strings.HasPrefix(path.Base(r.name), "_") {
			continue
		}
		r.data["Template"] = chartutil.Values{"Name": r.name, "BasePath": r.base}
		var b strings.Builder
		if err := root.ExecuteTemplate(&b, r.name, r.data); err != nil {
			return out, err
		}
		out[r.name] = strings.ReplaceAll(b.String(), "<no value>", "")
	}
	return out, nil
}

func ourSet(funcs *Funcs, all []rendering) (*Set, error) {
	files := make([]*File, 0, len(all))
	for _, r := range all {
		f, err := Parse(r.name, r.text, funcs)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return NewSet(funcs, files), nil
}

func ourRender(set *Set, all []rendering) (map[string]string, error) {
	out := map[string]string{}
	st := NewState(context.Background(), set, Env{}, Limits{})
	for _, r := range all {
		if strings.HasPrefix(path.Base(r.name), "_") {
			continue
		}
		r.data["Template"] = chartutil.Values{"Name": r.name, "BasePath": r.base}
		b, err := st.Execute(r.name, r.data)
		if err != nil {
			return out, err
		}
		out[r.name] = string(StripNoValue(b))
	}
	return out, nil
}

func corpusArchives(tb testing.TB) []string {
	folder := corpusFolder(tb)
	archives, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(archives) == 0 {
		tb.Fatal("no charts", err)
	}
	failing, err := filepath.Glob(filepath.Join(folder, "neg", "*.tgz"))
	if err != nil {
		tb.Fatal(err)
	}
	return append(archives, failing...)
}

func TestCorpusRendersTheSame(t *testing.T) {
	table := helmTable()
	funcs, err := NewFuncs(table, MapOf[chartutil.Values]())
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, archive := range corpusArchives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".tgz"), func(t *testing.T) {
			want, wantErr := oracleRender(table, renderings(t, archive))
			all := renderings(t, archive)
			var got map[string]string
			set, gotErr := ourSet(funcs, all)
			if gotErr == nil {
				got, gotErr = ourRender(set, all)
			}
			if wantErr != nil {
				failed++
			}
			if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
				t.Fatalf("error\n got %v\nwant %v", gotErr, wantErr)
			}
			for name, text := range want {
				if got[name] != text {
					t.Errorf("%s\n got %.3000s\nwant %.3000s", name, got[name], text)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d files; want %d", len(got), len(want))
			}
		})
	}
	t.Logf("%d charts end in an error", failed)
}
