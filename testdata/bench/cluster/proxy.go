package main

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// proxy stands between a tool and the API server, holds every request up for a
// while before it hands it on, and notes when each began and ended.
type proxy struct {
	kubeconfig string
	server     *httptest.Server
	latency    time.Duration

	mu    sync.Mutex
	calls []call
}

// call is one request.
type call struct {
	text       string
	begin, end time.Time // end is zero for a watch
}

func startProxy(p *plane, kubeconfig string, latency time.Duration) (*proxy, error) {
	target, err := url.Parse(p.server)
	if err != nil {
		return nil, err
	}
	x := &proxy{kubeconfig: kubeconfig, latency: latency}
	reverse := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     p.transport,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // a tool that ends leaves its watches
	}
	x.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		time.Sleep(x.latency)
		watch := r.URL.Query().Get("watch") != ""
		if watch {
			x.note(call{text: "WATCH " + r.URL.Path, begin: begin})
		}
		reverse.ServeHTTP(w, r)
		if !watch {
			x.note(call{r.Method + " " + r.URL.Path, begin, time.Now()})
		}
	}))
	x.server.EnableHTTP2 = true
	x.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	x.server.StartTLS()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: x.server.Certificate().Raw})
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: far
clusters: [{name: far, cluster: {server: %q, certificate-authority-data: %s}}]
contexts: [{name: far, context: {cluster: far, user: admin}}]
users: [{name: admin, user: {token: %q}}]
`, x.server.URL, base64.StdEncoding.EncodeToString(ca), p.token)
	return x, os.WriteFile(kubeconfig, []byte(text), 0o600)
}

func (x *proxy) note(c call) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.calls = append(x.calls, c)
}

// take returns what was noted and forgets it.
func (x *proxy) take() []call {
	x.mu.Lock()
	defer x.mu.Unlock()
	calls := x.calls
	x.calls = nil
	return calls
}

func (x *proxy) stop() {
	x.server.CloseClientConnections()
	x.server.Close()
}

// inTurn is how many requests had to wait for one another at least: the most
// that can be chosen of which none overlap. Watches do not count.
func inTurn(calls []call) int {
	done := slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return c.end.IsZero() })
	slices.SortFunc(done, func(a, b call) int { return a.end.Compare(b.end) })
	var n int
	var last time.Time
	for _, c := range done {
		if c.begin.After(last) {
			n, last = n+1, c.end
		}
	}
	return n
}

// trace is the requests in the order of their beginnings.
func trace(calls []call) string {
	calls = slices.Clone(calls)
	slices.SortFunc(calls, func(a, b call) int { return a.begin.Compare(b.begin) })
	var b strings.Builder
	for _, c := range calls {
		end := "-"
		if !c.end.IsZero() {
			end = fmt.Sprintf("%.1f", c.end.Sub(calls[0].begin).Seconds()*1e3)
		}
		fmt.Fprintf(&b, "%8.1f %8s  %s\n", c.begin.Sub(calls[0].begin).Seconds()*1e3, end, c.text)
	}
	return b.String()
}
