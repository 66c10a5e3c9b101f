package server

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/repo/internal/servertest"
)

// startAtAnyDepth serves a storage with repositories at all depths at once, and
// again what it has after restart.
func startAtAnyDepth(t *testing.T, inBucket bool, o Options) (address string, restart func() string) {
	t.Helper()
	o.Depth = AnyDepth
	if !inBucket {
		dir := t.TempDir()
		address, stop := start(t, dir, o)
		return address, func() string {
			stop()
			address, stop = start(t, dir, o)
			return address
		}
	}
	bucket := startS3(t)
	address, stop := replica(t, bucket, o)
	return address, func() string {
		stop()
		address, stop = replica(t, bucket, o)
		return address
	}
}

func TestRepositoriesAtAnyDepth(t *testing.T) {
	t.Parallel()
	t.Run("in a folder", func(t *testing.T) { testAnyDepth(t, false) })
	t.Run("in a bucket", func(t *testing.T) { testAnyDepth(t, true) })
}

func testAnyDepth(t *testing.T, inBucket bool) {
	address, restart := startAtAnyDepth(t, inBucket, Options{})
	names := []string{"", "/a", "/a/b", "/a/b/c", "/1/2/3/4/5/6/7/8"}
	for i, name := range names {
		web := archive(t, "web", fmt.Sprintf("1.%d.0", i))
		want(t, 201, "POST", address+"/api"+name+"/charts", web)
		want(t, 201, "POST", address+"/api"+name+"/prov", sign(t, fmt.Sprintf("web-1.%d.0.tgz", i), web))
		// These are names of charts here, not of repositories.
		want(t, 201, "POST", address+"/api"+name+"/charts", archive(t, "charts", "1.0.0"))
	}
	for range 2 {
		for i, name := range names {
			versions := index(t, address+name).Entries["web"]
			if len(versions) != 1 || versions[0].Version != fmt.Sprintf("1.%d.0", i) {
				t.Errorf("%s: %v", name, versions)
				continue
			}
			file := "/charts/web-" + versions[0].Version + ".tgz"
			want(t, 200, "GET", address+name+file, nil)
			want(t, 200, "GET", address+name+file+".prov", nil)
			want(t, 200, "GET", address+name+"/charts/web", nil)
			want(t, 200, "GET", address+"/api"+name+"/charts/web/"+versions[0].Version+"/values", nil)
			want(t, 200, "GET", address+"/api"+name+"/charts/charts/1.0.0", nil)
			want(t, 200, "GET", address+name+"/charts/charts", nil)
			if page := want(t, 200, "GET", address+name+"/", nil).body; !strings.Contains(page, `href="`+name+`/charts/web"`) {
				t.Errorf("the page of %q is of another", name)
			}
		}
		if page := want(t, 200, "GET", address+"/", nil).body; !strings.Contains(page, `<a class="name" href="/a/b/c">a/b/c</a>`) || strings.Contains(page, `href="/"></a>`) {
			t.Errorf("the first page does not list the repositories:\n%s", page)
		}
		address = restart()
	}
	want(t, 200, "DELETE", address+"/api/a/b/charts/web/1.2.0", nil)
	want(t, 404, "GET", address+"/a/b/charts/web-1.2.0.tgz", nil)
	want(t, 200, "GET", address+"/a/charts/web-1.1.0.tgz", nil)
	want(t, 200, "GET", address+"/a/b/c/charts/web-1.3.0.tgz", nil)
}

func TestNamesThatMeanSomethingElseAreNoRepositories(t *testing.T) {
	t.Parallel()
	address, _ := startAtAnyDepth(t, false, Options{})
	for _, name := range []string{"repo", "a/api", "prov", "a/web-1.0.0.tgz", "a/web-1.0.0.tgz.prov", "a/index.yaml", "a/" + hubFile, "1/2/3/4/5/6/7/8/9", "../a", "a//b", ".slipway", "a/.slipway"} {
		for method, path := range map[string]string{"POST": "/api/" + name + "/charts", "GET": "/" + name + "/index.yaml"} {
			u, err := url.Parse(path)
			if err != nil {
				t.Fatal(err)
			}
			if rt, ok := parseRoute(u, "", AnyDepth); ok {
				t.Errorf("%s %s: %v", method, path, rt)
			}
		}
	}
	want(t, 404, "POST", address+"/api/repo/charts", archive(t, "web", "1.0.0"))
	want(t, 404, "POST", address+"/api/a/web-1.0.0.tgz/charts", archive(t, "web", "1.0.0"))
	want(t, 201, "POST", address+"/api/a/repo/charts", archive(t, "web", "1.0.0"))
}

// TestAnyDepthAsChartMuseum sends the same requests to ChartMuseum with --depth-dynamic.
func TestAnyDepthAsChartMuseum(t *testing.T) {
	t.Parallel()
	peers := os.Getenv("SLIPWAY_PEERS")
	if peers == "" {
		t.Skip("no ChartMuseum: run make bench-repo once, and set SLIPWAY_PEERS to .cache/peers")
	}
	program := filepath.Join(peers, "chartmuseum")
	if _, err := os.Stat(program); err != nil {
		t.Skip("no ChartMuseum: make .cache/peers/chartmuseum")
	}
	listen, err := servertest.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(listen, ":")
	err = servertest.Start(t, listen, program, []string{"--depth-dynamic", "--storage", "local", "--storage-local-rootdir", t.TempDir(), "--port", port, "--listen-host", "127.0.0.1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ours, _ := startAtAnyDepth(t, false, Options{})
	web, signed := archive(t, "web", "1.0.0"), sign(t, "web-1.0.0.tgz", archive(t, "web", "1.0.0"))
	for _, c := range []struct {
		method, path string
		body         []byte
	}{
		{"POST", "/api/charts", web}, {"POST", "/api/a/charts", web}, {"POST", "/api/a/b/charts", web}, {"POST", "/api/a/b/c/d/charts", web}, {"POST", "/api/a/b/charts", web},
		{"POST", "/api/a/b/prov", signed}, {"POST", "/api/charts", []byte("no chart")},
		{"GET", "/index.yaml", nil}, {"GET", "/a/index.yaml", nil}, {"GET", "/a/b/c/d/index.yaml", nil}, {"GET", "/a/b/c/index.yaml", nil},
		{"GET", "/charts/web-1.0.0.tgz", nil}, {"GET", "/a/b/charts/web-1.0.0.tgz", nil}, {"GET", "/a/b/charts/web-1.0.0.tgz.prov", nil}, {"GET", "/a/charts/web-1.0.0.tgz.prov", nil},
		{"GET", "/a/b/c/charts/web-1.0.0.tgz", nil},
		{"GET", "/api/charts", nil}, {"GET", "/api/a/b/charts", nil}, {"GET", "/api/a/b/charts/web", nil}, {"GET", "/api/a/b/charts/web/1.0.0", nil}, {"GET", "/api/a/b/c/charts/web/1.0.0", nil},
		{"HEAD", "/api/a/b/charts/web", nil}, {"HEAD", "/api/a/b/charts/web/1.0.0", nil}, {"HEAD", "/api/a/b/charts/other", nil},
		{"DELETE", "/api/a/b/charts/web/1.0.0", nil}, {"DELETE", "/api/a/b/charts/web/1.0.0", nil}, {"GET", "/api/a/b/charts/web/1.0.0", nil}, {"GET", "/api/a/charts/web/1.0.0", nil},
		{"GET", "/health", nil}, {"GET", "/info", nil}, {"GET", "/a/b/nothing.yaml", nil},
	} {
		their, our := do(t, c.method, "http://"+listen+c.path, c.body), do(t, c.method, ours+c.path, c.body)
		if their.status != our.status {
			t.Errorf("%s %s: ChartMuseum answers %d, we %d %s", c.method, c.path, their.status, our.status, our.body)
		}
	}
}
