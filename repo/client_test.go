package repo

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serve starts a server on the loopback.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

var quick = &Client{Pause: time.Millisecond, Timeout: 20 * time.Second}

func TestADownloadThatIsCutOffGoesOn(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 10000)
	var ranges []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range")+" "+r.Header.Get("If-Range"))
		w.Header().Set("ETag", `"one"`)
		if len(ranges) == 1 {
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(content[:30000])
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
	a, err := quick.Do(context.Background(), Access{}, Download{URL: server.URL, Max: 1 << 20})
	if err != nil || !bytes.Equal(a.Body, content) {
		t.Fatalf("%d bytes, %v", len(a.Body), err)
	}
	if len(ranges) != 2 || !strings.HasPrefix(ranges[1], "bytes=") || ranges[1] == "bytes=0-" || !strings.HasSuffix(ranges[1], `"one"`) {
		t.Errorf("asked for %q", ranges)
	}
}

func TestAFileThatChangesBetweenAttemptsIsNotMixed(t *testing.T) {
	n := 0
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		content := bytes.Repeat([]byte(fmt.Sprint(n)), 10000)
		w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint(n)))
		if n == 1 {
			w.Header().Set("Content-Length", "10000")
			_, _ = w.Write(content[:3000])
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
	a, err := quick.Do(context.Background(), Access{}, Download{URL: server.URL, Max: 1 << 20})
	if err != nil || string(a.Body) != strings.Repeat("2", 10000) {
		t.Fatalf("%.20q, %v", a.Body, err)
	}
}

func TestWhatMayPassIsTriedAgainAndWhatMayNotIsNot(t *testing.T) {
	for code, want := range map[int]int32{429: 4, 502: 4, 503: 4, 504: 4, 401: 1, 403: 1, 404: 1, 500: 1} {
		var n atomic.Int32
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			n.Add(1)
			w.WriteHeader(code)
		})
		_, err := quick.Do(context.Background(), Access{}, Download{URL: server.URL + "/x?token=secret", Max: 10})
		var status *StatusError
		if !errors.As(err, &status) || status.Code != code || n.Load() != want {
			t.Errorf("%d: %d attempts, %v", code, n.Load(), err)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error has the query: %v", err)
		}
	}
}

func TestTheServerSaysHowLongToWait(t *testing.T) {
	var n atomic.Int32
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	patient := &Client{Pause: time.Hour, Timeout: time.Minute} // only Retry-After makes it shorter
	if _, err := patient.Do(context.Background(), Access{}, Download{URL: server.URL, Max: 10}); err != nil || n.Load() != 2 {
		t.Errorf("%d attempts, %v", n.Load(), err)
	}
}

func TestADownloadEndsAtItsLimits(t *testing.T) {
	release := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-release
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 10<<20))
			_ = z.Close()
		default:
			_, _ = w.Write(make([]byte, 2000))
		}
	})
	defer close(release)
	for _, path := range []string{"/large", "/bomb"} {
		if _, err := quick.Do(context.Background(), Access{}, Download{URL: server.URL + path, Max: 1999, Gzip: true}); err == nil || !strings.Contains(err.Error(), "larger than 1999") && path == "/large" {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := quick.Do(context.Background(), Access{}, Download{URL: server.URL + "/bomb", Max: 1 << 20, Gzip: true}); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("bomb: %v", err)
	}
	hasty := &Client{Timeout: 50 * time.Millisecond}
	if _, err := hasty.Do(context.Background(), Access{}, Download{URL: server.URL + "/slow", Max: 10}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v", err)
	}
}

func TestCredentialsGoToTheirOwnHostOnly(t *testing.T) {
	var seen atomic.Value
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen.Store(r.Header.Get("Authorization")) })
	own := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, other.URL, http.StatusFound)
	})
	access := Access{URL: own.URL + "/charts", Username: "user", Password: "secret"}
	for _, test := range []struct {
		url  string
		all  bool
		want bool
	}{{own.URL, false, false}, {other.URL, false, false}, {own.URL, true, true}, {other.URL, true, true}} {
		access.PassCredentials = test.all
		seen.Store("nothing")
		if _, err := quick.Do(context.Background(), access, Download{URL: test.url, Max: 10}); err != nil {
			t.Fatal(err)
		}
		if got := seen.Load().(string); strings.HasPrefix(got, "Basic") != test.want {
			t.Errorf("%s, to all %v: the other host got %q", test.url, test.all, got)
		}
	}
	_, err := quick.Do(context.Background(), Access{}, Download{URL: strings.Replace(own.URL, "://", "://user:secret2@", 1), Max: 10})
	if err == nil || strings.Contains(err.Error(), "secret2") {
		t.Errorf("the error has the password: %v", err)
	}
}

func TestCertificatesAreChecked(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	write(t, authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for _, test := range []struct {
		access Access
		good   bool
	}{{Access{}, false}, {Access{CAFile: authority}, true}, {Access{Insecure: true}, true}, {Access{CAFile: "nowhere"}, false}} {
		_, err := quick.Do(context.Background(), test.access, Download{URL: server.URL, Max: 10})
		if (err == nil) != test.good {
			t.Errorf("%+v: %v", test.access, err)
		}
	}
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	away := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(away.Close)
	if _, err := quick.Do(context.Background(), Access{Insecure: true}, Download{URL: away.URL, Max: 10}); err == nil || !strings.Contains(err.Error(), "from https to http") {
		t.Errorf("redirect to http: %v", err)
	}
}

// charts serves an index with one chart, whose archive may be another one.
func charts(t *testing.T, digest string, archive *[]byte) (*Source, *httptest.Server) {
	t.Helper()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/index.yaml":
			text := "apiVersion: v1\nentries:\n  web:\n  - name: web\n    version: 1.0.0\n    digest: " + digest + "\n    urls:\n    - web-1.0.0.tgz\n"
			http.ServeContent(w, r, "", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), strings.NewReader(text))
		case "/web-1.0.0.tgz":
			_, _ = w.Write(*archive)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	dir := t.TempDir()
	s := &Source{Home: Home{Config: filepath.Join(dir, "repositories.yaml"), Cache: filepath.Join(dir, "cache")}, Client: quick}
	e := &Entry{Name: "local", URL: server.URL}
	if _, err := s.Home.Update(context.Background(), quick, e); err != nil {
		t.Fatal(err)
	}
	if err := ChangeConfig(s.Home.Config, func(c *Config) error { c.Put(e); return nil }); err != nil {
		t.Fatal(err)
	}
	return s, server
}

func TestAnArchiveWithAnotherDigestIsNeitherStoredNorUsed(t *testing.T) {
	archive := []byte("archive")
	digest := fmt.Sprintf("%x", sha256.Sum256(archive))
	s, server := charts(t, digest, &archive)
	ctx := context.Background()
	archive = []byte("altered")
	if _, err := s.Chart(ctx, Request{Ref: "local/web"}); !errors.Is(err, ErrDigest) {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Home.Cache, "sha256", "*")); len(left) > 0 {
		t.Errorf("stored: %v", left)
	}
	archive = []byte("archive")
	p, err := s.Chart(ctx, Request{Ref: "local/web", Digest: "sha256:" + digest})
	if err != nil || p.Digest != "sha256:"+digest || p.Name != "web-1.0.0.tgz" {
		t.Fatalf("%+v %v", p, err)
	}
	for name, r := range map[string]Request{
		"another digest":     {Ref: "local/web", Digest: "sha256:" + strings.Repeat("0", 64)},
		"no digest":          {Ref: "local/web", Digest: "sha256:abc"},
		"a URL's digest":     {Ref: server.URL + "/web-1.0.0.tgz", Digest: "sha256:" + strings.Repeat("0", 64)},
		"no such file":       {Ref: server.URL + "/none.tgz"},
		"no such repository": {Ref: "none/web"},
		"a scheme":           {Ref: "file://localhost/etc/passwd"},
		"a registry":         {Ref: "oci://localhost/web"},
	} {
		if _, err := s.Chart(ctx, r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}

	// The cache is used as long as it has the digest, and without the server.
	server.Close()
	s.Offline = true
	if _, err := s.Chart(ctx, Request{Ref: "local/web"}); err != nil {
		t.Error(err)
	}
	write(t, p.Path, []byte("altered"))
	if _, err := s.Chart(ctx, Request{Ref: "local/web"}); err == nil {
		t.Error("an altered archive of the cache was used")
	}
}

// TestTheMarkOfAnIndexIsItsOwn also when it is updated twice at once: with the mark of
// a newer one it would never be updated again.
func TestTheMarkOfAnIndexIsItsOwn(t *testing.T) {
	var changes atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := changes.Add(1)
		w.Header().Set("ETag", fmt.Sprint(n))
		_, _ = fmt.Fprintf(w, "apiVersion: v1\nentries: {}\n# %d\n", n)
	})
	home := Home{Cache: t.TempDir()}
	e := &Entry{Name: "busy", URL: server.URL}
	for range 100 {
		var updates sync.WaitGroup
		for range 4 {
			updates.Go(func() {
				if _, err := home.Update(t.Context(), quick, e); err != nil {
					t.Error(err)
				}
			})
		}
		updates.Wait()
		index, err := os.ReadFile(home.IndexFile("busy"))
		if err != nil {
			t.Fatal(err)
		}
		mark, _ := readFreshness(home.IndexFile("busy"), server.URL+"/index.yaml")
		if mark != "" && !strings.Contains(string(index), "# "+mark+"\n") {
			t.Fatalf("the mark %s is kept with %s", mark, index)
		}
	}
}

func TestAnIndexThatHasNotChangedIsNotSentAgain(t *testing.T) {
	archive := []byte("archive")
	s, _ := charts(t, strings.Repeat("0", 64), &archive)
	var answers []int
	var bad atomic.Bool
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if bad.Load() {
			_, _ = w.Write([]byte("<html>"))
			return
		}
		recorder := httptest.NewRecorder()
		recorder.Header().Set("ETag", `"one"`)
		http.ServeContent(recorder, r, "", time.Time{}, strings.NewReader("apiVersion: v1\nentries: {}\n"))
		answers = append(answers, recorder.Code)
		w.Header().Set("ETag", `"one"`)
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(recorder.Body.Bytes())
	})
	e := &Entry{Name: "other", URL: server.URL}
	update := func() error { _, err := s.Home.Update(context.Background(), quick, e); return err }
	for range 2 {
		if err := update(); err != nil {
			t.Fatal(err)
		}
	}
	write(t, s.Home.IndexFile("other"), []byte("apiVersion: v1\nentries: {}\n# by somebody else\n"))
	if err := update(); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(answers) != "[200 304 200]" {
		t.Errorf("answers %v", answers)
	}
	before, err := os.ReadFile(s.Home.IndexFile("other"))
	if err != nil {
		t.Fatal(err)
	}
	bad.Store(true)
	if err := update(); !errors.Is(err, ErrInvalidIndex) {
		t.Errorf("a page that is no index: %v", err)
	}
	if after, _ := os.ReadFile(s.Home.IndexFile("other")); !bytes.Equal(before, after) {
		t.Error("a bad index replaced the good one")
	}
	if err := s.Home.Forget("other"); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Home.Cache, "other*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestRepositoriesFileKeepsWhatItDoesNotKnow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "repositories.yaml")
	write(t, path, []byte("apiVersion: v9\nfuture: [1, 2]\nrepositories:\n- name: a\n  url: https://a\n  verify: require\n- name: b\n  url: https://b\n"))
	err := ChangeConfig(path, func(c *Config) error {
		c.Put(&Entry{Name: "a", URL: "https://new"})
		c.Remove("b")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"apiVersion: v9", "future:\n- 1\n- 2", "verify: require", "url: https://new"} {
		if !strings.Contains(string(data), part) {
			t.Errorf("no %q in\n%s", part, data)
		}
	}
	if strings.Contains(string(data), "https://b") {
		t.Errorf("b is still there\n%s", data)
	}
	for _, name := range []string{"a/b", "..", "", `a\b`, "a\x00"} {
		if CheckName(name) == nil {
			t.Errorf("the name %q is accepted", name)
		}
	}
}
