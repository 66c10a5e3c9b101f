package cli

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

// jsonNames are the names of a struct's fields as JSON.
func jsonNames(v any) []string {
	var names []string
	t := reflect.TypeOf(v)
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// noon is when the statuses of these tests are looked at.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// atGate is a rollout of two Deployments at its first gate.
func atGate() *deploy.RolloutStatus {
	return &deploy.RolloutStatus{
		State: &rollout.State{
			Release: "web", Namespace: "prod", Base: 3, Revision: 4, Phase: rollout.Gate, Step: 0,
			Settings: rollout.Settings{Strategy: rollout.Canary, Metrics: []rollout.Metric{
				{Name: "errors", Provider: rollout.Provider{Web: &rollout.Web{URL: "https://a:pass@example.com", Headers: map[string]string{"Authorization": "canary-of-a-secret"}}}},
			}},
			Steps: []rollout.Step{
				{Weight: 10, Gate: rollout.Manual}, {Weight: 50, Gate: rollout.Auto, Pause: 5 * time.Minute}, {Weight: 100, Implied: true},
			},
			EnteredAt: noon.Add(-2 * time.Minute), Deadline: noon.Add(58 * time.Minute), GuardedAt: noon.Add(-90 * time.Second),
			Starter: rollout.Actor{Name: "alice", Owner: "build-7", Build: "https://ci.example.com/7"}, Approver: rollout.Actor{Name: "bob"},
			Runs: []rollout.Run{
				{Metric: "errors", Verdict: rollout.Successful, Message: "2 of 2 measurements are good", Measurements: []rollout.Measurement{
					{At: noon, Verdict: rollout.Successful, Value: "0.004"}, {At: noon, Verdict: rollout.Successful, Value: "0.002"},
				}},
				{Metric: "latency", Measurements: []rollout.Measurement{{At: noon, Verdict: rollout.Erroneous, Message: "connection\nrefused\x1b[2J"}}},
			},
			Derived: json.RawMessage(`{"a":1}`), Config: map[string]string{"Secret/a": "sha256:1"}, Notes: []string{"Service web: long-lived connections ignore the ratio"},
		},
		Workloads: []deploy.WorkloadStatus{
			{Workload: "Deployment/api", Achieved: 12.5, Sides: []deploy.SideStatus{
				{Side: rollout.Stable, Name: "api", Hash: "6d4", Pods: 7, Ready: 7}, {Side: rollout.CanarySide, Name: "api-r4", Hash: "5f8", Pods: 1, Ready: 1},
			}},
			{Workload: "Deployment/web", Achieved: 0, Sides: []deploy.SideStatus{
				{Side: rollout.Stable, Name: "web", Pods: 9, Ready: 9}, {Side: rollout.CanarySide, Name: "web-r4", Pods: 1, Ready: 0},
			}},
		},
		Services: []deploy.ServiceStatus{{Service: "api", Stable: 7, Canary: 1, Weight: 12.5, By: "pods"}, {Service: "web", Stable: 9, Weight: 0, By: "pods"}},
		Next:     "rollout promote web --from-step 1",
	}
}

func TestATreeShowsWhereARolloutIs(t *testing.T) {
	want := `web in prod: canary of revision 4 over 3
  state     waits at step 1 of 3 (10 %)
  steps     [10 %], 50 % for 5m, 100 %
  weight    10 % asked, 0.0 % to 12.5 % achieved
  workloads
    Deployment/api  12.5 % of the ready pods are the canary's
      stable  api     7 of 7 ready  hash 6d4
      canary  api-r4  1 of 1 ready  hash 5f8
    Deployment/web  0.0 % of the ready pods are the canary's
      stable  web     9 of 9 ready
      canary  web-r4  0 of 1 ready
  services
    api  12.5 % to the canary by pods; ready endpoints: 7 stable, 1 canary
    web  0.0 % to the canary by pods; ready endpoints: 9 stable, 0 canary
  measurements
    errors  successful: 2 of 2 measurements are good; last: successful, 0.002
    latency  going on: 1 taken; last: error, connection refused[2J
  gate      a person decides, deadline 2026-03-01T12:58:00Z (in 58m)
  owner     alice (build-7, https://ci.example.com/7)
  approver  bob
  guard     looked 2026-03-01T11:58:30Z (90s ago)
  warning   Service web: long-lived connections ignore the ratio
  next      slipway rollout promote web --from-step 1
`
	if diff := cmp.Diff(want, strings.Join(rolloutTree(atGate(), noon, plain), "\n")+"\n"); diff != "" {
		t.Error(diff)
	}
}

func TestATreeOnATerminalIsTheSameInColour(t *testing.T) {
	p := &progress{colour: true}
	coloured := strings.Join(rolloutTree(atGate(), noon, p.paint), "\n")
	for _, want := range []string{"\x1b[33mwaits at step 1 of 3 (10 %)\x1b[0m", "\x1b[33m0 of 1 ready\x1b[0m", "errors  \x1b[32msuccessful\x1b[0m"} {
		if !strings.Contains(coloured, want) {
			t.Errorf("%q is not in\n%s", want, coloured)
		}
	}
	bare := strings.NewReplacer("\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[90m", "", "\x1b[0m", "").Replace(coloured)
	if diff := cmp.Diff(strings.Join(rolloutTree(atGate(), noon, plain), "\n"), bare); diff != "" {
		t.Error(diff)
	}
}

func TestATreeOfEachState(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*deploy.RolloutStatus)
		want   []string // lines
		word   string
	}{
		{"scaling", func(s *deploy.RolloutStatus) { s.State.Phase, s.State.Step = rollout.Scaling, 1 }, []string{"  state     scaling step 2 of 3 (50 %)", "  steps     10 %, [50 % for 5m], 100 %"}, "scaling"},
		{"auto gate", func(s *deploy.RolloutStatus) { s.State.Step = 1 }, []string{"  gate      goes on by itself, pause until 2026-03-01T12:03:00Z (in 3m), deadline 2026-03-01T12:58:00Z (in 58m)"}, "gate"},
		{"overdue", func(s *deploy.RolloutStatus) { s.State.Deadline = noon.Add(-time.Hour) }, []string{"  gate      a person decides, overdue since 2026-03-01T11:00:00Z (60m ago)"}, "gate"},
		{"inconclusive", func(s *deploy.RolloutStatus) { s.State.Inconclusive = true }, []string{"  state     inconclusive at step 1 of 3 (10 %)"}, "inconclusive"},
		{"stopped", func(s *deploy.RolloutStatus) {
			s.State.Phase, s.State.Failure = rollout.Scaling, "not ready:\n  Deployment web"
		},
			[]string{"  state     stopped while scaling step 1 of 3 (10 %)", "  failure   not ready:", "              Deployment web"}, "stopped"},
		{"stuck", func(s *deploy.RolloutStatus) {
			s.State.Phase, s.State.Committed, s.State.Failure = rollout.Resuming, true, "x"
		},
			[]string{"  state     stuck while resuming: the canary serves, and stays"}, "stuck"},
		{"bypassed", func(s *deploy.RolloutStatus) { s.Bypassed, s.Next = "revision 5 is deployed", "recover web" },
			[]string{"  bypassed  revision 5 is deployed", "  next      slipway recover web"}, "gate"},
		{"nobody looked", func(s *deploy.RolloutStatus) { s.State.GuardedAt, s.State.Deadline = time.Time{}, time.Time{} },
			[]string{"  guard     has not looked yet", "  gate      a person decides, no deadline"}, "gate"},
		{"done", func(s *deploy.RolloutStatus) { s.State.Phase = rollout.Done }, []string{"  state     done"}, "done"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := atGate()
			test.change(s)
			lines := rolloutTree(s, noon, plain)
			for _, want := range test.want {
				if !strings.Contains(strings.Join(lines, "\n")+"\n", want+"\n") {
					t.Errorf("%q is not in\n%s", want, strings.Join(lines, "\n"))
				}
			}
			if got := stateWord(s.State); got != test.word {
				t.Errorf("the word is %s, want %s", got, test.word)
			}
		})
	}
}

func TestALineOfARolloutChangesWithIt(t *testing.T) {
	s := atGate()
	want := "waits at step 1 of 3 (10 %); Deployment/api stable 7/7 canary 1/1; Deployment/web stable 9/9 canary 0/1; " +
		"Service/api 12.5 %; Service/web 0.0 %; metric errors 2 taken successful; metric latency 1 taken"
	if diff := cmp.Diff(want, rolloutLine(s)); diff != "" {
		t.Error(diff)
	}
	var out bytes.Buffer
	a := &app{env: Env{Stdout: &out}}
	show := a.statusLines("text")
	for range 3 {
		if err := show(s); err != nil {
			t.Fatal(err)
		}
	}
	s.Workloads[1].Sides[1].Ready = 1
	if err := show(s); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 2 {
		t.Errorf("%d lines, want 2:\n%s", lines, &out)
	}
}

func TestStatusAsJSONHasNoSourcesOfMeasurements(t *testing.T) {
	text, err := jsonText(statusDocOf(atGate()))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"canary-of-a-secret", "pass@", "sha256:1"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in %s", secret, text)
		}
	}
	if s := atGate(); s.State.Settings.Metrics[0].Provider.Web == nil {
		t.Error("the status itself was changed")
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil || doc["kind"] != "RolloutStatus" || doc["apiVersion"] != "slipway.dev/v1" {
		t.Errorf("%v: %s", err, text)
	}
}

func TestAListOfRollouts(t *testing.T) {
	waiting, stuck := *atGate().State, *atGate().State
	waiting.Journal = []rollout.Entry{{At: noon.Add(-3 * time.Hour)}}
	stuck.Release, stuck.Phase, stuck.Committed, stuck.Failure = "api", rollout.Resuming, true, "x"
	stuck.Deadline, stuck.GuardedAt, stuck.Approver, stuck.Step = time.Time{}, time.Time{}, rollout.Actor{}, 2
	lines := []listedRollout{listedRolloutOf(&stuck), listedRolloutOf(&waiting)}
	want := `NAME NAMESPACE STRATEGY REVISION STATE STEP WEIGHT AGE DEADLINE APPROVER GUARD
api prod canary 4 stuck 3/3 100 % 2m - - never
web prod canary 4 gate 1/3 10 % 3h in 58m bob 90s ago
`
	var got strings.Builder
	for line := range strings.Lines(rolloutTable(lines, noon, false)) {
		got.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}
