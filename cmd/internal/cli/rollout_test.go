package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values/schema"
	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/cmd/internal/backend"
	schemas "github.com/e6d26078/slipway/docs/schema"
	"github.com/e6d26078/slipway/release/notify"
	"github.com/e6d26078/slipway/release/rollout"
)

func TestStepsAreWeightsWithPauses(t *testing.T) {
	got, err := parseSteps("10, 25%:5m,50:1h30m,100")
	if err != nil {
		t.Fatal(err)
	}
	want := []rollout.Step{{Weight: 10}, {Weight: 25, Pause: 5 * time.Minute}, {Weight: 50, Pause: 90 * time.Minute}, {Weight: 100}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var words []string
	for _, s := range got {
		words = append(words, stepText(s))
	}
	if text := strings.Join(words, ","); text != "10,25:5m,50:1h30m,100" {
		t.Errorf("written again: %s", text)
	}
}

func TestStepsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                       `step 1: "" is no weight`,
		"10,x":                   `step 2: "x" is no weight`,
		"10,20:soon":             `step 2: "soon" is no time to pause`,
		"10,20:-5m":              `step 2: "-5m" is no time to pause`,
		"0,10":                   "step 1: a weight of 0: it has to be from 1 to 100",
		"10,101":                 "step 2: a weight of 101: it has to be from 1 to 100",
		"10,50,25":               "step 3: a weight of 25 comes after 50",
		"10,10":                  "step 2: a weight of 10 comes after 10",
		"10;20":                  `step 1: "10;20" is no weight`,
		"10,,20":                 `step 2: "" is no weight`,
		"1000000000000000000000": "is no weight",
	} {
		if _, err := parseSteps(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// everything sets each key that a rollout.yaml may have.
const everything = `apiVersion: slipway.dev/rollout/v1
strategy: canary
steps:
- 5
- weight: 25
  pause: 5m
  gate: auto
settings:
  gate: manual
  surge: 25%
  total: false
  tolerance: 2
  router: gateway
  hooks: at-start
  drain: 10s
  gateTimeout: 2h
  keep: 1m
  onFailure: stop
  allowDowntime: true
  ungated: true
  keepLive: true
metrics:
- name: errors
  interval: 30s
  count: 3
  initialDelay: 10s
  successCondition: result < 0.01
  failureLimit: 1
  inconclusiveLimit: 1
  consecutiveErrorLimit: 2
  noData: fail
  minSamples: 10
  fromWeight: 10
  provider:
    prometheus: {address: "http://prometheus:9090", query: "sum(rate(errors[1m]))", samples: "count(errors)", stable: true, tokenFile: token, caFile: ca}
- name: health
  provider: {podHealth: {maxRestarts: 1}}
- name: page
  successCondition: result == "ok"
  provider: {web: {url: "https://example.com", method: GET, headers: {accept: application/json}, body: "", jsonPath: "{.status}", tokenFile: token, caFile: ca}}
- name: smoke
  provider: {exec: {command: [./smoke, fast], timeout: 1m}}
- name: load
  provider: {job: {manifest: job.yaml}}
- name: tests
  provider: {helmTest: {}}
`

func TestARolloutFileSetsWhatItSays(t *testing.T) {
	l := launched(t, everything, nil)
	want := &launch{
		strategy: rollout.Canary, gate: rollout.Manual, surge: 25, tolerance: 2, router: "gateway", hooks: rollout.AtStart,
		steps: []rollout.Step{{Weight: 5}, {Weight: 25, Pause: 5 * time.Minute, Gate: rollout.Auto}},
		drain: fileDuration(10 * time.Second), gateTimeout: fileDuration(2 * time.Hour), keep: new(fileDuration(time.Minute)),
		onFailure: "stop", allowDowntime: true, ungated: true, keepLive: true,
	}
	if diff := cmp.Diff(want, l, cmp.AllowUnexported(launch{}), cmpopts.IgnoreFields(launch{}, "metrics")); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, m := range l.metrics {
		names = append(names, m.Name)
	}
	if diff := cmp.Diff([]string{"errors", "health", "page", "smoke", "load", "tests"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestFlagsWinOverTheFileAndTheFileOverTheChart(t *testing.T) {
	const file = "apiVersion: slipway.dev/rollout/v1\nsteps: [20, {weight: 40, gate: manual}]\nsettings: {gate: auto, surge: 50}\n"
	annotated := func(annotations map[string]string) *chart.Chart {
		return &chart.Chart{Metadata: &chart.Metadata{Name: "web", Annotations: annotations}}
	}
	for _, test := range []struct {
		name, file  string
		annotations map[string]string
		args        []string
		strategy    rollout.Strategy
		steps       []rollout.Step
		surge       int
	}{
		{name: "nothing", strategy: rollout.Canary, surge: 100},
		{
			name: "chart", annotations: map[string]string{strategyAnnotation: "canary", stepsAnnotation: "30:1m"},
			strategy: rollout.Canary, steps: []rollout.Step{{Weight: 30, Pause: time.Minute, Gate: rollout.Manual}}, surge: 100,
		},
		{
			name: "file over chart", file: file, annotations: map[string]string{stepsAnnotation: "30"},
			strategy: rollout.Canary, steps: []rollout.Step{{Weight: 20, Gate: rollout.Auto}, {Weight: 40, Gate: rollout.Manual}}, surge: 50,
		},
		{
			name: "flags over all", file: file, annotations: map[string]string{stepsAnnotation: "30"},
			args:     []string{"--steps", "60", "--surge", "10%", "--gate", "manual"},
			strategy: rollout.Canary, steps: []rollout.Step{{Weight: 60, Gate: rollout.Manual}}, surge: 10,
		},
		{
			name: "a flag holds for the file's steps", file: file, args: []string{"--gate", "manual"},
			strategy: rollout.Canary, steps: []rollout.Step{{Weight: 20, Gate: rollout.Manual}, {Weight: 40, Gate: rollout.Manual}}, surge: 50,
		},
		{
			name: "another strategy drops steps", file: file, args: []string{"--strategy", "blue-green", "--keep", "2m"},
			strategy: rollout.BlueGreen, surge: 50,
			steps: []rollout.Step{{Weight: 0, Gate: rollout.Auto}, {Weight: 100, Gate: rollout.Auto, Pause: 2 * time.Minute}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := launched(t, test.file, annotated(test.annotations), test.args...)
			if l.strategy != test.strategy || int(l.surge) != test.surge {
				t.Errorf("strategy %s, surge %d", l.strategy, l.surge)
			}
			if diff := cmp.Diff(test.steps, l.allSteps()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// launched puts together a file, a chart and flags.
func launched(t *testing.T, file string, c *chart.Chart, args ...string) *launch {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("job.yaml", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: load}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}\n")
	a := &app{env: Env{Backend: backend.Kubernetes{}, Getenv: func(string) string { return "" }, Stderr: &bytes.Buffer{}}}
	cmd := newRolloutStart(a)
	o := &startOptions{format: newChoice("text", "json")}
	cmd.ResetFlags()
	o.register(cmd.Flags())
	if file != "" {
		args = append(args, "--config", write("rollout.yaml", file))
	}
	if err := cmd.Flags().Parse(args); err != nil {
		t.Fatal(err)
	}
	l, err := a.launch(&o.launch, c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestARolloutFileThatIsWrongIsToldWithItsLine(t *testing.T) {
	const head = "apiVersion: slipway.dev/rollout/v1\n"
	for _, test := range []struct{ text, want string }{
		{"strategy: canary\n", "f.yaml:1: missing property 'apiVersion'"},
		{"apiVersion: slipway.dev/rollout/v2\n", "f.yaml:1: apiVersion: value must be 'slipway.dev/rollout/v1'"},
		{head + "strategy: rolling\n", "f.yaml:2: strategy: value must be one of 'canary', 'blue-green'"},
		{head + "steps:\n- 10\n- weight: ten\n", "f.yaml:4: steps.1.weight: got string, want integer"},
		{head + "steps:\n- 10\n- pause: 5m\n", "f.yaml:4: steps.1: missing property 'weight'"},
		{head + "steps:\n- 50\n- 10\n", "step 2: a weight of 10 comes after 50"},
		{head + "steps: []\n", "f.yaml:2: steps: minItems: got 0, want 1"},
		{head + "steps:\n- weight: 10\n  pause: soon\n", "f.yaml:4: steps.0.pause: 'soon' does not match pattern"},
		{head + "\nsettings:\n  surge: 25%\n  surges: 1\n", "f.yaml:5: settings: additional properties 'surges' not allowed"},
		{head + "settings: {gate: never}\n", "f.yaml:2: settings.gate: value must be one of 'manual', 'auto'"},
		{head + "strategy: canary\nstrategy: blue-green\n", "f.yaml:3: strategy stands twice"},
		{head + "metrics:\n- name: a\n  provider:\n    prometheus: {query: up}\n", "f.yaml:5: metrics.0.provider.prometheus: missing property 'address'"},
		{head + "metrics:\n- name: a\n  provider: {web: {url: a}, exec: {command: [a]}}\n", "f.yaml:4: metrics.0.provider: maxProperties: got 2, want 1"},
		{head + "a: b: c\n", "f.yaml:2: "},
		{"- a\n", "f.yaml:"},
	} {
		err := checkRolloutFileText(t, test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s%v\nwant %s", test.text, err, test.want)
		}
	}
}

func checkRolloutFileText(t *testing.T, text string) error {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("f.yaml", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := readRolloutFile("f.yaml")
	return err
}

// TestTheSchemaIsOne holds that the published schema compiles, knows every key
// that is read, and takes a file that has them all.
func TestTheSchemaIsOne(t *testing.T) {
	rules, err := schema.Compile([]byte(schemas.Rollout()), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := yaml.DecodeMap([]byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	if err := rules.Validate(tree); err != nil {
		t.Error(err)
	}
	properties := func(path ...string) map[string]any {
		all, err := yaml.DecodeMap([]byte(schemas.Rollout()))
		if err != nil {
			t.Fatal(err)
		}
		fields, _ := nested(all, append(path, "properties")...).(map[string]any)
		return fields
	}
	same := func(what string, known map[string]any, v any) {
		for _, name := range jsonNames(v) {
			if known[name] == nil {
				t.Errorf("%s: the schema lacks %s", what, name)
			}
			delete(known, name)
		}
		for name := range known {
			t.Errorf("%s: the schema has %s, which nothing reads", what, name)
		}
	}
	top := properties()
	delete(top, "apiVersion")
	same("file", top, rolloutFile{})
	same("settings", properties("$defs", "settings"), fileSettings{})
	same("step", properties("$defs", "step"), fileStep{})
	same("metric", properties("$defs", "metric"), rollout.Metric{})
	same("provider", properties("$defs", "provider"), rollout.Provider{})
	for name, v := range map[string]any{
		"prometheus": rollout.Prometheus{}, "web": rollout.Web{}, "job": rollout.Job{}, "helmTest": rollout.HelmTest{},
		"exec": rollout.Exec{}, "podHealth": rollout.PodHealth{},
	} {
		same(name, properties("$defs", "provider", "properties", name), v)
	}
}

// TestTheSchemaKnowsWhoCanBeTold is TestTheSchemaIsOne for notifications.
func TestTheSchemaKnowsWhoCanBeTold(t *testing.T) {
	const text = `apiVersion: slipway.dev/rollout/v1
notifications:
- webhook: {url: "https://example.com", keyFile: key, tokenFile: token, caFile: ca}
- events: [started, done]
  slack: {urlFile: url, caFile: ca}
- commitStatus: {provider: github, baseURL: "https://example.com", project: a/b, commit: 0123456789abcdef0123456789abcdef01234567, context: c, targetURL: "https://example.com", tokenFile: token, caFile: ca}
- openMetrics: {directory: /metrics}
- openMetrics: {pushgateway: "https://example.com", tokenFile: token, caFile: ca}
`
	if err := checkRolloutFileText(t, text); err != nil {
		t.Error(err)
	}
	all, err := yaml.DecodeMap([]byte(schemas.Rollout()))
	if err != nil {
		t.Fatal(err)
	}
	events, _ := nested(all, "$defs", "target", "properties", "events", "items", "enum").([]any)
	for _, e := range notify.Events() {
		if !slices.Contains(events, any(string(e))) {
			t.Errorf("the schema lacks the event %s", e)
		}
	}
	if len(events) != len(notify.Events()) {
		t.Errorf("the schema has the events %v", events)
	}
	for name, v := range map[string]any{
		"webhook": notify.Webhook{}, "slack": notify.Slack{}, "commitStatus": notify.CommitStatus{}, "openMetrics": notify.OpenMetrics{},
	} {
		fields, _ := nested(all, "$defs", "target", "properties", name, "properties").(map[string]any)
		names := jsonNames(v)
		if len(names) != len(fields) {
			t.Errorf("%s: the schema has %v, and %v are read", name, fields, names)
		}
		for _, n := range names {
			if fields[n] == nil {
				t.Errorf("%s: the schema lacks %s", name, n)
			}
		}
	}
	if err := checkRolloutFileText(t, "apiVersion: slipway.dev/rollout/v1\nnotifications:\n- webhook: {url: a}\n  slack: {urlFile: b}\n"); err == nil {
		t.Error("two in one target are taken")
	}
}
