package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// runner holds the binaries under comparison and what was found so far.
type runner struct {
	slipway, helm3, helm4 string
	keep                  string

	counts   map[string]int
	failures []string
	passed   int
}

// result is what one process gave.
type result struct {
	stdout, stderr string
	failed         bool
}

func execute(name string, args ...string) result {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return result{stderr: err.Error(), failed: true}
	}
	return result{stdout: stdout.String(), stderr: stderr.String(), failed: err != nil}
}

func (r *runner) ok(kind string) {
	if r.counts == nil {
		r.counts = map[string]int{}
	}
	r.counts[kind]++
	r.passed++
}

func (r *runner) differs(name, format string, args ...any) {
	r.failures = append(r.failures, name+": "+fmt.Sprintf(format, args...))
}

// corpus checks every chart of a corpus folder.
func (r *runner) corpus(dir string) {
	rows, err := readManifest(filepath.Join(dir, "MANIFEST.tsv"))
	if err != nil {
		r.differs(dir, "%v", err)
		return
	}
	goldens, err := readGoldens(filepath.Join(dir, "goldens.tar.gz"))
	if err != nil {
		r.differs(dir, "%v", err)
		return
	}
	for _, row := range rows {
		key := strings.TrimSuffix(row["file"], ".tgz")
		args := []string{"template", "rel", filepath.Join(dir, row["file"]), "--namespace", "ns", "--include-crds", "--kube-version", "1.36.0"}
		if _, err := os.Stat(filepath.Join(dir, key+".values.yaml")); err == nil {
			args = append(args, "-f", filepath.Join(dir, key+".values.yaml"))
		}
		if golden, ok := goldens[key+".yaml"]; ok {
			r.same("corpus, byte-identical", key, execute(r.slipway, args...), result{stdout: golden})
			continue
		}
		r.masked("corpus, identical but for chance", key, args)
	}
	negatives, _ := filepath.Glob(filepath.Join(dir, "neg", "*.tgz"))
	for _, archive := range negatives {
		want, err := os.ReadFile(strings.TrimSuffix(archive, ".tgz") + ".err")
		if err != nil {
			r.differs(archive, "%v", err)
			continue
		}
		got := execute(r.slipway, "template", "rel", archive, "--namespace", "ns", "--include-crds", "--kube-version", "1.36.0")
		r.sameFailure("corpus, fails as Helm does", filepath.Base(archive), got, string(want))
	}
}

// ownCharts checks the project's charts against both Helm binaries.
func (r *runner) ownCharts(dir string) {
	for _, peer := range []struct{ compat, helm string }{{"helm3", r.helm3}, {"helm4", r.helm4}} {
		for _, sub := range []string{"charts", "charts-failing"} {
			folders, _ := filepath.Glob(filepath.Join(dir, sub, "*", "Chart.yaml"))
			for _, chartFile := range folders {
				folder := filepath.Dir(chartFile)
				args := []string{"template", "rel", folder, "--namespace", "ns", "--include-crds", "--kube-version", "1.36.0"}
				want := execute(peer.helm, args...)
				got := execute(r.slipway, append(args, "--compat", peer.compat)...)
				name := peer.compat + " " + folder
				if want.failed {
					r.sameFailure("own charts, fails as "+peer.compat, name, got, want.stderr)
				} else {
					r.same("own charts, byte-identical to "+peer.compat, name, got, want)
				}
			}
		}
	}
}

func (r *runner) same(kind, name string, got, want result) {
	if got.failed {
		r.differs(name, "fails: %s", firstLines(got.stderr, 3))
		return
	}
	if got.stdout != want.stdout {
		r.differs(name, "%s", r.firstDifference(name, got.stdout, want.stdout))
		return
	}
	r.ok(kind)
}

// sameFailure wants the same error text; slipway may say more after it. The
// corpus keeps errors with the line ends of text files, so those are not compared.
func (r *runner) sameFailure(kind, name string, got result, want string) {
	// #DIFFERS Helm 4 says one thing more about values that are no YAML; charts
	// are loaded the same way for both Helms.
	wantError := strings.Replace(errorText(want), "cannot unmarshal yaml document: ", "", 1)
	switch {
	case !got.failed:
		r.differs(name, "renders, where Helm fails with: %s", firstLines(wantError, 3))
	case !strings.Contains(strings.ReplaceAll(got.stderr, "\r\n", "\n"), wantError):
		r.differs(name, "fails elsewhere:\n  have %s\n  want %s", firstLines(got.stderr, 3), firstLines(wantError, 3))
	default:
		r.ok(kind)
	}
}

// errorText takes Helm's message out of what it printed.
func errorText(stderr string) string {
	_, text, found := strings.Cut(stderr, "Error: ")
	if !found {
		text = stderr
	}
	text, _, _ = strings.Cut(text, "\n\nUse --debug flag")
	return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
}

func (r *runner) firstDifference(name, got, want string) string {
	if r.keep != "" {
		base := filepath.Join(r.keep, strings.NewReplacer("/", "_", " ", "_").Replace(name))
		_ = os.MkdirAll(r.keep, 0o755)
		_ = os.WriteFile(base+".have", []byte(got), 0o644)
		_ = os.WriteFile(base+".want", []byte(want), 0o644)
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := 0; i < min(len(g), len(w)); i++ {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d:\n  have %q\n  want %q", i+1, clip(g[i]), clip(w[i]))
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

func clip(s string) string { return s[:min(len(s), 200)] }

func firstLines(s string, n int) string {
	lines := strings.SplitN(strings.TrimSpace(s), "\n", n+1)
	return clip(strings.Join(lines[:min(n, len(lines))], " | "))
}

func sortedKeys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }

// readManifest reads tab-separated rows under a heading line.
func readManifest(name string) ([]map[string]string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	heading := strings.Split(lines[0], "\t")
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range strings.Split(line, "\t") {
			if i < len(heading) {
				row[heading[i]] = cell
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// readGoldens reads the expected outputs by file name.
func readGoldens(name string) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	goldens := map[string]string{}
	for tr := tar.NewReader(zr); ; {
		header, err := tr.Next()
		if err == io.EOF {
			return goldens, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		goldens[filepath.Base(header.Name)] = string(data)
	}
}
