package analysis

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/internal/mask"
	"github.com/e6d26078/slipway/release/rollout"
)

// TestNothingSecretIsInAMeasurement plants secrets wherever there can be some,
// and asks servers that say all they were told, in answers good and bad.
func TestNothingSecretIsInAMeasurement(t *testing.T) {
	const planted = `planted"<&>`
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(planted+"-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	telling := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told, err := json.Marshal(map[string]any{"headers": r.Header, "query": r.URL.Query(), r.Header.Get("X-Key"): 1})
		if err != nil {
			t.Error(err)
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/refuses/api/v1/query"):
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(map[string]string{"status": "error", "error": string(told) + r.Header.Get("Authorization")})
		case strings.HasSuffix(r.URL.Path, "/query"):
			_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{
				"resultType": "string", "result": []any{1, r.Header.Get("Authorization")}}})
		case strings.HasSuffix(r.URL.Path, "/away"):
			http.Redirect(w, r, "http://user:"+"planted-there@localhost:1/?a=planted-there", http.StatusFound)
		default:
			_, _ = w.Write(told)
		}
	}))
	defer telling.Close()
	address := strings.Replace(telling.URL, "http://", "http://planted-user:planted-password@", 1)
	web := func(url string) rollout.Provider {
		return rollout.Provider{Web: &rollout.Web{URL: url, TokenFile: token,
			Headers: map[string]string{"X-Key": planted + "-header"}}}
	}
	prom := func(url string) rollout.Provider {
		return rollout.Provider{Prometheus: &rollout.Prometheus{Address: url, Query: "1", TokenFile: token}}
	}
	basic := web(address)
	basic.Web.TokenFile = ""
	s := New(Options{Now: time.Now, ReadFile: os.ReadFile, Run: RunProgram, Env: []string{"KEY=" + planted + "-environment"}})
	shown := 0
	for name, p := range map[string]rollout.Provider{
		"web": web(address + "/?key=planted-query"), "web with basic authentication": basic,
		"a redirect": web(address + "/away"), "a closed port": web("http://planted-user:planted-password@127.0.0.1:1/?key=planted-query"),
		"a URL that is none": web("http://planted user:planted-password@host:port/"),
		"prometheus":         prom(address), "prometheus refuses": prom(address + "/refuses"),
		"a program": {Exec: &rollout.Exec{Command: []string{"/bin/sh", "-c", `echo "$KEY"`}}},
		"it fails":  {Exec: &rollout.Exec{Command: []string{"/bin/sh", "-c", `echo "$KEY" >&2; exit 1`}}},
	} {
		for _, condition := range []string{"", "true", "result > 1", "asFloat(result) > 1", "asInt(result.query) > 1"} {
			m := rollout.Metric{Name: "m", SuccessCondition: condition, Provider: p}
			got := s.Sample(t.Context(), m, deploy.Subject{})
			said := fmt.Sprint(got.Value, got.Message, Check(m))
			if strings.Contains(said, "planted") {
				t.Errorf("%s, %q: %s", name, condition, said)
			}
			shown += strings.Count(said, mask.Text)
		}
	}
	if shown == 0 {
		t.Error("nothing was hidden: the servers do not tell what they are told")
	}
}

func TestTextsAreCut(t *testing.T) {
	for text, want := range map[string]string{
		"short":                        "short",
		"two\n lines":                  "two lines",
		"not \xff UTF-8":               "not ? UTF-8",
		strings.Repeat("a", 200):       strings.Repeat("a", 200),
		strings.Repeat("a", 201):       strings.Repeat("a", 197) + "...",
		"a" + strings.Repeat("é", 120): "a" + strings.Repeat("é", 98) + "...",
	} {
		if got := cut(text); got != want || len(got) > maxText {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
