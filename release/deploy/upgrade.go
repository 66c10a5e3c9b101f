package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/release"
)

// ValuesMode says what becomes of the values of the revision before.
type ValuesMode int

// What can become of earlier values.
const (
	// KeepIfNoneGiven uses the user's values of the last revision if no new
	// ones are given, and forgets them otherwise. It is what Helm does.
	KeepIfNoneGiven ValuesMode = iota
	// ResetValues uses the new ones alone.
	ResetValues
	// ReuseValues lays the new ones over all values of the last revision,
	// the defaults of its chart included: new defaults of the new chart do not count.
	ReuseValues
	// ResetThenReuseValues lays the new ones over the user's values of the last revision.
	ResetThenReuseValues
)

// UpgradeOptions choose how a release is upgraded. The zero value is Helm's way.
type UpgradeOptions struct {
	RenderOptions
	ChangeOptions
	Values ValuesMode
	// Install makes the release if it does not exist.
	Install bool
}

func (o *UpgradeOptions) decisive() any {
	return []any{o.Compat, o.Strict, o.EnableDNS, o.SubchartNotes, o.NoHooks, o.Labels, o.Helm2Hooks, o.RestartOnConfigChange, o.Values}
}

// Upgrade changes a release to what the chart and the values say. vals are the
// user's values; the chart is not changed. The error is an *Error.
func Upgrade(ctx context.Context, config Config, name string, c *chart.Chart, vals map[string]any, options UpgradeOptions) (*Result, error) {
	o := newOperation(config, kindUpgrade, name, "")
	result, err := o.upgrade(ctx, c, vals, &options)
	if err != nil {
		return result, o.problem(ctx, o.outcomeSoFar(), err)
	}
	return result, nil
}

func (o *operation) upgrade(ctx context.Context, c *chart.Chart, vals map[string]any, options *UpgradeOptions) (*Result, error) {
	if err := checkNew(o.name, c, &options.ChangeOptions); err != nil {
		return nil, err
	}
	if err := o.identify(c, vals, options); err != nil {
		return nil, err
	}
	o.Audit.ChartDigest = ChartDigest(c)
	if options.DryRun != NoDryRun {
		return o.dryUpgrade(ctx, c, vals, options)
	}
	if options.Install && options.CreateNamespace {
		rehearsal := *options
		rehearsal.DryRun = ServerDryRun
		err := o.createNamespace(ctx, func() error {
			try := *o
			_, err := try.dryUpgrade(ctx, c, vals, &rehearsal)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	defer o.learnAhead(ctx)()
	return o.withPast(ctx, func(ctx context.Context) (*Result, error) {
		return o.upgradeLocked(ctx, c, vals, options)
	})
}

// identify works out the digest of the inputs.
func (o *operation) identify(c *chart.Chart, vals map[string]any, options *UpgradeOptions) (err error) {
	o.inputs, err = digest(o.kind, o.name, o.Namespace, c, vals, options.decisive())
	return err
}

func (o *operation) upgradeLocked(ctx context.Context, c *chart.Chart, vals map[string]any, options *UpgradeOptions) (*Result, error) {
	if o.alreadyDone() {
		return o.finishDone(ctx, options.HistoryMax)
	}
	if o.isNew(options) {
		return o.installInstead(ctx, c, vals, options)
	}
	resumed, err := o.unfinishedRun(ctx)
	if err != nil {
		return nil, err
	}
	if resumed {
		return o.carryOut(ctx, nil, &options.ChangeOptions, procedureOf(o.kind, o.target))
	}
	d, err := o.draftUpgrade(ctx, c, vals, options)
	if err != nil {
		return nil, err
	}
	return o.carryOut(ctx, d, &options.ChangeOptions, upgrading)
}

// isNew reports whether there is nothing to upgrade and an install is wanted,
// or was begun by this very command.
func (o *operation) isNew(options *UpgradeOptions) bool {
	newest := o.newest()
	if !options.Install {
		return false
	}
	if newest == nil || newest.Status == release.StatusUninstalled {
		return true
	}
	return newest.Status == release.StatusPendingInstall
}

// installInstead is upgrade --install of a release that does not exist. It
// remains the same operation, so that it is recognised when it goes on.
func (o *operation) installInstead(ctx context.Context, c *chart.Chart, vals map[string]any, options *UpgradeOptions) (*Result, error) {
	o.kind = kindInstall
	install := &InstallOptions{RenderOptions: options.RenderOptions, ChangeOptions: options.ChangeOptions, Replace: true}
	return o.installLocked(ctx, c, vals, install)
}

// draftUpgrade renders the chart for the next revision.
func (o *operation) draftUpgrade(ctx context.Context, c *chart.Chart, vals map[string]any, options *UpgradeOptions) (*draft, error) {
	current, err := o.current(ctx)
	if err != nil {
		return nil, err
	}
	vals, c, err = o.reuse(c, vals, current, options)
	if err != nil {
		return nil, err
	}
	revision := o.nextRevision()
	r, err := o.render(ctx, c, vals, options.RenderOptions, revision, options.DryRun)
	if err != nil {
		return nil, err
	}
	record := o.draft(r, vals, revision, release.StatusPendingUpgrade, "Preparing upgrade")
	record.Info.FirstDeployed = current.Info.FirstDeployed
	record.Labels = customLabels(o.newest().Labels, options.Labels)
	return &draft{record: record, rendered: r}, nil
}

// current is the revision that an upgrade starts from: the deployed one, or
// the newest if none ever became so.
func (o *operation) current(ctx context.Context) (*release.Record, error) {
	newest := o.newest()
	if newest == nil {
		return nil, &NoReleaseError{Release: o.name, Reason: "has no deployed releases"}
	}
	version := newest.Version
	if deployed := slices.IndexFunc(o.past, func(m release.Meta) bool { return m.Status == release.StatusDeployed }); deployed >= 0 {
		for _, m := range o.past {
			if m.Status == release.StatusDeployed {
				version = m.Version
			}
		}
	} else if newest.Status != release.StatusFailed && newest.Status != release.StatusSuperseded {
		return nil, &NoReleaseError{Release: o.name, Reason: fmt.Sprintf("has no deployed releases: revision %d is %s", newest.Version, newest.Status)}
	}
	r, err := o.read(ctx, version)
	if err != nil {
		return nil, fmt.Errorf("read revision %d: %w", version, err)
	}
	return r, nil
}

// reuse applies the mode of values: it returns the user's values and the chart
// to render, which with ReuseValues has the defaults of the last revision.
func (o *operation) reuse(c *chart.Chart, vals map[string]any, current *release.Record, options *UpgradeOptions) (map[string]any, *chart.Chart, error) {
	switch options.Values {
	case ResetValues:
	case ReuseValues:
		dialect := values.Dialect(options.Compat)
		old, err := values.Processed(current.Chart, dialect).Coalesce(current.Config, values.CoalesceOptions{Warn: o.warn})
		if err != nil {
			return nil, nil, fmt.Errorf("rebuild the values of revision %d: %w", current.Version, err)
		}
		o.warnLostDefaults(c, old)
		reused := *c
		reused.Values = old
		return values.CoalesceTables(vals, current.Config), &reused, nil
	case ResetThenReuseValues:
		return values.CoalesceTables(vals, current.Config), c, nil
	default:
		if len(vals) == 0 && len(current.Config) > 0 {
			return current.Config, c, nil
		}
	}
	return vals, c, nil
}

// warnLostDefaults names the defaults of the new chart that --reuse-values drops.
func (o *operation) warnLostDefaults(c *chart.Chart, old map[string]any) {
	var lost []string
	for name := range c.Values {
		if _, had := old[name]; !had {
			lost = append(lost, name)
		}
	}
	if len(lost) == 0 {
		return
	}
	slices.Sort(lost)
	o.warn(fmt.Sprintf("--reuse-values: the chart's new defaults %v do not count; --reset-then-reuse-values has them", lost))
}

func (o *operation) dryUpgrade(ctx context.Context, c *chart.Chart, vals map[string]any, options *UpgradeOptions) (*Result, error) {
	if err := o.readPast(ctx); err != nil {
		return nil, err
	}
	if o.isNew(options) {
		o.kind = kindInstall
		return o.dryInstall(ctx, c, vals, &InstallOptions{RenderOptions: options.RenderOptions, ChangeOptions: options.ChangeOptions, Replace: true})
	}
	d, err := o.draftUpgrade(ctx, c, vals, options)
	if err != nil {
		return nil, err
	}
	d.record.Info.Description = "Dry run complete"
	return o.rehearse(ctx, d, &options.ChangeOptions, upgrading)
}

// takeBack undoes a failed operation: an install of a new release is removed,
// others return to the last revision that was good, if there is one.
func (o *operation) takeBack(ctx context.Context, failure *Error, options *ChangeOptions) error {
	undo := *o
	undo.target, undo.Review = nil, nil
	var err error
	if undo.past, err = undo.history(ctx); err == nil {
		if good := undo.base(); good != nil {
			undo.kind = kindRollback
			undo.inputs = ""
			_, err = undo.rollbackTo(ctx, good.Version, &RollbackOptions{ChangeOptions: ChangeOptions{
				Wait: true, WaitForJobs: options.WaitForJobs, NoHooks: options.NoHooks, Force: options.Force, Recreate: options.Recreate,
				Timeout: options.Timeout, Settle: options.Settle, TakeConflicts: options.TakeConflicts, HistoryMax: options.HistoryMax,
			}})
		} else if o.kind != kindInstall {
			failure.Hints = append(failure.Hints, "there is no earlier revision that was good, so nothing was taken back")
			return failure
		} else {
			undo.kind = kindUninstall
			_, err = undo.uninstallLocked(ctx, &UninstallOptions{NoHooks: options.NoHooks, Timeout: options.Timeout})
			o.gone = err == nil
		}
	}
	if err != nil {
		failure.Err = errors.Join(failure.Err, fmt.Errorf("take the changes back: %w", err))
		if ctx.Err() != nil {
			failure.Outcome = Interrupted
		}
		return failure
	}
	failure.Outcome = RolledBack
	return failure
}

// upgrading is how an upgrade goes.
var upgrading = procedure{
	pre: helm.HookPreUpgrade, post: helm.HookPostUpgrade,
	done: "Upgrade complete", failed: "Upgrade %q failed: %s", reason: "Upgraded", failure: "UpgradeFailed",
}
