package deploy_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coordination "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
)

// undisturbed is the state that an operation leads to when nothing goes wrong.
func undisturbed(t *testing.T, api *clustertest.Cluster, operation string) map[string]any {
	t.Helper()
	s := newSweep(t, api, operation)
	s.direct.Owner = "run-1"
	if err := operate(background, s.direct, operation); err != nil {
		t.Fatal(err)
	}
	return s.state(t)
}

// faulty is an operation whose requests go through a gate.
type faulty struct {
	*sweep
	gate *gate
	rest *rest.Config // not through the gate
	want map[string]any
}

func newFaulty(t *testing.T, api *clustertest.Cluster, operation string, want map[string]any) *faulty {
	t.Helper()
	f := &faulty{sweep: newSweep(t, api, operation), rest: api.RESTConfig(t), want: want}
	f.gate = newGate(t, f.rest)
	return f
}

// fails runs the operation, which must not succeed.
func (f *faulty) fails(t *testing.T, config deploy.Config, outcome deploy.Outcome, words ...string) *deploy.Error {
	t.Helper()
	err := operate(background, config, f.operation)
	var failure *deploy.Error
	if !errors.As(err, &failure) || failure.Outcome != outcome {
		t.Fatalf("%s: %#v, want outcome %d: %v", f.operation, failure, outcome, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error lacks %q: %v", word, err)
		}
	}
	return failure
}

// goesOn runs the same operation again, undisturbed.
func (f *faulty) goesOn(t *testing.T) {
	t.Helper()
	f.gate.on(nil)
	if err := operate(background, f.gate.config(t, f.namespace, 0, 0), f.operation); err != nil {
		t.Fatalf("the same operation again: %v", err)
	}
	if diff := cmp.Diff(f.want, f.state(t)); diff != "" {
		t.Errorf("the state differs from that of an undisturbed run (-want +got):\n%s", diff)
	}
}

// newest is the status of the newest revision, as the cluster has it.
func (f *faulty) newest(t *testing.T) release.Status {
	t.Helper()
	past, err := f.direct.Store.History(background, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if len(past) == 0 {
		return ""
	}
	return past[len(past)-1].Status
}

// TestConnectionFaults runs operations while the way to the API server, or the
// server itself, is out of order.
func TestConnectionFaults(t *testing.T) {
	api := clustertest.Shared(t)
	t.Run("the answer to each change is lost once, and the request before it never gets there", func(t *testing.T) {
		for _, operation := range []string{"install", "upgrade", "uninstall"} {
			t.Run(operation, func(t *testing.T) {
				t.Parallel()
				f := newFaulty(t, api, operation, undisturbed(t, api, operation))
				var mu sync.Mutex
				tries := map[string]int{}
				f.gate.on(func(r *http.Request) treatment {
					if r.URL.Query().Get("watch") != "" {
						return treatment{}
					}
					mu.Lock()
					defer mu.Unlock()
					key := r.Method + " " + r.URL.Path
					tries[key]++
					if !isChange(r) {
						return treatment{}
					}
					return [...]treatment{{}, {cut: true}, {lose: true}}[tries[key]%3]
				})
				if err := operate(background, f.gate.config(t, f.namespace, 0, 0), operation); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(f.want, f.state(t)); diff != "" {
					t.Errorf("the state differs from that of an undisturbed run (-want +got):\n%s", diff)
				}
			})
		}
	})
	t.Run("upgrade", func(t *testing.T) { connectionFaults(t, api, undisturbed(t, api, "upgrade")) })
}

func connectionFaults(t *testing.T, api *clustertest.Cluster, want map[string]any) {
	run := func(name string, test func(t *testing.T, f *faulty)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newFaulty(t, api, "upgrade", want))
		})
	}
	// after treats everything from the first apply of a Deployment on.
	after := func(f *faulty, what treatment) {
		begun := false
		f.gate.on(func(r *http.Request) treatment {
			if begun = begun || isApply(r, "deployments"); begun {
				return what
			}
			return treatment{}
		})
	}
	run("it cannot be reached for 2 s", func(t *testing.T, f *faulty) {
		var end time.Time
		f.gate.on(func(r *http.Request) treatment {
			if end.IsZero() && isApply(r, "deployments") {
				end = time.Now().Add(2 * time.Second)
			}
			return treatment{cut: time.Now().Before(end)}
		})
		if err := operate(background, f.gate.config(t, f.namespace, 0, 0), f.operation); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f.want, f.state(t)); diff != "" {
			t.Errorf("the state differs from that of an undisturbed run (-want +got):\n%s", diff)
		}
	})
	run("it goes away for good", func(t *testing.T, f *faulty) {
		after(f, treatment{cut: true})
		failure := f.fails(t, f.gate.config(t, f.namespace, 0, time.Second), deploy.Stalled, f.gate.URL, "cannot be reached")
		if len(failure.Hints) != 1 || !strings.Contains(failure.Hints[0], "run the same command again") {
			t.Errorf("hints %q", failure.Hints)
		}
		if status := f.newest(t); status != release.StatusPendingUpgrade {
			t.Errorf("the newest revision is %s", status)
		}
		f.goesOn(t)
	})
	run("it is not there at all", func(t *testing.T, f *faulty) {
		f.gate.on(func(*http.Request) treatment { return treatment{cut: true} })
		f.fails(t, f.gate.config(t, f.namespace, 0, time.Second), deploy.Retryable, "cannot be reached")
		f.goesOn(t)
	})
	run("it goes away while the upgrade is prepared", func(t *testing.T, f *faulty) {
		f.gate.on(func(r *http.Request) treatment { return treatment{cut: strings.Contains(r.URL.Path, "/deployments")} })
		f.fails(t, f.gate.config(t, f.namespace, 0, time.Second), deploy.Retryable, "cannot be reached")
		if status := f.newest(t); status != release.StatusDeployed {
			t.Errorf("the newest revision is %s", status)
		}
		f.goesOn(t)
	})
	run("a hook cannot be created", func(t *testing.T, f *faulty) {
		f.gate.on(func(r *http.Request) treatment {
			return treatment{cut: r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/jobs")}
		})
		f.fails(t, f.gate.config(t, f.namespace, 0, time.Second), deploy.Stalled, "pre-upgrade hook shop-pre-upgrade", "cannot be reached")
		f.goesOn(t)
	})
	run("the token has expired", func(t *testing.T, f *faulty) {
		f.gate.on(func(*http.Request) treatment {
			return treatment{status: http.StatusUnauthorized, reason: "Unauthorized"}
		})
		f.fails(t, f.gate.config(t, f.namespace, 0, 0), deploy.Refused, "does not accept the credentials")
		f.goesOn(t)
	})
	run("the token expires on the way", func(t *testing.T, f *faulty) {
		after(f, treatment{status: http.StatusUnauthorized, reason: "Unauthorized"})
		f.fails(t, f.gate.config(t, f.namespace, 0, 0), deploy.Stalled, f.gate.URL, "does not accept the credentials")
		if status := f.newest(t); status != release.StatusPendingUpgrade {
			t.Errorf("the newest revision is %s", status)
		}
		f.goesOn(t)
	})
	run("it is overloaded for a while", func(t *testing.T, f *faulty) {
		tries := map[string]int{}
		f.gate.on(func(r *http.Request) treatment {
			key := r.Method + " " + r.URL.String()
			tries[key]++
			switch {
			case !isChange(r) || tries[key] > 2:
				return treatment{}
			case tries[key] == 1:
				return treatment{status: http.StatusTooManyRequests, reason: "TooManyRequests", after: "0"}
			}
			return treatment{status: http.StatusServiceUnavailable, reason: "ServiceUnavailable"}
		})
		if err := operate(background, f.gate.config(t, f.namespace, 0, 0), f.operation); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f.want, f.state(t)); diff != "" {
			t.Errorf("the state differs from that of an undisturbed run (-want +got):\n%s", diff)
		}
	})
	run("it asks to come back in an hour", func(t *testing.T, f *faulty) {
		after(f, treatment{status: http.StatusTooManyRequests, reason: "TooManyRequests", after: "3600"})
		f.fails(t, f.gate.config(t, f.namespace, 0, 0), deploy.Stalled, "deployments.apps", "made up")
		f.goesOn(t)
	})
	run("others write the same objects", func(t *testing.T, f *faulty) {
		tries := 0
		f.gate.on(func(r *http.Request) treatment {
			if isApply(r, "deployments") && tries < 3 {
				tries++
				return treatment{status: http.StatusConflict, reason: "Conflict"}
			}
			return treatment{}
		})
		if err := operate(background, f.gate.config(t, f.namespace, 0, 0), f.operation); err != nil {
			t.Fatal(err)
		}
		if tries != 3 {
			t.Errorf("%d conflicts", tries)
		}
	})
	run("others write the same objects all the time", func(t *testing.T, f *faulty) {
		f.gate.on(func(r *http.Request) treatment {
			if isApply(r, "deployments") {
				return treatment{status: http.StatusConflict, reason: "Conflict"}
			}
			return treatment{}
		})
		f.fails(t, f.gate.config(t, f.namespace, 0, 0), deploy.Stalled, "deployments.apps")
		f.goesOn(t)
	})
	run("it takes 10 s to answer when the signal comes", func(t *testing.T, f *faulty) {
		ctx, cancel := context.WithCancelCause(background)
		begun := false
		f.gate.on(func(r *http.Request) treatment {
			if !begun && isApply(r, "deployments") {
				begun = true
				time.AfterFunc(200*time.Millisecond, func() { cancel(errors.New("the signal")) })
			}
			if begun {
				return treatment{delay: 10 * time.Second}
			}
			return treatment{}
		})
		ended := make(chan error, 1)
		go func() { ended <- operate(ctx, f.gate.config(t, f.namespace, 0, 0), f.operation) }()
		<-ctx.Done()
		select {
		case err := <-ended:
			var failure *deploy.Error
			if !errors.As(err, &failure) || failure.Outcome != deploy.Interrupted {
				t.Fatal(err)
			}
		case <-time.After(4 * time.Second):
			t.Fatal("it is there 4 s later")
		}
		f.goesOn(t)
	})
	run("the lock is stolen", func(t *testing.T, f *faulty) {
		var before []string
		f.stealing(t, func(l *coordination.Lease) {
			*l.Spec.HolderIdentity = "a thief"
			*l.Spec.LeaseTransitions++
		}, &before)
		failure := f.fails(t, f.gate.config(t, f.namespace, 3*time.Second, 0), deploy.Locked, "release shop", "lock", "a thief holds it now")
		if len(failure.Hints) != 1 {
			t.Errorf("hints %q", failure.Hints)
		}
		if diff := cmp.Diff(before, f.gate.changed()); diff != "" {
			t.Errorf("written after the lock was lost:\n%s", diff)
		}
	})
	run("the lock cannot be renewed", func(t *testing.T, f *faulty) {
		begun := false
		f.gate.on(func(r *http.Request) treatment {
			begun = begun || isApply(r, "deployments")
			switch {
			case begun && strings.Contains(r.URL.Path, "/leases/"):
				return treatment{cut: true}
			case begun:
				return treatment{block: true}
			}
			return treatment{}
		})
		f.fails(t, f.gate.config(t, f.namespace, 2*time.Second, 0), deploy.Stalled, "release shop", "could not be renewed")
		f.goesOn(t)
	})
}

// stealing has somebody else write the Lease when the first Deployment is to be
// applied, which then gets no answer. What had been changed until then is noted.
func (f *faulty) stealing(t *testing.T, change func(*coordination.Lease), before *[]string) {
	client, err := kubernetes.NewForConfig(f.rest)
	if err != nil {
		t.Fatal(err)
	}
	leases := client.CoordinationV1().Leases(f.namespace)
	stolen := false
	f.gate.on(func(r *http.Request) treatment {
		switch {
		case !stolen && isApply(r, "deployments"):
			stolen = true
			*before = append([]string(nil), f.gate.changes...)
			lease, err := leases.Get(background, "slipway-shop", metav1.GetOptions{})
			if err == nil {
				change(lease)
				_, err = leases.Update(background, lease, metav1.UpdateOptions{})
			}
			if err != nil {
				t.Error(err)
			}
			return treatment{block: true}
		case stolen && strings.Contains(r.URL.Path, "/leases/"):
			return treatment{}
		case stolen:
			return treatment{block: true}
		}
		return treatment{}
	})
}
