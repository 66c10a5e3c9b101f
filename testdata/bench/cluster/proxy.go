package main

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// proxy stands between a tool and the API server, holds up what the tool sends
// for a while before it hands it on, and notes when each request began and ended.
// It hands on the bytes of HTTP/2 as they are and only looks at them, since it has
// the same processors as the tool and the API server.
type proxy struct {
	kubeconfig string
	latency    time.Duration
	listener   net.Listener
	target     string
	upstream   *tls.Config

	mu    sync.Mutex
	calls []call
	conns map[net.Conn]bool
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
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS() // for its certificate of 127.0.0.1
	defer certificate.Close()
	x := &proxy{
		kubeconfig: kubeconfig, latency: latency, target: target.Host, conns: map[net.Conn]bool{},
		upstream: &tls.Config{RootCAs: p.transport.TLSClientConfig.RootCAs, ServerName: target.Hostname(), NextProtos: []string{"h2"}},
	}
	x.listener, err = tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificate.TLS.Certificates, NextProtos: []string{"h2"}})
	if err != nil {
		return nil, err
	}
	go x.serve()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate().Raw})
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: far
clusters: [{name: far, cluster: {server: "https://%s", certificate-authority-data: %s}}]
contexts: [{name: far, context: {cluster: far, user: admin}}]
users: [{name: admin, user: {token: %q}}]
`, x.listener.Addr(), base64.StdEncoding.EncodeToString(ca), p.token)
	return x, os.WriteFile(kubeconfig, []byte(text), 0o600)
}

func (x *proxy) serve() {
	for {
		conn, err := x.listener.Accept()
		if err != nil {
			return
		}
		go x.connect(conn)
	}
}

// connect hands on what is sent over a connection until either side ends it.
func (x *proxy) connect(tool net.Conn) {
	defer tool.Close()
	server, err := tls.Dial("tcp", x.target, x.upstream)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: proxy:", err)
		return
	}
	defer server.Close()
	if !x.keep(tool) {
		return
	}
	defer x.forget(tool)
	streams := &streams{proxy: x, open: map[uint32]call{}}
	late := make(chan piece, 1024)
	go func() {
		defer server.Close()
		for p := range late {
			time.Sleep(time.Until(p.due))
			_, _ = server.Write(p.data) // whoever reads from the API server learns that it is gone
		}
	}()
	go func() {
		defer tool.Close()
		_, _ = io.Copy(tool, io.TeeReader(server, &frames{frame: streams.answered}))
	}()
	requests := &frames{skip: len(preface), frame: streams.asked}
	defer close(late)
	for {
		data := make([]byte, 16<<10)
		n, err := tool.Read(data)
		if err != nil {
			return
		}
		late <- piece{data[:n], time.Now().Add(x.latency)}
		_, _ = requests.Write(data[:n])
	}
}

// piece is what the API server gets at a time.
type piece struct {
	data []byte
	due  time.Time
}

// keep remembers a connection that is to be closed by stop. It tells false after that.
func (x *proxy) keep(conn net.Conn) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.conns != nil {
		x.conns[conn] = true
	}
	return x.conns != nil
}

func (x *proxy) forget(conn net.Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.conns, conn)
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

func (x *proxy) stop() error {
	err := x.listener.Close()
	x.mu.Lock()
	defer x.mu.Unlock()
	for conn := range x.conns {
		err = errors.Join(err, conn.Close())
	}
	x.conns = nil
	return err
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
