package server

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// idp makes identity tokens, as a CI system does.
type idp struct {
	url     string
	keysURL string // where the keys are said to be
	asked   atomic.Int64
	mu      sync.Mutex
	key     *rsa.PrivateKey
	id      string
}

func newRSAKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func startIDP(t testing.TB) *idp {
	t.Helper()
	p := &idp{key: newRSAKey(t), id: "one"}
	h := httptest.NewServer(p)
	t.Cleanup(h.Close)
	p.url, p.keysURL = h.URL, h.URL+"/keys"
	return p
}

// ServeHTTP answers with the discovery document, or the key.
func (p *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var answer any
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer = map[string]any{"issuer": p.url, "jwks_uri": p.keysURL, "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}}
	case "/keys":
		p.asked.Add(1)
		text := base64.RawURLEncoding.EncodeToString
		answer = map[string]any{"keys": []map[string]string{{
			"kty": "RSA", "kid": p.id, "alg": "RS256", "use": "sig",
			"n": text(p.key.N.Bytes()), "e": text(big.NewInt(int64(p.key.E)).Bytes()),
		}}}
	case "/elsewhere":
		http.Redirect(w, r, "/keys", http.StatusFound)
		return
	case "/endless":
		_, _ = w.Write(bytes.Repeat([]byte(" "), maxIssuerBody+1))
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (p *idp) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// token makes a token of a job; changes are claim, value, ... A nil value takes the claim away.
func (p *idp) token(t testing.TB, changes ...any) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	return signedToken(t, jwt.SigningMethodRS256, p.key, p.id, p.url, changes...)
}

func signedToken(t testing.TB, method jwt.SigningMethod, key any, id, issuer string, changes ...any) string {
	t.Helper()
	now := time.Now()
	claims := jwt.MapClaims{
		"iss": issuer, "aud": "charts.example.com", "sub": "repo:acme/web:ref:refs/heads/main", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"repository": "acme/web", "ref": "refs/heads/main", "run": 7, "protected": true, "groups": []string{"a", "builders"},
	}
	for i := 0; i < len(changes); i += 2 {
		if name := changes[i].(string); changes[i+1] == nil {
			delete(claims, name)
		} else {
			claims[name] = changes[i+1]
		}
	}
	made := jwt.NewWithClaims(method, claims)
	made.Header["kid"] = id
	text, err := made.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *idp) policy(t testing.TB, rules string) *Policy {
	t.Helper()
	text := "apiVersion: slipway.dev/auth-policy/v1\nissuers:\n- issuer: " + p.url + "\n  audience: charts.example.com\n  rules:\n" + rules
	made, err := ParsePolicy("policy.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

const usualRules = `
  - claims: {repository: acme/*, ref: refs/heads/main, run: "7", protected: "true", groups: builders}
    repositories: [acme/*]
    actions: [pull, push]
  - claims: {repository: acme/*}
    repositories: [acme/one, "public/**"]
    actions: [pull]
`

func TestTokensOfCISystems(t *testing.T) {
	p := startIDP(t)
	var audit bytes.Buffer
	url, stop := start(t, t.TempDir(), Options{Depth: 2, Auth: Auth{Policy: p.policy(t, usualRules)}, Audit: &audit})
	web := archive(t, "web", "1.0.0")
	as := func(status int, method, path, token string, body []byte) answer {
		t.Helper()
		return want(t, status, method, url+path, body, "Authorization", "Bearer "+token)
	}
	good := p.token(t)
	as(201, "POST", "/api/acme/one/charts", good, web)
	as(200, "GET", "/acme/one/index.yaml", good, nil)
	want(t, 200, "GET", strings.Replace(url, "//", "//token:"+good+"@", 1)+"/acme/one/index.yaml", nil)
	if a := want(t, 401, "POST", url+"/api/acme/one/charts", web); a.header.Get("WWW-Authenticate") != `Bearer realm="slipway"` {
		t.Error(a.header)
	}
	a := as(403, "POST", "/api/public/one/charts", good, web)
	if !strings.Contains(a.body, "no rule of the policy lets") || !strings.Contains(a.body, "push public/one") {
		t.Error(a.body)
	}
	as(200, "GET", "/public/one/index.yaml", good, nil)
	as(403, "GET", "/other/one/index.yaml", good, nil)
	branch := p.token(t, "ref", "refs/heads/mainly")
	as(403, "POST", "/api/acme/one/charts", branch, web)
	as(403, "DELETE", "/api/acme/one/charts/web/1.0.0", branch, nil)
	as(200, "GET", "/acme/one/index.yaml", branch, nil)
	as(403, "GET", "/acme/two/index.yaml", branch, nil)
	for _, repository := range []any{"acme-evil/web", "acme/web/x", "x/acme/web", "acme", nil, map[string]string{"a": "acme/web"}, []string{"x/y"}} {
		as(403, "GET", "/acme/one/index.yaml", p.token(t, "repository", repository), nil)
	}
	as(403, "POST", "/api/acme/one/charts", p.token(t, "protected", false), archive(t, "web", "2.0.0"))
	stop()
	for _, wanted := range []string{`"user":"repo:acme/web:ref:refs/heads/main of ` + p.url, `"status":403`} {
		if !strings.Contains(audit.String(), wanted) {
			t.Errorf("the audit log has no %s:\n%s", wanted, audit.String())
		}
	}
	if strings.Contains(audit.String(), good) {
		t.Error("the audit log has a token")
	}
}

func TestTokensThatDoNotCount(t *testing.T) {
	p := startIDP(t)
	url, _ := start(t, t.TempDir(), Options{Auth: Auth{Policy: p.policy(t, "  - {claims: {repository: acme/*}, repositories: [repo], actions: [pull]}\n")}})
	get := func(token string) int {
		t.Helper()
		return do(t, "GET", url+"/index.yaml", nil, "Authorization", "Bearer "+token).status
	}
	good := p.token(t)
	if status := get(good); status != 200 {
		t.Fatalf("status %d", status)
	}
	unix := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	for name, bad := range map[string]string{
		"expired":         p.token(t, "exp", unix(-time.Minute)),
		"never expires":   p.token(t, "exp", nil),
		"not yet":         p.token(t, "nbf", unix(time.Hour)),
		"other audience":  p.token(t, "aud", "other.example.com"),
		"no audience":     p.token(t, "aud", nil),
		"other issuer":    p.token(t, "iss", "https://gitlab.com"),
		"longer issuer":   p.token(t, "iss", p.url+"/"),
		"unknown key":     signedToken(t, jwt.SigningMethodRS256, newRSAKey(t), "one", p.url),
		"other kind":      signedToken(t, jwt.SigningMethodES256, elliptic, "one", p.url),
		"public key":      signedToken(t, jwt.SigningMethodHS256, publicPEM(t, crypto.PublicKey(&p.key.PublicKey)), "one", p.url),
		"no signature":    signedToken(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "one", p.url),
		"other payload":   parts[0] + "." + strings.Split(p.token(t, "sub", "x"), ".")[1] + "." + parts[2],
		"two signatures":  good + "." + parts[2],
		"nothing of it":   "..",
		"no token at all": "",
	} {
		if status := get(bad); status != 401 {
			t.Errorf("%s: status %d", name, status)
		}
	}
	if status := get(p.token(t, "aud", []string{"x", "charts.example.com"})); status != 200 {
		t.Errorf("one audience of several: status %d", status)
	}
}

// TestKeysOfIssuersAreAskedForSeldom is about an issuer that changes its keys, and
// about a flood of tokens that nobody signed.
func TestKeysOfIssuersAreAskedForSeldom(t *testing.T) {
	p := startIDP(t)
	now := time.Now()
	c := newTokenChecker(p.policy(t, "  - {claims: {repository: acme/*}, repositories: [repo], actions: [pull]}\n"), func() time.Time { return now }, nil)
	check := func(token string) error {
		_, ours, err := c.check(t.Context(), token, "repo", "pull")
		if !ours {
			t.Error("the token is not seen to be of the issuer")
		}
		return err
	}
	stale := p.token(t)
	for range 20 {
		if err := check(stale); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.asked.Load(); n != 1 {
		t.Errorf("keys were asked for %d times", n)
	}
	p.set(func() { p.key, p.id = newRSAKey(t), "two" })
	if err := check(p.token(t)); err != nil {
		t.Errorf("after a change of keys: %v", err)
	}
	before := p.asked.Load()
	other := newRSAKey(t)
	for i := range 50 {
		if err := check(signedToken(t, jwt.SigningMethodRS256, other, fmt.Sprint(i), p.url)); !errors.Is(err, errUnauthorized) {
			t.Fatal(err)
		}
	}
	if n := p.asked.Load() - before; n > askBurst {
		t.Errorf("a flood of tokens has asked for keys %d times", n)
	}
	now = now.Add(keysFresh + time.Second)
	if err := check(stale); !errors.Is(err, errUnauthorized) {
		t.Errorf("a key that the issuer has no longer: %v", err)
	}
}

func TestAnIssuerThatCannotBeAsked(t *testing.T) {
	p := startIDP(t)
	now := time.Now()
	c := newTokenChecker(p.policy(t, "  - {claims: {repository: acme/*}, repositories: [repo], actions: [pull]}\n"), func() time.Time { return now }, nil)
	for path, wanted := range map[string]string{
		"http://192.0.2.1/keys":   "not at https",
		"http://localhost.x/keys": "not at https",
		p.url + "/elsewhere":      "it redirects",
		p.url + "/endless":        "too large",
	} {
		now = now.Add(2 * keysStale) // nothing is known of before
		p.set(func() { p.keysURL = path })
		if _, _, err := c.check(t.Context(), p.token(t, "exp", now.Add(time.Hour).Unix()), "repo", "pull"); !errors.Is(err, errUnauthorized) || !strings.Contains(err.Error(), wanted) {
			t.Errorf("%s: %v", path, err)
		}
	}
	p.set(func() { p.keysURL = p.url + "/keys" })
	now = now.Add(2 * keysStale)
	if _, _, err := c.check(t.Context(), p.token(t, "exp", now.Add(time.Hour).Unix()), "repo", "pull"); err != nil {
		t.Error(err)
	}
}

func TestAuthPoliciesThatAreWrong(t *testing.T) {
	const head = "apiVersion: slipway.dev/auth-policy/v1\nissuers:\n"
	rule := "  rules:\n  - {claims: {repository: acme/*}, repositories: [repo], actions: [push]}\n"
	for text, wanted := range map[string]string{
		"":                              "p.yaml: missing",
		"apiVersion: v2\nissuers: []\n": "p.yaml:1: apiVersion: ",
		head + "- issuer: https://a.example.com\n" + rule:                                                                               "p.yaml:3: issuers.0: ",
		head + "- issuer: http://a.example.com\n  audience: a\n" + rule:                                                                 "p.yaml:3: an issuer has to be at https",
		head + "- issuer: http://localhost:1\n  audience: a\n" + rule:                                                                   "p.yaml:3: an issuer has to be at https",
		head + "- issuer: https://u:geheim@a.example.com\n  audience: a\n" + rule:                                                       "p.yaml:3: an issuer has to be an address",
		head + "- issuer: https://a.example.com\n  audience: a\n  rulez: []\n" + rule:                                                   "p.yaml:5: issuers.0: ",
		head + "- issuer: https://a.example.com\n  audience: ''\n" + rule:                                                               "p.yaml:4: issuers.0.audience: ",
		head + "- issuer: https://a.example.com\n  audience: a\n  rules: []\n":                                                          "p.yaml:5: issuers.0.rules: ",
		head + "- issuer: https://a.example.com\n  audience: a\n  audience: b\n" + rule:                                                 "p.yaml:5: issuers.0.audience stands twice",
		head + "- issuer: https://a.example.com\n  audience: a\n  caFile: x\n" + rule:                                                   "p.yaml:5: there is no x",
		head + "- issuer: https://gitlab.com\n  audience: a\n" + rule:                                                                   "p.yaml:6: this would let in the jobs of everybody",
		head + "- issuer: https://a.example.com\n  audience: a\n" + rule + "---\na: b\n":                                                "p.yaml:8: the file has to be one document",
		head + "- issuer: https://a.example.com\n  audience: a\n  rules: [{claims: {}, repositories: [repo], actions: [push]}]\n":       "p.yaml:5: issuers.0.rules.0.claims: ",
		head + "- issuer: https://a.example.com\n  audience: a\n  rules: [{claims: {a: b}, repositories: [repo], actions: [delete]}]\n": "p.yaml:5: issuers.0.rules.0.actions.0: ",
		strings.Repeat("#", maxConfig+1):                                                                                                "p.yaml: it has more than",
		"a: [":                                                                                                                          "p.yaml:1: ",
	} {
		_, err := ParsePolicy("p.yaml", []byte(text), func(name string) ([]byte, error) { return nil, errors.New("there is no " + name) })
		if err == nil || !strings.HasPrefix(err.Error(), wanted) {
			t.Errorf("%.300s\ngives %v, want %s", text, err, wanted)
		} else if strings.Contains(err.Error(), "geheim") {
			t.Errorf("the error has a password: %v", err)
		}
	}
}

func TestRulesForIssuersOfEverybodyNameAnOwner(t *testing.T) {
	for _, test := range []struct {
		issuer, claims string
		fine           bool
	}{
		{"https://token.actions.githubusercontent.com", "{repository: acme/*}", true},
		{"https://token.actions.githubusercontent.com", "{repository_owner: acme}", true},
		{"https://token.actions.githubusercontent.com", "{sub: 'repo:acme/web:*'}", true},
		{"https://token.actions.githubusercontent.com", "{repository_owner_id: '123', ref: '**'}", true},
		{"https://token.actions.githubusercontent.com", "{repository: acme*/web}", false},
		{"https://token.actions.githubusercontent.com", "{repository: '*/web'}", false},
		{"https://token.actions.githubusercontent.com", "{repository: '**'}", false},
		{"https://token.actions.githubusercontent.com", "{repository_owner: 'acme*'}", false},
		{"https://token.actions.githubusercontent.com", "{ref: refs/heads/main}", false},
		{"https://gitlab.com", "{namespace_path: acme}", true},
		{"https://gitlab.com", "{project_path: acme/**}", true},
		{"https://gitlab.com", "{project_path: 'acme**'}", false},
		{"https://gitlab.com", "{repository: acme/web}", false},
		{"https://gitlab.example.com", "{ref_protected: 'true'}", true},
	} {
		text := "apiVersion: slipway.dev/auth-policy/v1\nissuers:\n- issuer: " + test.issuer + "\n  audience: a\n  rules:\n  - {claims: " + test.claims + ", repositories: [repo], actions: [push]}\n"
		if _, err := ParsePolicy("p.yaml", []byte(text), nil); (err == nil) != test.fine {
			t.Errorf("%s %s: %v", test.issuer, test.claims, err)
		}
	}
}
