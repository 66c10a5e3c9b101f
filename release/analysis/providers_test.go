package analysis

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

func sampler() *Sampler {
	return New(Options{Now: time.Now, ReadFile: os.ReadFile, Run: RunProgram})
}

func pod(name string) deploy.Live { return deploy.Live{"metadata": map[string]any{"name": name}} }

func pods(names ...string) []deploy.Live {
	var list []deploy.Live
	for _, name := range names {
		list = append(list, pod(name))
	}
	return list
}

func decodeJSON(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// expect compares a measurement; message is a part of its message.
func expect(t *testing.T, got rollout.Measurement, verdict rollout.Verdict, value, message string) {
	t.Helper()
	if got.Verdict != verdict || got.Value != value || !strings.Contains(got.Message, message) || (message == "" && got.Message != "") {
		t.Errorf("%s, value %q, message %q; want %s, value %q, message %q", got.Verdict, got.Value, got.Message, verdict, value, message)
	}
	if got.At.IsZero() {
		t.Error("the measurement has no time")
	}
}

func TestWeb(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/data":
			fmt.Fprintf(w, `{"method": %q, "accept": %q, "team": %q, "rate": 0.98, "codes": [200, 503], "ok": false, "nothing": null}`,
				r.Method, r.Header.Get("Accept"), r.Header.Get("X-Team"))
		case "/echo":
			_, _ = fmt.Fprintf(w, `[%d]`, r.ContentLength)
		case "/text":
			fmt.Fprint(w, "hello")
		case "/long":
			fmt.Fprint(w, `"`+strings.Repeat("a", 1<<20)+`"`)
		case "/many":
			fmt.Fprint(w, "["+strings.Repeat("1,", 20000)+"1]")
		case "/there":
			http.Redirect(w, r, "/data", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/slow":
			<-r.Context().Done()
		default:
			http.Error(w, "a page that says too much", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	for _, tt := range []struct {
		name, condition string
		web             rollout.Web
		want            rollout.Verdict
		value, message  string
	}{
		{"a number", "result > 0.9", rollout.Web{URL: "/data", JSONPath: "$.rate"}, rollout.Successful, "0.98", ""},
		{"a path in braces", "result > 0.99", rollout.Web{URL: "/data", JSONPath: "{$.rate}"}, rollout.Bad, "0.98", "successCondition does not hold: result > 0.99"},
		{"several values", "all(result, # < 500)", rollout.Web{URL: "/data", JSONPath: "$.codes[*]"}, rollout.Bad, "[200,503]", "does not hold"},
		{"the whole document", "result.rate == 0.98 and result.accept == 'application/json' and result.method == 'GET'", rollout.Web{URL: "/there"}, rollout.Successful,
			`{"accept":"application/json","codes":[200,503],"method":"GET","nothing":null,"ok":false,"rate":0.98,"team":""}`, ""},
		{"a header", "result == 'checkout'", rollout.Web{URL: "/data", JSONPath: "$.team", Headers: map[string]string{"X-Team": "checkout"}}, rollout.Successful, `"***"`, ""},
		{"a body is posted", "result[0] == 2", rollout.Web{URL: "/echo", Body: "{}"}, rollout.Successful, "[2]", ""},
		{"false is a failure without a condition", "", rollout.Web{URL: "/data", JSONPath: "$.ok"}, rollout.Bad, "false", "the result is false"},
		{"null is no data", "result", rollout.Web{URL: "/data", JSONPath: "$.nothing"}, rollout.Undecided, "", "no data: the document has nothing at $.nothing"},
		{"nothing found is no data", "result", rollout.Web{URL: "/data", JSONPath: "$.else.where"}, rollout.Undecided, "", "no data"},
		{"not JSON", "result", rollout.Web{URL: "/text"}, rollout.Erroneous, "", "the answer is not JSON"},
		{"not OK", "result", rollout.Web{URL: "/down"}, rollout.Erroneous, "", "the server answers 503 Service Unavailable"},
		{"too long", "result", rollout.Web{URL: "/long"}, rollout.Erroneous, "", "longer than 1048576 bytes"},
		{"too many values", "len(result) > 1", rollout.Web{URL: "/many"}, rollout.Erroneous, "", "more than 10000 values"},
		{"a loop of redirects", "result", rollout.Web{URL: "/round"}, rollout.Erroneous, "", "redirects more than 5 times"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.web.URL = server.URL + tt.web.URL
			m := rollout.Metric{Name: "m", SuccessCondition: tt.condition, Provider: rollout.Provider{Web: &tt.web}}
			if err := Check(m); err != nil {
				t.Fatal(err)
			}
			expect(t, sampler().Sample(t.Context(), m, deploy.Subject{}), tt.want, tt.value, tt.message)
		})
	}
	t.Run("no answer in time", func(t *testing.T) {
		s := New(Options{Now: time.Now, Timeout: time.Millisecond})
		m := rollout.Metric{Name: "m", Provider: rollout.Provider{Web: &rollout.Web{URL: server.URL + "/slow"}}}
		expect(t, s.Sample(t.Context(), m, deploy.Subject{}), rollout.Erroneous, "", "there was no answer in time")
	})
}

func TestWebStaysOnItsHost(t *testing.T) {
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL+"/?token=planted-elsewhere", http.StatusTemporaryRedirect))
	defer server.Close()
	m := rollout.Metric{Name: "m", Provider: rollout.Provider{Web: &rollout.Web{URL: server.URL}}}
	got := sampler().Sample(t.Context(), m, deploy.Subject{})
	expect(t, got, rollout.Erroneous, "", "it redirects to "+other.URL+", which is not followed")
	if asked || strings.Contains(got.Message, "planted") {
		t.Errorf("asked: %v, message %s", asked, got.Message)
	}
}

func TestTokenAndCAFilesAreReadEachTime(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("Authorization") == "Bearer second-token")
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	dir := t.TempDir()
	token, ca := filepath.Join(dir, "token"), filepath.Join(dir, "ca.pem")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := rollout.Metric{Name: "m", SuccessCondition: "result", Provider: rollout.Provider{Web: &rollout.Web{URL: server.URL, TokenFile: token, CAFile: ca}}}
	s := sampler()
	expect(t, s.Sample(t.Context(), m, deploy.Subject{}), rollout.Erroneous, "", "read tokenFile: open "+token)
	write(token, "first-token\n")
	write(ca, "nothing")
	expect(t, s.Sample(t.Context(), m, deploy.Subject{}), rollout.Erroneous, "", "has no certificate in PEM")
	write(ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	expect(t, s.Sample(t.Context(), m, deploy.Subject{}), rollout.Bad, "false", "does not hold")
	write(token, "second-token\n")
	expect(t, s.Sample(t.Context(), m, deploy.Subject{}), rollout.Successful, "true", "")
	m.Provider.Web.CAFile = ""
	expect(t, s.Sample(t.Context(), m, deploy.Subject{}), rollout.Erroneous, "", "certificate")
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	s := New(Options{Now: time.Now})
	web := rollout.Web{URL: "https://localhost", TokenFile: "token"}
	for want, p := range map[string]rollout.Provider{
		"nothing here to run Jobs with":              {Job: &rollout.Job{}},
		"nothing here to run programs with":          {Exec: &rollout.Exec{Command: []string{"true"}}},
		"nothing here to run the chart's tests with": {HelmTest: &rollout.HelmTest{}},
		"there are no files here":                    {Web: &web},
		"the metric has no provider":                 {},
	} {
		expect(t, s.Sample(t.Context(), rollout.Metric{Name: "m", Provider: p}, deploy.Subject{}), rollout.Erroneous, "", want)
	}
	got := New(Options{}).Sample(context.Background(), rollout.Metric{Name: "m"}, deploy.Subject{})
	if got.Verdict != rollout.Erroneous || !strings.Contains(got.Message, "set Now") {
		t.Errorf("without a clock: %+v", got)
	}
}

func TestPodHealth(t *testing.T) {
	status := func(ready, state string) string {
		return fmt.Sprintf(`{"conditions": [{"type": "Ready", "status": %q}], "containerStatuses": [%s]}`, ready, state)
	}
	for _, tt := range []struct {
		name, status   string
		metric         rollout.PodHealth
		condition      string
		want           rollout.Verdict
		value, message string
	}{
		{"ready", status("True", `{"restartCount": 0, "state": {"running": {}}}`), rollout.PodHealth{}, "", rollout.Successful,
			`{"oomKilled":0,"pods":1,"ready":1,"restarts":0,"waiting":[]}`, ""},
		{"not ready", status("False", `{"restartCount": 0}`), rollout.PodHealth{}, "", rollout.Undecided,
			`{"oomKilled":0,"pods":1,"ready":0,"restarts":0,"waiting":[]}`, "none of 1 pods is ready"},
		{"restarted", status("True", `{"restartCount": 1}`), rollout.PodHealth{}, "", rollout.Bad,
			`{"oomKilled":0,"pods":1,"ready":1,"restarts":1,"waiting":[]}`, "restarted 1 times, 0 are allowed"},
		{"restarted as often as allowed", status("True", `{"restartCount": 1}, {"restartCount": 1}`), rollout.PodHealth{MaxRestarts: 2}, "", rollout.Successful,
			`{"oomKilled":0,"pods":1,"ready":1,"restarts":2,"waiting":[]}`, ""},
		{"OOMKilled", status("True", `{"restartCount": 1, "lastState": {"terminated": {"reason": "OOMKilled"}}}`), rollout.PodHealth{MaxRestarts: 2}, "", rollout.Bad,
			`{"oomKilled":1,"pods":1,"ready":1,"restarts":1,"waiting":[]}`, "OOMKilled"},
		{"crash loop", status("False", `{"restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}`), rollout.PodHealth{MaxRestarts: 9}, "", rollout.Bad,
			`{"oomKilled":0,"pods":1,"ready":0,"restarts":2,"waiting":["CrashLoopBackOff"]}`, "containers wait: CrashLoopBackOff"},
		{"starting", status("False", `{"state": {"waiting": {"reason": "ContainerCreating"}}}`), rollout.PodHealth{}, "", rollout.Undecided,
			`{"oomKilled":0,"pods":1,"ready":0,"restarts":0,"waiting":["ContainerCreating"]}`, "none of 1 pods is ready"},
		{"a condition decides instead", status("True", `{"restartCount": 3}`), rollout.PodHealth{}, "result.ready == pods and 'Oops' not in result.waiting", rollout.Successful,
			`{"oomKilled":0,"pods":1,"ready":1,"restarts":3,"waiting":[]}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := pod("a")
			p["status"] = decodeJSON(t, tt.status)
			leaving := pod("b")
			leaving["metadata"].(map[string]any)["deletionTimestamp"] = "2026-01-01T00:00:00Z"
			m := rollout.Metric{Name: "m", SuccessCondition: tt.condition, Provider: rollout.Provider{PodHealth: &tt.metric}}
			if err := Check(m); err != nil {
				t.Fatal(err)
			}
			if tt.condition != "" {
				leaving = nil
			}
			canary := []deploy.Live{p}
			if leaving != nil {
				canary = append(canary, leaving)
			}
			expect(t, sampler().Sample(t.Context(), m, deploy.Subject{Canary: canary}), tt.want, tt.value, tt.message)
		})
	}
	m := Default()[0]
	if err := Check(m); err != nil {
		t.Error(err)
	}
	expect(t, sampler().Sample(t.Context(), m, deploy.Subject{}), rollout.Undecided, "", "the canary has no pods")
}
