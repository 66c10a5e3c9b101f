package cli

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/repo/oci/registrytest"
)

var updateGoldens = flag.Bool("update", false, "write testdata/golden anew")

const goldenFolder = "testdata/golden"

// TestGoldens runs the lines of testdata/golden/alone.txtar, the files of which
// are there, once with pipes and once on a terminal, and compares all that is
// printed with the golden of each command, testdata/golden/COMMAND.txt. With
// -update the goldens are written.
//
// In a golden, out| is standard output, err| standard error and tty| what is left
// on a terminal, where both go: it is left out if it has the same lines. What
// differs from run to run has a name instead, such as TIME.
func TestGoldens(t *testing.T) {
	t.Parallel()
	testGoldens(t, "alone", func(t *testing.T, s *goldenRun) {
		registry := registrytest.Start(t, registrytest.Options{})
		locked := registrytest.Start(t, registrytest.Options{Passwords: true})
		site := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(s.dir, "site"))))
		t.Cleanup(site.Close)
		s.set("REGISTRY", registry, "LOCKED", locked, "SITE", site.URL, "KUBECONFIG", filepath.Join(s.dir, "none"))
		s.is(site.URL, "http://SITE", registry, "REGISTRY", locked, "LOCKED")
		if err := writeKeys(filepath.Join(s.dir, "public"), filepath.Join(s.dir, "private")); err != nil {
			t.Fatal(err)
		}
	})
}

// TestGoldensOnACluster is TestGoldens for the commands that need a cluster, by
// testdata/golden/cluster.txtar. There
//
//	edit RESOURCE NAME PATCH
//
// changes an object of group apps as the field manager "other".
func TestGoldensOnACluster(t *testing.T) {
	t.Parallel()
	c := clustertest.Shared(t)
	shown := testGoldens(t, "cluster", func(t *testing.T, s *goldenRun) {
		namespace := c.Namespace(t)
		s.set("KUBECONFIG", c.Kubeconfig(), "HELM_NAMESPACE", namespace)
		s.is(namespace, "NAMESPACE", c.RESTConfig(t).Host, "https://API-SERVER")
		client := dynamic.NewForConfigOrDie(c.RESTConfig(t))
		s.edit = func(resource, name, patch string) error {
			_, err := client.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: resource}).Namespace(namespace).
				Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "other"})
			return err
		}
	})
	for _, step := range shown {
		if strings.Contains(step.line, "stage=crash-loop") {
			checkLiveTree(t, step.raw)
		}
	}
}

// checkLiveTree looks for what a terminal has shown while a Deployment was waited
// for that does not become ready, and has taken away again.
func checkLiveTree(t *testing.T, raw string) {
	t.Helper()
	for _, want := range []string{
		`\x1b\[90mDeployment\x1b\[0m\r\n  test-\w+/web  \x1b\[33m`,
		`\n    web-\w+-\w+  \x1b\[33mcontainer shop: CrashLoopBackOff`,
		`\n    web-\w+-\w+  \x1b\[32mready\x1b\[0m`,
		`\n\x1b\[90m    event of Pod web-\w+-\w+: Warning BackOff`,
		`\n\x1b\[90m    log of container shop in Pod web-.*: shop failed with exit code 1`,
		`\x1b\[\d+A\r\x1b\[J`,
	} {
		if !regexp.MustCompile(want).MatchString(raw) {
			t.Errorf("%s has not been on the terminal:\n%q", want, raw)
		}
	}
}

// TestEveryCommandHasAGolden walks over all commands.
func TestEveryCommandHasAGolden(t *testing.T) {
	var want []string
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Runnable() {
			want = append(want, goldenName(cmd))
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(Command())
	slices.Sort(want)
	got, err := filepath.Glob(goldenFolder + "/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i] = filepath.Base(got[i])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("goldens (- commands, + files)\n%s", diff)
	}
}

// goldenName is the file of a command: that of "slipway rollout start" is rollout_start.txt.
func goldenName(cmd *cobra.Command) string {
	path := strings.TrimPrefix(cmd.CommandPath(), "slipway ")
	return strings.ReplaceAll(path, " ", "_") + ".txt"
}

// testGoldens returns what the lines have printed on a terminal, nil if that went wrong.
func testGoldens(t *testing.T, scenario string, setup func(*testing.T, *goldenRun)) []goldenStep {
	archive, err := txtar.ParseFile(filepath.Join(goldenFolder, scenario+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	piped, shown := &goldenRun{}, &goldenRun{terminal: true}
	t.Run("run", func(t *testing.T) {
		for name, s := range map[string]*goldenRun{"pipes": piped, "terminal": shown} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s.dir = t.TempDir()
				if err := txtar.Write(archive, s.dir); err != nil {
					t.Fatal(err)
				}
				setup(t, s)
				s.run(t, string(archive.Comment))
			})
		}
	})
	if t.Failed() || t.Skipped() {
		return nil
	}
	goldens := map[string]string{}
	for i, step := range piped.steps {
		goldens[step.file] += step.text(shown.steps[i])
	}
	for _, name := range slices.Sorted(maps.Keys(goldens)) {
		file := filepath.Join(goldenFolder, name)
		if *updateGoldens {
			if err := os.WriteFile(file, []byte(goldens[name]), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(string(want), goldens[name]); diff != "" {
			t.Errorf("%s (- golden, + now; go test -run %s -update writes it)\n%s", file, t.Name(), diff)
		}
	}
	return shown.steps
}

// goldenStep is a line of a scenario and what it has printed.
type goldenStep struct {
	line     string
	file     string // the golden it belongs to
	code     int
	out, err string // err is empty on a terminal, where all is in out
	raw      string // what went to the terminal
}

// text is a step in its golden, shown on a terminal too.
func (s goldenStep) text(shown goldenStep) string {
	text := fmt.Sprintf("$ %s\nexit code %d\n", s.line, s.code) + prefixed("out| ", s.out) + prefixed("err| ", s.err)
	if shown.code != s.code {
		text += fmt.Sprintf("exit code on a terminal %d\n", shown.code)
	}
	if sortedLines(shown.out) == sortedLines(s.err+s.out) {
		return text + "the same on a terminal\n\n"
	}
	return text + prefixed("tty| ", shown.out) + "\n"
}

func sortedLines(text string) string {
	lines := slices.Collect(strings.Lines(text))
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// prefixed is a text with something before each line. Of long ones only the beginning is kept.
func prefixed(prefix, text string) string {
	const longest, kept = 100, 20
	var out strings.Builder
	lines := slices.Collect(strings.Lines(text))
	for i, line := range lines {
		if len(lines) > longest && i == kept {
			fmt.Fprintf(&out, "%s... and more lines\n", prefix)
			break
		}
		if !strings.HasSuffix(line, "\n") {
			line += "(no end of line)\n"
		}
		out.WriteString(strings.TrimRight(prefix+line, " \n") + "\n")
	}
	return out.String()
}

// goldenRun runs a scenario.
type goldenRun struct {
	terminal bool
	dir      string
	env      []string
	names    []string // texts and what stands for them in goldens
	steps    []goldenStep
	edit     func(resource, name, patch string) error
}

func (s *goldenRun) set(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		s.env = append(s.env, pairs[i]+"="+pairs[i+1])
	}
}

func (s *goldenRun) is(pairs ...string) { s.names = append(s.names, pairs...) }

func (s *goldenRun) run(t *testing.T, script string) {
	s.is(s.dir, "$WORK")
	// One request at a time, so that lines come in one order.
	s.set("PATH", os.Getenv("PATH"), "HOME", s.dir, "TERM", "xterm", "SLIPWAY_CONCURRENCY", "1", "BUILD_USER", "alice", "GNUPGHOME", filepath.Join(s.dir, "gnupg"))
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.Fields(line)
		if words[0] == "edit" {
			if err := s.edit(words[1], words[2], words[3]); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			continue
		}
		at := slices.Index(words, "slipway")
		cmd, _, err := Command().Find(words[at+1:])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		step := goldenStep{line: line, file: goldenName(cmd)}
		step.code, step.raw, step.out, step.err = s.start(line)
		s.check(t, step)
		step.out, step.err = s.normal(step.out), s.normal(step.err)
		s.steps = append(s.steps, step)
	}
}

// check holds what is said of all commands.
func (s *goldenRun) check(t *testing.T, step goldenStep) {
	t.Helper()
	said := step.out + step.err
	coloured := s.terminal || strings.Contains(step.line, "CLICOLOR_FORCE")
	if !s.terminal && (strings.Contains(said, "\r") || !coloured && strings.Contains(said, "\x1b")) {
		t.Errorf("%s: there are control characters: %q", step.line, said)
	}
	if failed := step.code != exitDone && step.code != exitChanges; failed && !strings.Contains(said, "slipway: hint: ") {
		t.Errorf("%s: exit code %d without a hint:\n%s", step.line, step.code, said)
	}
	if strings.Contains(said, "canary-of-a-secret") && !regexp.MustCompile(`slipway (get|template|show|values)`).MatchString(step.line) {
		t.Errorf("%s: a secret is shown:\n%s", step.line, said)
	}
}

// start runs a line of shell to its end. On a terminal all that is left there is out.
func (s *goldenRun) start(line string) (code int, raw, out, stderr string) {
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir, cmd.Env = s.dir, s.env
	var printed, said bytes.Buffer
	var err error
	if s.terminal {
		err = onTerminal(cmd, &printed)
		raw, out = printed.String(), leftOn(printed.String())
	} else {
		cmd.Stdout, cmd.Stderr = &printed, &said
		err = cmd.Run()
		out = printed.String()
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		code, out = -1, err.Error()
	}
	return code, raw, out, said.String()
}

// What differs from run to run, and what stands for it.
var goldenPatterns = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(` +\t`), "\t"}, // columns are as wide as what stands in them
	{regexp.MustCompile(`\x1b\[1m`), "<bold>"},
	{regexp.MustCompile(`\x1b\[31m`), "<red>"},
	{regexp.MustCompile(`\x1b\[32m`), "<green>"},
	{regexp.MustCompile(`\x1b\[33m`), "<yellow>"},
	{regexp.MustCompile(`\x1b\[90m`), "<grey>"},
	{regexp.MustCompile(`\x1b\[0m`), "</>"},
	{regexp.MustCompile(`\b\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}\b`), "TIME"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d|( [+-]\d{4})( [A-Z]{3})?)`), "TIME"},
	{regexp.MustCompile(`\b(in )?\d+[smh]( ago)?([)\t])`), "${1}AGE$2$3"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "DIGEST"},
	{regexp.MustCompile(`(?m)^(slipway )?v0\.[\w.+-]+(, go[\w.]+)?$`), "${1}VERSION"},
	{regexp.MustCompile(`sha256:[0-9a-f]{12}\b`), "sha256:DIGEST"},
	{regexp.MustCompile(`\b[0-9A-F]{40}\b`), "FINGERPRINT"},
	{regexp.MustCompile(`\b[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\b`), "UID"},
	{regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{26}\b`), "ID"},
	{regexp.MustCompile(`-[0-9a-f]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b`), "-HASH-POD"},
	{regexp.MustCompile(`( event of \w+) .*`), "$1 ..."}, // which there are by then is chance
	{regexp.MustCompile(`-migrate-[bcdfghjklmnpqrstvwxz2456789]{5}\b`), "-migrate-POD"},
	{regexp.MustCompile(`\bhash [0-9a-z]{8,10}\b`), "hash HASH"},
	{regexp.MustCompile(`127\.0\.0\.1:\d{4,5}`), "127.0.0.1:PORT"},
}

// normal is a text without what differs from run to run.
func (s *goldenRun) normal(text string) string {
	for i := 0; i < len(s.names); i += 2 {
		text = strings.ReplaceAll(text, s.names[i], s.names[i+1])
	}
	for _, p := range goldenPatterns {
		text = p.pattern.ReplaceAllString(text, p.name)
	}
	return sortReady(withoutRepeatedEvents(text))
}

// withoutRepeatedEvents leaves out lines about an event that are as the one before.
func withoutRepeatedEvents(text string) string {
	lines := slices.Collect(strings.Lines(text))
	lines = slices.CompactFunc(lines, func(a, b string) bool { return a == b && strings.Contains(a, " event of ") })
	return strings.Join(lines, "")
}

// sortReady sorts lines that stand together and say what has become ready.
func sortReady(text string) string {
	lines := slices.Collect(strings.Lines(text))
	isReady := func(line string) bool { return strings.HasPrefix(strings.TrimPrefix(line, "<green>"), "ready") }
	for i := 0; i < len(lines); i++ {
		end := i
		for end < len(lines) && isReady(lines[end]) {
			end++
		}
		slices.Sort(lines[i:end])
		i = max(i, end-1)
	}
	return strings.Join(lines, "")
}
