package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/plan"
)

// UninstallOptions choose how a release is removed. The zero value is Helm's way.
type UninstallOptions struct {
	DryRun DryRun
	// NoHooks runs no hooks.
	NoHooks bool
	// WithHooks also deletes what the release's hooks have left behind.
	WithHooks bool
	// KeepHistory keeps the records, so that a rollback can bring the release back.
	KeepHistory bool
	// Wait returns only when everything is gone.
	Wait bool
	// Timeout bounds each wait; 0 means 5 minutes.
	Timeout time.Duration
	// Cascade is the deletion propagation: background (also the empty text), foreground or orphan.
	Cascade string
	// Description replaces the usual one of the record.
	Description string
	// IgnoreNotFound makes it no error that there is no such release.
	IgnoreNotFound bool
}

// Uninstall removes the objects of a release and its records. The error is an
// *Error. A removal that was interrupted goes on with the next call.
func Uninstall(ctx context.Context, config Config, name string, options UninstallOptions) (*Result, error) {
	o := newOperation(config, kindUninstall, name, "")
	result, err := o.uninstall(ctx, &options)
	if err != nil {
		return result, o.problem(ctx, o.outcomeSoFar(), err)
	}
	return result, nil
}

func (o *operation) uninstall(ctx context.Context, options *UninstallOptions) (*Result, error) {
	if err := release.ValidateName(o.name); err != nil {
		return nil, err
	}
	if _, err := propagation(options.Cascade); err != nil {
		return nil, err
	}
	past, err := o.Store.History(ctx, o.name)
	if err != nil {
		return nil, err
	}
	if len(past) == 0 {
		if options.IgnoreNotFound {
			return &Result{}, nil
		}
		return nil, &NoReleaseError{Release: o.name, Reason: "does not exist"}
	}
	if options.DryRun != NoDryRun {
		return o.dryUninstall(ctx, past)
	}
	return o.withPast(ctx, func(ctx context.Context) (*Result, error) {
		return o.uninstallLocked(ctx, options)
	})
}

// dryUninstall plans an uninstall.
func (o *operation) dryUninstall(ctx context.Context, past []release.Meta) (*Result, error) {
	o.past = past
	r, err := o.Store.Get(ctx, o.name, o.newest().Version)
	if err != nil {
		return nil, err
	}
	o.target = r
	c, err := o.teardown(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range r.Hooks {
		c.input.Hooks = append(c.input.Hooks, hookOf(h))
	}
	c.input.Revision = r.Version
	return &Result{Record: r, Plan: plan.Compute(c.input)}, nil
}

// propagation is the API's word for a --cascade value.
func propagation(cascade string) (string, error) {
	switch strings.ToLower(cascade) {
	case "", "background":
		return "Background", nil
	case "foreground":
		return "Foreground", nil
	case "orphan":
		return "Orphan", nil
	}
	return "", fmt.Errorf("invalid cascade value (%s). Must be \"background\", \"foreground\", or \"orphan\"", cascade)
}

func (o *operation) uninstallLocked(ctx context.Context, options *UninstallOptions) (*Result, error) {
	newest := o.newest()
	if newest == nil {
		return &Result{}, nil // another one was quicker
	}
	r, err := o.read(ctx, newest.Version)
	if err != nil {
		return nil, err
	}
	if r.Info.Status == release.StatusUninstalled {
		if options.KeepHistory {
			return nil, fmt.Errorf("the release named %q is already deleted", o.name)
		}
		return &Result{Record: r}, o.purge(ctx)
	}
	o.begin(r)
	o.target = r
	if err := o.save(ctx); err != nil {
		return nil, err
	}
	result := &Result{Record: r}
	if result.Kept, err = o.takeDown(ctx, options); err != nil {
		if ctx.Err() != nil {
			return result, o.interrupted(ctx, err)
		}
		if isPassing(err) {
			return result, o.stalled(ctx, err)
		}
		r.Info.Description = fmt.Sprintf("Uninstallation of %q failed: %s", o.name, shortened(err))
		// The next uninstall goes on from here and tries again what has failed.
		maps.DeleteFunc(r.Operation.Hooks, func(_, phase string) bool { return phase != string(helm.HookPhaseSucceeded) })
		return result, errors.Join(err, o.save(ctx))
	}
	o.event(ctx, "Uninstalled", "Uninstallation complete", false)
	if !options.KeepHistory {
		return result, o.purge(ctx)
	}
	r.Info.Status = release.StatusUninstalled
	r.Info.Description = "Uninstallation complete"
	if options.Description != "" {
		r.Info.Description = options.Description
	}
	if err := o.save(ctx); err != nil {
		return result, err
	}
	return result, o.tidy(ctx, 0)
}

// begin marks a record as being uninstalled, with the ledger of hooks of the
// uninstall that was interrupted if there is one.
func (o *operation) begin(r *release.Record) {
	operation := o.record()
	if before := r.Operation; before != nil && before.Kind == kindUninstall && r.Info.Status == release.StatusUninstalling {
		o.id = before.ID
		operation.ID, operation.Hooks = before.ID, before.Hooks
	} else {
		r.Info.Deleted = helmTime(o.Clock())
	}
	r.Operation = operation
	r.Info.Status = release.StatusUninstalling
	r.Info.Description = "Deletion in progress (or silently failed)"
}

// takeDown runs the hooks and deletes the objects.
func (o *operation) takeDown(ctx context.Context, options *UninstallOptions) (kept []string, err error) {
	change := &ChangeOptions{Timeout: options.Timeout}
	if !options.NoHooks {
		if err := o.runHooks(ctx, helm.HookPreDelete, change, nil); err != nil {
			return nil, err
		}
	}
	c, err := o.teardown(ctx)
	if err != nil {
		return nil, err
	}
	how, err := propagation(options.Cascade)
	if err != nil {
		return nil, err
	}
	deleted, left, err := o.remove(ctx, c, how)
	for _, ref := range left {
		kept = append(kept, fmt.Sprintf("[%s] %s", ref.Kind, ref.Name))
	}
	if err != nil {
		return kept, err
	}
	if options.Wait && len(deleted) > 0 {
		within, cancel := context.WithTimeout(ctx, change.timeout())
		defer cancel()
		if err := o.Cluster.WaitGone(within, deleted); err != nil {
			return kept, err
		}
	}
	if !options.NoHooks {
		if err := o.runHooks(ctx, helm.HookPostDelete, change, nil); err != nil {
			return kept, err
		}
	}
	if options.WithHooks {
		return kept, o.deleteAllHooks(ctx, change)
	}
	return kept, nil
}

// teardown plans the removal of the objects of the target and of revisions
// that failed after the last good one.
func (o *operation) teardown(ctx context.Context) (*changes, error) {
	earlier, err := o.earlier(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(earlier, func(r *release.Record) bool { return r.Version == o.target.Version }) {
		earlier = append(earlier, o.target)
	}
	return o.changes(ctx, nil, earlier, &ChangeOptions{})
}

// deleteAllHooks deletes what hooks of the release have left behind.
func (o *operation) deleteAllHooks(ctx context.Context, options *ChangeOptions) error {
	for _, h := range o.target.Hooks {
		if h.Kind == "CustomResourceDefinition" {
			continue
		}
		if err := o.deleteHookObjects(ctx, h, options); err != nil {
			return err
		}
	}
	return nil
}

// purge removes all records, the newest last, so that an interrupted purge is gone on with.
func (o *operation) purge(ctx context.Context) error {
	for _, m := range o.past {
		if err := o.Store.Delete(ctx, o.name, m.Version); err != nil && !errors.Is(err, release.ErrNotFound) {
			return fmt.Errorf("remove revision %d from the history: %w", m.Version, err)
		}
	}
	return nil
}
