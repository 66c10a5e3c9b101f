package deploy

import (
	"context"
	"time"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
)

// Config is what operations act on. Clock and NewID must be set, and all of
// Cluster, Store and Locker but for a client-side dry run.
type Config struct {
	Cluster   Cluster
	Store     Store
	Locker    Locker
	Namespace string
	// Clock tells the time, usually time.Now.
	Clock func() time.Time
	// NewID gives an id that no other operation has: letters, digits and dashes, 40 at most.
	NewID func() string
	// Owner names the run that this operation belongs to, such as a build of a
	// pipeline. The same owner takes over at once what it left unfinished, and
	// what it has finished already it does not do again. Empty: each operation
	// is its own owner.
	Owner string
	// RecordLimit is how many bytes an encoded record may have; 0 means what a
	// Secret can hold, less than 0 that Store has no limit.
	RecordLimit int
	// Audit is recorded with each revision.
	Audit release.Audit
	// Concurrency is how many requests of one wave run at a time; 0 means 64.
	Concurrency int
	// Review, if not nil, is asked about everything that an install, an upgrade, a
	// rollback, an approved plan or the start of a rollout is about to bring
	// about, dry runs included, before anything is changed, and about the target
	// of a rollout when that is promoted. Its error refuses that. It is asked
	// again if a namespace has to be made first, and not when an operation goes on
	// or takes its changes back.
	Review func(context.Context, Review) error
	// Observe, if not nil, is told what happens. It may be called concurrently.
	Observe func(Notice)
	// Watch, if not nil, is told what there is to see of what is waited for: it
	// is for who shows that on a screen. It may be called concurrently.
	Watch func(Sight)
}

// Notice is one thing that an operation did or found.
type Notice struct {
	Time    time.Time
	Step    Step
	Ref     manifest.Ref // zero unless it is about one object
	Action  string       // of an object: created, configured, deleted, unchanged, kept, ready ...
	Message string       // a sentence, or lines of a log
}

// Step is the part of an operation that a notice belongs to.
type Step string

// The steps of operations.
const (
	StepWarning Step = "warning"
	StepLock    Step = "lock"
	StepRecord  Step = "record"
	StepCRD     Step = "crd"
	StepHook    Step = "hook"
	StepLog     Step = "log" // a hook's log
	StepApply   Step = "apply"
	StepDelete  Step = "delete"
	StepWait    Step = "wait"
	StepRollout Step = "rollout" // a phase of a rollout
)

func (c *Config) notify(n Notice) {
	if c.Observe != nil {
		n.Time = c.Clock()
		c.Observe(n)
	}
}

func (c *Config) warn(message string) { c.notify(Notice{Step: StepWarning, Message: message}) }

func (c *Config) concurrency() int {
	if c.Concurrency > 0 {
		return c.Concurrency
	}
	return 64
}
