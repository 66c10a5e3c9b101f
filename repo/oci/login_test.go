package oci_test

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo/oci"
	"github.com/e6d26078/slipway/repo/oci/registrytest"
)

// client is one with the credentials in the files of a home, where Helm has them.
func client(t *testing.T, home string) *oci.Client {
	t.Helper()
	credentials, err := oci.OpenCredentials(helmFile(home), filepath.Join(home, ".docker", "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	return oci.New(oci.Options{PlainHTTP: true, Credentials: credentials, Tries: 1})
}

func helmFile(home string) string {
	switch runtime.GOOS {
	case "darwin":
		return filepath.Join(home, "Library", "Preferences", "helm", "registry", "config.json")
	default:
		return filepath.Join(home, ".config", "helm", "registry", "config.json")
	}
}

func wantUnauthorized(t *testing.T, err error) {
	t.Helper()
	var unauthorized *oci.UnauthorizedError
	if !errors.As(err, &unauthorized) {
		t.Errorf("error %v", err)
	}
	if err != nil && (strings.Contains(err.Error(), registrytest.Password) || strings.Contains(err.Error(), "hunter2")) {
		t.Errorf("a password is in the error: %v", err)
	}
}

func TestLoginsAreThoseOfHelm(t *testing.T) {
	binaries := helms(t)
	host := registrytest.Start(t, registrytest.Options{Passwords: true})
	path := packaged(t, chart.Metadata{Name: "web", Version: "1.0.0"}, false)
	ours := t.TempDir()
	_, err := push(t, client(t, ours), "oci://"+host, path)
	wantUnauthorized(t, err)
	if err := client(t, ours).Login(t.Context(), host, registrytest.Username, registrytest.Password); err != nil {
		t.Fatal(err)
	}
	mustPush(t, client(t, ours), "oci://"+host, path)
	if info, err := os.Stat(helmFile(ours)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	for name, program := range binaries {
		mustHelm(t, program, ours, "", "pull", "oci://"+host+"/web", "--plain-http")
		theirs := t.TempDir()
		mustHelm(t, program, theirs, registrytest.Password, "registry", "login", host, "-u", registrytest.Username, "--password-stdin", "--plain-http")
		if _, err := client(t, theirs).Pull(t.Context(), parse(t, "oci://"+host+"/web"), oci.PullOptions{}); err != nil {
			t.Errorf("with the login of %s: %v", name, err)
		}
		if err := client(t, theirs).Logout(t.Context(), host); err != nil {
			t.Error(err)
		}
		if out, err := helm(t, program, theirs, "", "pull", "oci://"+host+"/web", "--plain-http"); err == nil {
			t.Errorf("%s pulls without a login: %s", name, out)
		}
	}
	mustHelm(t, binaries["helm3"], ours, "", "registry", "logout", host)
	_, err = client(t, ours).Pull(t.Context(), parse(t, "oci://"+host+"/web"), oci.PullOptions{})
	wantUnauthorized(t, err)
}

func TestAWrongPasswordIsNotStored(t *testing.T) {
	host := registrytest.Start(t, registrytest.Options{Passwords: true})
	home := t.TempDir()
	wantUnauthorized(t, client(t, home).Login(t.Context(), host, registrytest.Username, "hunter2"))
	if _, err := os.Stat(helmFile(home)); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	_, err := oci.New(oci.Options{PlainHTTP: true, Credentials: oci.NewCredentials(registrytest.Username, "hunter2")}).Versions(t.Context(), parse(t, "oci://"+host+"/web"))
	wantUnauthorized(t, err)
	if server := httptest.NewServer(nil); server != nil {
		defer server.Close()
		if err := client(t, home).Login(t.Context(), strings.TrimPrefix(server.URL, "http://"), "a", "b"); err == nil || !strings.Contains(err.Error(), "is no OCI registry") {
			t.Error(err)
		}
	}
}

// TestCredentialsOfDocker uses Docker's file, a program that it names, and files that are broken.
func TestCredentialsOfDocker(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program is a shell script")
	}
	host := registrytest.Start(t, registrytest.Options{Passwords: true})
	bin := t.TempDir()
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	script := "#!/bin/sh\nread -r server\ncase $1 in get) test \"$server\" = " + host + " || { echo 'credentials not found in native keychain'; exit 1; }\n" +
		`echo '{"Username": "robot", "Secret": "secret"}';; *) echo "hunter2 is locked"; exit 1;; esac` + "\n"
	helper := filepath.Join(bin, "docker-credential-trial")
	write(t, helper, script)
	if err := os.Chmod(helper, 0o700); err != nil {
		t.Fatal(err)
	}
	const basic = `"cm9ib3Q6c2VjcmV0"`
	for name, test := range map[string]struct {
		helm, docker string
		works        bool
		hint         string
	}{
		"Docker's file":        {"", `{"auths": {"` + host + `": {"auth": ` + basic + `}}}`, true, ""},
		"an old entry":         {"", `{"auths": {"https://` + host + `/v1/": {"auth": ` + basic + `}}}`, true, ""},
		"a helper":             {"", `{"credHelpers": {"` + host + `": "trial"}}`, true, ""},
		"a store":              {`{"credsStore": "trial"}`, "", true, ""},
		"another host's":       {"", `{"auths": {"example.com": {"auth": ` + basic + `}}}`, false, "wants credentials"},
		"an empty file":        {" ", "", false, "wants credentials"},
		"no such helper":       {"", `{"credHelpers": {"` + host + `": "absent"}}`, false, "docker-credential-absent"},
		"a helper, then files": {`{"credHelpers": {"` + host + `": "absent"}}`, `{"auths": {"` + host + `": {"auth": ` + basic + `}}}`, true, ""},
		"no base64":            {`{"auths": {"` + host + `": {"auth": "hunter2"}}}`, "", false, "cannot be read; log in again"},
		"no colon":             {`{"auths": {"` + host + `": {"auth": "aHVudGVyMg=="}}}`, "", false, "cannot be read; log in again"},
		"Docker's is broken":   {"", `{"auths": [`, false, "config.json"},
	} {
		home := t.TempDir()
		for path, text := range map[string]string{helmFile(home): test.helm, filepath.Join(home, ".docker", "config.json"): test.docker} {
			if text != "" {
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				write(t, path, text)
			}
		}
		_, err := client(t, home).Versions(t.Context(), parse(t, "oci://"+host+"/web"))
		var missing *oci.NotFoundError // there is no such repository, and one has to be let in to hear that
		if test.works {
			if !errors.As(err, &missing) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wantUnauthorized(t, err)
		if !strings.Contains(err.Error(), test.hint) {
			t.Errorf("%s: %v lacks %q", name, err, test.hint)
		}
	}
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Dir(helmFile(home)), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, helmFile(home), "[")
	if _, err := oci.OpenCredentials(helmFile(home), ""); err == nil {
		t.Error("a broken file of Helm's is read")
	}
}
