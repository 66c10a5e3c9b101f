package analysis

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/rollout"
)

const wholeFile = `strategy: canary
steps: [10, 50]
metrics:
  - name: errors
    interval: 30s
    count: 5
    initialDelay: 1m30s
    failureLimit: 1
    consecutiveErrorLimit: 0
    noData: pause
    minSamples: 100
    successCondition: result < 0.05
    provider:
      prometheus:
        address: http://prometheus.monitoring:9090
        query: sum(rate(errors_total{pod=~"{{canary}}"}[1m]))
        samples: sum(increase(requests_total{pod=~"{{canary}}"}[1m]))
        stable: true
  - name: smoke
    provider: {job: {manifest: jobs/smoke.yaml}}
  - {name: test, provider: {helmTest: }}
  - name: page
    noData: fail
    provider:
      web:
        url: https://shop.example/health
        headers: {X-Team: checkout, "X-Number": "7"}
  - name: program
    provider:
      exec: {command: [./check, --fast], timeout: 10s}
  - name: health
    fromWeight: 50
    provider: {podHealth: {maxRestarts: 2}}
`

const smokeJob = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: smoke}\n"

func readSmoke(name string) ([]byte, error) {
	if name != "jobs/smoke.yaml" {
		return nil, os.ErrNotExist
	}
	return []byte(smokeJob), nil
}

func TestParseMetrics(t *testing.T) {
	none := 0
	want := []rollout.Metric{
		{Name: "errors", Interval: 30 * time.Second, Count: 5, InitialDelay: 90 * time.Second, FailureLimit: 1, ConsecutiveErrorLimit: &none,
			MinSamples: 100, SuccessCondition: "result < 0.05", Provider: rollout.Provider{Prometheus: &rollout.Prometheus{
				Address: "http://prometheus.monitoring:9090", Query: `sum(rate(errors_total{pod=~"{{canary}}"}[1m]))`,
				Samples: `sum(increase(requests_total{pod=~"{{canary}}"}[1m]))`, Stable: true}}},
		{Name: "smoke", Provider: rollout.Provider{Job: &rollout.Job{Manifest: smokeJob}}},
		{Name: "test", Provider: rollout.Provider{HelmTest: &rollout.HelmTest{}}},
		{Name: "page", NoData: rollout.NoDataFail, Provider: rollout.Provider{Web: &rollout.Web{URL: "https://shop.example/health",
			Headers: map[string]string{"X-Team": "checkout", "X-Number": "7"}}}},
		{Name: "program", Provider: rollout.Provider{Exec: &rollout.Exec{Command: []string{"./check", "--fast"}, Timeout: 10 * time.Second}}},
		{Name: "health", FromWeight: 50, Provider: rollout.Provider{PodHealth: &rollout.PodHealth{MaxRestarts: 2}}},
	}
	got, err := ParseMetrics([]byte(wholeFile), "rollout.yaml", readSmoke)
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v %s", err, cmp.Diff(want, got))
	}
	alone := `[{"name": "health", "provider": {"podHealth": {}}}]`
	if got, err := ParseMetrics([]byte(alone), "metrics.json", nil); err != nil || len(got) != 1 {
		t.Errorf("a list in JSON: %v, %v", got, err)
	}
	for _, empty := range []string{"", "strategy: canary\n", "metrics:\n", "metrics: []\n", "[]"} {
		if got, err := ParseMetrics([]byte(empty), "rollout.yaml", nil); err != nil || len(got) != 0 {
			t.Errorf("%q: %v, %v", empty, got, err)
		}
	}
}

func TestParseMetricsIsStrict(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"metrics:\n- name: a\n  intervall: 5s\n", `f.yaml:3: metrics[0] has no field "intervall"`},
		{"- name: a\n  provider:\n    web:\n      uri: x\n", `f.yaml:4: metrics[0].provider.web has no field "uri"`},
		{"- {name: a, interval: 30}", "f.yaml:1: metrics[0].interval is not a duration, such as 30s or 5m"},
		{"- {name: a, count: 1.5}", "metrics[0].count is not a whole number"},
		{"- {name: a, count: 99999999999}", "metrics[0].count is not a whole number"},
		{"- {name: a, count: '5'}", "metrics[0].count is not a whole number"},
		{"- {name: 5}", "metrics[0].name is not a text: put it in quotes"},
		{"- {name: a, name: b}", "metrics[0].name stands twice"},
		{"metrics: []\nmetrics: []\n", "f.yaml:2: metrics stands twice"},
		{"metrics: {name: a}", "metrics is not a list"},
		{"- 5", "metrics[0] is not an object"},
		{"- {name: a, provider: {exec: {command: check}}}", "metrics[0].provider.exec.command is not a list"},
		{"- {name: a, provider: {prometheus: {stable: yes}}}", "metrics[0].provider.prometheus.stable is not true or false"},
		{"- {name: a, provider: {web: {headers: [a]}}}", "metrics[0].provider.web.headers is not an object"},
		{"- &a {name: a, provider: &p {podHealth: {}}}\n- {<<: *a}", "has a key that is not a text"},
		{"- {name: a, provider: {podHealth: {}}}\n- {name: a, provider: {podHealth: {}}}", `f.yaml:2: metric "a": another one has that name`},
		{"- name: a\n  provider: {}\n", `f.yaml:1: metric "a": provider: it has 0 of prometheus`},
		{"- {name: a, provider: {podHealth: {}, helmTest: {}}}", "it has 2 of prometheus"},
		{"- {name: a, successCondition: 'result <', provider: {podHealth: {}}}", `f.yaml:1: metric "a": successCondition: line 1, column 8`},
		{"- {name: a, successCondition: 'true', provider: {helmTest: {}}}", "has no result that a condition could look at"},
		{"- {name: a, count: 3, provider: {podHealth: {}}}", "interval: a metric with a count above 1 needs one"},
		{"- {name: a, count: -1, provider: {podHealth: {}}}", "count: it is less than 0"},
		{"- {name: a, failureLimit: -2, provider: {podHealth: {}}}", "-1 is no limit"},
		{"- {name: a, noData: maybe, provider: {podHealth: {}}}", `noData: "maybe" is not pause, fail or pass`},
		{"- {name: a, minSamples: 5, provider: {podHealth: {}}}", "minSamples: it needs prometheus.samples"},
		{"- {name: a, provider: {prometheus: {address: 'http://p', query: up}}}", "it needs a successCondition"},
		{"- {name: a, successCondition: 'true', provider: {prometheus: {address: 'http://p', query: 'up{a=\"{{pod}}\"}'}}}", "{{pod}} is not {{canary}}"},
		{"- {name: a, provider: {web: {url: 'file:///etc/passwd'}}}", "starts with http:// or https://"},
		{"- {name: a, provider: {web: {url: 'http://x', method: DELETE}}}", "is not GET, POST or PUT"},
		{"- {name: a, provider: {web: {url: 'http://x', jsonPath: '$['}}}", "jsonPath"},
		{"- {name: a, provider: {web: {url: 'http://x', jsonPath: '$..a..b'}}}", ".. can be used once only"},
		{"- {name: a, provider: {job: {manifest: ../up.yaml}}}", "in the folder of this file"},
		{"- {name: a, provider: {job: {manifest: /etc/passwd}}}", "in the folder of this file"},
		{"- {name: a, provider: {job: {manifest: other.yaml}}}", "read manifest: file does not exist"},
		{"[]\n---\n[]", "more than one document"},
		{"a: [", "read f.yaml: "},
	} {
		_, err := ParseMetrics([]byte(tt.text), "f.yaml", readSmoke)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v; want %s", tt.text, err, tt.want)
		}
	}
}

// TestJobManifestsStayInTheirFolder shows how read is meant: a link out of the
// folder is not followed either.
func TestJobManifestsStayInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "job.yaml")
	if err := os.WriteFile(outside, []byte(smokeJob), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.yaml")); err != nil {
		t.Skip(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	text := []byte("- {name: a, provider: {job: {manifest: link.yaml}}}")
	if _, err := ParseMetrics(text, "f.yaml", root.ReadFile); err == nil {
		t.Error("a manifest outside of the folder was read")
	}
}

func FuzzParseMetrics(f *testing.F) {
	f.Add(wholeFile)
	f.Add(`[{"name": "a", "provider": {"podHealth": {}}}]`)
	f.Add("- &a {name: a, provider: &p {podHealth: }}\n- *a\n")
	f.Fuzz(func(t *testing.T, text string) {
		read := func(name string) ([]byte, error) {
			if !filepath.IsLocal(name) {
				t.Errorf("it reads %q", name)
			}
			return []byte(smokeJob), errors.Join()
		}
		metrics, err := ParseMetrics([]byte(text), "f.yaml", read)
		if err != nil {
			return
		}
		for _, m := range metrics {
			if err := Check(m); err != nil {
				t.Errorf("%q is taken, but: %v", text, err)
			}
		}
	})
}

// TestTheGuideIsRight reads the examples of docs/analysis.md: the file it
// starts with, and each of its conditions.
func TestTheGuideIsRight(t *testing.T) {
	text, err := os.ReadFile("../../docs/analysis.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := string(text)
	block := func(from string) (lines []string) {
		i := strings.Index(guide, from)
		if i < 0 {
			t.Fatalf("the guide has no %q", from)
		}
		for line := range strings.Lines(guide[i:]) {
			code, ok := strings.CutPrefix(line, "    ")
			if !ok {
				break
			}
			lines = append(lines, code)
		}
		return lines
	}
	metrics, err := ParseMetrics([]byte(strings.Join(block("    metrics:"), "")), "analysis.md", nil)
	if err != nil || len(metrics) != 1 {
		t.Errorf("%d metrics, %v", len(metrics), err)
	}
	for _, line := range block("    result < 0.05   ") {
		condition, _, _ := strings.Cut(line, "   ")
		m := asks("http://localhost", "1", strings.TrimSpace(condition))
		m.Provider.Prometheus.Stable = true
		if err := Check(m); err != nil {
			t.Error(err)
		}
	}
}
