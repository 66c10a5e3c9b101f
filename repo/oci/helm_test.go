package oci_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo/oci"
	"github.com/e6d26078/slipway/repo/oci/registrytest"
)

// helms gives the Helm binaries; `make peers` builds them.
func helms(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range []string{"helm3", "helm4"} {
		dir := os.Getenv("SLIPWAY_PEERS")
		if dir == "" {
			dir = filepath.Join("..", "..", ".cache", "peers")
		}
		path, err := filepath.Abs(filepath.Join(dir, name))
		if err == nil {
			_, err = os.Stat(path)
		}
		if err != nil && os.Getenv("SLIPWAY_PEERS") != "" {
			t.Fatal(err)
		}
		if err != nil {
			t.Skip("no Helm binaries: run make peers")
		}
		found[name] = path
	}
	return found
}

// helm runs Helm with the file of credentials that is in home.
func helm(t *testing.T, program, home, stdin string, args ...string) (string, error) {
	t.Helper()
	command := exec.Command(program, args...)
	command.Dir = home
	command.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TZ=" + os.Getenv("TZ")}
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	return string(out), err
}

func mustHelm(t *testing.T, program, home, stdin string, args ...string) string {
	t.Helper()
	out, err := helm(t, program, home, stdin, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return out
}

// packaged writes a chart, and a provenance file if signed. Registries and Helm's push do not look into that.
func packaged(t *testing.T, m chart.Metadata, signed bool) (path string) {
	t.Helper()
	m.APIVersion = "v2"
	path, err := chart.SaveFile(&chart.Chart{Metadata: &m, Values: map[string]any{}}, t.TempDir(), chart.SaveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if signed {
		write(t, path+".prov", "signed "+m.Name)
	}
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t *testing.T, text string) oci.Reference {
	t.Helper()
	ref, err := oci.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// push pushes a file as the command does.
func push(t *testing.T, c *oci.Client, ref, path string) (*oci.Pushed, error) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	o := oci.PushOptions{Created: info.ModTime()}
	if _, err := os.Stat(path + ".prov"); err == nil {
		o.Provenance = read(t, path+".prov")
	}
	return c.Push(t.Context(), parse(t, ref), read(t, path), o)
}

func mustPush(t *testing.T, c *oci.Client, ref, path string) *oci.Pushed {
	t.Helper()
	pushed, err := push(t, c, ref, path)
	if err != nil {
		t.Fatal(err)
	}
	return pushed
}

// charts are of all that goes into annotations and tags.
func charts(t *testing.T) map[string]string {
	return map[string]string{
		"bare":   packaged(t, chart.Metadata{Name: "bare", Version: "0.1.0"}, false),
		"signed": packaged(t, chart.Metadata{Name: "signed", Version: "1.0.0", Description: "  "}, true),
		"plus":   packaged(t, chart.Metadata{Name: "plus", Version: "1.2.3-rc.1+build.5", AppVersion: "<9>"}, true),
		"full": packaged(t, chart.Metadata{
			Name: "full", Version: "2.0.0", Description: "wörter & <b>", Home: "https://example.com", Sources: []string{"https://a.example", "https://b.example"},
			Maintainers: []*chart.Maintainer{{Name: "A", Email: "a@example.com"}, {Name: "B"}, {Name: "C", URL: "https://c.example"}},
			Annotations: map[string]string{
				"org.opencontainers.image.title": "no", "org.opencontainers.image.version": "no",
				"org.opencontainers.image.url": "https://other.example", "org.opencontainers.image.authors": "", "own": "x\ny",
			},
			Keywords: []string{"k"}, Dependencies: []*chart.Dependency{},
		}, false),
	}
}

func TestWhatIsPushedIsWhatHelmPushes(t *testing.T) {
	binaries := helms(t)
	host := registrytest.Start(t, registrytest.Options{})
	c := oci.New(oci.Options{PlainHTTP: true})
	for name, path := range charts(t) {
		pushed := mustPush(t, c, "oci://"+host+"/ours/deep", path)
		ours := registrytest.Manifest(t, host, "ours/deep/"+name, pushed.Reference.Digest)
		for helmName, program := range binaries {
			out := mustHelm(t, program, t.TempDir(), "", "push", path, "oci://"+host+"/"+helmName, "--plain-http")
			theirs := registrytest.Manifest(t, host, helmName+"/"+name, strings.ReplaceAll(pushed.Reference.Version, "+", "_"))
			if diff := cmp.Diff(theirs, ours); diff != "" {
				t.Errorf("%s: the manifests differ (- %s, + slipway)\n%s", name, helmName, diff)
			}
			if !strings.Contains(out, pushed.Reference.Digest) {
				t.Errorf("%s: %s does not say %s:\n%s", name, helmName, pushed.Reference.Digest, out)
			}
		}
	}
}

func TestHelmPullsWhatIsPushed(t *testing.T) {
	binaries := helms(t)
	host := registrytest.Start(t, registrytest.Options{})
	c := oci.New(oci.Options{PlainHTTP: true})
	for name, path := range charts(t) {
		pushed := mustPush(t, c, "oci://"+host, path)
		for helmName, program := range binaries {
			home := t.TempDir()
			args := []string{"pull", "oci://" + host + "/" + name, "--version", pushed.Reference.Version, "--plain-http"}
			if _, err := os.Stat(path + ".prov"); err == nil {
				args = append(args, "--prov")
			}
			mustHelm(t, program, home, "", args...)
			if !bytes.Equal(read(t, path), read(t, filepath.Join(home, filepath.Base(path)))) {
				t.Errorf("%s has another %s", helmName, name)
			}
			if len(args) == 6 && !bytes.Equal(read(t, path+".prov"), read(t, filepath.Join(home, filepath.Base(path)+".prov"))) {
				t.Errorf("%s has another provenance file of %s", helmName, name)
			}
		}
	}
}

func TestWhatHelmPushesIsPulled(t *testing.T) {
	binaries := helms(t)
	host := registrytest.Start(t, registrytest.Options{})
	c := oci.New(oci.Options{PlainHTTP: true})
	for name, path := range charts(t) {
		for helmName, program := range binaries {
			mustHelm(t, program, t.TempDir(), "", "push", path, "oci://"+host+"/"+helmName, "--plain-http")
			pulled, err := c.Pull(t.Context(), parse(t, "oci://"+host+"/"+helmName+"/"+name), oci.PullOptions{Version: ">0.0.0-0", Provenance: true})
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			saved, err := pulled.Save(dir)
			if err != nil || saved != filepath.Join(dir, filepath.Base(path)) || !bytes.Equal(read(t, saved), read(t, path)) {
				t.Errorf("%s of %s: saved as %s, %v", name, helmName, saved, err)
			}
			_, err = os.Stat(path + ".prov")
			if signed := err == nil; signed != pulled.Signed || signed && !bytes.Equal(read(t, saved+".prov"), read(t, path+".prov")) {
				t.Errorf("%s of %s: provenance file %q", name, helmName, pulled.Provenance)
			}
			again, err := c.Pull(t.Context(), parse(t, "oci://"+host+"/"+helmName+"/"+name+"@"+pulled.Reference.Digest), oci.PullOptions{})
			if err != nil || !bytes.Equal(again.Archive, pulled.Archive) || again.FileName() != filepath.Base(path) {
				t.Errorf("%s of %s by digest: %v", name, helmName, err)
			}
		}
	}
}

func TestVersionsAreChosenAsHelmChoosesThem(t *testing.T) {
	program := helms(t)["helm3"]
	host := registrytest.Start(t, registrytest.Options{})
	c := oci.New(oci.Options{PlainHTTP: true})
	for _, version := range []string{"0.9.0", "1.0.0", "1.2.0", "1.2.0+a", "1.10.0", "2.0.0-rc.1"} {
		mustPush(t, c, "oci://"+host+"/c", packaged(t, chart.Metadata{Name: "web", Version: version}, false))
	}
	ref := "oci://" + host + "/c/web"
	for _, version := range []string{"", "1.0.0", "1.2.0+a", "^1", "~1.2", ">=2.0.0-0", "<1", "1.2", "3", "^9", "nonsense", "v1.0.0", "1.x", "*"} {
		home := t.TempDir()
		out, helmErr := helm(t, program, home, "", "pull", ref, "--version", version, "--plain-http")
		pulled, err := c.Pull(t.Context(), parse(t, ref), oci.PullOptions{Version: version})
		if (err != nil) != (helmErr != nil) {
			t.Errorf("version %q: helm %v, slipway %v\n%s", version, helmErr, err, out)
			continue
		}
		if err == nil {
			if files, _ := filepath.Glob(filepath.Join(home, "*.tgz")); len(files) != 1 || filepath.Base(files[0]) != pulled.FileName() {
				t.Errorf("version %q: helm %v, slipway %s", version, files, pulled.FileName())
			}
		}
	}
	versions, err := c.Versions(t.Context(), parse(t, ref))
	if diff := cmp.Diff([]string{"2.0.0-rc.1", "1.10.0", "1.2.0", "1.2.0+a", "1.0.0", "0.9.0"}, versions); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestADigestBindsAVersion(t *testing.T) {
	host := registrytest.Start(t, registrytest.Options{})
	c := oci.New(oci.Options{PlainHTTP: true})
	one := mustPush(t, c, "oci://"+host, packaged(t, chart.Metadata{Name: "web", Version: "1.0.0"}, false))
	two := mustPush(t, c, "oci://"+host, packaged(t, chart.Metadata{Name: "web", Version: "2.0.0"}, false))
	pull := func(version, digest string) error {
		_, err := c.Pull(t.Context(), oci.Reference{Host: host, Repository: "web", Version: version, Digest: digest}, oci.PullOptions{})
		return err
	}
	if err := errors.Join(pull("1.0.0", one.Reference.Digest), pull("", two.Reference.Digest), pull("9.9.9", two.Reference.Digest)); err != nil {
		t.Error(err)
	}
	var mismatch *oci.DigestError
	if err := pull("1.0.0", two.Reference.Digest); !errors.As(err, &mismatch) || mismatch.Want != two.Reference.Digest || mismatch.Got != one.Reference.Digest {
		t.Error(err)
	}
	var missing *oci.NotFoundError
	if err := pull("", "sha256:"+strings.Repeat("0", 64)); !errors.As(err, &missing) {
		t.Error(err)
	}
}

func TestChartsOfARegistryAreListed(t *testing.T) {
	host := registrytest.Start(t, registrytest.Options{})
	c := oci.New(oci.Options{PlainHTTP: true})
	for _, version := range []string{"1.0.0", "1.1.0", "2.0.0-rc.1"} {
		mustPush(t, c, "oci://"+host+"/team", packaged(t, chart.Metadata{Name: "web", Version: version, Description: "of " + version}, version == "1.0.0"))
	}
	mustPush(t, c, "oci://"+host+"/teamwork", packaged(t, chart.Metadata{Name: "db", Version: "1.0.0"}, false))
	found, err := c.List(t.Context(), parse(t, "oci://"+host+"/team/web"), oci.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range found {
		if _, err := time.Parse(time.RFC3339, d.Created); err != nil {
			t.Error(err)
		}
		data, _ := json.Marshal([]any{d.Reference.Version, d.Metadata.Description, d.Signed})
		lines = append(lines, string(data))
	}
	if diff := cmp.Diff([]string{`["2.0.0-rc.1","of 2.0.0-rc.1",false]`, `["1.1.0","of 1.1.0",false]`, `["1.0.0","of 1.0.0",true]`}, lines); diff != "" {
		t.Error(diff)
	}
	if found, err := c.List(t.Context(), parse(t, "oci://"+host+"/team/web"), oci.ListOptions{Version: "1.x", Most: 1}); err != nil || len(found) != 1 || found[0].Metadata.Version != "1.1.0" {
		t.Error(found, err)
	}
	for under, want := range map[string][]string{"": {"team/web", "teamwork/db"}, "/team": {"team/web"}, "/team/web": {"team/web"}, "/none": nil} {
		refs, err := c.Repositories(t.Context(), parse(t, "oci://"+host+under))
		var names []string
		for _, ref := range refs {
			names = append(names, ref.Repository)
		}
		if diff := cmp.Diff(want, names); err != nil || diff != "" {
			t.Error(under, err, diff)
		}
	}
	var missing *oci.NotFoundError
	if _, err := c.Versions(t.Context(), parse(t, "oci://"+host+"/none")); !errors.As(err, &missing) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Versions(ctx, parse(t, "oci://"+host+"/team/web")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
