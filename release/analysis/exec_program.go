package analysis

import (
	"context"
	"errors"
	"os/exec"
	"time"
)

// RunProgram is a RunFunc. On systems without process groups the program's
// children are not killed.
func RunProgram(ctx context.Context, command, env []string, limit int) (*Output, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append([]string{}, env...) // an empty environment, not ours
	cmd.WaitDelay = time.Second
	group(cmd)
	stdout, stderr := &limitedBuffer{left: limit}, &limitedBuffer{left: limit}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	err := cmd.Wait()
	killGroup(cmd)
	out := &Output{Exit: cmd.ProcessState.ExitCode(), Stdout: stdout.kept, Stderr: stderr.kept, Long: stdout.long}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return out, nil // a child that outlives it had its output open
	case errors.As(err, &exit) && exit.Exited():
		return out, nil
	}
	return nil, err
}

// limitedBuffer keeps the beginning of what is written to it.
type limitedBuffer struct {
	kept []byte
	left int
	long bool
}

// Write never fails, so that the program is not stopped by a broken pipe.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.kept, b.left = append(b.kept, p[:n]...), b.left-n
	b.long = b.long || n < len(p)
	return len(p), nil
}
