package deploy

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/release"
)

// TestOptions choose which tests of a release run. The zero value runs all.
type TestOptions struct {
	// Only and Except select tests by the name of the hook.
	Only, Except []string
	// Timeout bounds each test; 0 means 5 minutes.
	Timeout time.Duration
	// Logs reports the log of each test as a Notice, whatever its policy says.
	Logs bool
}

// Test runs the test hooks of the newest revision and records how they ended.
// The error is an *Error; a test that fails is a *HookFailedError in it.
func Test(ctx context.Context, config Config, name string, options TestOptions) (*Result, error) {
	o := newOperation(config, kindTest, name, "")
	o.allLogs = options.Logs
	result := &Result{}
	err := o.locked(ctx, func(ctx context.Context) error {
		if err := o.readPast(ctx); err != nil {
			return err
		}
		newest := o.newest()
		if newest == nil {
			return &NoReleaseError{Release: name, Reason: "does not exist"}
		}
		r, err := o.Store.Get(ctx, name, newest.Version)
		if err != nil {
			return err
		}
		result.Record = r
		if r.Info.Status.IsPending() {
			return &PendingError{Release: name, Revision: r.Version, Status: r.Info.Status}
		}
		return o.test(ctx, r, &options)
	})
	if err != nil {
		return result, err
	}
	return result, nil
}

func (o *operation) test(ctx context.Context, r *release.Record, options *TestOptions) error {
	before := r.Operation
	o.target = r
	r.Operation = o.record()
	if before != nil { // whatever is killed, it stays known who made the revision
		of := *before
		r.Operation = &of
	}
	r.Operation.Hooks = untested(r.Operation.Hooks) // so that tests run each time
	change := &ChangeOptions{Timeout: options.Timeout}
	err := o.runHooks(ctx, helm.HookTest, change, options.selects)
	if err == nil {
		err = o.runHooks(ctx, testFailure, change, options.selects)
	}
	r.Operation = before
	if errors.Is(context.Cause(ctx), ErrLockLost) {
		return err
	}
	if e := o.save(context.WithoutCancel(ctx)); err == nil {
		err = e
	}
	return err
}

// untested is a copy of a ledger of hooks without those of tests.
func untested(hooks map[string]string) map[string]string {
	hooks = maps.Clone(hooks)
	maps.DeleteFunc(hooks, func(entry, _ string) bool {
		return strings.HasPrefix(entry, string(helm.HookTest)+"/") || strings.HasPrefix(entry, string(testFailure)+"/")
	})
	return hooks
}

func (o *TestOptions) selects(h *helm.Hook) bool {
	for _, name := range o.Except {
		if h.Name == name {
			return false
		}
	}
	if len(o.Only) == 0 {
		return true
	}
	for _, name := range o.Only {
		if h.Name == name {
			return true
		}
	}
	return false
}
