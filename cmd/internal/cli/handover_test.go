package cli

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// needNoCluster are the commands that slipway runs itself.
var needNoCluster = []string{
	"template", "lint", "show all", "show chart", "show crds", "show readme", "show values", "package", "create",
	"preflight", "values explain", "why", "rbac", "version", "rollout schema", "verify", "push", "pull", "registry login", "registry logout",
	"repo add", "repo index", "repo list", "repo remove", "repo update", "search repo", "search registry",
	"dependency build", "dependency list", "dependency update", "bundle verify", "bundle push",
	"completion bash", "completion fish", "completion powershell", "completion zsh",
}

func TestEveryCommandThatNeedsAClusterIsHandedOverBeforeAnythingIsRead(t *testing.T) {
	var walk func(cmd *cobra.Command, path []string)
	walk = func(cmd *cobra.Command, path []string) {
		for _, sub := range cmd.Commands() {
			walk(sub, append(slices.Clone(path), sub.Name()))
		}
		if cmd.HasSubCommands() {
			return
		}
		name := strings.Join(path, " ")
		if code, handed := handsOver(append(path, enoughArguments[name]...)); handed == slices.Contains(needNoCluster, name) {
			t.Errorf("%s: handed over: %v, exit code %d", name, handed, code)
		}
		if _, handed := handsOver(append(path, "--help")); handed {
			t.Errorf("%s --help is handed over", name)
		}
	}
	walk(Command(), nil)
}

// enoughArguments are what commands do not get to their work without.
var enoughArguments = map[string][]string{
	"install": {"web", "-"}, "upgrade": {"web", "-", "-f", "-"}, "rollback": {"web"}, "uninstall": {"web"}, "test": {"web"}, "preflight": {"web", "-"},
	"rollout start": {"web", "-"}, "rollout plan": {"web", "-"}, "rollout promote": {"web"}, "rollout abort": {"web"}, "rollout undo": {"web"},
	"rollout refresh-config": {"web"}, "rollout status": {"web"}, "recover": {"web"}, "plan": {"web", "-"}, "drift": {"web"}, "history": {"web"}, "status": {"web"},
	"repo import chartmuseum": {"museum", "charts"},
	"get all":                 {"web"}, "get hooks": {"web"}, "get manifest": {"web"}, "get metadata": {"web"}, "get notes": {"web"}, "get values": {"web"},
}

func TestTemplateIsHandedOverIfItAsksACluster(t *testing.T) {
	for args, want := range map[string]bool{
		"template web -":                      false,
		"template web - --dry-run":            false,
		"template web - --dry-run=client":     false,
		"template web - --dry-run=server":     true,
		"template web - --dry-run=none":       true,
		"template web - --validate":           true,
		"template web - --validate --unknown": false,
		"template --validate":                 false,
		"get":                                 false,
		"migrate":                             false,
		"list --help":                         false,
		"list surplus":                        false,
	} {
		if _, handed := handsOver(strings.Fields(args)); handed != want {
			t.Errorf("%s: handed over: %v", args, handed)
		}
	}
}

// handsOver runs a command line without a backend and reports whether it is
// handed over. Reading standard input would be an error.
func handsOver(args []string) (code int, handed bool) {
	var out bytes.Buffer
	code = Run(context.Background(), Env{
		Args: args, Stdin: unreadable{}, Stdout: &out, Stderr: &out, Now: time.Now,
		Getenv:   func(string) string { return "" },
		HandOver: func(context.Context) error { handed = true; return errors.New("handed over") },
	})
	return code, handed
}

type unreadable struct{}

func (unreadable) Read([]byte) (int, error) { panic("standard input is read") }
