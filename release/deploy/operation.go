package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	helmtime "helm.sh/helm/v3/pkg/time"

	"github.com/e6d26078/slipway/release"
)

// The kinds of operations, as records name them.
const (
	kindInstall   = "install"
	kindUpgrade   = "upgrade"
	kindRollback  = "rollback"
	kindUninstall = "uninstall"
	kindTest      = "test"
	kindRollout   = "rollout" // in steps; never taken up by the others
)

// applyMethod is how Helm 4 writes in its records that objects are written by server-side apply.
const applyMethod = "ssa"

// How long may be taken by what is still written once the context of an
// operation has ended: the description of the record, which only informs, and
// the end of the lock. Together it is less than the 4 s after a signal.
const (
	noteTime = time.Second
	endTime  = 2500 * time.Millisecond
)

// operation is one run of a command on one release.
type operation struct {
	Config
	name    string
	kind    string
	id      string
	inputs  string // digest
	lock    Lock
	past    []release.Meta          // oldest first
	records map[int]*release.Record // what was read since past was
	ahead   *aheadRead              // of past, while the lock was being taken; nil if it does not count
	broken  bool                    // the newest revision was left unfinished, and is marked as failed
	leaves  bool                    // what an operation before has left behind is there still: the lock tells the next holder
	gone    bool                    // the release was removed again
	target  *release.Record
	masking *masking
	allLogs bool            // logs of hooks are shown whatever their policies say
	waits   bool            // the operation is not over when the process ends well: the lock tells the next holder
	telling *sync.WaitGroup // of Events that are being written
}

func newOperation(c Config, kind, name, inputs string) *operation {
	return &operation{Config: c, kind: kind, name: name, id: c.NewID(), inputs: inputs, masking: &masking{}, telling: &sync.WaitGroup{}}
}

// record is what the operation leaves in the revisions that it writes.
func (o *operation) record() *release.Operation {
	return &release.Operation{ID: o.id, Kind: o.kind, Owner: o.Owner, Inputs: o.inputs, Audit: o.Audit}
}

func (o *operation) revision() int {
	if o.target == nil {
		return 0
	}
	return o.target.Version
}

func helmTime(t time.Time) helmtime.Time { return helmtime.Time{Time: t} }

// locked runs body under the lock of the release. The error is an *Error.
// What body has not classified counts as refused as long as there is no
// target, and as failed from then on.
func (o *operation) locked(ctx context.Context, body func(ctx context.Context) error) error {
	holder := Holder{Owner: o.Owner, Operation: o.id, Unused: o.expectsNone()}
	if holder.Owner == "" {
		holder.Owner = o.id
	}
	var ahead *aheadRead
	holder.Free = func() { ahead = o.readAhead(ctx) }
	lock, err := o.Locker.Acquire(ctx, o.name, holder)
	if err != nil {
		return o.problem(ctx, Refused, err)
	}
	o.lock = lock
	if lock.Previous() == "" { // else somebody may have gone on writing until now
		o.ahead = ahead
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-lock.Lost():
			cancel(lock.Cause())
		case <-ctx.Done():
		}
	}()
	err = body(ctx)
	var problem *Error
	if err != nil {
		problem = o.problem(ctx, o.outcomeSoFar(), err)
	}
	err = o.unlock(ctx, problem)
	o.telling.Wait()
	if problem == nil {
		if err != nil {
			o.warn(fmt.Sprintf("the lock of release %s could not be given up, and will end by itself: %v", o.name, err))
		}
		return nil // and not a nil *Error
	}
	return problem
}

// expectsNone tells whether the release is thought to have neither a lock nor a history yet.
func (o *operation) expectsNone() bool { return o.kind == kindInstall }

// withPast runs body under the lock of the release, once its history is read.
func (o *operation) withPast(ctx context.Context, body func(ctx context.Context) (*Result, error)) (result *Result, err error) {
	err = o.locked(ctx, func(ctx context.Context) error {
		if err := o.readPast(ctx); err != nil {
			return err
		}
		var err error
		result, err = body(ctx)
		return err
	})
	return result, err
}

// learnAhead has the cluster tell what it serves, and what the caller may do, while
// the lock is being taken. Whoever needs to know asks as usual, and learns then what went wrong.
func (o *operation) learnAhead(ctx context.Context) (stop func()) {
	ctx, stop = context.WithCancel(ctx)
	go func() { _, _ = o.Cluster.Capabilities(ctx) }()
	o.Cluster.AskRights(ctx, o.Namespace)
	return stop
}

func (o *operation) outcomeSoFar() Outcome {
	if o.target != nil && o.target.Token != "" {
		return Failed
	}
	return Refused
}

// unlock ends the lock in the way that fits the operation's outcome.
func (o *operation) unlock(ctx context.Context, problem *Error) error {
	if errors.Is(context.Cause(ctx), ErrLockLost) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	switch {
	case o.waits, problem != nil && (problem.Outcome == Interrupted || problem.Outcome == Stalled) && o.outcomeSoFar() != Refused:
		return o.lock.Suspend(ctx, o.id)
	case o.gone, problem == nil && o.kind == kindUninstall, problem != nil && problem.Outcome == Refused && len(o.past) == 0:
		return o.lock.Remove(ctx)
	case o.leaves, problem != nil && o.outcomeSoFar() == Refused:
		return o.lock.Suspend(ctx, o.lock.Previous()) // as it was found
	}
	return o.lock.Release(ctx)
}

// readPast fetches the history, and refuses to go on beside somebody else.
func (o *operation) readPast(ctx context.Context) error {
	past, err := o.history(ctx)
	if err != nil {
		return fmt.Errorf("read the history of release %s: %w", o.name, err)
	}
	o.past = past
	newest := o.newest()
	switch {
	case newest != nil && isRollout(newest):
		return o.beingRolledOut(newest.Version)
	case o.lock != nil && o.isLeftover(o.lock.Previous()):
		return &Error{
			Outcome: Locked, Release: o.name,
			Err:   &BypassedError{Release: o.name, How: "its record is not the newest one any more"},
			Hints: []string{recoverHint(o.name)},
		}
	case newest == nil, !unfinished(newest.Status):
		return nil
	case newest.Operation != nil && newest.Operation.Kind != "":
		return nil
	case newest.Status == release.StatusUninstalling:
		return nil // Helm leaves this behind when a hook fails; only an uninstall goes on from it
	}
	return &Error{
		Outcome: Locked, Release: o.name, Revision: newest.Version,
		Err:   &PendingError{Release: o.name, Revision: newest.Version, Status: newest.Status},
		Hints: []string{"a Helm may still be at work on it; if none is, 'slipway recover " + o.name + "' shows how to repair it"},
	}
}

// rolloutPrefix begins the ids of rollouts.
const rolloutPrefix = "rollout-"

// isLeftover reports whether the operation that held the lock before is a
// rollout that did not come to an end: somebody went on beside it, and what it
// made is still there.
func (o *operation) isLeftover(previous string) bool {
	if !strings.HasPrefix(previous, rolloutPrefix) {
		return false
	}
	return !slices.ContainsFunc(o.past, func(m release.Meta) bool {
		return m.Operation != nil && m.Operation.ID == previous && !m.Status.IsPending()
	})
}

// isRollout reports whether a revision is being rolled out in steps. It stays
// pending between them, with nobody at work on it.
func isRollout(m *release.Meta) bool {
	return m.Status.IsPending() && m.Operation != nil && m.Operation.Kind == kindRollout
}

// beingRolledOut says that only the commands of the rollout may go on.
func (o *operation) beingRolledOut(revision int) *Error {
	return &Error{
		Outcome: Locked, Release: o.name, Revision: revision,
		Err:   &PendingError{Release: o.name, Revision: revision, Status: release.StatusPendingUpgrade, Rollout: true},
		Hints: []string{"'slipway rollout status " + o.name + "' shows how far it is; promote or abort it first"},
	}
}

func unfinished(s release.Status) bool { return s.IsPending() || s == release.StatusUninstalling }

// newest is the last revision, nil if there is none.
func (o *operation) newest() *release.Meta {
	if len(o.past) == 0 {
		return nil
	}
	return &o.past[len(o.past)-1]
}

// nextRevision is the number of a new revision.
func (o *operation) nextRevision() int {
	if newest := o.newest(); newest != nil {
		return newest.Version + 1
	}
	return 1
}

// unfinishedRun takes up the newest revision if an operation with the same
// inputs was interrupted while it wrote it. One with other inputs is marked
// failed. It returns whether the target is set.
func (o *operation) unfinishedRun(ctx context.Context) (resumed bool, err error) {
	newest := o.newest()
	if newest == nil || !newest.Status.IsPending() {
		return false, nil
	}
	r, err := o.read(ctx, newest.Version)
	if err != nil {
		return false, err
	}
	if o.inputs != "" && newest.Operation.Inputs == o.inputs {
		o.id = newest.Operation.ID
		resumed, before := o.record(), r.Operation
		resumed.Hooks, resumed.Images = before.Hooks, before.Images
		resumed.ChartDigest = cmp.Or(resumed.ChartDigest, before.ChartDigest)
		r.Operation = resumed
		o.target = r
		o.notify(Notice{Step: StepRecord, Message: fmt.Sprintf("going on with revision %d, which was interrupted", r.Version)})
		return true, nil
	}
	r.Info.Status = release.StatusFailed
	r.Info.Description = fmt.Sprintf("interrupted, and followed by revision %d", newest.Version+1)
	if err := o.Store.Update(ctx, r); err != nil {
		return false, fmt.Errorf("mark revision %d as failed: %w", r.Version, err)
	}
	newest.Status = release.StatusFailed
	o.broken = true
	o.notify(Notice{Step: StepRecord, Message: fmt.Sprintf("revision %d was interrupted; it is marked as failed", r.Version)})
	return false, nil
}

// alreadyDone reports whether the same run of the same owner has finished this
// operation: only the end of it may be missing.
func (o *operation) alreadyDone() bool {
	newest := o.newest()
	if newest == nil || newest.Status != release.StatusDeployed || newest.Operation == nil {
		return false
	}
	did := newest.Operation
	same := o.inputs != "" && did.Inputs == o.inputs
	return same && (did.ID == o.lock.Previous() || o.Owner != "" && did.Owner == o.Owner)
}

// base is the revision whose objects are live: the last that was deployed, or
// superseded by one that failed. Nil if nothing ever was, or if it was uninstalled.
func (o *operation) base() *release.Meta {
	since := o.sinceUninstall()
	for _, status := range []release.Status{release.StatusDeployed, release.StatusSuperseded} {
		for i := len(since) - 1; i >= 0; i-- {
			if m := &since[i]; m.Status == status {
				return m
			}
		}
	}
	return nil
}

// sinceUninstall are the revisions after the last one that was uninstalled:
// nothing is live of those before.
func (o *operation) sinceUninstall() []release.Meta {
	for i := len(o.past) - 1; i >= 0; i-- {
		if o.past[i].Status == release.StatusUninstalled {
			return o.past[i+1:]
		}
	}
	return o.past
}

// create stores the target: the write-ahead record.
func (o *operation) create(ctx context.Context, r *release.Record) error {
	if err := o.Store.Create(ctx, r); err != nil {
		return fmt.Errorf("store revision %d: %w", r.Version, err)
	}
	o.target = r
	o.notify(Notice{Step: StepRecord, Message: fmt.Sprintf("revision %d is %s", r.Version, r.Info.Status)})
	return nil
}

// save stores what has changed in the target.
func (o *operation) save(ctx context.Context) error {
	if err := o.Store.Update(ctx, o.target); err != nil {
		return fmt.Errorf("store revision %d: %w", o.target.Version, err)
	}
	return nil
}

// event writes a Kubernetes Event about the target, beside what is done next: the
// operation ends when it is written.
func (o *operation) event(ctx context.Context, reason, message string, warning bool) {
	e := Event{
		Release: o.name, Namespace: o.Namespace, Revision: o.revision(),
		Reason: reason, Message: message, Warning: warning, Operation: o.record(),
	}
	o.telling.Go(func() { o.Cluster.Event(ctx, e) })
}
