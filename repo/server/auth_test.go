package server

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestBasicAuth(t *testing.T) {
	var audit bytes.Buffer
	url, stop := start(t, t.TempDir(), Options{Auth: Auth{Users: map[string]string{"u": "secret"}}, Audit: &audit})
	web := archive(t, "web", "1.0.0")
	good, bad := strings.Replace(url, "//", "//u:secret@", 1), strings.Replace(url, "//", "//u:wrong@", 1)
	unknown := strings.Replace(url, "//", "//x:secret@", 1)
	for _, base := range []string{url, bad, unknown} {
		a := want(t, 401, "POST", base+"/api/charts", web)
		if a.header.Get("WWW-Authenticate") != `Basic realm="slipway"` {
			t.Error(a.header)
		}
		for _, path := range []string{"/", "/index.yaml", "/api/charts", "/metrics", "/info", "/nothing"} {
			want(t, 401, "GET", base+path, nil)
		}
		want(t, 200, "GET", base+"/health", nil)
	}
	want(t, 201, "POST", good+"/api/charts", web)
	want(t, 200, "GET", good+"/index.yaml", nil)
	stop()
	lines := strings.Split(strings.TrimSpace(audit.String()), "\n")
	var last event
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 4 || last.User != "u" || last.Action != "upload" || last.Digest != digestOf(web) || last.Status != 201 {
		t.Errorf("audit log:\n%s", audit.String())
	}
	if strings.Contains(audit.String(), "secret") || strings.Contains(audit.String(), "wrong") {
		t.Error("the audit log has a password")
	}
}

func TestAnonymousGet(t *testing.T) {
	url, _ := start(t, t.TempDir(), Options{Auth: Auth{Users: map[string]string{"u": "secret"}, AnonymousGet: true}})
	want(t, 200, "GET", url+"/index.yaml", nil)
	want(t, 401, "POST", url+"/api/charts", archive(t, "web", "1.0.0"))
	want(t, 401, "DELETE", url+"/api/charts/web/1.0.0", nil)
}

// token makes a bearer token; access is repository, action, ...
func token(t *testing.T, method jwt.SigningMethod, key any, expires time.Time, access ...string) string {
	t.Helper()
	var list []map[string]any
	for i := 0; i < len(access); i += 2 {
		list = append(list, map[string]any{"type": "artifact-repository", "name": access[i], "actions": []string{access[i+1]}})
	}
	text, err := jwt.NewWithClaims(method, jwt.MapClaims{"exp": expires.Unix(), "sub": "ci", "access": list}).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func publicPEM(t *testing.T, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestBearerTokens(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := publicPEM(t, &rsaKey.PublicKey)
	url, _ := start(t, t.TempDir(), Options{Depth: 2, Auth: Auth{
		Keys: append(publicPEM(t, &ecKey.PublicKey), public...), Realm: "https://example.com/token", Service: "example.com",
	}})
	hour := time.Now().Add(time.Hour)
	bearer := func(status int, method, path, token string, body []byte) answer {
		t.Helper()
		return want(t, status, method, url+path, body, "Authorization", "Bearer "+token)
	}
	web := archive(t, "web", "1.0.0")
	push := token(t, jwt.SigningMethodRS256, rsaKey, hour, "org/one", "push", "org/one", "pull")
	pull := token(t, jwt.SigningMethodES256, ecKey, hour, "org/one", "pull")
	a := want(t, 401, "POST", url+"/api/org/one/charts", web)
	if got := a.header.Get("WWW-Authenticate"); got != `Bearer realm="https://example.com/token",service="example.com",scope="artifact-repository:org/one:push"` {
		t.Error(got)
	}
	bearer(401, "POST", "/api/org/one/charts", pull, web)
	bearer(401, "POST", "/api/org/two/charts", push, web)
	bearer(201, "POST", "/api/org/one/charts", push, web)
	bearer(200, "GET", "/org/one/index.yaml", pull, nil)
	bearer(401, "GET", "/org/two/index.yaml", pull, nil)
	bearer(401, "DELETE", "/api/org/one/charts/web/1.0.0", pull, nil)
	for name, bad := range map[string]string{
		"expired":       token(t, jwt.SigningMethodRS256, rsaKey, time.Now().Add(-time.Hour), "org/one", "pull"),
		"unknown key":   token(t, jwt.SigningMethodES256, other, hour, "org/one", "pull"),
		"public key":    token(t, jwt.SigningMethodHS256, public, hour, "org/one", "pull"),
		"no signature":  token(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, hour, "org/one", "pull"),
		"other method":  token(t, jwt.SigningMethodRS512, rsaKey, hour, "org/one", "pull"),
		"part of names": token(t, jwt.SigningMethodRS256, rsaKey, hour, "org", "pull", "org/one/x", "pull", "", "pull"),
		"nothing":       "",
	} {
		if a := do(t, "GET", url+"/org/one/index.yaml", nil, "Authorization", "Bearer "+bad); a.status != 401 {
			t.Errorf("%s: status %d", name, a.status)
		}
	}
}

func TestKeysThatAreNoneAreRefused(t *testing.T) {
	for _, keys := range []string{"no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := newAuthorizer(Auth{Keys: []byte(keys)}, time.Now); err == nil {
			t.Errorf("%q is accepted", keys)
		}
	}
}
