package oci_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo/oci"
	"github.com/e6d26078/slipway/repo/oci/registrytest"
)

// TestUploadsThatBreakOff has a proxy before a real registry that loses requests
// and answers.
func TestUploadsThatBreakOff(t *testing.T) {
	registry := registrytest.Start(t, registrytest.Options{})
	real := oci.New(oci.Options{PlainHTTP: true})
	var version atomic.Int32
	for name, lose := range map[string]func(proxy http.Handler, w http.ResponseWriter, r *http.Request){
		"the request": func(_ http.Handler, _ http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
		"the answer": func(proxy http.Handler, _ http.ResponseWriter, r *http.Request) {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		},
		"trouble": func(_ http.Handler, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	} {
		proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: registry})
			r.Out.Host = r.In.Host
		}}
		var lost atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && lost.Add(1)%2 == 1 { // each that writes, at its first try
				lose(proxy, w, r)
				return
			}
			proxy.ServeHTTP(w, r)
		}))
		c := oci.New(oci.Options{PlainHTTP: true, Wait: time.Millisecond})
		chartVersion := fmt.Sprintf("1.0.%d", version.Add(1))
		file := packaged(t, chart.Metadata{Name: "web", Version: chartVersion}, true)
		pushed := mustPush(t, c, "oci://"+strings.TrimPrefix(server.URL, "http://"), file)
		server.Close()
		if lost.Load() < 4 {
			t.Errorf("%s: only %d requests that write", name, lost.Load())
		}
		pulled, err := real.Pull(t.Context(), oci.Reference{Host: registry, Repository: "web", Version: chartVersion, Digest: pushed.Reference.Digest}, oci.PullOptions{Provenance: true})
		if err != nil || string(pulled.Archive) != string(read(t, file)) || pulled.Provenance == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTokens has a registry with a token server, as the large ones have.
func TestTokens(t *testing.T) {
	f := newFake(t, httptest.NewServer)
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		switch {
		case r.URL.Path == "/token" && user == "robot" && password == "secret":
			fmt.Fprintf(w, `{"token": %q}`, base64.StdEncoding.EncodeToString([]byte(r.URL.Query().Get("scope"))))
		case r.URL.Path == "/token":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Header.Get("Authorization") == "Bearer "+base64.StdEncoding.EncodeToString([]byte("repository:web:pull")):
			return false
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+f.URL+`/token",service="x",scope="repository:web:pull"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
		return true
	}
	if _, err := f.pull(t, oci.Options{Credentials: oci.NewCredentials("robot", "secret")}); err != nil {
		t.Error(err)
	}
	_, err := f.pull(t, oci.Options{Credentials: oci.NewCredentials("robot", "hunter2")})
	wantUnauthorized(t, err)
	_, err = f.pull(t, oci.Options{})
	wantUnauthorized(t, err)
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"oci://h/a:1.0.0+b@sha256:" + strings.Repeat("0", 64), "oci://[::1]:1/a/b", "oci://u:p@h/a", "oci://h/a_b:v1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := oci.Parse(text)
		if err != nil {
			return
		}
		again, err := oci.Parse(ref.String())
		if err != nil || again != ref {
			t.Errorf("%q: %+v, then %+v, %v", text, ref, again, err)
		}
		if name := (&oci.Described{Reference: ref}).FileName(); ref.Repository != "" && (path.Base(name) != name || strings.ContainsAny(name, "\\\x00")) {
			t.Errorf("%q: the file is %q", text, name)
		}
	})
}
