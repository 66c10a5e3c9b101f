package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/e6d26078/slipway/chart/yaml"
)

// obeyed are the commands that GitHub's runner would carry out in a log, by the
// rules of its parser: "::name ...::" at the beginning of a line, whose white
// space counts not, and "##[name ...]" anywhere.
func obeyed(log string) []string {
	known := []string{"add-mask", "add-path", "add-matcher", "debug", "echo", "endgroup", "error", "group", "notice", "save-state", "set-env", "set-output", "stop-commands", "warning"}
	var names []string
	stopped := ""
	for _, line := range strings.FieldsFunc(log, func(r rune) bool { return r == '\n' || r == '\r' }) {
		name, data := "", ""
		if rest, ok := strings.CutPrefix(strings.TrimLeftFunc(line, unicode.IsSpace), "::"); ok {
			name, data, _ = strings.Cut(rest, "::")
			name, _, _ = strings.Cut(name, " ")
		}
		if _, rest, ok := strings.Cut(line, "##["); ok && !slices.Contains(known, name) { // what is one of the first kind is none of the second
			name, data, _ = strings.Cut(rest, "]")
			name, _, _ = strings.Cut(name, " ")
		}
		switch {
		case stopped != "" && name == stopped:
			stopped = ""
		case stopped != "" || !slices.Contains(known, name):
		case name == "stop-commands":
			stopped = data
		default:
			names = append(names, name)
		}
	}
	return names
}

// obeysScript is a command of scripts: GitHub's runner obeys those commands in the
// files, and no others.
//
//	obeys NAMES FILE...
func obeysScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: obeys NAMES FILE...")
	}
	var want []string
	if args[0] != "none" {
		want = strings.Split(args[0], ",")
	}
	for _, name := range args[1:] {
		log := ts.ReadFile(name)
		if got := obeyed(log); !slices.Equal(got, want) {
			ts.Fatalf("in %s the runner obeys %v, want %v:\n%q", name, got, want, log)
		}
		want = nil // those of slipway are in the first file alone
	}
}

// TestServersInScripts runs testdata/ci, which needs no cluster.
func TestServersInScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/ci",
		Setup: setup,
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "obeys": obeysScript},
	})
}

// hostile are lines that servers would act on.
var hostile = []string{
	"::add-mask::a", " \t ::error::a", "\u00a0::set-env name=A::b", "\u200b::debug::a", "\x1b::debug::a", "text ##[add-path]/tmp", "##[stop-commands]x",
	"first\r::error::a", "a\x1b[0Ksection_start:1:x\r\x1b[0Kb", "\x1b[8mha:AAAA\x1b[0m", "\u009b31m::error::a", "::stop-commands::x", "\x00::error::a", "\xff\x9b::error::a",
}

func TestNoServerActsOnWhatStrangersPrint(t *testing.T) {
	for _, server := range []string{"github", "gitlab", "jenkins"} {
		for _, text := range hostile {
			for _, line := range []string{text, "one\n" + text + "\ntwo", "\x1b[1m" + text} {
				got := harmless(line, server)
				if strings.ContainsAny(got, "\r\x00\u009b") || strings.Contains(got, "\x1b[0K") || strings.Contains(got, "\x1b[8m") {
					t.Errorf("%s: %q: %q", server, line, got)
				}
				if names := obeyed(got); server == "github" && names != nil {
					t.Errorf("%q: %q: the runner obeys %v", line, got, names)
				}
			}
		}
	}
	for _, text := range []string{"", "a\n", "a::b ::c\n", "\x1b[33mconfigured\x1b[0m a\tb\n", "\x1b[1;31mred\x1b[m", "error: x::y"} {
		if got := harmless(text, "github"); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// TestALogKeepsLinesTogether writes a hostile text a byte at a time, as the
// programs do that slipway starts.
func TestALogKeepsLinesTogether(t *testing.T) {
	var out bytes.Buffer
	g := &logGuard{to: &out, server: "github"}
	text := strings.Join(hostile, "\n") + "\n"
	for i := range len(text) {
		if n, err := g.Write([]byte{text[i]}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	fmt.Fprint(g, "no end")
	g.command("::endgroup::")
	fmt.Fprint(g, " ::error::rest")
	g.flush()
	if names := obeyed(out.String()); !slices.Equal(names, []string{"endgroup"}) {
		t.Errorf("the runner obeys %v in %q", names, out.String())
	}
	if !strings.Contains(out.String(), "\nno end\n::endgroup::\n") {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	fmt.Fprint(g, strings.Repeat("x", longestLine+1))
	if out.Len() != longestLine+1 {
		t.Errorf("%d bytes of a long line are there", out.Len())
	}
}

// TestJSONStaysWhatItIs holds that a document is harmless and says the same.
func TestJSONStaysWhatItIs(t *testing.T) {
	want := strings.Join(hostile[:12], "\n")
	text, err := jsonText(map[string]string{"notes": want})
	if err != nil {
		t.Fatal(err)
	}
	got := (&ciServer{name: "github"}).data(text, &bytes.Buffer{})
	var back map[string]string
	if err := json.Unmarshal([]byte(got), &back); err != nil || back["notes"] != want {
		t.Errorf("%q: %v", got, err)
	}
	if names := obeyed(got); names != nil {
		t.Errorf("the runner obeys %v in %q", names, got)
	}
}

// TestYAMLStaysADocument holds that a dot more is all that changes.
func TestYAMLStaysADocument(t *testing.T) {
	for _, value := range []string{strings.Join(hostile[:6], "\n"), "::error::a b c " + strings.Repeat("long ", 40) + "::error::d", "##[add-path]/tmp", "a\n##[add-path]/tmp\n"} {
		text, err := yamlText(map[string]any{"notes": value, "::error::key": "b"})
		if err != nil {
			t.Fatal(err)
		}
		got := (&ciServer{name: "github"}).data(text, &bytes.Buffer{})
		back, err := yaml.DecodeMap([]byte(got))
		notes, _ := back["notes"].(string)
		if err != nil || strings.ReplaceAll(strings.ReplaceAll(notes, "##.[", "##["), ".::", "::") != value {
			t.Errorf("%q: %q %v", got, notes, err)
		}
		if names := obeyed(got); names != nil {
			t.Errorf("the runner obeys %v in %q", names, got)
		}
	}
}

// TestFilesStayWhatTheyAre holds that nothing is changed in what goes to a file.
func TestFilesStayWhatTheyAre(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	a := &app{env: Env{Stdout: file}, ci: &ciServer{name: "github"}}
	if err := a.print("::error::a\n"); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(file.Name()); err != nil || string(data) != "::error::a\n" {
		t.Errorf("%q %v", data, err)
	}
}

func TestFindingsAreLimited(t *testing.T) {
	c := &ciServer{name: "github"}
	for i := range 2 * mostListed {
		c.find(finding{severity: "warning", message: fmt.Sprint(i)})
	}
	c.find(finding{severity: "error", message: "last"})
	lines := c.annotations("lint")
	if len(lines) != mostShown+2 || lines[mostShown] != "::error title=slipway lint::last" || lines[mostShown+1] != "::notice title=slipway lint::90 more findings are in the log" {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	if text := c.findingsSummary(); strings.Count(text, "| warning |") != mostListed || !strings.Contains(text, "51 more are in the log") {
		t.Error(text)
	}
	var none *ciServer
	none.find(finding{})
	none.warned("a")
	none.chartAt("a", "b")
}

// TestWhereAFindingIsShown names files as seen from the root of the checkout.
func TestWhereAFindingIsShown(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"repo/charts/web/values.yaml", "elsewhere/values.yaml"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		writeTestFile(t, filepath.Join(root, name), "a: 1\n")
	}
	t.Chdir(filepath.Join(root, "repo", "charts"))
	a := &app{env: Env{Now: time.Now, Getenv: getenvOf(map[string]string{"GITHUB_WORKSPACE": filepath.Join(root, "repo")})}}
	for file, want := range map[string]string{
		"web/values.yaml": "charts/web/values.yaml", filepath.Join(root, "repo/charts/web/values.yaml"): "charts/web/values.yaml",
		"../../elsewhere/values.yaml": "", "web/nosuch.yaml": "", "web": "", "": "",
	} {
		if got := (&ciServer{}).inRepository(a, file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}
