package cli

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// The exit codes of all commands.
const (
	exitDone       = 0
	exitInternal   = 1   // a fault of slipway or of the machine, such as a full disk
	exitBadInput   = 2   // bad input or refused; nothing was changed
	exitTimeout    = 124 // a time limit passed
	exitInterrupt  = 130 // ended by SIGINT
	exitTerminated = 143 // ended by SIGTERM
)

// failure is an error with what the command line adds to it.
type failure struct {
	err     error
	hints   []string // what to do, one line each
	details string   // excerpts and the like, whole lines
	code    int      // 0: exitBadInput
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// withHint adds advice to an error.
func withHint(err error, hints ...string) error { return &failure{err: err, hints: hints} }

// machineFault marks an error that no other input would have avoided.
func machineFault(err error) error { return &failure{err: err, code: exitInternal} }

// signalled is the cause of a context that a signal ended.
type signalled struct{ signal os.Signal }

func (s signalled) Error() string { return "interrupted by signal: " + s.signal.String() }

func (s signalled) code() int {
	if s.signal == syscall.SIGTERM {
		return exitTerminated
	}
	return exitInterrupt
}

// codeOf gives the exit code for what a command returned.
func codeOf(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	var sig signalled
	if errors.As(context.Cause(ctx), &sig) {
		return sig.code()
	}
	var f *failure
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	case errors.As(err, &f) && f.code != 0:
		return f.code
	}
	return exitBadInput
}
