package provenance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/provenance"
)

// day is a time at noon, in which tests make keys and signatures.
func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t.Add(12 * time.Hour)
}

// gpg is a home of GnuPG of its own.
type gpg struct {
	t    testing.TB
	home string
}

// newGPG makes an empty home. Without gpg the test is skipped, unless
// SLIPWAY_GPG=required.
func newGPG(t testing.TB) *gpg {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		if os.Getenv("SLIPWAY_GPG") == "required" {
			t.Fatal(err)
		}
		t.Skip("no gpg")
	}
	home, err := os.MkdirTemp("", "g") // short, for the agent's socket
	if err != nil {
		t.Fatal(err)
	}
	g := &gpg{t, home}
	t.Cleanup(func() {
		kill := exec.Command("gpgconf", "--kill", "gpg-agent")
		kill.Env = g.env()
		if out, err := kill.CombinedOutput(); err != nil {
			t.Logf("gpgconf: %v\n%s", err, out)
		}
		os.RemoveAll(home)
	})
	return g
}

func (g *gpg) env() []string { return append(os.Environ(), "GNUPGHOME="+g.home, "LC_ALL=C") }

// try runs gpg with some input and gives its standard output.
func (g *gpg) try(input []byte, args ...string) ([]byte, error) {
	cmd := exec.Command("gpg", append([]string{"--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	cmd.Env = g.env()
	cmd.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("gpg %q: %w\n%s", args, err, stderr.Bytes())
	}
	return out, err
}

func (g *gpg) run(args ...string) []byte {
	g.t.Helper()
	out, err := g.try(nil, args...)
	if err != nil {
		g.t.Fatal(err)
	}
	return out
}

func at(when time.Time) string {
	return "--faked-system-time=" + when.UTC().Format("20060102T150405") + "!"
}

// generate makes a key of an algorithm for some uses (sign, cert) and time (0,
// 1y) and gives its fingerprint.
func (g *gpg) generate(when time.Time, userID, algorithm, usage, life string) string {
	g.t.Helper()
	g.run(at(when), "--quick-generate-key", userID, algorithm, usage, life)
	return g.newest()
}

// newest is the fingerprint of the primary key made last.
func (g *gpg) newest() string {
	g.t.Helper()
	found := regexp.MustCompile(`(?m)^(?:pub|sec).*\nfpr:+([0-9A-F]+):`).FindAllSubmatch(g.run("--with-colons", "--list-keys"), -1)
	if len(found) == 0 {
		g.t.Fatal("no key")
	}
	return string(found[len(found)-1][1])
}

// addSubkey gives a key a subkey, and gives that one's fingerprint.
func (g *gpg) addSubkey(when time.Time, key, algorithm, usage, life string) string {
	g.t.Helper()
	g.run(at(when), "--quick-add-key", key, algorithm, usage, life)
	found := regexp.MustCompile(`(?m)^sub.*\nfpr:+([0-9A-F]+):`).FindAllSubmatch(g.run("--with-colons", "--list-keys", key), -1)
	return string(found[len(found)-1][1])
}

// revoke revokes a key with a reason of gpg's menu: 0 none, 1 compromised, 2 superseded, 3 no longer used.
func (g *gpg) revoke(when time.Time, key string, reason int) {
	g.t.Helper()
	answers := fmt.Sprintf("y\n%d\n\ny\n", reason)
	cmd := exec.Command("gpg", "--yes", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", "", "--command-fd", "0", "--status-fd", "2", at(when), "--gen-revoke", key)
	cmd.Env = g.env()
	cmd.Stdin = strings.NewReader(answers)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	certificate, err := cmd.Output()
	if err != nil {
		g.t.Fatalf("revoke: %v\n%s", err, stderr.Bytes())
	}
	if _, err := g.try(certificate, "--import"); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gpg) public(keys ...string) []byte { return g.run(append([]string{"--export"}, keys...)...) }
func (g *gpg) secret(keys ...string) []byte {
	return g.run(append([]string{"--export-secret-keys"}, keys...)...)
}

// verify is what gpg itself says to a .prov file.
func (g *gpg) verify(prov []byte) error {
	_, err := g.try(prov, "--verify")
	return err
}

// signer signs by gpg at a time.
func (g *gpg) signer(key string, when time.Time) provenance.Signer {
	return provenance.SignerFunc(func(_ context.Context, text []byte) ([]byte, error) {
		return g.try(text, append([]string{at(when)}, provenance.GPGArguments(key)...)...)
	})
}

func keyring(t testing.TB, data []byte) *provenance.Keyring {
	t.Helper()
	keys, err := provenance.ReadKeyring(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// helm runs one of the Helm binaries, in a folder without configuration.
func helm(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	folder := os.Getenv("SLIPWAY_PEERS")
	if folder == "" {
		folder = "../.cache/peers"
	}
	binary, err := filepath.Abs(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); errors.Is(err, os.ErrNotExist) && os.Getenv("SLIPWAY_PEERS") == "" {
		t.Skip("no Helm binaries: run make peers")
	}
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	return string(out), err
}
