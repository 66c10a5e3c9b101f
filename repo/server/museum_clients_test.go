package server

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/e6d26078/slipway/provenance"
)

// trusted makes a key: who signs by it, and the keyring that verifies that.
func trusted(t *testing.T) (signer provenance.Signer, public []byte) {
	t.Helper()
	entity, err := openpgp.NewEntity("Release", "", "release@example.com", &packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048})
	if err != nil {
		t.Fatal(err)
	}
	var secret, ring bytes.Buffer
	if err := entity.SerializePrivate(&secret, nil); err != nil {
		t.Fatal(err)
	}
	if err := entity.Serialize(&ring); err != nil {
		t.Fatal(err)
	}
	keys, err := provenance.ReadKeyring(&secret)
	if err != nil {
		t.Fatal(err)
	}
	if signer, err = keys.Signer("release@example.com", time.Now()); err != nil {
		t.Fatal(err)
	}
	return signer, ring.Bytes()
}

// TestHelmVerifiesAndResolvesFromTheServer runs both Helms: signed charts,
// dependencies by range and by alias, and a lock that is built from.
func TestHelmVerifiesAndResolvesFromTheServer(t *testing.T) {
	peers := os.Getenv("SLIPWAY_PEERS")
	if peers == "" {
		t.Skip("no Helm binaries: run make peers, and set SLIPWAY_PEERS")
	}
	signer, public := trusted(t)
	url, _ := start(t, t.TempDir(), Options{})
	for _, version := range []string{"1.0.0", "1.2.0", "2.0.0"} {
		web := archive(t, "web", version)
		prov, err := provenance.Sign(context.Background(), "web-"+version+".tgz", web, signer)
		if err != nil {
			t.Fatal(err)
		}
		body, kind := form(t, "chart", web, "prov", prov) // as the plugin cm-push sends it
		want(t, 201, "POST", url+"/api/charts", body, "Content-Type", kind)
	}
	want(t, 201, "POST", url+"/api/charts", archive(t, "api", "0.3.0"))
	for _, helm := range []string{"helm3", "helm4"} {
		dir := t.TempDir()
		put(t, dir, "public.gpg", public)
		put(t, dir, "parent/Chart.yaml", []byte("apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n- name: web\n  version: ^1.0\n  repository: "+url+
			"\n- name: web\n  alias: other\n  version: 2.x\n  repository: alias:mine\n- name: api\n  version: 0.3.0\n  repository: \"@mine\"\n"))
		run := func(succeeds bool, args ...string) string {
			t.Helper()
			cmd := exec.Command(filepath.Join(peers, helm), args...)
			cmd.Dir = dir
			cmd.Env = []string{"HOME=" + dir, "HELM_CACHE_HOME=" + dir + "/cache", "HELM_CONFIG_HOME=" + dir + "/config", "HELM_DATA_HOME=" + dir + "/data"}
			out, err := cmd.CombinedOutput()
			if (err == nil) != succeeds {
				t.Fatalf("%s %v: %v\n%s", helm, args, err, out)
			}
			return string(out)
		}
		run(true, "repo", "add", "mine", url)
		run(true, "repo", "update")
		if out := run(true, "pull", "mine/web", "--version", "^1.0", "--verify", "--keyring", "public.gpg"); !strings.Contains(out, "Signed by: Release <release@example.com>") {
			t.Errorf("%s pull --verify:\n%s", helm, out)
		}
		run(true, "verify", "web-1.2.0.tgz", "--keyring", "public.gpg")
		run(false, "pull", "mine/api", "--verify", "--keyring", "public.gpg") // it is not signed
		run(true, "dependency", "update", "parent")
		if err := os.RemoveAll(filepath.Join(dir, "parent", "charts")); err != nil {
			t.Fatal(err)
		}
		run(true, "dependency", "build", "parent")
		for _, name := range []string{"web-1.2.0.tgz", "web-2.0.0.tgz", "api-0.3.0.tgz"} {
			if _, err := os.Stat(filepath.Join(dir, "parent", "charts", name)); err != nil {
				t.Errorf("%s: %v", helm, err)
			}
		}
		run(true, "template", "x", "parent")
		run(true, "show", "chart", "mine/api")
	}
}

// TestCurlIsAClient sends what ChartMuseum's own documentation has people send.
func TestCurlIsAClient(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	url, _ := start(t, t.TempDir(), Options{AllowForce: true})
	dir := t.TempDir()
	web := archive(t, "web", "1.0.0")
	put(t, dir, "web-1.0.0.tgz", web)
	put(t, dir, "web-1.0.0.tgz.prov", sign(t, "web-1.0.0.tgz", web))
	for _, line := range [][2]string{
		{"--data-binary @web-1.0.0.tgz URL/api/charts", `{"saved":true}201`},
		{"--data-binary @web-1.0.0.tgz.prov URL/api/prov", `{"saved":true}201`},
		{"-F chart=@web-1.0.0.tgz -F prov=@web-1.0.0.tgz.prov URL/api/charts", "409"},
		{"-F chart=@web-1.0.0.tgz -F prov=@web-1.0.0.tgz.prov URL/api/charts?force", `{"saved":true}201`},
		{"-I URL/api/charts/web/1.0.0", "200"},
		{"-I URL/api/charts/none", "404"},
		{"URL/health", `{"healthy":true}200`},
		{"-X DELETE URL/api/charts/web/1.0.0", `{"deleted":true}200`},
		{"-X DELETE URL/api/charts/web/1.0.0", "404"},
		{"URL/charts/web-1.0.0.tgz.prov", "404"},
	} {
		args := append([]string{"-sS", "-w", "%{http_code}"}, strings.Fields(strings.ReplaceAll(line[0], "URL", url))...)
		cmd := exec.Command("curl", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasSuffix(string(out), line[1]) {
			t.Errorf("curl %s: %v\n%s\nwant %s", line[0], err, out, line[1])
		}
	}
}
