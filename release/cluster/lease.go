package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typed "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
)

const (
	leasePrefix    = "slipway-"
	leaseDuration  = 30 * time.Second
	leaseTries     = 8 // how often Acquire starts over when others write the Lease
	managedByLabel = "app.kubernetes.io/managed-by"
)

// Leases hands out the locks of the releases of a namespace, each a Lease named
// slipway-<release>. It is safe for concurrent use.
type Leases struct {
	client    typed.LeaseInterface
	namespace string
	duration  time.Duration
	clock     clock.Clock
}

// LeaseOptions are settings of [NewLeases].
type LeaseOptions struct {
	// Duration is how long a lock lasts that is not renewed, in whole seconds;
	// 0 means 30 s. It is renewed at a third of it. Whoever waits for a holder
	// that was killed waits that long.
	Duration time.Duration
	// Clock is what locks are timed by; nil is the machine's. The clocks of
	// all that take locks have to agree within a third of Duration.
	Clock clock.Clock
}

// NewLeases returns the locks of a namespace.
func NewLeases(client Typed, namespace string, options LeaseOptions) (*Leases, error) {
	l := &Leases{client: client.CoordinationV1().Leases(namespace), namespace: namespace, duration: options.Duration, clock: options.Clock}
	if namespace == "" {
		return nil, errors.New("locks need a namespace")
	}
	if l.duration == 0 {
		l.duration = leaseDuration
	}
	if l.duration < time.Second || l.duration%time.Second != 0 {
		return nil, fmt.Errorf("duration of a lock: %s is not a whole number of seconds", l.duration)
	}
	if l.clock == nil {
		l.clock = clock.RealClock{}
	}
	return l, nil
}

// Acquire takes the lock of a release or returns a *deploy.LockedError. A lock
// whose time has passed, or that the same owner holds, is taken over. The lock
// is renewed in the background, whatever becomes of ctx, until it is ended or lost.
func (l *Leases) Acquire(ctx context.Context, name string, holder deploy.Holder) (deploy.Lock, error) {
	if err := release.ValidateName(name); err != nil {
		return nil, err
	}
	if holder.Owner == "" || holder.Operation == "" {
		return nil, errors.New("a lock needs an owner and an operation")
	}
	a := attempt{Leases: l, name: name, holder: holder}
	for range leaseTries {
		lock, err := a.try(ctx)
		if lock != nil || err != nil {
			return lock, err
		}
	}
	return nil, fmt.Errorf("%w: lock of release %s", release.ErrConflict, name)
}

// attempt is one call of Acquire.
type attempt struct {
	*Leases
	name     string
	holder   deploy.Holder
	written  time.Time // when the last try wrote, zero for not yet
	previous string    // what that try found
}

// try takes the lock unless it is held. No lock and no error says that somebody
// else was faster and the Lease has to be looked at again. It may have been a
// request of ours whose answer was lost.
func (l *attempt) try(ctx context.Context) (deploy.Lock, error) {
	name, holder := l.name, l.holder
	key := leasePrefix + name
	blind := holder.Unused && l.written.IsZero()
	lease, missing := &coordination.Lease{ObjectMeta: metav1.ObjectMeta{Name: key, Namespace: l.namespace}}, true
	if !blind {
		found, err := l.client.Get(ctx, key, metav1.GetOptions{})
		switch {
		case err == nil:
			lease, missing = found, false
		case !apierrors.IsNotFound(err):
			return nil, l.explain(err, "get", key)
		}
	}
	if l.held(lease, holder) {
		return nil, &deploy.LockedError{
			Release:   name,
			Owner:     *lease.Spec.HolderIdentity,
			Operation: lease.Annotations[release.AnnotationOperation],
			Expires:   expiry(lease),
		}
	}
	if !l.written.IsZero() && !missing && isOf(lease, holder) {
		return l.hold(lease, l.previous, l.written), nil
	}
	if holder.Free != nil {
		holder.Free()
	}
	now := l.clock.Now()
	previous := lease.Annotations[release.AnnotationOperation]
	l.written, l.previous = now, previous
	take(lease, holder, l.duration, now)
	var err error
	if missing {
		lease, err = l.client.Create(ctx, lease, metav1.CreateOptions{FieldManager: FieldManager})
	} else {
		lease, err = l.client.Update(ctx, lease, metav1.UpdateOptions{FieldManager: FieldManager})
	}
	switch {
	case apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err):
		return nil, nil
	case apierrors.IsNotFound(err) && !missing:
		return nil, nil
	case err != nil && blind && ctx.Err() == nil && apierrors.ReasonForError(err) == metav1.StatusReasonUnknown:
		return nil, nil // no answer: it may be there, and if nobody answers the look at it will tell
	case err != nil && missing:
		return nil, l.explain(err, "create", key)
	case err != nil:
		return nil, l.explain(err, "update", key)
	}
	return l.hold(lease, previous, now), nil
}

// held tells whether somebody other than the holder has the lock now.
func (l *Leases) held(lease *coordination.Lease, holder deploy.Holder) bool {
	owner := ptr.Deref(lease.Spec.HolderIdentity, "")
	return owner != "" && owner != holder.Owner && l.clock.Now().Before(expiry(lease))
}

// isOf tells whether a Lease was written by the very operation.
func isOf(lease *coordination.Lease, holder deploy.Holder) bool {
	return ptr.Deref(lease.Spec.HolderIdentity, "") == holder.Owner && lease.Annotations[release.AnnotationOperation] == holder.Operation
}

// expiry is when a lock can be taken over; long ago if the Lease does not say.
func expiry(lease *coordination.Lease) time.Time {
	if lease.Spec.RenewTime == nil || lease.Spec.LeaseDurationSeconds == nil {
		return time.Time{}
	}
	return lease.Spec.RenewTime.Add(time.Duration(*lease.Spec.LeaseDurationSeconds) * time.Second)
}

// take writes a new holder into a Lease.
func take(lease *coordination.Lease, holder deploy.Holder, duration time.Duration, now time.Time) {
	if lease.Labels == nil {
		lease.Labels = map[string]string{}
	}
	lease.Labels[managedByLabel] = "slipway"
	if lease.Annotations == nil {
		lease.Annotations = map[string]string{}
	}
	lease.Annotations[release.AnnotationOperation] = holder.Operation
	lease.Spec.HolderIdentity = ptr.To(holder.Owner)
	lease.Spec.LeaseDurationSeconds = ptr.To(int32(duration / time.Second))
	lease.Spec.AcquireTime = &metav1.MicroTime{Time: now}
	lease.Spec.RenewTime = &metav1.MicroTime{Time: now}
	lease.Spec.LeaseTransitions = ptr.To(ptr.Deref(lease.Spec.LeaseTransitions, 0) + 1)
}

func (l *Leases) explain(err error, verb, key string) error {
	return explain(err, verb, "leases", "coordination.k8s.io", l.namespace, key)
}
