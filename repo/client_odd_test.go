package repo

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestASecretInAQueryStaysWithItsHost has a repository whose URL has a token as its
// query, and an index and redirects that lead elsewhere.
func TestASecretInAQueryStaysWithItsHost(t *testing.T) {
	for reference, want := range map[string]string{
		"web-1.0.0.tgz":                 "https://charts.example.com/a/web-1.0.0.tgz?token=secret",
		"/web-1.0.0.tgz":                "https://charts.example.com/web-1.0.0.tgz?token=secret",
		"//other.example.com/web.tgz":   "https://other.example.com/web.tgz",
		"//other.example.com/web?sig=1": "https://other.example.com/web?sig=1",
	} {
		if got, err := ResolveURL("https://charts.example.com/a?token=secret", reference); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", reference, got, want, err)
		}
	}
	referer := "nothing"
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { referer = r.Header.Get("Referer") })
	own := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	_, err := quick.Do(context.Background(), Access{URL: own.URL}, Download{URL: own.URL + "/index.yaml?token=secret", Max: 10})
	if err != nil || referer != "" {
		t.Errorf("the other host learns that it was %q, %v", referer, err)
	}
}

// TestADownloadThatIsCutOffAtItsEndIsDoneAgain breaks a connection off behind the last byte.
func TestADownloadThatIsCutOffAtItsEndIsDoneAgain(t *testing.T) {
	content := []byte("0123456789")
	n := 0
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one"`)
		if n++; n == 1 {
			_, _ = w.Write(content)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
	a, err := quick.Do(context.Background(), Access{}, Download{URL: server.URL, Max: 1 << 20})
	if err != nil || !bytes.Equal(a.Body, content) {
		t.Errorf("%v after %d requests", err, n)
	}
}

// TestAnArchiveIsNotUnpackedOnTheWay has a server that takes the compression of an
// archive for one of the transfer, as some storages do.
func TestAnArchiveIsNotUnpackedOnTheWay(t *testing.T) {
	var archive bytes.Buffer
	w := gzip.NewWriter(&archive)
	_, _ = w.Write([]byte(strings.Repeat("chart", 100)))
	_ = w.Close()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(archive.Bytes())
	})
	a, err := quick.Do(context.Background(), Access{}, Download{URL: server.URL, Max: 1 << 20})
	if err != nil || !bytes.Equal(a.Body, archive.Bytes()) {
		t.Errorf("%d bytes, want the archive's %d (%v)", len(a.Body), archive.Len(), err)
	}
}

// TestAnArchiveThatIsThereIsFoundWithItsQuery uploads to a repository whose URL has a query.
func TestAnArchiveThatIsThereIsFoundWithItsQuery(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.RawQuery != "token=secret":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodPost && r.URL.Path == "/api/charts":
			w.WriteHeader(http.StatusConflict)
		case r.URL.Path == "/charts/web-1.0.0+b.tgz":
			_, _ = w.Write([]byte("archive"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	there, err := quick.Upload(t.Context(), Access{URL: server.URL + "?token=secret"}, Upload{Name: "web-1.0.0+b.tgz", Archive: []byte("archive")})
	if err != nil || !there {
		t.Errorf("%v %v", there, err)
	}
}

// TestAProvenanceFileGetsToAnArchiveThatIsThere uploads what was uploaded before without
// its .prov file.
func TestAProvenanceFileGetsToAnArchiveThatIsThere(t *testing.T) {
	prov := ""
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/charts":
			if _, _, err := r.FormFile("chart"); err == nil {
				w.WriteHeader(http.StatusConflict)
				return
			}
			file, _, err := r.FormFile("prov")
			if err != nil {
				t.Error(err)
				return
			}
			text, _ := io.ReadAll(file)
			prov = string(text)
			w.WriteHeader(http.StatusCreated)
		case "/charts/web-1.0.0.tgz":
			_, _ = w.Write([]byte("archive"))
		case "/charts/web-1.0.0.tgz.prov":
			if prov == "" {
				w.WriteHeader(http.StatusNotFound)
			}
			_, _ = w.Write([]byte(prov))
		}
	})
	for _, test := range []struct {
		prov  string
		there bool
		want  string
	}{{"", true, ""}, {"signed", false, "signed"}, {"signed", true, "signed"}, {"signed again", true, "signed"}} {
		u := Upload{Name: "web-1.0.0.tgz", Archive: []byte("archive")}
		if test.prov != "" {
			u.Provenance = []byte(test.prov)
		}
		there, err := quick.Upload(t.Context(), Access{URL: server.URL}, u)
		if err != nil || there != test.there || prov != test.want {
			t.Errorf("with %q: there %v, the server has %q (%v)", test.prov, there, prov, err)
		}
	}
}
