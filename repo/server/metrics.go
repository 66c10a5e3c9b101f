package server

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// metrics counts requests. They are few numbers with few labels, so the text
// that Prometheus reads is written here.
type metrics struct {
	mu       sync.Mutex
	requests map[requestLabels]int64
	seconds  map[kind]*timing
	hooks    map[hookLabels]int64
}

type hookLabels struct {
	hook    string
	outcome string
}

// What became of messages to webhooks.
const (
	hookDelivered = "delivered"
	hookFailed    = "failed"
	hookDropped   = "dropped"
)

type requestLabels struct {
	route  kind
	method string
	status int
}

type timing struct {
	buckets []int64
	count   int64
	sum     float64
}

// bounds gives the upper bounds of the buckets, in seconds.
func bounds() []float64 {
	return []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30}
}

func newMetrics() *metrics {
	return &metrics{requests: map[requestLabels]int64{}, seconds: map[kind]*timing{}, hooks: map[hookLabels]int64{}}
}

func (m *metrics) count(route kind, method string, status int, taken time.Duration) {
	if !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions}, method) {
		method = "other"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[requestLabels{route, method, status}]++
	t := m.seconds[route]
	if t == nil {
		t = &timing{buckets: make([]int64, len(bounds()))}
		m.seconds[route] = t
	}
	t.count++
	t.sum += taken.Seconds()
	for i, bound := range bounds() {
		if taken.Seconds() <= bound {
			t.buckets[i]++
		}
	}
}

// countHook counts a message to a webhook.
func (m *metrics) countHook(hook, outcome string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hooks[hookLabels{hook, outcome}]++
}

func (s *Server) getMetrics(w *recorder, _ *http.Request, _ route) {
	var out strings.Builder
	s.mu.RLock()
	var charts, versions int
	var bytes int64
	for _, t := range s.tenants {
		c, v, b := t.count()
		charts, versions, bytes = charts+c, versions+v, bytes+b
	}
	repositories := len(s.tenants)
	s.mu.RUnlock()
	gauge := func(name, help string, value int64) {
		fmt.Fprintf(&out, "# HELP slipway_%[1]s %[2]s\n# TYPE slipway_%[1]s gauge\nslipway_%[1]s %[3]d\n", name, help, value)
	}
	gauge("repositories", "Repositories that something was uploaded to.", int64(repositories))
	gauge("charts", "Charts in all repositories.", int64(charts))
	gauge("chart_versions", "Versions of charts in all repositories.", int64(versions))
	gauge("storage_bytes", "Size of all archives and .prov files.", bytes)
	s.metrics.text(&out)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(out.String()))
}

func (m *metrics) text(out *strings.Builder) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out.WriteString("# HELP slipway_requests_total Requests that were answered.\n# TYPE slipway_requests_total counter\n")
	labels := slices.SortedFunc(maps.Keys(m.requests), func(a, b requestLabels) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	for _, l := range labels {
		fmt.Fprintf(out, "slipway_requests_total{route=%q,method=%q,status=\"%d\"} %d\n", l.route, l.method, l.status, m.requests[l])
	}
	out.WriteString("# HELP slipway_request_seconds Time from the head of a request to the end of its answer.\n# TYPE slipway_request_seconds histogram\n")
	for _, route := range slices.Sorted(maps.Keys(m.seconds)) {
		t := m.seconds[route]
		for i, bound := range bounds() {
			fmt.Fprintf(out, "slipway_request_seconds_bucket{route=%q,le=%q} %d\n", route, strconv.FormatFloat(bound, 'g', -1, 64), t.buckets[i])
		}
		fmt.Fprintf(out, "slipway_request_seconds_bucket{route=%[1]q,le=\"+Inf\"} %[2]d\nslipway_request_seconds_sum{route=%[1]q} %[3]g\nslipway_request_seconds_count{route=%[1]q} %[2]d\n", route, t.count, t.sum)
	}
	if len(m.hooks) == 0 {
		return
	}
	out.WriteString("# HELP slipway_webhook_messages_total Messages to webhooks by what became of them.\n# TYPE slipway_webhook_messages_total counter\n")
	sent := slices.SortedFunc(maps.Keys(m.hooks), func(a, b hookLabels) int { return strings.Compare(a.hook+a.outcome, b.hook+b.outcome) })
	for _, l := range sent {
		fmt.Fprintf(out, "slipway_webhook_messages_total{webhook=%q,outcome=%q} %d\n", l.hook, l.outcome, m.hooks[l])
	}
}
