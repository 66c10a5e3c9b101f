// Package registrytest runs the real OCI registry of testdata/registry for tests.
package registrytest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/repo/internal/servertest"
)

// The user of a registry with passwords.
const (
	Username = "robot"
	Password = "secret"

	htpasswd = Username + ":$2a$04$cV6F.ZhQvjKgN5xRuI36SepjHON317vun9EDs5gz/nWGInjBwgChC\n"
)

// Options of a registry. The zero Options are for one that lets everybody in by HTTP.
type Options struct {
	// Passwords lets only Username in.
	Passwords bool
	// CertFile and KeyFile make it speak TLS, ClientCA only to clients with a
	// certificate of that authority.
	CertFile, KeyFile, ClientCA string
}

// Start runs a registry for the time of a test and gives its host and port.
// Without the program the test is skipped: `make registry` builds it, and
// SLIPWAY_REGISTRY says where it is.
func Start(tb testing.TB, o Options) string {
	tb.Helper()
	program := find(tb)
	for try := 1; ; try++ {
		host, err := start(tb, program, o)
		if err == nil {
			return host
		}
		if try == 3 { // somebody else may have taken the port
			tb.Fatal(err)
		}
	}
}

func find(tb testing.TB) string {
	tb.Helper()
	if program := os.Getenv("SLIPWAY_REGISTRY"); program != "" {
		return program
	}
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			program := filepath.Join(dir, ".cache", "registry")
			if _, err := os.Stat(program); err == nil {
				return program
			}
			break
		}
	}
	tb.Skip("no registry: run make registry")
	return ""
}

func start(tb testing.TB, program string, o Options) (string, error) {
	tb.Helper()
	host, err := servertest.FreeAddress()
	if err != nil {
		return "", err
	}
	dir := tb.TempDir()
	config := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(config, []byte(configuration(host, dir, o)), 0o600); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "htpasswd"), []byte(htpasswd), 0o600); err != nil {
		return "", err
	}
	return host, servertest.Start(tb, host, program, []string{"serve", config}, []string{"OTEL_TRACES_EXPORTER=none"})
}

func configuration(host, dir string, o Options) string {
	var text strings.Builder
	fmt.Fprintf(&text, "version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: %q}\nhttp:\n  addr: %q\n", filepath.Join(dir, "data"), host)
	if o.CertFile != "" {
		fmt.Fprintf(&text, "  tls:\n    certificate: %q\n    key: %q\n", o.CertFile, o.KeyFile)
		if o.ClientCA != "" {
			fmt.Fprintf(&text, "    clientcas: [%q]\n", o.ClientCA)
		}
	}
	if o.Passwords {
		fmt.Fprintf(&text, "auth:\n  htpasswd: {realm: test, path: %q}\n", filepath.Join(dir, "htpasswd"))
	}
	return text.String()
}

// Manifest gives the manifest that a registry without passwords has by a tag or digest.
func Manifest(tb testing.TB, host, repository, reference string) string {
	tb.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+host+"/v2/"+repository+"/manifests/"+reference, nil)
	if err != nil {
		tb.Fatal(err)
	}
	request.Header.Set("Accept", "application/vnd.oci.image.manifest.v1+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		tb.Fatalf("%s/%s:%s: %s\n%s", host, repository, reference, response.Status, body)
	}
	return string(body)
}
