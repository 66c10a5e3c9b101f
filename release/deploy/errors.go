package deploy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/e6d26078/slipway/release/manifest"
)

// ErrLockLost is the cause of a context that ended because the release's lock
// went to somebody else.
var ErrLockLost = errors.New("the lock of the release was lost")

// LockedError says that somebody else works on the release.
type LockedError struct {
	Release   string
	Owner     string
	Operation string    // id
	Expires   time.Time // when it can be taken over, unless it is renewed
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("release %s is locked by %s until %s", e.Release, e.Owner, e.Expires.UTC().Format(time.RFC3339))
}

// ConflictError says that other field managers hold fields that a chart sets.
type ConflictError struct {
	Ref       manifest.Ref
	Conflicts []Conflict
}

// Conflict is a field and who manages it.
type Conflict struct{ Manager, Field string }

func (e *ConflictError) Error() string {
	parts := make([]string, len(e.Conflicts))
	for i, c := range e.Conflicts {
		parts[i] = fmt.Sprintf("%s is managed by %q", c.Field, c.Manager)
	}
	return fmt.Sprintf("conflict on %s: %s", e.Ref, strings.Join(parts, ", "))
}

// ImmutableError says that a change needs the object to be created anew.
type ImmutableError struct {
	Ref    manifest.Ref
	Fields []string
	Err    error // the server's words, nil if it was not asked
}

func (e *ImmutableError) Error() string {
	return fmt.Sprintf("%s: %s cannot be changed", e.Ref, strings.Join(e.Fields, ", "))
}

func (e *ImmutableError) Unwrap() error { return e.Err }

// ForbiddenError says that the cluster's rules deny a request.
type ForbiddenError struct {
	Verb, Resource, Group, Namespace, Name string
	Err                                    error
}

func (e *ForbiddenError) Error() string {
	resource := e.Resource
	if e.Group != "" {
		resource += "." + e.Group
	}
	where := "in the whole cluster"
	if e.Namespace != "" {
		where = "in namespace " + e.Namespace
	}
	return fmt.Sprintf("no permission to %s %s %s", e.Verb, resource, where)
}

func (e *ForbiddenError) Unwrap() error { return e.Err }

// RejectedError says that the API server, a quota or an admission webhook
// does not accept an object.
type RejectedError struct {
	Ref    manifest.Ref
	Reason string // metav1.StatusReason, such as Invalid
	Err    error
}

func (e *RejectedError) Error() string { return fmt.Sprintf("%s is not accepted: %v", e.Ref, e.Err) }
func (e *RejectedError) Unwrap() error { return e.Err }

// ExistsError says that an object that was to be created is there already.
type ExistsError struct{ Ref manifest.Ref }

func (e *ExistsError) Error() string { return fmt.Sprintf("%s already exists", e.Ref) }

// NotReadyError lists objects that did not become ready, with the reasons,
// events and last log lines that tell why.
type NotReadyError struct {
	Objects []NotReady
	Timeout bool // the time was up; else at least one object needs help
}

// NotReady is why one object is not ready.
type NotReady struct {
	Ref     manifest.Ref
	Reason  string // such as ImagePullBackOff, "" if it is only slow
	Message string
	Detail  []string // events and log lines
}

func (e *NotReadyError) Error() string {
	parts := make([]string, len(e.Objects))
	for i, o := range e.Objects {
		parts[i] = o.Ref.String() + ": " + o.Message
	}
	return "not ready: " + strings.Join(parts, "; ")
}

// HookFailedError says that a hook ran and failed.
type HookFailedError struct {
	Ref     manifest.Ref
	Message string
	Detail  []string // events and log lines
}

func (e *HookFailedError) Error() string { return fmt.Sprintf("hook %s failed: %s", e.Ref, e.Message) }

// UnreachableError says that the API server could not be asked, or that it
// does not know who asks.
type UnreachableError struct {
	Server          string
	Unauthenticated bool // the credentials are missing, wrong or expired
	Err             error
}

func (e *UnreachableError) Error() string {
	if e.Unauthenticated && e.Server == "" {
		return "the API server does not accept the credentials"
	}
	if e.Unauthenticated {
		return fmt.Sprintf("the API server at %s does not accept the credentials", e.Server)
	}
	return fmt.Sprintf("the API server at %s cannot be reached: %v", e.Server, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }
