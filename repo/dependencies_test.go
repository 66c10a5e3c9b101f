package repo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/chart"
)

// tree writes files and gives their folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), []byte(text))
	}
	return dir
}

func head(name string, dependencies ...string) string {
	text := "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"
	for i, one := range dependencies {
		if i == 0 {
			text += "dependencies:\n"
		}
		dep, from, _ := strings.Cut(one, " ")
		text += "- name: " + dep + "\n  version: 1.x\n  repository: \"" + from + "\"\n"
	}
	return text
}

// snapshot is all that is in a folder, by name.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		out.WriteString(path + "\n" + string(data) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestDependenciesThatCannotBeHadLeaveEverythingAsItWas(t *testing.T) {
	archive := []byte("altered")
	s, server := charts(t, strings.Repeat("0", 64), &archive)
	ctx := context.Background()
	for name, dependency := range map[string]string{
		"another digest": "web @local", "no such chart": "none @local", "no such alias": "web @none", "no URL": "web stable",
		"no index": "web " + server.URL + "/nothing", "no folder": "web file://nowhere", "no registry": "web oci://localhost/x", "not in charts": "web ",
	} {
		dir := tree(t, map[string]string{
			"Chart.yaml": head("top", "near file://near", dependency), "near/Chart.yaml": head("near"),
			"charts/old-1.0.0.tgz": "nothing", "Chart.lock": "dependencies: []\ndigest: x\ngenerated: \"2026-01-01T00:00:00Z\"\n",
		})
		if err := os.Remove(filepath.Join(dir, "charts/old-1.0.0.tgz")); err != nil { // no chart: the folder stays
			t.Fatal(err)
		}
		before := snapshot(t, dir)
		if err := (&Dependencies{Source: s, Now: time.Now()}).Update(ctx, dir); err == nil {
			t.Errorf("%s: no error", name)
		}
		if after := snapshot(t, dir); after != before {
			t.Errorf("%s: before\n%s\nafter\n%s", name, before, after)
		}
		if err := (&Dependencies{Source: s}).Build(ctx, dir); err == nil || !strings.Contains(err.Error(), "out of sync") && !strings.Contains(err.Error(), "repository definition") && !strings.Contains(err.Error(), "not found") {
			t.Errorf("%s: build with another lock: %v", name, err)
		}
	}
	var missing *MissingRepositoriesError
	dir := tree(t, map[string]string{"Chart.yaml": head("top", "web https://unknown.invalid/")})
	digest, err := LockDigest([]*chart.Dependency{{Name: "web", Version: "1.x", Repository: "https://unknown.invalid/"}}, []*chart.Dependency{{Name: "web", Version: "1.0.0", Repository: "https://unknown.invalid/"}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "Chart.lock"), []byte("dependencies:\n- name: web\n  repository: https://unknown.invalid/\n  version: 1.0.0\ndigest: "+digest+"\ngenerated: \"2026-01-01T00:00:00Z\"\n"))
	if err := (&Dependencies{Source: s}).Build(ctx, dir); !errors.As(err, &missing) {
		t.Errorf("build from a repository that is not configured: %v", err)
	}
}

func TestDependenciesOfDependenciesAreFetched(t *testing.T) {
	var out bytes.Buffer
	web, err := chart.LoadFiles([]*chart.File{{Name: "Chart.yaml", Data: []byte(head("web"))}})
	if err != nil {
		t.Fatal(err)
	}
	if err := chart.Save(web, &out, chart.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	archive := out.Bytes()
	s, _ := charts(t, "\"\"", &archive)
	dir := tree(t, map[string]string{
		"Chart.yaml": head("top", "a file://a"), "a/Chart.yaml": head("a", "b file://../b"), "b/Chart.yaml": head("b", "web @local"),
	})
	ctx := context.Background()
	if err := (&Dependencies{Source: s, Now: time.Now(), Recursive: true}).Update(ctx, dir); err != nil {
		t.Fatal(err)
	}
	c, err := chart.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for len(c.Dependencies()) == 1 {
		c = c.Dependencies()[0]
		names += c.Name() + " "
	}
	if names != "a b web " {
		t.Errorf("the tree is %s", names)
	}

	circle := tree(t, map[string]string{
		"Chart.yaml": head("top", "a file://a"), "a/Chart.yaml": head("a", "b file://../b"), "b/Chart.yaml": head("b", "a file://../a"),
	})
	if err := (&Dependencies{Source: s, Recursive: true}).Update(ctx, circle); err == nil || !strings.Contains(err.Error(), "cycle") {
		t.Errorf("a cycle: %v", err)
	}
}

func TestAFetchedChartTakesNoFoldersOfThisMachine(t *testing.T) {
	var out bytes.Buffer
	evil, err := chart.LoadFiles([]*chart.File{{Name: "Chart.yaml", Data: []byte(head("web", "b file:///"))}})
	if err != nil {
		t.Fatal(err)
	}
	if err := chart.Save(evil, &out, chart.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	archive := out.Bytes()
	s, _ := charts(t, "\"\"", &archive)
	dir := tree(t, map[string]string{"Chart.yaml": head("top", "web @local")})
	err = (&Dependencies{Source: s, Recursive: true}).Update(context.Background(), dir)
	if err == nil || !strings.Contains(err.Error(), "on this machine") {
		t.Errorf("%v", err)
	}
}

// packedChart is the archive of a chart.
func packedChart(t *testing.T, text string) []byte {
	t.Helper()
	c, err := chart.LoadFiles([]*chart.File{{Name: "Chart.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := chart.Save(c, &out, chart.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestBuildHoldsEveryArchiveAgainstTheLock has a server without digests whose
// archive changes after the lock was made: below a dependency and directly.
func TestBuildHoldsEveryArchiveAgainstTheLock(t *testing.T) {
	for name, dependency := range map[string]string{"direct": "web @local", "below": "a file://a"} {
		archive := packedChart(t, head("web"))
		s, _ := charts(t, "\"\"", &archive)
		dir := tree(t, map[string]string{"Chart.yaml": head("top", dependency), "a/Chart.yaml": head("a", "web @local")})
		ctx := context.Background()
		if err := (&Dependencies{Source: s, Now: time.Now(), Recursive: true}).Update(ctx, dir); err != nil {
			t.Fatal(err)
		}
		lock := read(t, filepath.Join(dir, TreeLockName))
		for range 2 { // the second one fetches with an empty cache
			if err := (&Dependencies{Source: s}).Build(ctx, dir); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := os.RemoveAll(filepath.Join(s.Home.Cache, "sha256")); err != nil {
				t.Fatal(err)
			}
		}
		if after := read(t, filepath.Join(dir, TreeLockName)); after != lock {
			t.Errorf("%s: build has changed the lock\n%s", name, after)
		}
		archive = packedChart(t, head("web")+"description: another\n")
		before := snapshot(t, dir)
		if err := (&Dependencies{Source: s}).Build(ctx, dir); !errors.Is(err, ErrDigest) {
			t.Errorf("%s: another archive: %v", name, err)
		}
		if snapshot(t, dir) != before {
			t.Errorf("%s: something has changed", name)
		}
		var said []string
		d := &Dependencies{Source: s, Now: time.Now(), Recursive: true, Report: func(line string) { said = append(said, line) }}
		if err := d.Update(ctx, dir); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(said, "\n"), "has other content than before") {
			t.Errorf("%s: update said %q", name, said)
		}
	}
}

func TestALockOfDigestsThatDoesNotBelongHereIsRefused(t *testing.T) {
	archive := packedChart(t, head("web"))
	s, _ := charts(t, "\"\"", &archive)
	ctx := context.Background()
	fresh := func() string {
		dir := tree(t, map[string]string{"Chart.yaml": head("top", "web @local")})
		if err := (&Dependencies{Source: s, Now: time.Now()}).Update(ctx, dir); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, change := range map[string]func(string) string{
		"another Chart.lock": func(text string) string { return strings.Replace(text, "lock: sha256:", "lock: sha256:0", 1) },
		"without the chart":  func(text string) string { return strings.Replace(text, "name: web", "name: other", 1) },
		"no digest":          func(text string) string { return strings.Replace(text, "digest: sha256:", "digest: md5:", 1) },
		"an unknown field":   func(text string) string { return text + "more: 1\n" },
		"another form":       func(text string) string { return strings.Replace(text, "version: 1\n", "version: 2\n", 1) },
		"no YAML":            func(string) string { return "{" },
	} {
		dir := fresh()
		path := filepath.Join(dir, TreeLockName)
		write(t, path, []byte(change(read(t, path))))
		if err := (&Dependencies{Source: s}).Build(ctx, dir); err == nil || !strings.Contains(err.Error(), TreeLockName) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := fresh()
	if err := (&Dependencies{Source: s, Recursive: true}).Build(ctx, dir); err == nil || !strings.Contains(err.Error(), "--recursive") {
		t.Errorf("recursive: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, TreeLockName)); err != nil {
		t.Fatal(err)
	}
	if err := (&Dependencies{Source: s}).Build(ctx, dir); err != nil {
		t.Errorf("without one, as Helm: %v", err)
	}
}
