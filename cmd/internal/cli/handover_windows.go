package cli

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
)

// become runs a program and ends with its exit code: a process cannot be
// replaced here. An interrupt reaches both, and is the program's to answer.
func become(path string, args, env []string) error {
	signal.Ignore(os.Interrupt)
	cmd := exec.Command(path)
	cmd.Args, cmd.Env = args, env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	os.Exit(cmd.ProcessState.ExitCode())
	return nil
}
