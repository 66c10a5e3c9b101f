package server

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestHelmIsAClient runs real Helm binaries, and curl's way of uploading.
func TestHelmIsAClient(t *testing.T) {
	peers := os.Getenv("SLIPWAY_PEERS")
	if peers == "" {
		t.Skip("no Helm binaries: run make peers, and set SLIPWAY_PEERS")
	}
	url, _ := start(t, t.TempDir(), Options{Depth: 1, Auth: Auth{Users: map[string]string{"u": "p"}}})
	signed := strings.Replace(url, "//", "//u:p@", 1)
	web := archive(t, "web", "1.0.0")
	body, kind := form(t, "chart", web, "prov", sign(t, "web-1.0.0.tgz", web))
	want(t, 201, "POST", signed+"/api/team/charts", body, "Content-Type", kind)
	want(t, 201, "POST", signed+"/api/team/charts", archive(t, "web", "1.1.0-rc.1"))
	for _, helm := range []string{"helm3", "helm4"} {
		dir := t.TempDir()
		run := func(args ...string) string {
			t.Helper()
			cmd := exec.Command(filepath.Join(peers, helm), args...)
			cmd.Dir = dir
			cmd.Env = []string{"HOME=" + dir, "HELM_CACHE_HOME=" + dir, "HELM_CONFIG_HOME=" + dir, "HELM_DATA_HOME=" + dir}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s %v: %v\n%s", helm, args, err, out)
			}
			return string(out)
		}
		run("repo", "add", "team", url+"/team", "--username", "u", "--password", "p")
		if out := run("search", "repo", "--versions", "--devel", "team/"); !strings.Contains(out, "1.1.0-rc.1") || !strings.Contains(out, "1.0.0") {
			t.Errorf("%s search:\n%s", helm, out)
		}
		run("pull", "team/web", "--prov")
		for _, name := range []string{"web-1.0.0.tgz", "web-1.0.0.tgz.prov"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
		if got, err := os.ReadFile(filepath.Join(dir, "web-1.0.0.tgz")); err != nil || string(got) != string(web) {
			t.Errorf("%s has pulled another archive: %v", helm, err)
		}
		run("template", "x", "team/web", "--version", "^1.0.0")
	}
}

// TestTheAPIIsChartMuseums holds the answers that its clients read.
func TestTheAPIIsChartMuseums(t *testing.T) {
	url, _ := start(t, t.TempDir(), Options{ContextPath: "/x", Version: "v1"})
	url += "/x"
	for _, c := range [][2]string{{"a", "1.0.0"}, {"b", "1.0.0"}, {"b", "1.1.0"}, {"b", "2.0.0-rc"}, {"c", "1.0.0"}} {
		want(t, 201, "POST", url+"/api/charts", archive(t, c[0], c[1]))
	}
	type version struct{ Name, Version, Digest, Created string }
	charts := map[string][]version{}
	read := func(path string, into any) {
		t.Helper()
		if err := json.Unmarshal([]byte(want(t, 200, "GET", url+path, nil).body), into); err != nil {
			t.Fatal(err)
		}
	}
	read("/api/charts?offset=1&limit=1", &charts)
	if len(charts) != 1 || len(charts["b"]) != 3 || charts["b"][0].Version != "2.0.0-rc" || charts["b"][0].Digest == "" || charts["b"][0].Created == "" {
		t.Errorf("%v", charts)
	}
	var list []version
	var one version
	read("/api/charts/b", &list)
	read("/api/charts/b/latest", &one)
	if len(list) != 3 || one.Version != "1.1.0" {
		t.Errorf("%v %v", list, one)
	}
	var chart struct {
		Templates []struct {
			Name string
			Data []byte
		}
		Values map[string]any
	}
	read("/api/charts/b/1.0.0/templates", &chart)
	if len(chart.Templates) != 1 || chart.Templates[0].Name != "templates/a.yaml" || len(chart.Values) != 1 {
		t.Errorf("%v", chart)
	}
	if a := want(t, 200, "GET", url+"/api/charts/b/1.0.0/values", nil); a.body != "a: 1 # one\n" {
		t.Error(a.body)
	}
	for path, wanted := range map[string]string{"/health": `{"healthy":true}`, "/info": `{"version":"v1"}`} {
		if a := want(t, 200, "GET", url+path, nil); a.body != wanted {
			t.Error(a.body)
		}
	}
	want(t, 200, "HEAD", url+"/api/charts/b", nil)
	want(t, 200, "HEAD", url+"/api/charts/b/1.1.0", nil)
	want(t, 404, "HEAD", url+"/api/charts/d", nil)
	want(t, 404, "HEAD", url+"/api/charts/b/3.0.0", nil)
	want(t, 404, "GET", url+"/artifacthub-repo.yml", nil)
	for _, query := range []string{"offset=-1", "offset=x", "limit=0", "limit=-2"} {
		want(t, 400, "GET", url+"/api/charts?"+query, nil)
	}
	want(t, 405, "PATCH", url+"/api/charts", nil)
	for _, text := range []string{"slipway_charts 3", "slipway_chart_versions 5", `slipway_requests_total{route="charts",method="POST",status="201"} 5`} {
		if a := want(t, 200, "GET", url+"/metrics", nil); !strings.Contains(a.body, text+"\n") {
			t.Errorf("no %s in\n%s", text, a.body)
		}
	}
}

func TestPagesShowChartsWithoutScripts(t *testing.T) {
	url, _ := start(t, t.TempDir(), Options{})
	want(t, 201, "POST", url+"/api/charts", archive(t, "web", "1.0.0"))
	want(t, 201, "POST", url+"/api/charts", archive(t, "other", "1.0.0"))
	home := want(t, 200, "GET", url+"/?q=web%3Cb%3E", nil)
	if strings.Contains(home.body, "<b>") || !strings.Contains(home.body, "No chart of 2 has all of these words") {
		t.Error(home.body)
	}
	if body := want(t, 200, "GET", url+"/?q=WEB+tests", nil).body; !strings.Contains(body, `href="/charts/web"`) || strings.Contains(body, "charts/other") {
		t.Error(body)
	}
	page := want(t, 200, "GET", url+"/charts/web", nil)
	if strings.Contains(page.body, "alert(1)</script") || strings.Contains(page.body, "javascript:") || !strings.Contains(page.body, `<h3 id="readme-read">Read</h3>`) {
		t.Error(page.body)
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
		t.Error(policy)
	}
	want(t, 404, "GET", url+"/charts/web?version=9.9.9", nil)
}
