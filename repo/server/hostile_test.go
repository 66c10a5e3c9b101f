package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/chart"
)

// raw sends bytes to a server and gives the first line of the answer.
func raw(t *testing.T, base, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(c).ReadString('\n')
	return line
}

func TestPathsNeverLeaveTheFolder(t *testing.T) {
	parent := t.TempDir()
	for name, text := range map[string]string{"secret-1.0.0.tgz": "secret", "artifacthub-repo.yml": "secret"} {
		if err := os.WriteFile(filepath.Join(parent, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	base, _ := start(t, filepath.Join(parent, "charts"), Options{Depth: 1})
	want(t, 201, "POST", base+"/api/a/charts", archive(t, "web", "1.0.0"))
	for _, path := range []string{
		"/../secret-1.0.0.tgz", "/a/charts/../../secret-1.0.0.tgz", "/a/charts/..%2f..%2fsecret-1.0.0.tgz", "/%2e%2e/artifacthub-repo.yml",
		"/a/charts/..%5c..%5csecret-1.0.0.tgz", "/../index.yaml", "/a/charts/%00.tgz", "/.slipway/known", "/.slipway/index.yaml", "//artifacthub-repo.yml",
		"/a//charts/web-1.0.0.tgz", "/a/charts/" + strings.Repeat("x", 300) + ".tgz",
	} {
		line := raw(t, base, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if !strings.Contains(line, " 404 ") && !strings.Contains(line, " 400 ") {
			t.Errorf("GET %s: %s", path, line)
		}
	}
	for _, tenant := range []string{"..", "%2e%2e", ".slipway", "a%2fb", "a%00"} {
		line := raw(t, base, "POST /api/"+tenant+"/charts HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		if !strings.Contains(line, " 404 ") && !strings.Contains(line, " 400 ") {
			t.Errorf("POST to %s: %s", tenant, line)
		}
	}
	want(t, 400, "POST", base+"/api/A/charts", archive(t, "web", "1.0.0"))
}

func TestChartsWithHostileNamesAreRefused(t *testing.T) {
	dir := t.TempDir()
	url, _ := start(t, dir, Options{})
	for _, c := range []struct{ name, version string }{
		{"../web", "1.0.0"}, {".web", "1.0.0"}, {"we b", "1.0.0"}, {"web\n", "1.0.0"}, {"a/b", "1.0.0"}, {`a\b`, "1.0.0"},
		{"web", "1.0.0/../../x"}, {"web", "one"}, {strings.Repeat("w", 300), "1.0.0"}, {"-web", "1.0.0"},
	} {
		body, err := packed(c.name, c.version)
		if err != nil { // chart.Save has refused it
			continue
		}
		want(t, 400, "POST", url+"/api/charts", body)
	}
	for _, body := range []string{"", "no archive", "\x1f\x8b\x08\x00", string(archive(t, "web", "1.0.0")[:200])} {
		want(t, 400, "POST", url+"/api/charts", []byte(body))
	}
	if x := index(t, url); len(x.Entries) > 0 {
		t.Error(x.Entries)
	}
}

func packed(name, version string) ([]byte, error) {
	var out strings.Builder
	c := &chart.Chart{Metadata: &chart.Metadata{APIVersion: "v2", Name: name, Version: version}}
	err := chart.Save(c, &out, chart.SaveOptions{})
	return []byte(out.String()), err
}

func TestTruncatedAndTooLargeUploadsStoreNothing(t *testing.T) {
	dir := t.TempDir()
	base, _ := start(t, dir, Options{MaxUpload: 4000})
	web := archive(t, "web", "1.0.0")
	head := func(n int) string {
		return fmt.Sprintf("POST /api/charts HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", n)
	}
	if line := raw(t, base, head(len(web))+string(web[:len(web)-1])); !strings.Contains(line, " 400 ") {
		t.Errorf("truncated: %s", line)
	}
	chunked := "POST /api/charts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
	if line := raw(t, base, chunked+fmt.Sprintf("%x\r\n%s\r\n", len(web), web)); !strings.Contains(line, " 400 ") {
		t.Errorf("truncated between chunks: %s", line)
	}
	want(t, 413, "POST", base+"/api/charts", make([]byte, 4001))
	body, kind := form(t, "chart", make([]byte, 4001))
	want(t, 413, "POST", base+"/api/charts", body, "Content-Type", kind)
	body, kind = form(t, "chart", web, "chart", web)
	want(t, 400, "POST", base+"/api/charts", body, "Content-Type", kind)
	body, kind = form(t, "chart", web)
	want(t, 400, "POST", base+"/api/charts", body[:len(body)-10], "Content-Type", kind)
	body, kind = form(t, "other", web)
	want(t, 400, "POST", base+"/api/charts", body, "Content-Type", kind)
	want(t, 404, "GET", base+"/charts/web-1.0.0.tgz", nil)
	left, err := filepath.Glob(filepath.Join(dir, private, "tmp", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left: %v", left, err)
	}
}

func TestASlowUploadIsCutOff(t *testing.T) {
	folder, err := OpenFolder(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	s, err := New(t.Context(), folder, Options{Now: time.Now, ReadTimeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(t.Context(), l, nil) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST /api/charts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
	response, err := http.ReadResponse(bufio.NewReader(c), nil) // nothing more is sent
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 408 {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestQuotasAndTheRate(t *testing.T) {
	web := archive(t, "web", "1.0.0")
	url, _ := start(t, t.TempDir(), Options{Depth: 1, Quota: Quota{Objects: 1}})
	want(t, 201, "POST", url+"/api/a/charts", web)
	want(t, 507, "POST", url+"/api/a/charts", archive(t, "web", "2.0.0"))
	want(t, 201, "POST", url+"/api/b/charts", web)
	want(t, 200, "DELETE", url+"/api/a/charts/web/1.0.0", nil)
	want(t, 201, "POST", url+"/api/a/charts", archive(t, "web", "2.0.0"))
	url, _ = start(t, t.TempDir(), Options{Quota: Quota{Bytes: int64(len(web))}})
	want(t, 201, "POST", url+"/api/charts", web)
	want(t, 507, "POST", url+"/api/prov", sign(t, "web-1.0.0.tgz", web))
	url, _ = start(t, t.TempDir(), Options{Rate: 0.001})
	want(t, 200, "GET", url+"/index.yaml", nil)
	want(t, 429, "GET", url+"/index.yaml", nil)
	want(t, 200, "GET", url+"/health", nil)
}

func TestPagesOfOtherSitesCannotUpload(t *testing.T) {
	url, _ := start(t, t.TempDir(), Options{})
	want(t, 403, "POST", url+"/api/charts", archive(t, "web", "1.0.0"), "Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain")
}

// FuzzAPI holds that every path is understood as names that cannot leave a
// folder, or not at all.
func FuzzAPI(f *testing.F) {
	for _, seed := range []string{"/", "/a/b/index.yaml", "/api/a/charts/web/1.0.0/values", "/a/charts/web-1.0.0.tgz.prov", "/api/../charts", "/%2e%2e/x", "/c/x/health"} {
		f.Add(seed, 1)
		f.Add(seed, AnyDepth)
	}
	f.Fuzz(func(t *testing.T, text string, depth int) {
		u, err := url.ParseRequestURI(text)
		if err != nil || checkDepth(depth) != nil {
			return
		}
		rt, ok := parseRoute(u, "", depth)
		if ok == (rt.kind == routeUnknown) {
			t.Fatalf("%v: %v", ok, rt)
		}
		if !ok {
			return
		}
		for _, name := range []string{rt.name, rt.version} {
			if name != "" && !isSegment(name) {
				t.Fatalf("%q", name)
			}
		}
		if rt.tenant != "" && !isKey(rt.tenant) || !isRepository(rt.tenant, depth) && rt.tenant+rt.name != "" {
			t.Fatalf("%q", rt.tenant)
		}
		if key := newTenant(rt.tenant).key(rt.name); rt.name != "" && (!filepath.IsLocal(key) || strings.HasPrefix(key, ".")) {
			t.Fatalf("%q", key)
		}
	})
}
