package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
)

// lock is one that [Leases.Acquire] handed out.
type lock struct {
	leases   *Leases
	owner    string
	previous string
	fence    int32

	renewal context.Context // ends when the lock is being ended
	stop    context.CancelFunc
	stopped chan struct{} // closed when nothing renews the lock any more
	lost    chan struct{}
	cause   error // why it is lost; set before lost is closed

	// The renewal's while it runs, of whoever ends the lock afterwards.
	lease   *coordination.Lease
	renewed time.Time // before the request was sent

	ending sync.Mutex // held by whoever ends the lock
	ended  bool
}

// hold starts to renew a lock that was taken at the given time.
func (l *Leases) hold(lease *coordination.Lease, previous string, taken time.Time) *lock {
	k := &lock{
		leases: l, owner: *lease.Spec.HolderIdentity, previous: previous, fence: *lease.Spec.LeaseTransitions,
		stopped: make(chan struct{}), lost: make(chan struct{}),
		lease: lease, renewed: taken,
	}
	k.renewal, k.stop = context.WithCancel(context.Background())
	go k.renew()
	return k
}

// Previous is the id of an operation that held the lock and did not end it.
func (k *lock) Previous() string { return k.previous }

// Fence grows with each change of holder.
func (k *lock) Fence() int64 { return int64(k.fence) }

// Lost is closed when somebody else has the lock, when the Lease was deleted,
// or when it could not be renewed for five sixths of its duration.
func (k *lock) Lost() <-chan struct{} { return k.lost }

// Cause says why Lost was closed: who holds the lock now, or why it could not
// be renewed. It wraps deploy.ErrLockLost, and is nil before.
func (k *lock) Cause() error {
	select {
	case <-k.lost:
		return k.cause
	default:
		return nil
	}
}

// renew keeps the lock until it is being ended or is lost.
func (k *lock) renew() {
	defer close(k.stopped)
	duration := k.leases.duration
	wait := duration / 3
	for {
		timer := k.leases.clock.NewTimer(wait)
		select {
		case <-k.renewal.Done():
			timer.Stop()
			return
		case <-timer.C():
		}
		deadline := k.renewed.Add(duration * 5 / 6)
		patience := max(deadline.Sub(k.leases.clock.Now()), duration/15)
		ctx, cancel := context.WithTimeout(k.renewal, min(patience, duration/3))
		now := k.leases.clock.Now()
		err := k.write(ctx, func(l *coordination.Lease) { l.Spec.RenewTime = &metav1.MicroTime{Time: now} })
		cancel()
		switch {
		case err == nil:
			k.renewed, wait = now, duration/3
		case k.renewal.Err() != nil:
			return
		case errors.Is(err, deploy.ErrLockLost):
			k.cause = err
			close(k.lost)
			return
		case !k.leases.clock.Now().Before(deadline):
			k.cause = fmt.Errorf("%w: it could not be renewed: %w", deploy.ErrLockLost, err)
			close(k.lost)
			return
		default:
			wait = duration / 15
		}
	}
}

// write changes the Lease, unless the lock is lost: deploy.ErrLockLost.
func (k *lock) write(ctx context.Context, change func(*coordination.Lease)) error {
	return k.whileOurs(ctx, "update", func(lease *coordination.Lease) error {
		change(lease)
		lease, err := k.leases.client.Update(ctx, lease, metav1.UpdateOptions{FieldManager: FieldManager})
		if err == nil {
			k.lease = lease
		}
		return err
	})
}

// whileOurs hands a copy of the Lease to a request and reads it anew when
// somebody has written it without taking the lock, such as a request of ours
// whose answer was lost.
func (k *lock) whileOurs(ctx context.Context, verb string, request func(*coordination.Lease) error) error {
	for {
		err := request(k.lease.DeepCopy())
		switch {
		case apierrors.IsNotFound(err):
			return errLeaseDeleted
		case !apierrors.IsConflict(err):
			return k.leases.explain(err, verb, k.lease.Name)
		}
		lease, err := k.leases.client.Get(ctx, k.lease.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return errLeaseDeleted
		}
		if err != nil {
			return k.leases.explain(err, "get", k.lease.Name)
		}
		holder := ptr.Deref(lease.Spec.HolderIdentity, "")
		switch {
		case ptr.Deref(lease.Spec.LeaseTransitions, 0) != k.fence, holder != k.owner && holder != "":
			return fmt.Errorf("%w: %s holds it now", deploy.ErrLockLost, cmp.Or(holder, "nobody"))
		case holder == "":
			return errLeaseFree
		}
		k.lease = lease
	}
}

// What a Lease may have become without being somebody else's. Both are also
// what is found by whoever ended the lock and did not get the answer.
var (
	errLeaseDeleted = fmt.Errorf("%w: its Lease was deleted", deploy.ErrLockLost)
	errLeaseFree    = fmt.Errorf("%w: its Lease names no holder any more", deploy.ErrLockLost)
)

// Release ends the lock of an operation that is complete. Ending a lock a
// second time does nothing; one that was lost is deploy.ErrLockLost.
func (k *lock) Release(ctx context.Context) error {
	return k.end(func() error {
		return k.write(ctx, func(l *coordination.Lease) {
			l.Spec.HolderIdentity = nil
			delete(l.Annotations, release.AnnotationOperation)
		})
	})
}

// Suspend ends the lock, and leaves the id of an operation that is not over,
// this one or another, which the next holder sees as Previous. "" is Release.
func (k *lock) Suspend(ctx context.Context, operation string) error {
	if operation == "" {
		return k.Release(ctx)
	}
	return k.end(func() error {
		return k.write(ctx, func(l *coordination.Lease) {
			l.Spec.HolderIdentity = nil
			l.Annotations[release.AnnotationOperation] = operation
		})
	})
}

// Remove ends the lock and deletes the Lease.
func (k *lock) Remove(ctx context.Context) error {
	return k.end(func() error {
		return k.whileOurs(ctx, "delete", func(l *coordination.Lease) error {
			return k.leases.client.Delete(ctx, l.Name, metav1.DeleteOptions{
				Preconditions: &metav1.Preconditions{UID: &l.UID, ResourceVersion: &l.ResourceVersion},
			})
		})
	})
}

// end stops the renewal and then ends the lock. After an error it can be tried again.
func (k *lock) end(write func() error) error {
	k.ending.Lock()
	defer k.ending.Unlock()
	if k.ended {
		return nil
	}
	k.stop()
	<-k.stopped
	select {
	case <-k.lost:
		return deploy.ErrLockLost
	default:
	}
	err := write()
	if errors.Is(err, errLeaseDeleted) || errors.Is(err, errLeaseFree) {
		err = nil // it is what was wanted
	}
	k.ended = err == nil
	return err
}
