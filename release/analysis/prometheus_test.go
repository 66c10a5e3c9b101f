package analysis

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

const errorShare = `sum(rate(errors_total{pod=~"{{canary}}"}[2s])) / sum(rate(requests_total{pod=~"{{canary}}"}[2s]))`

// asks is a metric with a query.
func asks(address, query, success string) rollout.Metric {
	return rollout.Metric{Name: "m", SuccessCondition: success, Provider: rollout.Provider{
		Prometheus: &rollout.Prometheus{Address: address, Query: query}}}
}

// untilThere asks until there is data, for there is none right after the start.
func untilThere(t *testing.T, m rollout.Metric, subject deploy.Subject) {
	t.Helper()
	for {
		got := sampler().Sample(t.Context(), m, subject)
		if got.Verdict == rollout.Erroneous {
			t.Fatalf("%s: %s", m.Provider.Prometheus.Query, got.Message)
		}
		if got.Value != "" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// judged measures as a driver does, until the run is over.
func judged(t *testing.T, m rollout.Metric, subject deploy.Subject, each func(rollout.Run)) rollout.Run {
	t.Helper()
	if err := Check(m); err != nil {
		t.Fatal(err)
	}
	r := rollout.Run{Metric: m.Name, StartedAt: time.Now()}
	for {
		var due time.Time
		r, due = rollout.Judge(m, r, time.Now(), time.Hour)
		if r.Verdict != rollout.NotYet {
			return r
		}
		time.Sleep(time.Until(due))
		r.Measurements = append(r.Measurements, sampler().Sample(t.Context(), m, subject))
		each(r)
	}
}

func TestCanariesAgainstPrometheus(t *testing.T) {
	p := startPrometheus(t)
	for pod, share := range map[string]float64{"good-1": 0, "good-2": 0.01, "bad-1": 0.25, "silent-1": 0, "stable-1": 0.02} {
		p.set(pod, share)
	}
	for _, tt := range []struct {
		name    string
		canary  []deploy.Live
		stable  bool
		success string
		limit   int
		want    rollout.Verdict
	}{
		{"good", pods("good-1", "good-2"), false, "result < 0.05", 0, rollout.Successful},
		{"bad", pods("bad-1"), false, "result < 0.05", 2, rollout.Bad},
		{"as good as the stable side", pods("good-1"), true, "result <= stable * 1.5", 0, rollout.Successful},
		{"worse than the stable side", pods("bad-1"), true, "result <= stable * 1.5", 0, rollout.Bad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := asks(p.address, errorShare, tt.success)
			m.Interval, m.Count, m.FailureLimit = 200*time.Millisecond, 3, tt.limit
			m.Provider.Prometheus.Stable = tt.stable
			subject := deploy.Subject{Canary: tt.canary, Stable: pods("stable-1")}
			untilThere(t, m, subject)
			r := judged(t, m, subject, func(rollout.Run) {})
			want := 3
			if tt.want == rollout.Bad {
				want = tt.limit + 1
			}
			if r.Verdict != tt.want || len(r.Measurements) != want {
				t.Errorf("%s after %d measurements, want %s after %d: %+v", r.Verdict, len(r.Measurements), tt.want, want, r)
			}
		})
	}
	t.Run("silent", func(t *testing.T) {
		m := asks(p.address, errorShare, "result < 0.05")
		m.Interval = 200 * time.Millisecond
		subject := deploy.Subject{Canary: pods("silent-1")}
		untilThere(t, m, subject)
		r := judged(t, m, subject, func(r rollout.Run) {
			if len(r.Measurements) == 2 {
				p.silence("silent-1")
			}
		})
		if r.Verdict != rollout.Undecided || len(r.Measurements) < 3 || !strings.Contains(r.Message, "no data") {
			t.Errorf("a canary whose series vanish: %+v", r)
		}
	})
}

func TestPrometheusQueries(t *testing.T) {
	p := startPrometheus(t)
	for _, pod := range []string{"", "web-1", "web-10", "web.2", "webx2"} {
		p.set(pod, 0)
	}
	for i := 1; i <= 5; i++ {
		untilThere(t, asks(p.address, fmt.Sprintf("count(requests_total) >= %d", i), "true"), deploy.Subject{})
	}
	pods := pods("web-1", "web.2")
	stable := []deploy.Live{pod("web-10")}
	for _, tt := range []struct {
		name, query, condition string
		subject                deploy.Subject
		want                   rollout.Verdict
		value, message         string
	}{
		{"exact names", `count(requests_total{pod=~"{{canary}}"})`, "result == 2", deploy.Subject{Canary: pods}, rollout.Successful, "2", ""},
		{"in other quotes", "count(requests_total{pod=~'{{canary}}'} or requests_total{pod=~`{{stable}}`})", "result == 3", deploy.Subject{Canary: pods, Stable: stable}, rollout.Successful, "3", ""},
		{"not these", `count(requests_total{pod!~"{{canary}}"})`, "result == 3", deploy.Subject{Canary: pods}, rollout.Successful, "3", ""},
		{"no pods", `requests_total{pod=~"{{canary}}"}`, "true", deploy.Subject{}, rollout.Undecided, "", "no data: the query has no result"},
		{"no pods, negated", `count(requests_total{pod!~"{{canary}}"})`, "result == 5", deploy.Subject{}, rollout.Successful, "5", ""},
		{"several elements", `sum by (pod) (requests_total{pod=~"{{canary}}"}) * 0`, "all(result, # == 0)", deploy.Subject{Canary: pods}, rollout.Successful, "[0,0]", ""},
		{"a scalar", "scalar(vector(4))", "result == 4", deploy.Subject{}, rollout.Successful, "4", ""},
		{"a text", `"four"`, "result == 'four'", deploy.Subject{}, rollout.Successful, `"four"`, ""},
		{"names", `"{{namespace}}/{{release}}"`, "result == 'shop/web'", deploy.Subject{Namespace: "shop", Release: "web"}, rollout.Successful, `"shop/web"`, ""},
		{"not a number", "vector(0) / 0", "true", deploy.Subject{}, rollout.Undecided, "", "no data"},
		{"infinite", "vector(1) / 0", "isInf(result)", deploy.Subject{}, rollout.Successful, `"+Inf"`, ""},
		{"a range", "requests_total[5s]", "true", deploy.Subject{}, rollout.Erroneous, "", "the query gives a matrix: ask for an instant vector or a scalar"},
		{"a fault in the query", "sum(", "true", deploy.Subject{}, rollout.Erroneous, "", "Prometheus answers 400: invalid parameter \"query\": 1:5: parse error"},
		{"a pod that is none", "1", "true", deploy.Subject{Canary: []deploy.Live{pod(`a"} or up{x="`)}}, rollout.Erroneous, "", "is not the name of a pod"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := asks(p.address, tt.query, tt.condition)
			if err := Check(m); err != nil {
				t.Fatal(err)
			}
			expect(t, sampler().Sample(t.Context(), m, tt.subject), tt.want, tt.value, tt.message)
		})
	}
	t.Run("samples", func(t *testing.T) {
		for _, tt := range []struct {
			least   int
			stable  bool
			samples string
			want    rollout.Verdict
			value   string
			message string
		}{
			{2, false, `count(requests_total{pod=~"{{canary}}"})`, rollout.Successful, "7", ""},
			{3, false, `count(requests_total{pod=~"{{canary}}"})`, rollout.Undecided, "", "no data: 2 of at least 3 samples"},
			{0, false, `count(requests_total{pod="x"})`, rollout.Undecided, "", "no data: 0 of at least 1 samples"},
			{2, true, `count(requests_total{pod=~"{{canary}}"})`, rollout.Undecided, "", "no data: stable side: no data: 1 of at least 2 samples"},
		} {
			m := asks(p.address, "7", "result == 7")
			m.MinSamples, m.Provider.Prometheus.Samples, m.Provider.Prometheus.Stable = tt.least, tt.samples, tt.stable
			if err := Check(m); err != nil {
				t.Fatal(err)
			}
			got := sampler().Sample(t.Context(), m, deploy.Subject{Canary: pods, Stable: stable})
			expect(t, got, tt.want, tt.value, strings.TrimPrefix(tt.message, "no data: stable side: "))
		}
	})
}

// TestPrometheusWarnings holds what no Prometheus can be brought to say at will.
func TestPrometheusWarnings(t *testing.T) {
	for answer, want := range map[string]string{
		`{"status": "success", "warnings": ["a store is away"], "data": {"resultType": "vector", "result": []}}`: "Prometheus warns: a store is away",
		`{"status": "success", "data": {"resultType": "vector", "result": [{"histogram": [1, {}]}]}}`:            "native histograms",
		`{"status": "success", "data": {"resultType": "vector", "result": [{"value": [1]}]}}`:                    "without time and value",
		`{"status": "success", "data": {"resultType": "scalar", "result": [1, "x"]}}`:                            "not a number",
		`<html>`: "not as its API does",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
		expect(t, sampler().Sample(t.Context(), asks(server.URL, "1", "true"), deploy.Subject{}), rollout.Erroneous, "", want)
		server.Close()
	}
}

func TestMain(m *testing.M) {
	if work := os.Getenv("SLIPWAY_TEST_DRIVER"); work != "" {
		if err := drive(work); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
