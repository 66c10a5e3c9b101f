package analysis

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// exporter counts requests of pods, more at each scrape.
type exporter struct {
	mu   sync.Mutex
	pods map[string]*counters
}

type counters struct {
	requests, errors float64
	share            float64 // of errors
}

// set makes a pod answer a share of its requests with errors.
func (e *exporter) set(pod string, share float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pods[pod] = &counters{share: share}
}

// silence makes a pod's series vanish.
func (e *exporter) silence(pod string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.pods, pod)
}

// ServeHTTP is a scrape.
func (e *exporter) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, c := range e.pods {
		c.requests += 100
		c.errors += 100 * c.share
		label := ""
		if name != "" {
			label = fmt.Sprintf("{pod=%q}", name)
		}
		fmt.Fprintf(w, "requests_total%s %g\nerrors_total%s %g\n", label, c.requests, label, c.errors)
	}
}

// prometheus is a running server that scrapes an exporter five times a second.
type prometheus struct {
	*exporter
	address string
}

// startPrometheus starts the real thing on a free port.
func startPrometheus(t *testing.T) *prometheus {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		const needs = "needs the program prometheus (Debian's package prometheus)"
		if os.Getenv("SLIPWAY_PROMETHEUS") == "required" {
			t.Fatal(needs)
		}
		t.Skip(needs)
	}
	p := &prometheus{exporter: &exporter{pods: map[string]*counters{}}}
	target := httptest.NewServer(p.exporter)
	t.Cleanup(target.Close)
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs: [{job_name: exporter, static_configs: [{targets: [%q]}]}]\n",
		target.Listener.Addr().String())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for try := 0; ; try++ { // another process may take the port that was free
		if p.address, err = launch(t, program, config, filepath.Join(dir, fmt.Sprint("data", try))); err == nil {
			return p
		}
		if try == 3 {
			t.Fatal(err)
		}
	}
}

// launch starts the program and waits until it is ready.
func launch(t *testing.T, program, config, data string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	listen := l.Addr().String()
	l.Close()
	var said bytes.Buffer
	cmd := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+data, "--web.listen-address="+listen)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		res, err := http.Get("http://" + listen + "/-/ready")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				break
			}
		}
		select {
		case <-ended:
			return "", errors.New("prometheus ended: " + said.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	return "http://" + listen, nil
}
