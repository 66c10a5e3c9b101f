package server

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/e6d26078/slipway/chart/values/schema"
	schemas "github.com/e6d26078/slipway/docs/schema"
)

// receiver gets messages. It answers with the codes of answers, one after the
// other, and then with 200.
type receiver struct {
	url string

	mu      sync.Mutex
	answers []int
	all     []received
	came    chan received
}

type received struct {
	header http.Header
	body   []byte
}

func startReceiver(t testing.TB, answers ...int) *receiver {
	t.Helper()
	r := &receiver{answers: answers, came: make(chan received, 100)}
	h := httptest.NewServer(r)
	t.Cleanup(h.Close)
	r.url = h.URL
	return r
}

// ServeHTTP takes a message.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	got := received{request.Header.Clone(), body}
	r.all = append(r.all, got)
	if len(r.answers) > 0 {
		answer := r.answers[0]
		r.answers = r.answers[1:]
		if answer != 200 {
			w.Header().Set("Location", r.url+"/elsewhere")
			w.WriteHeader(answer)
			if answer < 500 {
				r.came <- got
			}
			return
		}
	}
	r.came <- got
}

// got is all that came.
func (r *receiver) got() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

const hookSecret = "a secret of many characters"

func hookFile(text string) (*Webhooks, error) {
	return ParseWebhooks("hooks.yaml", []byte("apiVersion: slipway.dev/webhooks/v1\n"+text), func(name string) ([]byte, error) {
		return nil, errors.New("there is no " + name)
	}, func(name string) string {
		return map[string]string{"SECRET": hookSecret, "SHORT": "geheim", "ENCODED": "whsec_" + base64.StdEncoding.EncodeToString([]byte(hookSecret)), "BROKEN": "whsec_geheim!"}[name]
	})
}

func mustHooks(t testing.TB, text string) *Webhooks {
	t.Helper()
	w, err := hookFile(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWebhooksAreToldOfChanges(t *testing.T) {
	all, some := startReceiver(t), startReceiver(t)
	url, stop := start(t, t.TempDir(), Options{Depth: 1, Webhooks: mustHooks(t, "allowNetworks: [127.0.0.0/8]\nwebhooks:\n"+
		"- {url: '"+all.url+"/hook', secretEnv: ENCODED}\n"+
		"- {url: '"+some.url+"', secretEnv: SECRET, events: [chart.deleted], repositories: [two]}\n")})
	web := archive(t, "web", "1.0.0")
	prov := sign(t, "web-1.0.0.tgz", web)
	want(t, 201, "POST", url+"/api/one/charts", web)
	want(t, 409, "POST", url+"/api/one/charts", web) // of what did not happen nobody is told
	want(t, 201, "POST", url+"/api/one/prov", prov)
	want(t, 200, "DELETE", url+"/api/one/charts/web/1.0.0", nil)
	want(t, 201, "POST", url+"/api/two/charts", web)
	want(t, 200, "DELETE", url+"/api/two/charts/web/1.0.0", nil)
	rules, err := schema.Compile([]byte(schemas.WebhookMessage()), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{"one chart.uploaded false", "one chart.signed true", "one chart.deleted false", "two chart.uploaded false", "two chart.deleted false"} {
		got := <-all.came
		var m message
		var tree any
		if err := errors.Join(json.Unmarshal(got.body, &m), json.Unmarshal(got.body, &tree)); err != nil {
			t.Fatal(err)
		}
		if err := rules.Validate(tree); err != nil {
			t.Errorf("%s: %v", got.body, err)
		}
		signed := map[bool]string{true: " true", false: " false"}[m.Data.Provenance]
		if m.Data.Repository+" "+m.Type+signed != wanted || m.Data.Chart != "web" || m.Data.Version != "1.0.0" || m.Data.Digest != "sha256:"+digestOf(web) {
			t.Errorf("want %s: %s", wanted, got.body)
		}
		h := got.header
		if sum := signMessage([]byte(hookSecret), h.Get("webhook-id"), h.Get("webhook-timestamp"), got.body); h.Get("webhook-signature") != sum {
			t.Errorf("signature %s, want %s", h.Get("webhook-signature"), sum)
		}
	}
	<-some.came
	stop()
	if len(some.got()) != 1 || len(all.got()) != 5 {
		t.Errorf("%d and %d messages, want 1 and 5", len(some.got()), len(all.got()))
	}
}

func TestWebhooksAreToldInTheOrderOfChanges(t *testing.T) {
	r := startReceiver(t)
	url, _ := start(t, t.TempDir(), Options{Retention: Retention{PerChart: 1}, Webhooks: mustHooks(t, "allowNetworks: [127.0.0.1]\nwebhooks: [{url: '"+r.url+"', secretEnv: SECRET}]\n")})
	want(t, 201, "POST", url+"/api/charts", archive(t, "web", "1.0.0"))
	want(t, 201, "POST", url+"/api/charts", archive(t, "web", "2.0.0"))
	for _, wanted := range []string{"chart.uploaded 1.0.0", "chart.uploaded 2.0.0", "chart.deleted 1.0.0"} {
		var m message
		if err := json.Unmarshal((<-r.came).body, &m); err != nil {
			t.Fatal(err)
		}
		if got := m.Type + " " + m.Data.Version; got != wanted {
			t.Errorf("the next message is %s, want %s", got, wanted)
		}
	}
}

// TestSignaturesOfWebhooks has the example of the text of Standard Webhooks 1.0.
func TestSignaturesOfWebhooks(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := signMessage(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error(got)
	}
}

func TestMessagesAreSentAgain(t *testing.T) {
	for _, test := range []struct {
		answers  []int
		outcome  string
		requests int
	}{
		{[]int{500, 503, 429}, hookDelivered, 4},
		{[]int{500, 500, 500, 500, 500, 500, 200}, hookFailed, 6},
		{[]int{400}, hookFailed, 1},
		{[]int{410}, hookFailed, 1},
		{[]int{302}, hookFailed, 1}, // a redirect is not followed
	} {
		r := startReceiver(t, test.answers...)
		m := newMetrics()
		h := newHooks(mustHooks(t, "allowNetworks: [127.0.0.1]\nwebhooks: [{url: '"+r.url+"', secretEnv: SECRET}]\n"), time.Now, slog.New(slog.DiscardHandler), m, time.Millisecond)
		err := h.deliver(t.Context(), h.senders[0], delivery{id: "msg_1", body: []byte("{}")})
		h.close()
		if (err == nil) != (test.outcome == hookDelivered) || len(r.got()) != test.requests {
			t.Errorf("%v: %v after %d requests", test.answers, err, len(r.got()))
		}
		for _, got := range r.got() {
			if got.header.Get("webhook-id") != "msg_1" {
				t.Errorf("%v: another id at another try: %s", test.answers, got.header)
			}
		}
	}
}

// TestMessagesThatTooManyWaitForAreDropped also holds that nobody waits for a receiver.
func TestMessagesThatTooManyWaitForAreDropped(t *testing.T) {
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer slow.Close()
	defer close(release)
	m := newMetrics()
	h := newHooks(mustHooks(t, "allowNetworks: [127.0.0.1]\nwebhooks: [{url: '"+slow.URL+"', secretEnv: SECRET}]\n"), time.Now, slog.New(slog.DiscardHandler), m, time.Millisecond)
	for range hookQueue + 10 {
		h.tell(event{Action: "upload", Status: 201})
	}
	h.close()
	if n := m.hooks[hookLabels{h.senders[0].name, hookDropped}]; n < 9 || n > 10 {
		t.Errorf("%d messages were dropped", n)
	}
}

func TestMessagesGoToPublicAddressesAlone(t *testing.T) {
	r := startReceiver(t)
	secure := httptest.NewTLSServer(r)
	defer secure.Close()
	for url, networks := range map[string]string{
		secure.URL: "[]", strings.Replace(secure.URL, "127.0.0.1", "localhost", 1): "[]", secure.URL + "/x": "[127.0.0.2/32]", r.url: "[10.0.0.0/8]",
	} {
		h := newHooks(mustHooks(t, "allowNetworks: "+networks+"\nwebhooks: [{url: '"+url+"', secretEnv: SECRET}]\n"), time.Now, slog.New(slog.DiscardHandler), newMetrics(), time.Millisecond)
		again, err := h.senders[0].send(t.Context(), delivery{}, time.Now())
		h.close()
		if !errors.Is(err, errAddress) || again || len(r.got()) > 0 {
			t.Errorf("%s: %v", url, err)
		}
	}
	for text, public := range map[string]bool{
		"93.184.215.14": true, "2606:2800:21f:cb07::1": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.31.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "0.0.0.0": false,
		"224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false, "::1": false, "::": false, "fe80::1": false, "fd00:ec2::254": false,
		"::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "64:ff9b::a9fe:a9fe": false, "2002:a00:1::": false, "ff02::1": false,
	} {
		if isPublic(netip.MustParseAddr(text).Unmap()) != public {
			t.Errorf("%s is public: %v", text, !public)
		}
	}
}

func TestWebhookFilesThatAreWrong(t *testing.T) {
	for text, wanted := range map[string]string{
		"webhooks: []\n": "hooks.yaml:2: webhooks: ",
		"webhooks: [{url: 'https://a.example.com'}]\n":                                            "hooks.yaml:2: webhooks.0: ",
		"webhooks: [{url: 'https://a.example.com', secretEnv: SHORT}]\n":                          "hooks.yaml:2: the environment variable SHORT: a secret needs 24 bytes",
		"webhooks: [{url: 'https://a.example.com', secretEnv: BROKEN}]\n":                         "hooks.yaml:2: the environment variable BROKEN: the secret is not base64",
		"webhooks: [{url: 'https://a.example.com', secretFile: x}]\n":                             "hooks.yaml:2: there is no x",
		"webhooks:\n- url: https://a.example.com\n  secretEnv: SECRET\n  secretFile: x\n":         "hooks.yaml:3: webhooks.0: ",
		"webhooks:\n- url: https://u:geheim@a.example.com\n  secretEnv: SECRET\n":                 "hooks.yaml:3: the address has a user",
		"webhooks:\n- url: http://a.example.com\n  secretEnv: SECRET\n":                           "hooks.yaml:3: http goes to hosts in allowNetworks alone",
		"webhooks:\n- url: ftp://a.example.com\n  secretEnv: SECRET\n":                            "hooks.yaml:3: the address is not one",
		"webhooks:\n- url: https://a.example.com\n  secretEnv: SECRET\n  events: [x]\n":           "hooks.yaml:5: webhooks.0.events.0: ",
		"allowNetworks: [10.0.0.1/33]\nwebhooks: [{url: 'https://a.b', secretEnv: SECRET}]\n":     "hooks.yaml:2: \"10.0.0.1/33\" is no network",
		"webhooks:\n- url: https://a.example.com\n  secretEnv: SECRET\n  caFile: x\n":             "hooks.yaml:5: there is no x",
		"webhooks:\n- url: https://a.example.com\n  secretEnv: SECRET\n  retries: 3\n  more: 2\n": "hooks.yaml:5: webhooks.0: ",
	} {
		_, err := hookFile(text)
		if err == nil || !strings.HasPrefix(err.Error(), wanted) {
			t.Errorf("%s\ngives %v, want %s", text, err, wanted)
		} else if strings.Contains(err.Error(), "geheim") {
			t.Errorf("the error has a secret: %v", err)
		}
	}
}
