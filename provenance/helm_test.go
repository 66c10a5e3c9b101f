package provenance_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/provenance"
)

// charts are folders by name, each a trap for the text that is signed.
var charts = map[string]map[string]string{
	"plain": {"Chart.yaml": "apiVersion: v2\nname: plain\nversion: 1.2.3\n"},
	"full": {"Chart.yaml": `apiVersion: v2
name: full
version: 1.0.0-rc.1+build.5
appVersion: 1.10
description: |
  Two lines,
  sanitised by Helm to one with a tab	in it.
kubeVersion: ">=1.20.0-0"
type: application
keywords: [a, "- b", "---", "...", "on"]
home: https://example.com/?a=b&c=<d>
sources:
- https://example.com/a
maintainers:
- name: Zoë Ünïcode 日本
  email: z@example.com
annotations:
  lists: |
    - kind: added
      description: "trailing blanks"   
    -----BEGIN PGP SIGNATURE-----

    ...
    - end	
  dashes: "---"
  blank: "   "
  long: "` + strings.Repeat("word ", 60) + `"
  control: "bell \a, next line \x85, separator \u2028, mark \ufeff"
  next: "a\x85b"
  separators: "a\u2028b\nc\u2029d\n"
dependencies:
- name: sub
  version: 0.1.0
  alias: other
unknownField: 1
`, "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n"},
	"old": {
		"Chart.yaml":             "name: old\nversion: 0.1.0\nengine: gotpl\n",
		"requirements.yaml":      "dependencies:\n- name: sub\n  version: 0.1.0\n  repository: file://x\n",
		"charts/sub/Chart.yaml":  "name: sub\nversion: 0.1.0\n",
		"charts/sub/values.yaml": "a: 1\n",
	},
}

func writeChart(t testing.TB, name string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), name)
	for file, text := range charts[name] {
		target := filepath.Join(folder, file)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, target, []byte(text))
	}
	return folder
}

func write(t testing.TB, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// helmPackage packages and signs a chart with Helm and gives the archive's path.
func helmPackage(t testing.TB, helmName, chart string, secret []byte, key string) string {
	t.Helper()
	folder := t.TempDir()
	ring := filepath.Join(folder, "secring.gpg")
	write(t, ring, secret)
	if out, err := helm(t, helmName, "package", writeChart(t, chart), "-d", folder, "--sign", "--key", key, "--keyring", ring); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	return found[0]
}

func TestHelmAndGPGAndThisPackageAgree(t *testing.T) {
	g := newGPG(t)
	g.generate(day("2024-01-01"), "Release <release@example.com>", "ed25519", "sign", "0")
	g.generate(day("2024-01-01"), "Old <old@example.com>", "rsa2048", "sign", "0")
	secret, public := g.secret(), g.public()
	keys := keyring(t, public)
	now := time.Now()
	for _, helmName := range []string{"helm3", "helm4"} {
		for chart := range charts {
			for _, key := range []string{"release@example.com", "old@example.com"} {
				t.Run(helmName+" "+chart+" "+key, func(t *testing.T) {
					path := helmPackage(t, helmName, chart, secret, key)
					archive, prov := read(t, path), read(t, path+".prov")

					v, err := provenance.Verify(context.Background(), path, archive, prov, keys, provenance.Policy{Now: now})
					if err != nil {
						t.Fatalf("what Helm has signed: %v\n%s", err, prov)
					}
					if v.Metadata.Name != chart || len(v.SignedBy) != 1 || !strings.Contains(v.SignedBy[0], key) {
						t.Errorf("%+v", v)
					}

					signer, err := keyring(t, secret).Signer(key, now)
					if err != nil {
						t.Fatal(err)
					}
					ours, err := provenance.Sign(context.Background(), path, archive, signer)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(upToSignature(prov), upToSignature(ours)); diff != "" {
						t.Errorf("the text that is signed differs (- helm, + slipway)\n%s", diff)
					}
					byGPG, err := provenance.Sign(context.Background(), path, archive, g.signer(key, now))
					if err != nil {
						t.Fatal(err)
					}
					for name, prov := range map[string][]byte{"a key": ours, "gpg": byGPG} {
						if err := g.verify(prov); err != nil {
							t.Errorf("gpg on what %s has signed: %v\n%s", name, err, prov)
						}
						if _, err := provenance.Verify(context.Background(), path, archive, prov, keys, provenance.Policy{Now: now}); err != nil {
							t.Errorf("what %s has signed: %v\n%s", name, err, prov)
						}
						write(t, path+".prov", prov)
						ring := filepath.Join(t.TempDir(), "pubring.gpg")
						write(t, ring, public)
						if out, err := helm(t, helmName, "verify", path, "--keyring", ring); err != nil || !strings.Contains(out, v.Fingerprint) {
							t.Errorf("%s on what %s has signed: %v\n%s", helmName, name, err, out)
						}
					}
				})
			}
		}
	}
}

func upToSignature(prov []byte) string {
	return string(prov[:bytes.LastIndex(prov, []byte("-----BEGIN PGP SIGNATURE-----"))])
}
