package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	testclock "k8s.io/utils/clock/testing"

	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
)

// leaseRig is a namespace with locks, a clock that stands still, and a
// connection that can be cut.
type leaseRig struct {
	*testing.T
	*cluster.Leases
	client    kubernetes.Interface
	namespace string
	clock     *testclock.FakeClock
	cut       atomic.Bool
	reads     atomic.Int32
	writes    atomic.Int32
}

const leaseTime = 30 * time.Second

func newLeaseRig(t *testing.T) *leaseRig {
	t.Helper()
	c := clustertest.Shared(t)
	config := c.RESTConfig(t)
	rig := &leaseRig{T: t, namespace: c.Namespace(t), clock: testclock.NewFakeClock(time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC))}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if rig.cut.Load() {
				return nil, errors.New("the network is down")
			}
			switch r.Method {
			case http.MethodGet:
				rig.reads.Add(1)
			case http.MethodPut:
				defer rig.writes.Add(1)
			}
			return next.RoundTrip(r)
		})
	})
	rig.client = clientFor(t, config)
	leases, err := cluster.NewLeases(rig.client, rig.namespace, cluster.LeaseOptions{Duration: leaseTime, Clock: rig.clock})
	if err != nil {
		t.Fatal(err)
	}
	rig.Leases = leases
	return rig
}

type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func clientFor(t *testing.T, config *rest.Config) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// take takes the lock and ends its renewal at the end of the test.
func (rig *leaseRig) take(owner, operation string) deploy.Lock {
	rig.Helper()
	lock, err := rig.Acquire(rig.Context(), "web", deploy.Holder{Owner: owner, Operation: operation})
	if err != nil {
		rig.Fatal(err)
	}
	rig.Cleanup(func() { _ = lock.Suspend(context.WithoutCancel(rig.Context()), "") })
	return lock
}

func (rig *leaseRig) lease() *coordination.Lease {
	rig.Helper()
	l, err := rig.client.CoordinationV1().Leases(rig.namespace).Get(rig.Context(), "slipway-web", metav1.GetOptions{})
	if err != nil {
		rig.Fatal(err)
	}
	return l
}

// beat lets the time pass once the renewal waits for it.
func (rig *leaseRig) beat(d time.Duration) {
	for !rig.clock.HasWaiters() {
		time.Sleep(time.Millisecond)
	}
	rig.clock.Step(d)
}

func (rig *leaseRig) wantLocked(owner, by, operation string) {
	rig.Helper()
	_, err := rig.Acquire(rig.Context(), "web", deploy.Holder{Owner: owner, Operation: "X"})
	var locked *deploy.LockedError
	if !errors.As(err, &locked) || locked.Release != "web" || locked.Owner != by || locked.Operation != operation || !locked.Expires.After(rig.clock.Now()) {
		rig.Fatalf("%s gets %v, %+v", owner, err, locked)
	}
}

func lost(lock deploy.Lock) bool {
	select {
	case <-lock.Lost():
		return true
	default:
		return false
	}
}

func TestLockIsForOneOwner(t *testing.T) {
	rig := newLeaseRig(t)
	lock := rig.take("ann", "A")
	if lock.Previous() != "" || lock.Fence() != 1 {
		t.Fatalf("previous %q, fence %d", lock.Previous(), lock.Fence())
	}
	l := rig.lease()
	if l.Labels["app.kubernetes.io/managed-by"] != "slipway" || *l.Spec.HolderIdentity != "ann" || *l.Spec.LeaseDurationSeconds != 30 {
		t.Fatalf("%+v", l)
	}
	rig.wantLocked("bob", "ann", "A")
	if err := lock.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(t.Context()); err != nil {
		t.Fatalf("released twice: %v", err)
	}
	l = rig.lease()
	if l.Spec.HolderIdentity != nil || len(l.Annotations) != 0 {
		t.Fatalf("after a clean end: %+v", l)
	}
	next := rig.take("bob", "B")
	if next.Previous() != "" || next.Fence() != 2 {
		t.Fatalf("previous %q, fence %d", next.Previous(), next.Fence())
	}
}

func TestInterruptedOperationIsNamedToTheNextHolder(t *testing.T) {
	rig := newLeaseRig(t)
	if err := rig.take("ann", "A").Suspend(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	lock := rig.take("bob", "B")
	if lock.Previous() != "A" || lock.Fence() != 2 {
		t.Fatalf("previous %q, fence %d", lock.Previous(), lock.Fence())
	}
	if err := lock.Suspend(t.Context(), lock.Previous()); err != nil { // bob cannot help
		t.Fatal(err)
	}
	lock = rig.take("bob", "C")
	if lock.Previous() != "A" || lock.Fence() != 3 {
		t.Fatalf("previous %q, fence %d", lock.Previous(), lock.Fence())
	}
	if err := lock.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := rig.client.CoordinationV1().Leases(rig.namespace).Get(t.Context(), "slipway-web", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Fatalf("a removed lock is there: %v", err)
	}
	if lock := rig.take("bob", "D"); lock.Previous() != "" || lock.Fence() != 1 {
		t.Fatalf("previous %q, fence %d", lock.Previous(), lock.Fence())
	}
}

func TestTheSameOwnerTakesItsLockOver(t *testing.T) {
	rig := newLeaseRig(t)
	first := rig.take("ann", "A")
	second := rig.take("ann", "B")
	if second.Previous() != "A" || second.Fence() != 2 {
		t.Fatalf("previous %q, fence %d", second.Previous(), second.Fence())
	}
	if err := first.Release(t.Context()); !errors.Is(err, deploy.ErrLockLost) {
		t.Fatalf("the first one is released: %v", err)
	}
	if l := rig.lease(); *l.Spec.HolderIdentity != "ann" || l.Annotations["slipway.dev/operation"] != "B" {
		t.Fatalf("the first one has written: %+v", l)
	}
}

func TestALockIsRenewedAndOneThatIsNotIsTakenOver(t *testing.T) {
	rig := newLeaseRig(t)
	lock := rig.take("ann", "A")
	for i := range 3 {
		rig.beat(leaseTime/3 + time.Second)
		for int(rig.writes.Load()) <= i {
			time.Sleep(time.Millisecond)
		}
	}
	rig.wantLocked("bob", "ann", "A") // 33 s later
	if lost(lock) {
		t.Fatal("lost although it was renewed")
	}
	rig.cut.Store(true)
	for !lost(lock) {
		if rig.clock.HasWaiters() {
			rig.clock.Step(leaseTime / 15)
		}
		time.Sleep(time.Millisecond)
	}
	rig.cut.Store(false)
	if late := rig.clock.Now().Sub(rig.lease().Spec.RenewTime.Time); late >= leaseTime {
		t.Errorf("known to be lost only %s after it was renewed", late)
	}
	if err := lock.Release(t.Context()); !errors.Is(err, deploy.ErrLockLost) {
		t.Errorf("a lost lock is released: %v", err)
	}
	rig.wantLocked("bob", "ann", "A")
	rig.clock.Step(leaseTime)
	if lock := rig.take("bob", "B"); lock.Previous() != "A" || lock.Fence() != 2 {
		t.Fatalf("previous %q, fence %d", lock.Previous(), lock.Fence())
	}
}

func TestALockIsLostWhenTheLeaseChangesHands(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(rig *leaseRig) error
	}{
		{"somebody else holds it", func(rig *leaseRig) error {
			l := rig.lease()
			*l.Spec.HolderIdentity = "bob"
			_, err := rig.client.CoordinationV1().Leases(rig.namespace).Update(rig.Context(), l, metav1.UpdateOptions{})
			return err
		}},
		{"the Lease was deleted", func(rig *leaseRig) error {
			return rig.client.CoordinationV1().Leases(rig.namespace).Delete(rig.Context(), "slipway-web", metav1.DeleteOptions{})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			rig := newLeaseRig(t)
			lock := rig.take("ann", "A")
			if err := test.change(rig); err != nil {
				t.Fatal(err)
			}
			rig.beat(leaseTime / 3)
			<-lock.Lost()
		})
	}
}

func TestALockOutlivesAWriteThatTakesNothing(t *testing.T) {
	rig := newLeaseRig(t)
	lock := rig.take("ann", "A")
	l := rig.lease()
	l.Labels["note"] = "seen"
	if _, err := rig.client.CoordinationV1().Leases(rig.namespace).Update(t.Context(), l, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(t.Context()); err != nil || lost(lock) {
		t.Fatal(err)
	}
	if l := rig.lease(); l.Labels["note"] != "seen" || l.Spec.HolderIdentity != nil {
		t.Fatalf("%+v", l)
	}
}

func TestOfManyOwnersOneGetsTheLock(t *testing.T) {
	rig := newLeaseRig(t)
	var winners atomic.Int32
	var owners sync.WaitGroup
	for i := range 8 {
		owners.Go(func() {
			lock, err := rig.Acquire(t.Context(), "web", deploy.Holder{Owner: fmt.Sprint("owner ", i), Operation: fmt.Sprint(i)})
			var locked *deploy.LockedError
			switch {
			case err == nil:
				winners.Add(1)
				t.Cleanup(func() { _ = lock.Suspend(context.WithoutCancel(t.Context()), "") })
			case !errors.As(err, &locked):
				t.Error(err)
			}
		})
	}
	owners.Wait()
	if n := winners.Load(); n != 1 {
		t.Fatalf("%d owners have the lock", n)
	}
}

func TestLockNamesTheMissingPermission(t *testing.T) {
	c := clustertest.Shared(t)
	namespace := c.Namespace(t)
	client, _ := storeClients(t, c.KubeconfigFor(t, "nobody"))
	leases, err := cluster.NewLeases(client, namespace, cluster.LeaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = leases.Acquire(t.Context(), "web", deploy.Holder{Owner: "ann", Operation: "A"})
	var denied *deploy.ForbiddenError
	if !errors.As(err, &denied) || denied.Verb != "get" || denied.Resource != "leases" || denied.Group != "coordination.k8s.io" {
		t.Fatalf("got %v", err)
	}
}

func TestWhatIsReadWhenTheLockIsFreeHoldsOnceItIsTaken(t *testing.T) {
	rig := newLeaseRig(t)
	var calls int
	holder := deploy.Holder{Owner: "ann", Operation: "A", Free: func() { calls++ }}
	acquire := func(want int) {
		t.Helper()
		calls = 0
		lock, err := rig.Acquire(rig.Context(), "web", holder)
		if err != nil {
			t.Fatal(err)
		}
		if calls != want {
			t.Errorf("Free was called %d times, not %d", calls, want)
		}
		if err := lock.Release(rig.Context()); err != nil {
			t.Fatal(err)
		}
	}
	acquire(1) // there is no Lease yet
	acquire(1)

	// Somebody has the lock for a moment between the look at it and the attempt to take it.
	holder.Free = func() {
		if calls++; calls == 1 {
			if err := rig.take("bob", "B").Release(rig.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	acquire(2)

	rig.take("bob", "B")
	calls = 0
	var locked *deploy.LockedError
	if _, err := rig.Acquire(rig.Context(), "web", holder); !errors.As(err, &locked) || calls != 0 {
		t.Errorf("Free was called %d times for a lock that is held (%v)", calls, err)
	}
}

func TestLockThatIsThoughtToBeUnused(t *testing.T) {
	rig := newLeaseRig(t)
	var calls int
	holder := deploy.Holder{Owner: "ann", Operation: "A", Unused: true, Free: func() { calls++ }}
	acquire := func(wantCalls int, wantReads int32, wantFence int64) {
		t.Helper()
		calls = 0
		reads := rig.reads.Load()
		lock, err := rig.Acquire(rig.Context(), "web", holder)
		if err != nil {
			t.Fatal(err)
		}
		if calls != wantCalls || rig.reads.Load()-reads != wantReads || lock.Fence() != wantFence {
			t.Errorf("Free was called %d times, the Lease read %d times, the fence is %d; %d, %d and %d expected",
				calls, rig.reads.Load()-reads, lock.Fence(), wantCalls, wantReads, wantFence)
		}
		if err := lock.Release(rig.Context()); err != nil {
			t.Fatal(err)
		}
	}
	acquire(1, 0, 1)
	acquire(2, 1, 2) // there is a Lease after all

	rig.take("bob", "B")
	var locked *deploy.LockedError
	if _, err := rig.Acquire(rig.Context(), "web", holder); !errors.As(err, &locked) || locked.Owner != "bob" {
		t.Errorf("of a lock that somebody holds: %v", err)
	}
}

// TestTheAnswerToTheFirstRequestIsLost has it lost before any other of the API
// server, so that nobody repeats the request.
func TestTheAnswerToTheFirstRequestIsLost(t *testing.T) {
	c := clustertest.Shared(t)
	config := c.RESTConfig(t)
	var lost atomic.Bool
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if err == nil && !lost.Swap(true) {
				_ = response.Body.Close()
				return nil, io.ErrUnexpectedEOF
			}
			return response, err
		})
	})
	leases, err := cluster.NewLeases(clientFor(t, config), c.Namespace(t), cluster.LeaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	lock, err := leases.Acquire(t.Context(), "web", deploy.Holder{Owner: "ann", Operation: "A", Unused: true})
	if err != nil || lock.Fence() != 1 || lock.Previous() != "" {
		t.Fatalf("the lock of the request whose answer was lost: %v, %v", lock, err)
	}
	if err := lock.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}
