package oci_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo/oci"
)

const (
	configType = "application/vnd.cncf.helm.config.v1+json"
	chartType  = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// fake is a registry with one chart, web 1.0.0, that a test may make lie.
type fake struct {
	*httptest.Server
	archive  []byte
	manifest ocispec.Manifest
	blobs    map[string][]byte
	// answer, unless it returns false, is given instead of the honest answer.
	answer func(w http.ResponseWriter, r *http.Request) bool
}

func newFake(t *testing.T, start func(http.Handler) *httptest.Server) *fake {
	t.Helper()
	f := &fake{blobs: map[string][]byte{}, answer: func(http.ResponseWriter, *http.Request) bool { return false }}
	path := packaged(t, chart.Metadata{Name: "web", Version: "1.0.0"}, false)
	f.archive = read(t, path)
	f.manifest.SchemaVersion = 2
	f.manifest.Config = f.put(configType, []byte(`{"name":"web","version":"1.0.0","apiVersion":"v2"}`))
	f.manifest.Layers = []ocispec.Descriptor{f.put(chartType, f.archive)}
	f.Server = start(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) put(mediaType string, data []byte) ocispec.Descriptor {
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	f.blobs[d.Digest.String()] = data
	return d
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	if f.answer(w, r) {
		return
	}
	_, last, _ := strings.Cut(r.URL.Path, "s/")
	switch {
	case strings.Contains(r.URL.Path, "/manifests/"):
		data, _ := json.Marshal(f.manifest)
		w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
		_, _ = w.Write(data)
	case strings.Contains(r.URL.Path, "/blobs/") && f.blobs[last] != nil:
		_, _ = w.Write(f.blobs[last])
	default:
		http.NotFound(w, r)
	}
}

func (f *fake) ref() oci.Reference {
	_, host, _ := strings.Cut(f.URL, "://")
	return oci.Reference{Host: host, Repository: "web", Version: "1.0.0"}
}

func (f *fake) pull(t *testing.T, o oci.Options) (*oci.Pulled, error) {
	t.Helper()
	o.PlainHTTP = strings.HasPrefix(f.URL, "http:")
	o.Wait = time.Millisecond
	return oci.New(o).Pull(t.Context(), f.ref(), oci.PullOptions{})
}

func is[E error](err error) bool {
	var want E
	return errors.As(err, &want)
}

// retryable asks as the command does.
func retryable(err error) bool {
	var asked interface{ Retryable() bool }
	return errors.As(err, &asked) && asked.Retryable()
}

func isBlob(r *http.Request, d ocispec.Descriptor) bool {
	return strings.HasSuffix(r.URL.Path, "/blobs/"+d.Digest.String())
}

func TestARegistryThatLiesIsNotBelieved(t *testing.T) {
	for name, test := range map[string]struct {
		lie  func(f *fake)
		want func(error) bool
	}{
		"nothing":           {func(*fake) {}, func(err error) bool { return err == nil }},
		"another archive":   {func(f *fake) { f.blobs[f.manifest.Layers[0].Digest.String()] = append([]byte{1}, f.archive[1:]...) }, is[*oci.DigestError]},
		"a shorter archive": {func(f *fake) { f.blobs[f.manifest.Layers[0].Digest.String()] = f.archive[1:] }, is[*oci.DigestError]},
		"a longer archive":  {func(f *fake) { f.blobs[f.manifest.Layers[0].Digest.String()] = append(f.archive, 1) }, is[*oci.DigestError]},
		"other metadata":    {func(f *fake) { f.blobs[f.manifest.Config.Digest.String()] = []byte(strings.Repeat(" ", 50)) }, is[*oci.DigestError]},
		"no chart":          {func(f *fake) { f.manifest.Config.MediaType = "application/vnd.oci.image.config.v1+json" }, is[*oci.NotChartError]},
		"no layer":          {func(f *fake) { f.manifest.Layers[0].MediaType = "text/plain" }, is[*oci.NotChartError]},
		"no digest":         {func(f *fake) { f.manifest.Layers[0].Digest = "md5:0" }, is[*oci.NotChartError]},
		"a path as digest":  {func(f *fake) { f.manifest.Layers[0].Digest = "sha256:../../../x" }, is[*oci.NotChartError]},
		"a negative size":   {func(f *fake) { f.manifest.Layers[0].Size = -1 }, is[*oci.NotChartError]},
		"a huge archive":    {func(f *fake) { f.manifest.Layers[0].Size = 1 << 60 }, is[*oci.TooLargeError]},
		"huge metadata":     {func(f *fake) { f.manifest.Config.Size = 1 << 60 }, is[*oci.TooLargeError]},
		"a huge manifest":   {func(f *fake) { f.manifest.Annotations = map[string]string{"x": strings.Repeat("x", 5<<20)} }, is[*oci.TooLargeError]},
		"null as metadata":  {func(f *fake) { f.manifest.Config = f.put(configType, []byte("null")) }, is[*oci.NotChartError]},
		"a name with a path": {func(f *fake) {
			f.manifest.Config = f.put(configType, []byte(`{"name":"../web","version":"1.0.0","apiVersion":"v2"}`))
		}, is[*oci.NotChartError]},
		"a wrong header": {func(f *fake) {
			f.answer = func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))
				return false
			}
		}, is[*oci.DigestError]},
		"an index of itself": {func(f *fake) {
			f.answer = func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
				fmt.Fprintf(w, `{"manifests": [{"mediaType": %q, "digest": %q, "size": 3}]}`, ocispec.MediaTypeImageManifest, digest.FromString("x"))
				return true
			}
		}, is[*oci.DigestError]},
		"words of its own": {func(f *fake) {
			f.answer = func(w http.ResponseWriter, r *http.Request) bool {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, `{"errors": [{"code": "DENIED", "message": "\u001b[31mpay first\u0007", "detail": "x"}]}`)
				return true
			}
		}, func(err error) bool {
			return is[*oci.UnauthorizedError](err) && strings.Contains(err.Error(), "[31mpay first") && !strings.ContainsAny(err.Error(), "\x1b\x07")
		}},
	} {
		f := newFake(t, httptest.NewServer)
		test.lie(f)
		if _, err := f.pull(t, oci.Options{}); !test.want(err) {
			t.Errorf("%s: error %T %v", name, err, err)
		}
	}
}

func TestALyingRegistryByDigest(t *testing.T) {
	f := newFake(t, httptest.NewServer)
	ref := f.ref()
	ref.Version, ref.Digest = "", digest.FromString("another").String()
	if _, err := oci.New(oci.Options{PlainHTTP: true}).Pull(t.Context(), ref, oci.PullOptions{}); !is[*oci.DigestError](err) {
		t.Error(err)
	}
}

func TestWhatBreaksOffIsTriedAgain(t *testing.T) {
	for name, fail := range map[string]func(f *fake, w http.ResponseWriter){
		"an answer cut short": func(f *fake, w http.ResponseWriter) {
			w.Header().Set("Content-Length", fmt.Sprint(len(f.archive)))
			_, _ = w.Write(f.archive[:len(f.archive)/2])
		},
		"a connection cut": func(_ *fake, w http.ResponseWriter) {
			connection, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				connection.Close()
			}
		},
		"trouble":  func(_ *fake, w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
		"too busy": func(_ *fake, w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) },
	} {
		f := newFake(t, httptest.NewServer)
		var asked, failing atomic.Int32
		failing.Store(2)
		f.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if !isBlob(r, f.manifest.Layers[0]) || asked.Add(1) > failing.Load() {
				return false
			}
			fail(f, w)
			return true
		}
		pulled, err := f.pull(t, oci.Options{Tries: 3})
		if err != nil || !bytes.Equal(pulled.Archive, f.archive) || asked.Load() != 3 {
			t.Errorf("%s: %v after %d tries", name, err, asked.Load())
		}
		failing.Store(1000)
		asked.Store(0)
		if _, err := f.pull(t, oci.Options{Tries: 2}); err == nil || !retryable(err) || asked.Load() > 4 {
			t.Errorf("%s, for ever: %v after %d tries", name, err, asked.Load())
		}
	}
}

func TestADownloadThatStallsEnds(t *testing.T) {
	f := newFake(t, httptest.NewServer)
	ended := make(chan struct{})
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if !isBlob(r, f.manifest.Layers[0]) {
			return false
		}
		_, _ = w.Write(f.archive[:10])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(ended)
		return true
	}
	if _, err := f.pull(t, oci.Options{Tries: 1, Stall: 20 * time.Millisecond}); err == nil || !strings.Contains(err.Error(), "nothing arrived") {
		t.Error(err)
	}
	<-ended
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	cancel(interrupted)
	if _, err := oci.New(oci.Options{PlainHTTP: true}).Pull(ctx, f.ref(), oci.PullOptions{}); !errors.Is(err, context.Canceled) && !errors.Is(err, interrupted) {
		t.Error(err)
	}
}

func TestListsHaveAnEnd(t *testing.T) {
	f := newFake(t, httptest.NewServer)
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Link", fmt.Sprintf("<%s?n=1>; rel=next", r.URL.Path))
		fmt.Fprint(w, `{"tags": ["1.0.0"], "repositories": ["a", "../b", ""]}`)
		return true
	}
	c := oci.New(oci.Options{PlainHTTP: true})
	if _, err := c.Versions(t.Context(), f.ref()); !is[*oci.TooLargeError](err) {
		t.Error(err)
	}
	if _, err := c.Repositories(t.Context(), oci.Reference{Host: f.ref().Host}); !is[*oci.TooLargeError](err) {
		t.Error(err)
	}
}

// TestCredentialsStayWithTheirHost has a registry that redirects downloads and
// names another host for uploads.
func TestCredentialsStayWithTheirHost(t *testing.T) {
	f := newFake(t, httptest.NewServer)
	var leaked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			leaked.Add(1)
		}
		if r.URL.Query().Has("broken") {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		_, _ = w.Write(f.archive)
	}))
	defer other.Close()
	broken := ""
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if user, password, _ := r.BasicAuth(); user != "robot" || password != "hunter2" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		switch {
		case isBlob(r, f.manifest.Layers[0]) && r.Method == http.MethodGet:
			http.Redirect(w, r, other.URL+"/archive?signature=hunter3"+broken, http.StatusTemporaryRedirect)
		case strings.HasSuffix(r.URL.Path, "/uploads/"):
			w.Header().Set("Location", other.URL+"/upload")
			w.WriteHeader(http.StatusAccepted)
		case r.Method == http.MethodHead:
			w.WriteHeader(http.StatusNotFound)
		default:
			return false
		}
		return true
	}
	o := oci.Options{Credentials: oci.NewCredentials("robot", "hunter2"), Tries: 1}
	if pulled, err := f.pull(t, o); err != nil || !bytes.Equal(pulled.Archive, f.archive) {
		t.Error(err)
	}
	broken = "&broken"
	if _, err := f.pull(t, o); err == nil || strings.Contains(err.Error(), "hunter") {
		t.Error(err)
	}
	o.PlainHTTP = true
	ref := f.ref()
	_, err := oci.New(o).Push(t.Context(), oci.Reference{Host: ref.Host}, f.archive, oci.PushOptions{})
	if err == nil || !strings.Contains(err.Error(), "different host") {
		t.Error(err)
	}
	if leaked.Load() != 0 {
		t.Error("the other host got credentials")
	}
}

func TestNothingIsSavedHalf(t *testing.T) {
	f := newFake(t, httptest.NewServer)
	pulled, err := f.pull(t, oci.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/"+pulled.FileName(), 0o700); err != nil { // a folder is in the way
		t.Fatal(err)
	}
	if _, err := pulled.Save(dir); err == nil {
		t.Error("saved over a folder")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Error(entries, err)
	}
	if _, err := pulled.Save(dir + "/absent"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestReferences(t *testing.T) {
	for _, text := range []string{
		"oci://localhost:5000", "oci://h/a", "oci://h/a/b-c__d.e:1.0.0+x", "oci://[::1]:5000/a", "oci://h/a@sha256:" + strings.Repeat("a", 64),
		"oci://h/a:1.0.0@sha256:" + strings.Repeat("a", 64),
	} {
		if ref, err := oci.Parse(text); err != nil || ref.String() != text {
			t.Errorf("%s: %s, %v", text, ref, err)
		}
	}
	for _, text := range []string{
		"", "h/a", "http://h/a", "oci://", "oci:///a", "oci://h/A", "oci://h/../a", "oci://h/a/../b", "oci://h/a//b", "oci://h:1.0.0", "oci://h/:1", "oci://h/a:-1",
		"oci://h/a:" + strings.Repeat("1", 129), "oci://h/a@sha256:0", "oci://h/a@x", "oci://h/a?b", "oci://h/a#b", "oci://h/" + strings.Repeat("a", 256), "oci://h/a\x1b", "oci://h x/a",
	} {
		if ref, err := oci.Parse(text); err == nil {
			t.Errorf("%q: %v", text, ref)
		}
	}
	if _, err := oci.Parse("oci://robot:hunter2@h/a"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

func TestWhatCannotBePushed(t *testing.T) {
	c := oci.New(oci.Options{PlainHTTP: true, Tries: 1})
	to := oci.Reference{Host: "127.0.0.1:1"}
	upper := read(t, packaged(t, chart.Metadata{Name: "Web", Version: "1.0.0"}, false))
	for name, test := range map[string]struct {
		ref     oci.Reference
		archive []byte
		want    string
	}{
		"a tag":        {oci.Reference{Host: to.Host, Repository: "a", Version: "1"}, upper, "leave out version"},
		"no chart":     {to, []byte("x"), "read the archive"},
		"capitals":     {to, upper, "lower-case"},
		"a large file": {to, make([]byte, 101<<20), "exceeds the limit"},
	} {
		if _, err := c.Push(t.Context(), test.ref, test.archive, oci.PushOptions{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	lower := read(t, packaged(t, chart.Metadata{Name: "web", Version: "1.0.0"}, false))
	if _, err := c.Push(t.Context(), to, lower, oci.PushOptions{}); err == nil || !retryable(err) {
		t.Error("nobody listens:", err)
	}
}
