package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo"
)

// home is one user with a folder of Helm's files, and a program.
type home struct {
	t    *testing.T
	dir  string
	helm string // the program; empty is slipway
}

// run runs a command line in the user's folder.
func (h home) run(args ...string) (out, message string, err error) {
	h.t.Helper()
	if h.helm != "" {
		var stdout, stderr bytes.Buffer
		cmd := exec.Command(h.helm, args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = h.dir, &stdout, &stderr
		cmd.Env = append(os.Environ(), "HOME="+h.dir, "HELM_REPOSITORY_CONFIG="+h.file("repositories.yaml"), "HELM_REPOSITORY_CACHE="+h.file("cache"))
		err := cmd.Run()
		return stdout.String(), errorText(stderr.String()), err
	}
	h.t.Chdir(h.dir)
	var stdout, stderr bytes.Buffer
	env := map[string]string{"HOME": h.dir, "HELM_REPOSITORY_CONFIG": h.file("repositories.yaml"), "HELM_REPOSITORY_CACHE": h.file("cache")}
	code := Run(context.Background(), Env{
		Args: args, Stdin: strings.NewReader("secret\n"), Stdout: &stdout, Stderr: &stderr, Now: time.Now,
		Getenv: func(name string) string { return env[name] },
	})
	if code != 0 {
		err = fmt.Errorf("exit code %d", code)
	}
	return stdout.String(), stderr.String(), err
}

func (h home) file(name string) string { return filepath.Join(h.dir, name) }

func (h home) read(name string) string {
	data, err := os.ReadFile(h.file(name))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// repository serves packaged charts with an index that Helm made.
func repository(t *testing.T, helm string) *httptest.Server {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"hooks", "notes", "defines", "schema"} {
		c, err := chart.Load("../../../testdata/charts/" + name)
		if err != nil {
			t.Fatal(err)
		}
		c.Metadata.Dependencies = nil
		for _, version := range []string{"0.9.0", "1.0.0", "1.4.2", "2.0.0-rc.1"} {
			c.Metadata.Version = version
			if _, err := chart.SaveFile(c, dir, chart.SaveOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if out, err := exec.Command(helm, "repo", "index", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	return server
}

const parent = `apiVersion: v2
name: parent
version: 1.0.0
dependencies:
- name: hooks
  version: "^1"
  repository: "@local"
- name: notes
  version: ">=0.9, <1.2"
  repository: URL
- name: notes
  alias: again
  version: ">=0.9, <1.2"
  repository: alias:local
- name: near
  version: 0.x.x
  repository: file://near
- name: inside
  version: "*"
  repository: ""
`

// newHome makes a user's folder with a chart that has dependencies.
func newHome(t *testing.T, helm, url string) home {
	t.Helper()
	h := home{t, t.TempDir(), helm}
	for name, text := range map[string]string{
		"parent/Chart.yaml":               strings.ReplaceAll(parent, "URL", url),
		"parent/near/Chart.yaml":          "apiVersion: v2\nname: near\nversion: 0.3.0\n",
		"parent/charts/inside/Chart.yaml": "apiVersion: v2\nname: inside\nversion: 3.0.0\n",
		"old/Chart.yaml":                  "apiVersion: v1\nname: old\nversion: 1.0.0\n",
		"old/requirements.yaml":           "dependencies:\n- name: schema\n  version: 1.x\n  repository: " + url + "\n",
		"lone/Chart.yaml":                 "apiVersion: v2\nname: lone\nversion: 1.0.0\n",
	} {
		if err := os.MkdirAll(filepath.Dir(h.file(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(h.file(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

var generatedAt = regexp.MustCompile(`generated: "[^"]*"`)

// TestRepositoryCommandsAreThoseOfHelm runs the same commands for two users, one
// with Helm and one with slipway, and compares what they print and leave behind.
func TestRepositoryCommandsAreThoseOfHelm(t *testing.T) {
	helm := filepath.Join(peersFolder(t), "helm3")
	server := repository(t, helm)
	theirs, ours := newHome(t, helm, server.URL), newHome(t, "", server.URL)
	for _, line := range []string{
		"repo list -o json", "!repo list", "!repo update", "!search repo", "!repo remove x", "!repo add a/b URL", "!repo add bad URL/nothing",
		"repo add local URL", "repo add local URL", "!repo add local URL/other", "repo add second URL --username u --password p",
		"repo list", "repo list -o yaml", "repo update local", "!repo update nope",
		"search repo", "search repo hook", "search repo -l notes", "search repo --devel notes -o json", "search repo -l --version ^1.0 -o yaml",
		"search repo -r ^no", "search repo nothing", "!search repo nothing --fail-on-no-result", "search repo notes --max-col-width 12",
		"pull local/hooks", "pull local/notes --version ~1.0", "pull local/notes --devel -d lone", "!pull local/none", "!pull local/hooks --version 9", "!pull none/hooks",
		"pull URL/schema-1.0.0.tgz", "pull schema --repo URL --version 0.9.0", "pull local/defines --untar", "!pull local/defines --untar",
		"show chart local/hooks", "show values URL/hooks-1.0.0.tgz", "template x local/hooks --version 1.0.0", "template x notes --repo URL",
		"dependency list parent", "dependency update parent", "dependency list parent", "dependency build parent", "dependency update parent",
		"dependency update old", "dependency build old", "dependency list old", "dependency update lone", "dependency list lone",
		"repo remove second", "!repo remove second", "repo list",
	} {
		fails := strings.HasPrefix(line, "!")
		line = strings.ReplaceAll(strings.TrimPrefix(line, "!"), "URL", server.URL)
		theirOut, theirMessage, theirErr := theirs.run(strings.Fields(line)...)
		ourOut, ourMessage, ourErr := ours.run(strings.Fields(line)...)
		if (theirErr != nil) != fails || (ourErr != nil) != fails {
			t.Fatalf("%s: helm: %v %s\nslipway: %v %s", line, theirErr, theirMessage, ourErr, ourMessage)
		}
		plain := strings.NewReplacer(theirs.dir, "HOME", ours.dir, "HOME").Replace
		if diff := cmp.Diff(comparable(line, plain(theirOut)), comparable(line, plain(ourOut))); diff != "" {
			t.Errorf("%s (- helm, + slipway)\n%s", line, diff)
		}
		for _, words := range []string{"already exists", "not found", "no repositories"} {
			if fails && strings.Contains(theirMessage, words) && !strings.Contains(ourMessage, words) {
				t.Errorf("%s: Helm says %s\nslipway says %s", line, theirMessage, ourMessage)
			}
		}
		for _, name := range []string{"repositories.yaml", "parent/Chart.lock", "old/requirements.lock", "cache/local-index.yaml"} {
			same := func(text string) string { return generatedAt.ReplaceAllString(plain(text), "generated: TIME") }
			if diff := cmp.Diff(same(theirs.read(name)), same(ours.read(name))); diff != "" {
				t.Fatalf("after %s: %s (- helm, + slipway)\n%s", line, name, diff)
			}
		}
	}
	if diff := cmp.Diff(files(t, theirs), files(t, ours)); diff != "" {
		t.Errorf("files (- helm, + slipway)\n%s", diff)
	}
	crossed(t, theirs, ours)
}

// comparable takes out what differs.
//
// #DIFFERS: for dependencies Helm updates all repositories, slipway those that are needed.
func comparable(line, text string) string {
	if strings.HasPrefix(line, "dependency") {
		text = strings.ReplaceAll(text, "...Successfully got an update from the \"second\" chart repository\n", "")
	}
	return text
}

// crossed lets each program go on with the files of the other.
func crossed(t *testing.T, theirs, ours home) {
	t.Helper()
	theirs.helm, ours.helm = "", theirs.helm
	for _, h := range []home{theirs, ours} {
		for _, line := range []string{"repo list", "repo update", "search repo hooks", "dependency build parent", "pull local/hooks -d ."} {
			if _, message, err := h.run(strings.Fields(line)...); err != nil {
				t.Errorf("%s with the other's files: %v %s", line, err, message)
			}
		}
	}
}

// files lists what is there but for the caches.
func files(t *testing.T, h home) []string {
	t.Helper()
	var list []string
	for _, pattern := range []string{"*.tgz", "lone/*", "defines/*", "parent/charts/*", "old/charts/*", "parent/*", "old/*"} {
		names, err := filepath.Glob(h.file(pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if filepath.Base(name) == repo.TreeLockName {
				continue // #DIFFERS: Helm keeps no digests of what it fetched
			}
			list = append(list, strings.TrimPrefix(name, h.dir))
		}
	}
	return list
}
