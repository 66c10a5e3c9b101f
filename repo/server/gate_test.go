package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// gate is the way to an S3 server, which can be closed, and on which answers are lost.
type gate struct {
	url string

	mu     sync.Mutex
	closed bool
	lose   string // part of the path of the write whose answer is lost next
}

func newGate(t *testing.T, endpoint string) *gate {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // which is signed
		},
		ModifyResponse: g.answer,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		closed := g.closed
		g.mu.Unlock()
		if closed {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	g.url = h.URL
	return g
}

func (g *gate) close(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = closed
}

func (g *gate) loseAnswer(path string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lose = path
}

// lost reports whether the answer that was to be lost is.
func (g *gate) lost() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lose == ""
}

func (g *gate) answer(r *http.Response) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lose != "" && r.Request.Method == http.MethodPut && strings.Contains(r.Request.URL.Path, g.lose) {
		g.lose = ""
		return io.ErrUnexpectedEOF
	}
	return nil
}
