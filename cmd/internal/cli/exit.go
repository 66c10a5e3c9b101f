package cli

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/e6d26078/slipway/release/deploy"
)

// The exit codes of all commands.
const (
	exitDone       = 0
	exitInternal   = 1   // a fault of slipway or of the machine, such as a full disk
	exitBadInput   = 2   // bad input or refused; nothing was changed
	exitRolledBack = 3   // failed, and the changes were taken back
	exitFailed     = 4   // failed, and somebody has to look
	exitPaused     = 10  // a rollout is at a gate, where a person decides
	exitChanges    = 11  // changes were found, by a command that was asked for them
	exitLocked     = 20  // somebody else works on the release
	exitUndecided  = 21  // measurements of a rollout are neither good nor bad
	exitRetryable  = 75  // nothing was changed, and the same command may succeed later
	exitTimeout    = 124 // a time limit passed
	exitInterrupt  = 130 // ended by SIGINT
	exitTerminated = 143 // ended by SIGTERM
)

// errChanges ends a command that was asked whether anything differs, and has
// printed what does.
var errChanges = errors.New("there are changes")

// pausedError ends a command that went well and has to tell the caller more
// than that: where a rollout is.
type pausedError struct {
	code  int
	hints []string
}

func (e *pausedError) Error() string { return "the rollout is paused" }

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
	if code := outcomeCode(err); code != 0 {
		return code
	}
	var sig signalled
	if errors.As(context.Cause(ctx), &sig) {
		return sig.code()
	}
	var unreachable *deploy.UnreachableError
	var locked *deploy.LockedError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	case failureCode(err) != 0:
		return failureCode(err)
	case errors.As(err, &locked):
		return exitLocked
	case errors.As(err, &unreachable) && !unreachable.Unauthenticated, isTransient(err):
		return exitRetryable
	}
	return exitBadInput
}

// failureCode is the code of the outermost failure that has one, 0 for none.
func failureCode(err error) int {
	for f := (*failure)(nil); errors.As(err, &f); err = f.err {
		if f.code != 0 {
			return f.code
		}
	}
	return 0
}

// outcomeCode is the exit code for the state that an operation has left a
// release in, 0 if there was no operation or a signal tells more.
func outcomeCode(err error) int {
	var operation *deploy.Error
	if !errors.As(err, &operation) {
		return 0
	}
	switch operation.Outcome {
	case deploy.Failed, deploy.Stalled:
		return exitFailed
	case deploy.RolledBack:
		return exitRolledBack
	case deploy.Locked:
		return exitLocked
	case deploy.TimedOut:
		return exitTimeout
	case deploy.Retryable:
		return exitRetryable
	}
	return 0
}

// isTransient reports whether the error says that the same request may succeed later.
func isTransient(err error) bool {
	var transient interface{ Retryable() bool }
	return errors.As(err, &transient) && transient.Retryable()
}
