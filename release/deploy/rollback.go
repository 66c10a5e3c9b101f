package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/release"
)

// RollbackOptions choose how a release returns to an earlier revision. The
// zero value is Helm's way.
type RollbackOptions struct {
	ChangeOptions
	// Revision is where to return to; 0 means the one before the newest.
	Revision int
}

// Rollback makes a new revision with the manifest, hooks and values of an
// earlier one. The error is an *Error.
func Rollback(ctx context.Context, config Config, name string, options RollbackOptions) (*Result, error) {
	o := newOperation(config, kindRollback, name, "")
	result, err := o.rollback(ctx, &options)
	if err != nil {
		return result, o.problem(ctx, o.outcomeSoFar(), err)
	}
	return result, nil
}

func (o *operation) rollback(ctx context.Context, options *RollbackOptions) (*Result, error) {
	if err := release.ValidateName(o.name); err != nil {
		return nil, err
	}
	if options.Revision < 0 {
		return nil, fmt.Errorf("revision %d: revisions count from 1", options.Revision)
	}
	var err error
	if o.inputs, err = digest(kindRollback, o.name, o.Namespace, options.Revision, options.NoHooks); err != nil {
		return nil, err
	}
	if options.DryRun != NoDryRun {
		if err := o.readPast(ctx); err != nil {
			return nil, err
		}
		return o.rollbackTo(ctx, options.Revision, options)
	}
	defer o.learnAhead(ctx)()
	return o.withPast(ctx, func(ctx context.Context) (*Result, error) {
		return o.rollbackLocked(ctx, options)
	})
}

func (o *operation) rollbackLocked(ctx context.Context, options *RollbackOptions) (*Result, error) {
	if o.alreadyDone() {
		return o.finishDone(ctx, options.HistoryMax)
	}
	resumed, err := o.unfinishedRun(ctx)
	if err != nil {
		return nil, err
	}
	if resumed {
		return o.carryOut(ctx, nil, &options.ChangeOptions, returning(o.target.Info.Description))
	}
	return o.rollbackTo(ctx, options.Revision, options)
}

// rollbackTo makes a revision that is a copy of an earlier one.
func (o *operation) rollbackTo(ctx context.Context, version int, options *RollbackOptions) (*Result, error) {
	newest := o.newest()
	if newest == nil {
		return nil, &NoReleaseError{Release: o.name, Reason: "does not exist"}
	}
	if version == 0 {
		version = newest.Version - 1
	}
	old, err := o.read(ctx, version)
	if errors.Is(err, release.ErrNotFound) {
		return nil, &NoReleaseError{Release: o.name, Reason: fmt.Sprintf("has no %d version", version)}
	}
	if err != nil {
		return nil, fmt.Errorf("read revision %d: %w", version, err)
	}
	d := &draft{record: o.copyOf(old), rendered: &rendered{}}
	if len(o.past) > 0 {
		if first, err := o.read(ctx, newest.Version); err == nil {
			d.record.Info.FirstDeployed = first.Info.FirstDeployed
		}
	}
	if options.DryRun != NoDryRun {
		return o.rehearse(ctx, d, &options.ChangeOptions, procedure{})
	}
	return o.carryOut(ctx, d, &options.ChangeOptions, returning(d.record.Info.Description))
}

// copyOf is the record of a revision that returns to an old one.
func (o *operation) copyOf(old *release.Record) *release.Record {
	now := helmTime(o.Clock())
	operation := o.record()
	operation.ChartDigest = ""
	if old.Operation != nil {
		operation.ChartDigest = old.Operation.ChartDigest
	}
	hooks := make([]*helm.Hook, len(old.Hooks))
	for i, h := range old.Hooks {
		again := *h
		again.LastRun = helm.HookExecution{}
		hooks[i] = &again
	}
	return &release.Record{
		Release: &helm.Release{
			Name: o.name, Namespace: o.Namespace, Version: o.nextRevision(),
			Chart: old.Chart, Config: old.Config, Manifest: old.Manifest, Hooks: hooks, Labels: maps.Clone(old.Labels),
			Info: &helm.Info{
				FirstDeployed: now, LastDeployed: now, Status: release.StatusPendingRollback,
				Notes: old.Info.Notes, Description: fmt.Sprintf("Rollback to %d", old.Version),
			},
		},
		ApplyMethod: applyMethod,
		Operation:   operation,
	}
}

// returning is how a rollback goes.
func returning(description string) procedure {
	return procedure{
		pre: helm.HookPreRollback, post: helm.HookPostRollback,
		done: description, failed: "Rollback %q failed: %s", reason: "RolledBack", failure: "RollbackFailed",
	}
}
