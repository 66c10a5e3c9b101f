package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
)

// declaredCodes are the constants of exit.go, by name.
func declaredCodes(t *testing.T) map[string]int {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "exit.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]int{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "exit") || len(spec.Values) != 1 {
			return true
		}
		if value, ok := spec.Values[0].(*ast.BasicLit); ok && value.Kind == token.INT {
			code, err := strconv.Atoi(value.Value)
			if err != nil {
				t.Fatal(err)
			}
			codes[spec.Names[0].Name] = code
		}
		return true
	})
	if len(codes) < 10 {
		t.Fatalf("the constants of exit.go are not found: %v", codes)
	}
	return codes
}

// TestEveryExitCode runs testdata/exitcodes, where the executable ends with each
// code of exit.go, and with no other. Beside the commands of TestDeploying there
// are
//
//	ends CODE HINT ARGS...  slipway ARGS ends with the code, and with a hint that the pattern matches; - is none
//	ended CODE HINT         the same of the command before, which has printed "code CODE"
func TestEveryExitCode(t *testing.T) {
	var mu sync.Mutex
	produced := map[int]bool{}
	ended := func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 2 {
			ts.Fatalf("usage: ended CODE HINT")
		}
		if !strings.Contains(ts.ReadFile("stdout"), "code "+args[0]+"\n") {
			ts.Fatalf("exit code %s is not the one", args[0])
		}
		checkHint(ts, args[1])
		code, err := strconv.Atoi(args[0])
		ts.Check(err)
		mu.Lock()
		defer mu.Unlock()
		produced[code] = true
	}
	t.Run("scripts", func(t *testing.T) {
		runOnCluster(t, "testdata/exitcodes", clusterScripts{
			commands: func(scriptObjects) scriptCommands {
				return scriptCommands{
					"interrupt": interrupt, "pending": pending, "ended": ended,
					"ends": func(ts *testscript.TestScript, neg bool, args []string) {
						if neg || len(args) < 3 {
							ts.Fatalf("usage: ends CODE HINT ARGS...")
						}
						ts.Check(ts.Exec("sh", append([]string{"-c", `slipway "$@"; echo code $?`, "sh"}, args[2:]...)...))
						ended(ts, false, args[:2])
					},
				}
			},
			setup: func(env *testscript.Env, _ *clustertest.Cluster) error {
				return txtar.Write(txtar.Parse([]byte(rolledChart)), env.WorkDir)
			},
		})
	})
	if t.Failed() || t.Skipped() {
		return
	}
	got := slices.Sorted(maps.Keys(produced))
	if want := slices.Sorted(maps.Values(declaredCodes(t))); !slices.Equal(got, want) {
		t.Errorf("testdata/exitcodes ends with the codes %v, exit.go has %v", got, want)
	}
}

// checkHint wants a hint that a pattern matches, or with - none.
func checkHint(ts *testscript.TestScript, pattern string) {
	var hints []string
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		if hint, found := strings.CutPrefix(line, "slipway: hint: "); found {
			hints = append(hints, strings.TrimSuffix(hint, "\n"))
		}
	}
	if pattern == "-" {
		if len(hints) > 0 {
			ts.Fatalf("there are hints: %q", hints)
		}
		return
	}
	if !slices.ContainsFunc(hints, regexp.MustCompile(pattern).MatchString) {
		ts.Fatalf("no hint like %q: %q", pattern, hints)
	}
}

// TestPagesHaveEveryExitCode holds the pages that list exit codes against exit.go.
func TestPagesHaveEveryExitCode(t *testing.T) {
	want := slices.Sorted(maps.Values(declaredCodes(t)))
	page := func(name string) string {
		text, err := os.ReadFile(filepath.Join("../../..", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	row := regexp.MustCompile("(?m)^\\| ([0-9, ]+) \\| ((?:`[a-z-]+`(?:, )?)+) \\|")
	for _, name := range []string{"docs/exit-codes.md", "docs/jenkins.md"} {
		words := map[string]string{}
		for _, m := range row.FindAllStringSubmatch(page(name), -1) {
			codes, states := strings.Split(m[1], ", "), strings.Split(m[2], ", ")
			for i, code := range codes {
				words[code] = states[min(i, len(states)-1)]
			}
		}
		wanted := map[string]string{}
		for _, code := range want {
			wanted[strconv.Itoa(code)] = "`" + codeWord(code) + "`"
		}
		if diff := cmp.Diff(wanted, words); diff != "" {
			t.Errorf("%s: codes and states (- exit.go, + the page)\n%s", name, diff)
		}
	}
	_, readme, _ := strings.Cut(page("README.md"), "Exit codes are for pipelines:")
	readme, _, _ = strings.Cut(readme, "docs/cli")
	_, help, _ := strings.Cut(rootLong, "Exit codes of all commands:")
	for name, text := range map[string]string{"README.md": readme, "slipway --help": help} {
		var got []int
		for _, word := range regexp.MustCompile(`\b\d+\b`).FindAllString(text, -1) {
			code, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, code)
		}
		missing := slices.DeleteFunc(slices.Clone(want), func(code int) bool {
			return slices.Contains(got, code) || code == exitInternal && name == "README.md" // which lists what pipelines act on
		})
		if len(missing) > 0 || slices.ContainsFunc(got, func(code int) bool { return !slices.Contains(want, code) }) {
			t.Errorf("%s has the codes %v, exit.go %v", name, got, want)
		}
	}
	if !strings.Contains(page("docs/jenkins.md")+page("README.md"), "exit-codes.md") {
		t.Error("no page leads to docs/exit-codes.md")
	}
}

// TestEveryCodeHasAWord holds that result.json tells codes apart.
func TestEveryCodeHasAWord(t *testing.T) {
	for name, code := range declaredCodes(t) {
		if word := codeWord(code); (word == "internal-error") != (code == exitInternal) {
			t.Errorf("%s is %q in result.json", name, word)
		}
	}
}
