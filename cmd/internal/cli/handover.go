package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// The commands are linked into two executables. Most runs of slipway render
// charts; a client of Kubernetes would take several times the memory of that.
// So slipway has none, and becomes slipway-cluster when a command needs one.
const (
	withCluster = "slipway-cluster"
	installBoth = "install both: go install github.com/e6d26078/slipway/cmd/slipway@latest github.com/e6d26078/slipway/cmd/slipway-cluster@latest"
)

// onCluster marks a command, or all those below it, as one that needs a cluster.
func (a *app) onCluster(cmd *cobra.Command) *cobra.Command {
	for _, sub := range cmd.Commands() {
		a.onCluster(sub)
	}
	if !cmd.HasSubCommands() {
		cmd.PreRunE = func(cmd *cobra.Command, _ []string) error { return a.needCluster(cmd.Context()) }
	}
	return cmd
}

// needCluster returns if this executable reaches clusters, or with an error.
func (a *app) needCluster(ctx context.Context) error {
	if a.env.Backend != nil {
		return nil
	}
	return a.env.HandOver(ctx)
}

// handOver puts slipway-cluster in the place of this process, with the same
// arguments and environment. It returns only with an error.
func handOver(ctx context.Context) error {
	// What was started as slipway-cluster never hands over, so that two
	// executables cannot call each other for ever.
	if name := strings.ToLower(filepath.Base(os.Args[0])); strings.TrimSuffix(name, ".exe") == withCluster {
		return withHint(fmt.Errorf("%s is another program by that name: it reaches no cluster", os.Args[0]), installBoth)
	}
	path, err := findWithCluster(os.Executable)
	if err != nil {
		return err
	}
	// From here on signals do what they do to a process that does not listen,
	// until the other one listens. One that came before ends the command.
	signal.Reset(os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := become(path, append([]string{path}, os.Args[1:]...), os.Environ()); err != nil {
		return machineFault(fmt.Errorf("start %s: %w", path, err))
	}
	return nil
}

// findWithCluster looks for slipway-cluster beside this executable, then in PATH.
func findWithCluster(executable func() (string, error)) (string, error) {
	beside := "slipway"
	if self, err := executable(); err == nil {
		beside = self
		if resolved, err := filepath.EvalSymlinks(self); err == nil {
			beside = resolved
		}
		// A name with a folder is not looked for in PATH, but gets Windows' suffixes.
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(beside), withCluster)); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(withCluster)
	if err != nil { // also if it is in the current folder, which PATH may name
		return "", withHint(fmt.Errorf("%s is not beside %s nor in PATH", withCluster, beside), "this command needs it; "+installBoth)
	}
	return path, nil
}
