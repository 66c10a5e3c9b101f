package deploy

import (
	"context"
	"errors"
	"fmt"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// InstallOptions choose how a release is installed. The zero value is Helm's way.
type InstallOptions struct {
	RenderOptions
	ChangeOptions
	// Replace installs under a name whose release was uninstalled with its history kept, or failed.
	Replace bool
}

// decisive are the options that decide what is applied; the others only say
// how, and may differ when an interrupted operation goes on.
func (o *InstallOptions) decisive() any {
	return []any{o.Compat, o.Strict, o.EnableDNS, o.SubchartNotes, o.NoHooks, o.Labels, o.Helm2Hooks, o.RestartOnConfigChange, o.Replace}
}

// Result is what an operation did.
type Result struct {
	// Record is the revision that is deployed now, or would be.
	Record *release.Record
	// Done says that the same run had done it before, so that nothing was left to do.
	Done bool
	// Plan is what a server-side dry run would do; nil otherwise.
	Plan *plan.Plan
	// Frozen is what Apply carries out later: of a server-side dry run of an install, upgrade or rollback.
	Frozen *Frozen
	// Kept are objects that an uninstall left, because their annotation says so.
	Kept []string
}

// Install makes a new release from a chart. vals are the user's values; the
// chart is not changed. The error is an *Error.
func Install(ctx context.Context, config Config, name string, c *chart.Chart, vals map[string]any, options InstallOptions) (*Result, error) {
	o := newOperation(config, kindInstall, name, "")
	result, err := o.install(ctx, c, vals, &options)
	if err != nil {
		return result, o.problem(ctx, o.outcomeSoFar(), err)
	}
	return result, nil
}

func (o *operation) install(ctx context.Context, c *chart.Chart, vals map[string]any, options *InstallOptions) (*Result, error) {
	if err := checkNew(o.name, c, &options.ChangeOptions); err != nil {
		return nil, err
	}
	var err error
	if o.inputs, err = digest(kindInstall, o.name, o.Namespace, c, vals, options.decisive()); err != nil {
		return nil, err
	}
	o.Audit.ChartDigest = ChartDigest(c)
	if options.DryRun != NoDryRun {
		return o.dryInstall(ctx, c, vals, options)
	}
	if options.CreateNamespace {
		rehearsal := *options
		rehearsal.DryRun = ServerDryRun
		err := o.createNamespace(ctx, func() error { _, err := o.dryInstall(ctx, c, vals, &rehearsal); return err })
		if err != nil {
			return nil, err
		}
	}
	defer o.learnAhead(ctx)()
	return o.withPast(ctx, func(ctx context.Context) (*Result, error) {
		return o.installLocked(ctx, c, vals, options)
	})
}

func (o *operation) installLocked(ctx context.Context, c *chart.Chart, vals map[string]any, options *InstallOptions) (*Result, error) {
	if o.alreadyDone() {
		return o.finishDone(ctx, options.HistoryMax)
	}
	resumed, err := o.unfinishedRun(ctx)
	if err != nil {
		return nil, err
	}
	if resumed {
		return o.carryOut(ctx, nil, &options.ChangeOptions, installation)
	}
	if err := o.nameIsFree(options); err != nil {
		return nil, err
	}
	r, err := o.render(ctx, c, vals, options.RenderOptions, 1, NoDryRun)
	if err != nil {
		return nil, err
	}
	record := o.draft(r, vals, o.nextRevision(), release.StatusPendingInstall, "Initial install underway")
	record.Labels = customLabels(nil, options.Labels)
	return o.carryOut(ctx, &draft{record: record, rendered: r}, &options.ChangeOptions, installation)
}

// nameIsFree refuses a name that is in use. A first revision that failed may
// be followed by an upgrade, or by another try with Replace.
func (o *operation) nameIsFree(options *InstallOptions) error {
	newest := o.newest()
	if newest == nil || o.broken {
		return nil
	}
	gone := newest.Status == release.StatusUninstalled || newest.Status == release.StatusFailed
	if options.Replace && gone {
		return nil
	}
	hint := "use 'slipway upgrade --install' to change the release, or another name"
	switch {
	case gone:
		hint = "use --replace to take the name again, or 'slipway upgrade --install'"
	case newest.Status == release.StatusUninstalling:
		hint = "'slipway uninstall " + o.name + "' goes on with its removal"
	}
	return &Error{
		Outcome: Refused, Release: o.name, Hints: []string{hint},
		Err: fmt.Errorf("cannot re-use a name that is still in use: release %s has revision %d, which is %s", o.name, newest.Version, newest.Status),
	}
}

// createNamespace creates the release's namespace if it is missing, once a
// rehearsal has shown that the chart can be installed.
func (o *operation) createNamespace(ctx context.Context, rehearse func() error) error {
	missing, err := o.namespaceMissing(ctx)
	if err != nil || !missing {
		return err
	}
	if err := rehearse(); err != nil {
		return err
	}
	if err := o.Cluster.EnsureNamespace(ctx, o.Namespace); err != nil {
		return fmt.Errorf("create namespace %s: %w", o.Namespace, err)
	}
	return nil
}

func (o *operation) namespaceMissing(ctx context.Context) (bool, error) {
	live, err := o.Cluster.Read(ctx, []manifest.Ref{{APIVersion: "v1", Kind: "Namespace", Name: o.Namespace}})
	return err == nil && len(live) == 0, err
}

// dryInstall renders and checks an install.
func (o *operation) dryInstall(ctx context.Context, c *chart.Chart, vals map[string]any, options *InstallOptions) (*Result, error) {
	if options.DryRun == ServerDryRun {
		if err := o.readPast(ctx); err != nil {
			return nil, err
		}
		if err := o.nameIsFree(options); err != nil {
			return nil, err
		}
	}
	r, err := o.render(ctx, c, vals, options.RenderOptions, 1, options.DryRun)
	if err != nil {
		return nil, err
	}
	record := o.draft(r, vals, o.nextRevision(), release.StatusPendingInstall, "Dry run complete")
	record.Labels = customLabels(nil, options.Labels)
	return o.rehearse(ctx, &draft{record: record, rendered: r}, &options.ChangeOptions, installation)
}

// checkNew refuses what can be seen without a cluster.
func checkNew(name string, c *chart.Chart, options *ChangeOptions) error {
	if c == nil || c.Metadata == nil {
		return errors.New("no chart was given")
	}
	if err := release.ValidateName(name); err != nil {
		return err
	}
	if t := c.Metadata.Type; t != "" && t != "application" {
		return fmt.Errorf("%s charts are not installable", t)
	}
	return release.CheckLabels(options.Labels)
}

// installation is how an install goes.
var installation = procedure{
	pre: helm.HookPreInstall, post: helm.HookPostInstall,
	done: "Install complete", failed: "Release %q failed: %s", reason: "Installed", failure: "InstallFailed",
}
