package deploy

import (
	"context"
	"time"

	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
)

// Live is an object as the API server returned it, in the form of
// [manifest.Object.Fields].
type Live = map[string]any

// Store keeps the records of releases in one namespace. release.Memory and the
// stores of package cluster are such. All methods are safe for concurrent use.
type Store interface {
	// History lists the revisions of a release, oldest first, from metadata
	// alone. A release that does not exist has none, and that is no error.
	History(ctx context.Context, name string) ([]release.Meta, error)
	// Get reads one revision, or returns release.ErrNotFound.
	Get(ctx context.Context, name string, version int) (*release.Record, error)
	// Create stores a new revision and sets its Token. release.ErrExists if there is one.
	Create(ctx context.Context, r *release.Record) error
	// Update replaces a revision if it is still the one that r.Token names, and
	// sets the new Token. release.ErrConflict if somebody else has changed it,
	// release.ErrNotFound if it is gone. An empty Token replaces whatever is there.
	Update(ctx context.Context, r *release.Record) error
	// Delete removes a revision, or returns release.ErrNotFound.
	Delete(ctx context.Context, name string, version int) error
}

// Locker hands out the lock of a release.
type Locker interface {
	// Acquire takes the lock of a release or returns a *LockedError. A lock
	// whose time has passed, or that the same owner holds, is taken over.
	Acquire(ctx context.Context, release string, holder Holder) (Lock, error)
}

// Holder says who takes a lock and for which operation.
type Holder struct {
	Owner, Operation string
	// Free, if not nil, is called when the lock was seen to be free, before it
	// is taken, perhaps several times. If Acquire takes the lock and Previous
	// is empty, nobody had it after the last call: what was read from then on
	// is as good as what is read under the lock. It must not block.
	Free func()
	// Unused says that nobody is thought to have had the lock before. Acquire
	// then tries to take it before it looks at it, which is a request less if so,
	// and calls Free first. Somebody may have had and removed the lock since.
	Unused bool
}

// Lock is held until it is ended in one of three ways.
type Lock interface {
	// Previous is the id of an operation that held the lock and did not end it, "" if there is none.
	Previous() string
	// Fence grows with each change of holder.
	Fence() int64
	// Lost is closed when the lock has gone to somebody else or could not be
	// renewed before its time passed. Nothing may be written after that.
	Lost() <-chan struct{}
	// Cause says why Lost was closed; it wraps ErrLockLost. Nil before.
	Cause() error
	// Release ends the lock of an operation that is complete.
	Release(ctx context.Context) error
	// Suspend ends the lock, and leaves the id of an operation that is not over,
	// this one or another, which the next holder sees as Previous.
	Suspend(ctx context.Context, operation string) error
	// Remove ends the lock and leaves no trace of it.
	Remove(ctx context.Context) error
}

// Discoverer knows what the API server serves.
type Discoverer interface {
	// Capabilities describe the API server to templates.
	Capabilities(ctx context.Context) (*engine.Capabilities, error)
	// Lookup is the template function of that name.
	Lookup(ctx context.Context) engine.LookupFunc
	// Resolve gives the objects of namespaced kinds a namespace, takes it from
	// those of other kinds, and sets apart objects of kinds that the API server
	// does not serve.
	Resolve(ctx context.Context, objects []manifest.Object, namespace string) (Resolved, error)
	// Allowed finds out beforehand whether the caller may do the verbs to the
	// objects. The error joins a *ForbiddenError for each right that is missing.
	Allowed(ctx context.Context, refs []manifest.Ref, verbs ...string) error
	// AskRights may begin to find out what the caller may do in a namespace, so
	// that Allowed knows it sooner if it is called before ctx ends.
	AskRights(ctx context.Context, namespace string)
	// Refresh forgets what is known of the server's kinds: after a
	// CustomResourceDefinition was created.
	Refresh()
}

// Resolved are objects whose references name them uniquely in the cluster.
type Resolved struct {
	Objects []manifest.Object
	Unknown []manifest.Object // their kinds are not served
}

// Reader reads objects.
type Reader interface {
	// Read returns those of the objects that exist. Many of one kind in one
	// namespace are read by a single list.
	Read(ctx context.Context, refs []manifest.Ref) (map[manifest.Ref]Live, error)
}

// Writer changes objects. Each method is one write at most, besides the
// migration of managed fields.
type Writer interface {
	// Apply creates or changes an object by server-side apply with the field
	// manager "helm" and returns it as it is then. Errors: *ConflictError,
	// *ImmutableError, *ForbiddenError, *RejectedError.
	Apply(ctx context.Context, o manifest.Object, options ApplyOptions) (Live, error)
	// MayConflict reports whether another field manager holds a field of the
	// live object that wanted sets to another value. It asks nobody.
	MayConflict(live Live, wanted map[string]any) bool
	// Migrates reports whether Apply would first hand over fields of the live
	// object that a client-side Helm manages. It asks nobody.
	Migrates(live Live) bool
	// Replace puts an object in the place of the live one by an update, or
	// returns an *ImmutableError.
	Replace(ctx context.Context, o manifest.Object, live Live) (Live, error)
	// Recreate deletes the live object and creates the wanted one.
	Recreate(ctx context.Context, o manifest.Object, live Live) (Live, error)
	// Delete removes an object. That it is not there is no error.
	Delete(ctx context.Context, ref manifest.Ref, options DeleteOptions) error
	// EnsureNamespace creates a namespace unless it is there.
	EnsureNamespace(ctx context.Context, name string) error
}

// ApplyOptions change how an object is applied.
type ApplyOptions struct {
	// DryRun has the server do everything but store the result.
	DryRun bool
	// TakeConflicts takes fields from other field managers instead of failing.
	TakeConflicts bool
	// Live is the object as it was read, nil if there was none. Fields that a
	// client-side "helm" manages are handed over to server-side apply first.
	Live Live
	// CreateOnly makes it an error (*ExistsError) if the object is there already.
	CreateOnly bool
	// MetadataOnly lets Apply return no more than the object's metadata, without
	// the managed fields: a server that need not encode the rest has more time for
	// other requests. Such a result cannot be the Live of another Apply.
	MetadataOnly bool
}

// DeleteOptions change how an object is deleted.
type DeleteOptions struct {
	// Propagation is Background (also the zero value), Foreground or Orphan.
	Propagation string
	// UID, if set, spares an object of the same name that has another one.
	UID string
}

// Waiter waits for what the cluster makes of objects.
type Waiter interface {
	// Wait returns when every object is ready, or a *NotReadyError as soon as
	// one cannot become so without help, or when the context ends.
	Wait(ctx context.Context, objects []manifest.Object, options WaitOptions) error
	// WaitGone returns when none of the objects is there any more.
	WaitGone(ctx context.Context, refs []manifest.Ref) error
	// WaitHook returns when a Job or Pod has run to its end. Objects of other
	// kinds are done as soon as they exist. A failed one is a *HookFailedError.
	// If watch is not nil, it is told what there is to see of it.
	WaitHook(ctx context.Context, o manifest.Object, watch func(Sight)) error
	// Logs are the logs of a Job's or Pod's containers, cut to some hundred lines.
	Logs(ctx context.Context, o manifest.Object) (string, error)
}

// WaitOptions change what is waited for.
type WaitOptions struct {
	// Jobs waits for Jobs to complete. Else they only have to exist.
	Jobs bool
	// Progress, if not nil, is told of each change of an object's state. It is
	// called from one goroutine.
	Progress func(Progress)
	// Watch, if not nil, is told of each change of what there is to see of an
	// object that is not ready. It is called from one goroutine. It costs
	// requests: events and logs are read while something is in trouble.
	Watch func(Sight)
	// Settle is how long a reason that usually needs help, such as
	// CrashLoopBackOff, has to last before it counts; 0 means 10 s.
	Settle time.Duration
}

// Progress is the state of one object while it is waited for.
type Progress struct {
	Ref     manifest.Ref
	Ready   bool
	Message string // what it waits for, such as "3 of 9 replicas are ready"
}

// Sight is what there is to see of an object that is not ready.
type Sight struct {
	Ref    manifest.Ref
	Pods   []PodState // those that are not ready first
	Detail []string   // the last events and log lines of what is in trouble
}

// PodState is what a pod does.
type PodState struct {
	Name  string
	State string // in words
	Ready bool
}

// Recorder writes Kubernetes Events.
type Recorder interface {
	// Event notes something about a release, best effort.
	Event(ctx context.Context, e Event)
}

// Event is what a release's history in the cluster tells.
type Event struct {
	Release, Namespace string
	Revision           int
	Reason, Message    string // such as Upgraded; a sentence
	Warning            bool
	Operation          *release.Operation
}

// Cluster is everything an operation asks of a cluster but its records and locks.
type Cluster interface {
	Discoverer
	Reader
	Writer
	Waiter
	Recorder
}
