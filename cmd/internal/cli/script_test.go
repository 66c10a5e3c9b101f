package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/e6d26078/slipway/cmd/internal/backend"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv("SLIPWAY_BIN"); folder != "" { // with the race detector each start takes a quarter of a second
		os.Setenv("PATH", folder+string(filepath.ListSeparator)+os.Getenv("PATH"))
		os.Exit(m.Run())
	}
	testscript.Main(m, map[string]func(){
		"slipway":         func() { os.Exit(Main(nil)) },
		"slipway-cluster": func() { backend.Silence(); os.Exit(Main(backend.Kubernetes{})) },
	})
}

// TestScripts runs testdata/script, as all scripts with the two executables of a user. Beside testscript's commands there is
//
//	exits CODE ARGS...    slipway ARGS must end with the exit code
//	valid ...             see validFile
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: setup,
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "valid": validFile},
	})
}

// TestTwins runs testdata/twin: the same arguments for slipway and for Helm.
//
//	twin ARGS...      both succeed with the same standard output
//	! twin ARGS...    both fail, and slipway's message contains Helm's
//	twin4 ARGS...     the same with Helm 4 and --compat helm4
//	twinlint ARGS...  the same with --helm-rules for slipway
func TestTwins(t *testing.T) {
	peers := peersFolder(t)
	twin := func(helm string, extra ...string) func(*testscript.TestScript, bool, []string) {
		return func(ts *testscript.TestScript, neg bool, args []string) {
			runTwin(ts, neg, filepath.Join(peers, helm), args, extra)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/twin",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HELM3", filepath.Join(peers, "helm3"))
			return setup(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"twin":  twin("helm3"),
			"twin4": twin("helm4", "--compat", "helm4"),

			"twinlint": twin("helm3", "--helm-rules"),
		},
	})
}

// setup makes sure that nothing of the machine's configuration is used.
func setup(env *testscript.Env) error {
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("KUBECONFIG", filepath.Join(env.WorkDir, "no-kubeconfig"))
	return nil
}

// peersFolder finds the Helm binaries; `make peers` builds them.
func peersFolder(t *testing.T) string {
	dir := os.Getenv("SLIPWAY_PEERS")
	if dir == "" {
		dir = "../../../.cache/peers"
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"helm3", "helm4"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			if os.Getenv("SLIPWAY_PEERS") != "" {
				t.Fatal(err)
			}
			t.Skip("no Helm binaries: run make peers")
		}
	}
	return dir
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec("slipway", args[1:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

func runTwin(ts *testscript.TestScript, neg bool, helm string, args, extra []string) {
	helmErr := ts.Exec(helm, args...)
	helmOut, helmMessage := ts.ReadFile("stdout"), errorText(ts.ReadFile("stderr"))
	ourErr := ts.Exec("slipway", append(args, extra...)...)
	ourOut, ourMessage := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	switch {
	case (helmErr != nil) != neg:
		ts.Fatalf("helm: %v", helmErr)
	case (ourErr != nil) != neg:
		ts.Fatalf("slipway: %v", ourErr)
	case neg && !strings.Contains(ourMessage, helmMessage):
		ts.Fatalf("slipway's message lacks Helm's\nhelm: %s\nslipway: %s", helmMessage, ourMessage)
	}
	if diff := cmp.Diff(helmOut, ourOut); diff != "" {
		ts.Fatalf("standard output differs (- helm, + slipway)\n%s", diff)
	}
}

// errorText takes Helm's message out of its standard error.
func errorText(stderr string) string {
	if i := strings.Index(stderr, "Error: "); i >= 0 {
		stderr = stderr[i+len("Error: "):]
	}
	for _, end := range []string{"\n\nUse --debug flag", "\n\nUsage:", "\nhelm.go:"} {
		stderr, _, _ = strings.Cut(stderr, end)
	}
	return strings.TrimSpace(strings.ReplaceAll(stderr, `"helm `, `"slipway `))
}
