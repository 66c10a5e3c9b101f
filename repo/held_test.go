package repo

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/chart"
)

// TestBuildTakesTheVersionOfEachAlias has a dependency that needs a chart twice, in
// different versions, of which the older one would do for both.
func TestBuildTakesTheVersionOfEachAlias(t *testing.T) {
	versions := []string{"1.0.0", "1.5.0", "2.0.0", "10.0.0"}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/index.yaml" {
			text := "apiVersion: v1\nentries:\n  web:\n"
			for _, v := range versions {
				text += "  - {name: web, version: " + v + ", urls: [web-" + v + ".tgz]}\n"
			}
			_, _ = w.Write([]byte(text))
			return
		}
		version := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/web-"), ".tgz")
		_, _ = w.Write(packedChart(t, "apiVersion: v2\nname: web\nversion: "+version+"\n"))
	})
	home := t.TempDir()
	s := &Source{Home: Home{Config: filepath.Join(home, "repositories.yaml"), Cache: filepath.Join(home, "cache")}, Client: quick}
	if err := ChangeConfig(s.Home.Config, func(c *Config) error { c.Put(&Entry{Name: "local", URL: server.URL}); return nil }); err != nil {
		t.Fatal(err)
	}
	dir := tree(t, map[string]string{"Chart.yaml": head("top", "a file://a"), "a/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies:\n" +
		"- {name: web, version: '>=1', alias: x, repository: '@local'}\n- {name: web, version: ^1, alias: y, repository: '@local'}\n"})
	has := func() (got []string) {
		c, err := chart.LoadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, web := range c.Dependencies()[0].Dependencies() {
			got = append(got, web.Metadata.Version)
		}
		slices.Sort(got)
		return got
	}
	d := &Dependencies{Source: s, Now: time.Now(), Recursive: true}
	if err := d.Update(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got := has(); !slices.Equal(got, []string{"1.5.0", "10.0.0"}) {
		t.Errorf("update took %v", got)
	}
	versions = append(versions, "1.6.0", "11.0.0")
	if err := (&Dependencies{Source: s}).Build(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got := has(); !slices.Equal(got, []string{"1.5.0", "10.0.0"}) {
		t.Errorf("build took %v, which is not what is locked", got)
	}
}
