package deploy

import (
	"context"
	"errors"
	"fmt"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/plan"
)

// Outcome says in which state an operation that failed has left the release.
type Outcome int

// The outcomes.
const (
	// Refused: nothing was changed.
	Refused Outcome = iota
	// Failed: the revision is recorded as failed.
	Failed
	// RolledBack: the operation failed and its changes were taken back.
	RolledBack
	// Locked: somebody else works on the release; nothing was changed by us.
	Locked
	// TimedOut: the revision is recorded as failed because a time limit passed.
	TimedOut
	// Interrupted: the context ended; the same operation goes on from here.
	Interrupted
	// Stalled: the cluster did not answer any more; the revision stays pending
	// and the same operation goes on from here.
	Stalled
	// Retryable: nothing was changed, and the same call may succeed later.
	Retryable
)

// Error is what every operation returns when it does not succeed.
type Error struct {
	Outcome  Outcome
	Release  string
	Revision int // 0 if none was made
	Hints    []string
	Err      error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// PendingError says that a revision is pending that no operation of ours wrote,
// so that a Helm may be at work on it, or that a rollout is under way.
type PendingError struct {
	Release  string
	Revision int
	Status   release.Status
	Rollout  bool
}

func (e *PendingError) Error() string {
	if e.Rollout {
		return fmt.Sprintf("release %s: revision %d is being rolled out", e.Release, e.Revision)
	}
	return fmt.Sprintf("release %s: revision %d is %s, and it was not slipway that wrote it", e.Release, e.Revision, e.Status)
}

// NoReleaseError says that there is no such release, or none that the operation can start from.
type NoReleaseError struct {
	Release string
	Reason  string // such as "has no deployed revision"
}

func (e *NoReleaseError) Error() string { return fmt.Sprintf("%q %s", e.Release, e.Reason) }

// RefusedError says that a plan has changes that cannot be done. Nothing was changed.
type RefusedError struct{ Changes []plan.Change }

// Error lists the objects and what stands in the way.
func (e *RefusedError) Error() string {
	text := "these changes cannot be made:"
	for _, c := range e.Changes {
		text += fmt.Sprintf("\n  %s (%s): %s", c.Ref, c.Source, c.Problem.Message)
	}
	return text
}

// UnknownKindsError says that the cluster does not serve kinds that the chart uses.
type UnknownKindsError struct{ Objects []SourcedRef }

func (e *UnknownKindsError) Error() string {
	text := "the cluster does not know these kinds:"
	for _, o := range e.Objects {
		text += fmt.Sprintf("\n  %s %s (%s) of %s", o.Ref.APIVersion, o.Ref.Kind, o.Ref.Name, o.Source)
	}
	return text
}

// problem turns an error into the Error that an operation returns.
func (o *operation) problem(ctx context.Context, outcome Outcome, err error) *Error {
	var already *Error
	if errors.As(err, &already) {
		return already
	}
	e := &Error{Outcome: outcome, Release: o.name, Revision: o.revision(), Err: err}
	var locked *LockedError
	var pending *PendingError
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, ErrLockLost):
		e.Outcome, e.Err = Locked, fmt.Errorf("release %s: %w", o.name, cause)
		if isPassing(cause) || errors.Is(cause, context.DeadlineExceeded) { // and nobody is known to have it
			e.Outcome = Stalled
		}
		e.Hints = []string{"nothing was written after that; 'slipway status " + o.name + "' shows how far it is, and the same command goes on from there"}
	case ctx.Err() != nil:
		e.Outcome, e.Err = Interrupted, fmt.Errorf("%w (%w)", cause, err)
	case errors.As(err, &locked), errors.As(err, &pending):
		e.Outcome = Locked
	case outcome == Refused && isPassing(err) && !isUnauthenticated(err):
		e.Outcome = Retryable
	case outcome == Failed && isTimeout(err):
		e.Outcome = TimedOut
	}
	return e
}

// isRetryable reports whether the error says that the same request may succeed later.
func isRetryable(err error) bool {
	var retryable interface{ Retryable() bool }
	return errors.As(err, &retryable) && retryable.Retryable()
}

// isPassing reports whether the error is about the state of the cluster or of
// the way there, and not about what was asked of it.
func isPassing(err error) bool {
	var unreachable *UnreachableError
	return isRetryable(err) || errors.As(err, &unreachable)
}

func isUnauthenticated(err error) bool {
	var unreachable *UnreachableError
	return errors.As(err, &unreachable) && unreachable.Unauthenticated
}

// isTimeout reports whether the error is that a time limit passed.
func isTimeout(err error) bool {
	var notReady *NotReadyError
	if errors.As(err, &notReady) {
		return notReady.Timeout
	}
	return errors.Is(err, context.DeadlineExceeded)
}
