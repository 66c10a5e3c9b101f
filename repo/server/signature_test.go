package server

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/e6d26078/slipway/provenance"
)

// trustedKey makes a keyring, and what signs with the key in it.
func trustedKey(t testing.TB) (*provenance.Keyring, func(file string, archive []byte) []byte) {
	t.Helper()
	entity, err := openpgp.NewEntity("Release", "", "release@example.com", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		t.Fatal(err)
	}
	var secret bytes.Buffer
	if err := entity.SerializePrivate(&secret, nil); err != nil {
		t.Fatal(err)
	}
	keys, err := provenance.ReadKeyring(&secret)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := keys.Signer("release@example.com", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return keys, func(file string, archive []byte) []byte {
		prov, err := provenance.Sign(context.Background(), file, archive, signer)
		if err != nil {
			t.Fatal(err)
		}
		return prov
	}
}

func TestSignaturesAreVerifiedAtUpload(t *testing.T) {
	keys, signed := trustedKey(t)
	url, stop := start(t, t.TempDir(), Options{AllowOverwrite: true, Signatures: Signatures{Keyring: keys, Required: true}})
	web, other := archive(t, "web", "1.0.0"), archive(t, "web", "1.0.0", "other")
	good, unknown := signed("web-1.0.0.tgz", web), sign(t, "web-1.0.0.tgz", web)
	upload := func(status int, archive, prov []byte) string {
		t.Helper()
		body, kind := form(t, "chart", archive, "prov", prov)
		return want(t, status, "POST", url+"/api/charts", body, "Content-Type", kind).body
	}
	if a := want(t, 422, "POST", url+"/api/charts", web); !strings.Contains(a.body, "there is no .prov file with it") {
		t.Error(a.body)
	}
	if text := upload(422, web, unknown); !strings.Contains(text, "unknown key") {
		t.Error(text)
	}
	upload(400, other, good)
	upload(400, web, []byte("nonsense"))
	want(t, 404, "GET", url+"/api/charts/web/1.0.0", nil)
	upload(201, web, good)
	want(t, 422, "POST", url+"/api/prov", unknown)
	upload(422, other, sign(t, "web-1.0.0.tgz", other))
	if a := want(t, 200, "GET", url+"/charts/web-1.0.0.tgz.prov", nil); a.body != string(good) {
		t.Error("the .prov file is another one")
	}
	var version struct {
		Name      string
		Signature signature
	}
	if err := json.Unmarshal([]byte(want(t, 200, "GET", url+"/api/charts/web/1.0.0", nil).body), &version); err != nil {
		t.Fatal(err)
	}
	if version.Name != "web" || version.Signature.State != signatureVerified || version.Signature.Fingerprint != keys.Fingerprints()[0] {
		t.Errorf("%+v", version)
	}
	stop()
}

func TestWhatIsNotSignedStaysOutOfTheIndex(t *testing.T) {
	keys, signed := trustedKey(t)
	dir := t.TempDir()
	url, stop := start(t, dir, Options{})
	one, two, three := archive(t, "one", "1.0.0"), archive(t, "two", "1.0.0"), archive(t, "three", "1.0.0")
	for _, upload := range [][2][]byte{{one, signed("one-1.0.0.tgz", one)}, {two, nil}, {three, sign(t, "three-1.0.0.tgz", three)}} {
		parts := []any{"chart", upload[0]}
		if upload[1] != nil {
			parts = append(parts, "prov", upload[1])
		}
		body, kind := form(t, parts...)
		want(t, 201, "POST", url+"/api/charts", body, "Content-Type", kind)
	}
	state := func(name string) string {
		t.Helper()
		var version struct{ Signature signature }
		if err := json.Unmarshal([]byte(want(t, 200, "GET", url+"/api/charts/"+name+"/1.0.0", nil).body), &version); err != nil {
			t.Fatal(err)
		}
		return version.Signature.State
	}
	if got := state("one") + state("two") + state("three"); got != "uncheckednoneunchecked" {
		t.Error(got)
	}
	stop()
	url, stop = start(t, dir, Options{Signatures: Signatures{Keyring: keys}})
	if got := state("one") + state("two") + state("three"); got != "verifiednonerefused" {
		t.Error(got)
	}
	stop()
	url, stop = start(t, dir, Options{Signatures: Signatures{Keyring: keys, Required: true}})
	want(t, 200, "GET", url+"/charts/one-1.0.0.tgz", nil)
	for _, name := range []string{"two", "three"} {
		want(t, 404, "GET", url+"/charts/"+name+"-1.0.0.tgz", nil)
		want(t, 404, "GET", url+"/api/charts/"+name, nil)
	}
	if index := want(t, 200, "GET", url+"/index.yaml", nil).body; strings.Contains(index, "two") || strings.Contains(index, "three") {
		t.Error(index)
	}
	stop()
	// A .prov file of another archive beside one that was signed.
	if err := os.WriteFile(filepath.Join(dir, "one-1.0.0.tgz"), archive(t, "one", "1.0.0", "changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	url, _ = start(t, dir, Options{Signatures: Signatures{Keyring: keys, Required: true}})
	want(t, 404, "GET", url+"/charts/one-1.0.0.tgz", nil)
}

func TestRequiredSignaturesNeedAKeyring(t *testing.T) {
	folder, err := OpenFolder(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if _, err := New(t.Context(), folder, Options{Now: time.Now, Signatures: Signatures{Required: true}}); err == nil {
		t.Error("a server that requires signatures runs without keys")
	}
}
