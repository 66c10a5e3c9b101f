package repo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestARuleCountsForEverythingBelowItsURL(t *testing.T) {
	trust := &Trust{Rules: []Rule{
		{Name: "web", URL: "https://charts.example.com/team"},
		{Name: "deep", URL: "https://charts.example.com/team/a"},
		{Name: "registry", URL: "oci://registry.example.com/charts"},
		{Name: "port", URL: "http://localhost:8080"},
	}}
	for url, want := range map[string]string{
		"https://charts.example.com/team":                  "web",
		"http://CHARTS.example.com:80/team/x.tgz?token=1":  "web",
		"https://user:pw@charts.example.com:443/team/":     "web",
		"https://charts.example.com/other/../team/b/x.tgz": "web",
		"https://charts.example.com//team/x.tgz":           "web",
		"https://charts.example.com/%74eam/x.tgz":          "web",
		"https://charts.example.com/%2574eam/x.tgz":        "web",
		"https://charts.example.com/team%2fx.tgz":          "web",
		"https://charts.example.com/team/a/x.tgz":          "deep",
		"https://charts.example.com/team/ab/x.tgz":         "web",
		"https://charts.example.com/teams":                 "",
		"https://charts.example.com/team/../x.tgz":         "",
		"https://charts.example.com.evil.com/team":         "",
		"https://charts.example.com:8443/team":             "",
		"oci://registry.example.com/charts/web:1.0.0":      "registry",
		"oci://registry.example.com/charts@sha256:00":      "registry",
		"oci://registry.example.com/chartsother/web":       "",
		"https://registry.example.com/charts":              "",
		"https://localhost:8080/x":                         "port",
		"http://localhost/x":                               "",
		"nonsense":                                         "",
	} {
		got := ""
		if r := trust.Rule("", "", url); r != nil {
			got = r.Name
		}
		if got != want {
			t.Errorf("%s: %q, wanted %q", url, got, want)
		}
	}
	if r := trust.Rule("web", "https://elsewhere.example.com"); r == nil || r.Name != "web" {
		t.Errorf("by name: %v", r)
	}
	if r := (*Trust)(nil).Rule("web", "https://charts.example.com/team"); r != nil {
		t.Errorf("without rules: %v", r)
	}
}

func TestRulesThatAreNotUnderstoodAreAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.slipway.yaml")
	const good = "version: 1\nrepositories:\n- url: https://x.example.com\n  verify: require\n"
	for name, text := range map[string]string{
		"no version": strings.Replace(good, "version: 1\n", "", 1), "a later version": strings.Replace(good, "1", "2", 1),
		"an unknown field": good + "  more: 1\n", "another word": strings.Replace(good, "require", "requird", 1),
		"no URL": strings.Replace(good, "https://x.example.com", "x", 1), "no YAML": "{", "a list": "- a\n",
	} {
		write(t, path, []byte(text))
		if _, err := LoadTrust(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if err := ChangeTrust(path, func(*Trust) error { return nil }); err == nil || read(t, path) != text {
			t.Errorf("%s: it was written over: %v", name, err)
		}
	}
	write(t, path, []byte(good))
	trust, err := LoadTrust(path)
	if err != nil || len(trust.Rules) != 1 {
		t.Errorf("%v %v", trust, err)
	}
}

// TestAChartUnderARuleIsAskedAbout has a rule for a repository, and looks whether
// each way to its charts asks for the signature, also for what they need.
func TestAChartUnderARuleIsAskedAbout(t *testing.T) {
	archive := packedChart(t, head("web"))
	s, server := charts(t, "\"\"", &archive)
	ctx := context.Background()
	s.Trust = &Trust{Rules: []Rule{{Name: "local", URL: "https://moved.example.com", Verify: VerifyRequire}}}
	requests := map[string]Request{"by name": {Ref: "local/web"}, "below its URL": {Ref: server.URL + "/web-1.0.0.tgz"}}
	var refused *UnverifiedError
	for name, r := range requests {
		if _, err := s.Chart(ctx, r); !errors.As(err, &refused) {
			t.Errorf("%s, nobody can verify: %v", name, err)
		}
	}
	no := errors.New("no signature")
	s.Verify = func(context.Context, *Package, *Rule) error { return no }
	for name, r := range requests {
		if _, err := s.Chart(ctx, r); !errors.As(err, &refused) || !errors.Is(err, no) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := tree(t, map[string]string{"Chart.yaml": head("top", "web "+server.URL)})
	if err := (&Dependencies{Source: s}).Update(ctx, dir); !errors.Is(err, no) {
		t.Errorf("as a dependency: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "charts")); err == nil {
		t.Error("charts/ was made")
	}
}

// TestWhatAChartNeedsComesUnderItsRule: web is under a rule and needs deep, which
// comes from a repository without one.
func TestWhatAChartNeedsComesUnderItsRule(t *testing.T) {
	deep := packedChart(t, "apiVersion: v2\nname: web\nversion: 1.0.0\ndescription: deep\n")
	_, elsewhere := charts(t, "\"\"", &deep)
	needy := packedChart(t, strings.Replace(head("web", "web "+elsewhere.URL), "name: web\nversion: 1.0.0", "name: web\nversion: 1.0.0\ndescription: needy", 1))
	s, server := charts(t, "\"\"", &needy)
	s.Trust = &Trust{Rules: []Rule{{Name: "own", URL: server.URL, Verify: VerifyRequire}}}
	asked := map[string]string{}
	s.Verify = func(_ context.Context, p *Package, r *Rule) error { asked[p.URL] = r.Name; return nil }
	dir := tree(t, map[string]string{"Chart.yaml": head("top", "web "+server.URL)})
	if err := (&Dependencies{Source: s, Recursive: true}).Update(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{server.URL, elsewhere.URL} {
		if asked[url+"/web-1.0.0.tgz"] != "own" {
			t.Errorf("%s: asked for %v", url, asked)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
