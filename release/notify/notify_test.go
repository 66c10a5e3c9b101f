package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/rollout"
)

// received is a request as a server saw it.
type received struct {
	path, method string
	header       http.Header
	body         string
}

// server keeps what it is sent and answers with codes in turn, then with 200.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	got   []received
	codes []int
	says  string
}

func serve(t *testing.T, secure bool, codes ...int) *server {
	s := &server{codes: codes}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = append(s.got, received{r.URL.EscapedPath(), r.Method, r.Header, string(body)})
		code := http.StatusOK
		if len(s.codes) > 0 {
			code, s.codes = s.codes[0], s.codes[1:]
		}
		w.WriteHeader(code)
		fmt.Fprint(w, s.says, r.Header)
	}))
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *server) only(t *testing.T) received {
	t.Helper()
	if len(s.got) != 1 {
		t.Fatalf("%d requests, want 1", len(s.got))
	}
	return s.got[0]
}

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func notifier(t *testing.T, targets ...Target) *Notifier {
	t.Helper()
	n, err := New(Config{Targets: targets, ReadFile: os.ReadFile, Commit: commit})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const commit = "0123456789abcdef0123456789abcdef01234567"

// at is a rollout at a phase of its second step.
func at(phase rollout.Phase, change ...func(*rollout.State)) *rollout.State {
	s := &rollout.State{
		ID: "op", Release: "web", Namespace: "shop", Base: 3, Revision: 4, Phase: phase, Step: 1,
		Settings: rollout.Settings{Strategy: rollout.Canary}, Steps: []rollout.Step{{Weight: 10}, {Weight: 50}, {Weight: 100}},
		EnteredAt: time.Unix(1_700_000_000, 0).UTC(), Starter: rollout.Actor{Name: "ann", Build: "https://ci.example/7"},
	}
	for _, c := range change {
		c(s)
	}
	return s
}

func failure(s *rollout.State)      { s.Failure = "metric errors: <5 % & more>" }
func committed(s *rollout.State)    { s.Committed = true }
func inconclusive(s *rollout.State) { s.Inconclusive = true }

func TestEvents(t *testing.T) {
	for _, tt := range []struct {
		before, after *rollout.State
		want          Event
		text          string
	}{
		{nil, at(rollout.Planned), Started, "is being rolled out"},
		{at(rollout.Done, func(s *rollout.State) { s.ID = "earlier" }), at(rollout.Planned), Started, "is being rolled out"},
		{at(rollout.Scaling), at(rollout.Shifting), "", ""},
		{at(rollout.Verifying), at(rollout.Gate), Waiting, "has reached 50 % and waits at its gate"},
		{at(rollout.Gate), at(rollout.Gate), "", ""},
		{at(rollout.Verifying), at(rollout.Gate, inconclusive), Inconclusive, "was stopped at 50 %, as measurements are inconclusive"},
		{at(rollout.Gate), at(rollout.Scaling), Continued, "goes on to 50 %"},
		{at(rollout.Gate), at(rollout.Committing, committed), Committed, "serves alone and is being made permanent"},
		{at(rollout.Verifying), at(rollout.Verifying, failure), Failed, "has failed at 50 %: metric errors: <5 % & more>"},
		{at(rollout.Verifying), at(rollout.Returning, failure), Failed, "has failed at 50 %"},
		{at(rollout.Returning, failure), at(rollout.Clearing, failure), "", ""},
		{at(rollout.Gate), at(rollout.Returning), Aborting, "is being taken back"},
		{at(rollout.Gate), at(rollout.Lowering), Undoing, "goes back by one step"},
		{at(rollout.Restoring, failure), at(rollout.Aborted, failure), Aborted, "was taken back to revision 3: metric errors"},
		{at(rollout.Resuming, committed), at(rollout.Resuming, committed, failure), Stuck, "could not be made permanent: metric errors"},
		{at(rollout.Cleaning, committed), at(rollout.Done, committed), Done, "is rolled out"},
	} {
		got := between(tt.before, tt.after)
		if got != tt.want {
			t.Errorf("to %s: %q, want %q", tt.after.Phase, got, tt.want)
		}
		if text := message(got, tt.after).Text; !strings.HasPrefix(text, "shop/web revision 4 (canary) ") || !strings.Contains(text, tt.text) {
			t.Errorf("%q, want %q", text, tt.text)
		}
	}
}

func TestWebhook(t *testing.T) {
	s := serve(t, true)
	ca := file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	n := notifier(t, Target{Webhook: &Webhook{URL: s.URL + "/hook", KeyFile: file(t, "the key\n"), TokenFile: file(t, "the-token\n"), CAFile: ca}})
	if err := n.Changed(t.Context(), at(rollout.Verifying), at(rollout.Gate)); err != nil {
		t.Fatal(err)
	}
	got := s.only(t)
	sum := hmac.New(sha256.New, []byte("the key"))
	sum.Write([]byte(got.body))
	if got.header.Get(SignatureHeader) != "sha256="+hex.EncodeToString(sum.Sum(nil)) || got.header.Get("Authorization") != "Bearer the-token" ||
		got.path != "/hook" || got.method != http.MethodPost || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("%+v", got)
	}
	var m Message
	if err := json.Unmarshal([]byte(got.body), &m); err != nil {
		t.Fatal(err)
	}
	if want := message(Waiting, at(rollout.Gate)); !cmp.Equal(m, want) {
		t.Error(cmp.Diff(want, m))
	}
}

func TestSlack(t *testing.T) {
	s := serve(t, false)
	n := notifier(t, Target{Slack: &Slack{URLFile: file(t, s.URL+"/services/secret\n")}})
	if err := n.Changed(t.Context(), at(rollout.Verifying), at(rollout.Returning, failure)); err != nil {
		t.Fatal(err)
	}
	want := `{"text":"shop/web revision 4 (canary) has failed at 50 %: metric errors: \u0026lt;5 % \u0026amp; more\u0026gt;"}`
	if got := s.only(t); got.body != want || got.path != "/services/secret" {
		t.Errorf("%+v, want %s", got, want)
	}
}

func TestCommitStatus(t *testing.T) {
	token := file(t, "the-token")
	for _, tt := range []struct {
		provider, project, path string
		before, after           *rollout.State
		state, name, auth       string
	}{
		{github, "team/shop", "/repos/team/shop/statuses/" + commit, at(rollout.Verifying), at(rollout.Gate), "pending", "context", "Authorization"},
		{github, "team/shop", "/repos/team/shop/statuses/" + commit, at(rollout.Cleaning), at(rollout.Done), "success", "context", "Authorization"},
		{github, "team/shop", "/repos/team/shop/statuses/" + commit, at(rollout.Restoring), at(rollout.Aborted), "failure", "context", "Authorization"},
		{gitlab, "team/shop", "/projects/team%2Fshop/statuses/" + commit, at(rollout.Gate), at(rollout.Scaling), "running", "name", "Private-Token"},
		{gitlab, "7", "/projects/7/statuses/" + commit, at(rollout.Restoring), at(rollout.Aborted), "canceled", "name", "Private-Token"},
		{gitlab, "7", "/projects/7/statuses/" + commit, at(rollout.Restoring), at(rollout.Aborted, failure), "failed", "name", "Private-Token"},
		{gitlab, "7", "/projects/7/statuses/" + commit, at(rollout.Cleaning), at(rollout.Done), "success", "name", "Private-Token"},
	} {
		s := serve(t, false)
		n := notifier(t, Target{CommitStatus: &CommitStatus{Provider: tt.provider, BaseURL: s.URL, Project: tt.project, TokenFile: token}})
		if err := n.Changed(t.Context(), tt.before, tt.after); err != nil {
			t.Fatal(err)
		}
		got := s.only(t)
		var body map[string]string
		if err := json.Unmarshal([]byte(got.body), &body); err != nil {
			t.Fatal(err)
		}
		if got.path != tt.path || body["state"] != tt.state || body[tt.name] != "slipway/shop/web" || body["target_url"] != "https://ci.example/7" ||
			len(body["description"]) > descriptionLimit || !strings.HasSuffix(got.header.Get(tt.auth), "the-token") {
			t.Errorf("%+v", got)
		}
	}
	s := serve(t, false, http.StatusBadRequest)
	s.says = `{"message": "Cannot transition status via :run from :running"}`
	n := notifier(t, Target{CommitStatus: &CommitStatus{Provider: gitlab, BaseURL: s.URL, Project: "7", TokenFile: token}})
	if err := n.Changed(t.Context(), at(rollout.Gate), at(rollout.Scaling)); err != nil {
		t.Errorf("the status that it has already: %v", err)
	}
}

func TestOpenMetrics(t *testing.T) {
	s := serve(t, false)
	dir := t.TempDir()
	n := notifier(t, Target{OpenMetrics: &OpenMetrics{Directory: dir}}, Target{OpenMetrics: &OpenMetrics{Pushgateway: s.URL}})
	for range 2 {
		if err := n.Changed(t.Context(), at(rollout.Scaling), at(rollout.Shifting)); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "slipway-shop-web.prom"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`slipway_rollout_phase{namespace="shop",release="web",strategy="canary",phase="shifting"} 1`,
		`slipway_rollout_weight_percent{namespace="shop",release="web",strategy="canary"} 50`,
		`slipway_rollout_phase_entered_timestamp_seconds{namespace="shop",release="web",strategy="canary"} 1700000000`,
	} {
		if !strings.Contains(string(data), line+"\n") {
			t.Errorf("no line %s in\n%s", line, data)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("files left: %v, %v", entries, err)
	}
	if len(s.got) != 2 || s.got[0].method != http.MethodPut || s.got[0].path != "/metrics/job/slipway/namespace/shop/release/web" || s.got[0].body != string(data) {
		t.Errorf("%+v", s.got)
	}
	t.Run("promtool", func(t *testing.T) {
		program, err := exec.LookPath("promtool")
		if err != nil {
			t.Skip("needs the program promtool (Debian's package prometheus)")
		}
		cmd := exec.Command(program, "check", "metrics")
		cmd.Stdin = strings.NewReader(string(data))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	n = notifier(t, Target{OpenMetrics: &OpenMetrics{Directory: filepath.Join(dir, "none")}})
	if err := n.Changed(t.Context(), nil, at(rollout.Planned)); err == nil {
		t.Error("a folder that is not there is taken")
	}
}

func TestOneIsToldOfWhatOneAskedFor(t *testing.T) {
	s := serve(t, false)
	n := notifier(t, Target{Webhook: &Webhook{URL: s.URL}, Events: []Event{Done}})
	for _, after := range []rollout.Phase{rollout.Gate, rollout.Scaling, rollout.Done} {
		if err := n.Changed(t.Context(), at(rollout.Verifying), at(after)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.only(t); !strings.Contains(got.body, `"event":"done"`) {
		t.Error(got.body)
	}
}

func TestRetries(t *testing.T) {
	for _, tt := range []struct {
		name     string
		codes    []int
		requests int
		want     string
	}{
		{"a server that comes back", []int{503, 429}, 3, ""},
		{"a server that stays away", []int{500, 502, 503, 504, 500}, 4, "answers 504 Gateway Timeout"},
		{"a refusal", []int{403, 403}, 1, "answers 403 Forbidden"},
	} {
		s := serve(t, false, tt.codes...)
		err := notifier(t, Target{Webhook: &Webhook{URL: s.URL}}).Changed(t.Context(), nil, at(rollout.Planned))
		if len(s.got) != tt.requests || (tt.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %d requests, %v", tt.name, len(s.got), err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := serve(t, false)
	if err := notifier(t, Target{Webhook: &Webhook{URL: s.URL}}).Changed(ctx, nil, at(rollout.Planned)); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is over: %v", err)
	}
}

// TestNothingSecretIsInAnError lets everything fail that has credentials.
func TestNothingSecretIsInAnError(t *testing.T) {
	s := serve(t, false, slices.Repeat([]int{http.StatusForbidden}, 10)...)
	secret, there, away := file(t, "planted-token"), file(t, s.URL+"/planted"), file(t, "http://127.0.0.1:1/planted")
	n := notifier(t,
		Target{Webhook: &Webhook{URL: s.URL + "/?planted", KeyFile: secret, TokenFile: secret}},
		Target{Webhook: &Webhook{URL: s.URL, TokenFile: file(t, "planted\nplanted")}},
		Target{Webhook: &Webhook{URL: s.URL, CAFile: secret}},
		Target{Slack: &Slack{URLFile: there}}, Target{Slack: &Slack{URLFile: away}}, Target{Slack: &Slack{URLFile: secret}},
		Target{CommitStatus: &CommitStatus{Provider: github, Project: "a/b", BaseURL: s.URL, TokenFile: secret}},
		Target{CommitStatus: &CommitStatus{Provider: gitlab, Project: "a/b", BaseURL: s.URL, TokenFile: secret}},
		Target{OpenMetrics: &OpenMetrics{Pushgateway: s.URL, TokenFile: secret}},
	)
	err := n.Changed(t.Context(), nil, at(rollout.Planned))
	if err == nil || strings.Contains(err.Error(), "planted") || strings.Count(err.Error(), "notifications[") != 9 {
		t.Error(err)
	}
}

func TestTargetsAreReadStrictly(t *testing.T) {
	good := `[{"webhook": {"url": "https://x"}, "events": ["done"]}, {"slack": {"urlFile": "f"}}, {"openMetrics": {"directory": "d"}},
		{"commitStatus": {"provider": "github", "project": "a/b", "tokenFile": "t"}}]`
	if targets, err := ParseTargets([]byte(good)); err != nil || len(targets) != 4 {
		t.Errorf("%v, %v", targets, err)
	}
	for text, want := range map[string]string{
		`[{"webhook": {"uri": "https://x"}}]`: `unknown field "uri"`,
		`{}`:                                  "cannot unmarshal object",
		`[] []`:                               "something after the list",
		`[{}]`:                                "notifications[0]: it has 0 of webhook, slack",
		`[{"webhook": {"url": "https://x"}, "slack": {"urlFile": "f"}}]`: "it has 2 of",
		`[{"webhook": {"url": "ftp://x"}}]`:                              "webhook: url: the address is not a URL",
		`[{"webhook": {"url": "https://planted@x"}}]`:                    "webhook: url: it has a user",
		`[{"webhook": {"url": "https://x"}, "events": ["over"]}]`:        `events: "over" is none`,
		`[{"slack": {}}]`:       "slack: urlFile is missing",
		`[{"openMetrics": {}}]`: "either directory or pushgateway",
		`[{"openMetrics": {"directory": "d", "pushgateway": "http://x"}}]`:                                         "either directory or pushgateway",
		`[{"commitStatus": {"provider": "bitbucket"}}]`:                                                            "provider is not github or gitlab",
		`[{"commitStatus": {"provider": "github", "project": "a/b"}}]`:                                             "tokenFile is missing",
		`[{"commitStatus": {"provider": "github", "project": "a", "tokenFile": "t"}}]`:                             "project is not owner/name",
		`[{"commitStatus": {"provider": "github", "project": "a/b", "tokenFile": "t", "commit": "main"}}]`:         "not the whole hash",
		`[{"commitStatus": {"provider": "gitlab", "project": "7", "tokenFile": "t", "baseURL": "https://u:p@x"}}]`: "baseURL: it has a user",
	} {
		if _, err := ParseTargets([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	status := Target{CommitStatus: &CommitStatus{Provider: gitlab, Project: "7", TokenFile: "t"}}
	if _, err := New(Config{Targets: []Target{status}, ReadFile: os.ReadFile}); err == nil || !strings.Contains(err.Error(), "it has no commit") {
		t.Error(err)
	}
	if _, err := New(Config{Targets: []Target{{Slack: &Slack{URLFile: "f"}}}}); err == nil || !strings.Contains(err.Error(), "no files here") {
		t.Error(err)
	}
}
