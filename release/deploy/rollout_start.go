package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// StartRollout launches a chart over a deployed release in steps, up to the
// first gate that needs a person. The same call of the same owner goes on with
// what it began. With DryRun it only works out what would be done.
// The error is an *Error.
func StartRollout(ctx context.Context, config RolloutConfig, name string, c *chart.Chart, vals map[string]any, options StartOptions) (*RolloutResult, error) {
	r := newRolling(config, name, options.Timeout)
	r.keep, r.settle = options.HistoryMax, options.ChangeOptions.Settle
	if err := checkNew(name, c, &options.ChangeOptions); err != nil {
		return nil, r.problem(ctx, Refused, err)
	}
	var err error
	if r.inputs, err = digest(r.kind, name, config.Namespace, c, vals, options.UpgradeOptions.decisive(), options.Settings, options.Steps); err != nil {
		return nil, r.problem(ctx, Refused, err)
	}
	r.Audit.ChartDigest = ChartDigest(c)
	if options.DryRun != NoDryRun {
		result, err := r.rehearseStart(ctx, c, vals, &options)
		if err != nil {
			return result, r.problem(ctx, Refused, err)
		}
		return result, nil
	}
	return r.command(ctx, func(ctx context.Context) error { return r.start(ctx, c, vals, &options) })
}

func (r *rolling) start(ctx context.Context, c *chart.Chart, vals map[string]any, options *StartOptions) error {
	if r.stored != nil {
		return r.startAgain(ctx, options)
	}
	if r.alreadyDone() {
		record, err := r.read(ctx, r.newest().Version)
		if err != nil {
			return err
		}
		r.stored = &StoredRollout{State: rollout.State{
			Release: r.name, Namespace: r.Namespace, Revision: record.Version, Phase: rollout.Done, Committed: true,
		}}
		for _, m := range r.past {
			if m.Status == release.StatusSuperseded {
				r.stored.State.Base = m.Version
			}
		}
		return nil
	}
	d, err := r.draftStart(ctx, c, vals, options)
	if err != nil {
		return err
	}
	if options.ExpectPlan != "" && options.ExpectPlan != d.state.PlanDigest {
		return &MovedError{Release: r.name, Reason: "the plan is " + d.state.PlanDigest + " now"}
	}
	if err := r.applyCRDs(ctx, d.changes, &options.ChangeOptions); err != nil {
		return err
	}
	frozen, err := d.frozen.Encode()
	if err != nil {
		return err
	}
	if err := r.config.Rollouts.Freeze(ctx, r.name, r.id, frozen); err != nil {
		return fmt.Errorf("freeze the target: %w", err)
	}
	stored := &StoredRollout{State: d.state}
	if err := r.config.Rollouts.Save(ctx, stored); err != nil {
		return fmt.Errorf("store the state of the rollout: %w", err)
	}
	r.stored = stored
	if r.config.Changed != nil {
		r.config.Changed(nil, &stored.State)
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	return r.drive(ctx, rollout.Go{})
}

// startAgain goes on with a rollout that the same call has begun.
func (r *rolling) startAgain(ctx context.Context, options *StartOptions) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	s := r.state()
	if r.frozenInputs != r.inputs || options.ExpectPlan != "" && options.ExpectPlan != s.PlanDigest {
		return r.beingRolledOut(s.Revision)
	}
	return r.drive(ctx, rollout.Go{})
}

// started is a rollout that was worked out and not stored yet.
type started struct {
	state   rollout.State
	changes *changes
	frozen  *Frozen
}

// draftStart renders both sides, refuses what cannot be done in steps, and
// works out the steps.
func (r *rolling) draftStart(ctx context.Context, c *chart.Chart, vals map[string]any, options *StartOptions) (*started, error) {
	newest, base := r.newest(), r.standing()
	switch {
	case newest == nil:
		return nil, &NoReleaseError{Release: r.name, Reason: "has no deployed releases: install it first, a rollout needs something to stand beside"}
	case isRollout(newest):
		return nil, r.beingRolledOut(newest.Version)
	case base == nil:
		return nil, &NoReleaseError{Release: r.name, Reason: fmt.Sprintf("is not deployed: revision %d is %s; upgrade or roll it back first", newest.Version, newest.Status)}
	}
	upgrade := *r.operation // renders and compares as an upgrade does
	upgrade.kind = kindUpgrade
	d, err := upgrade.draftUpgrade(ctx, c, vals, &options.UpgradeOptions)
	if err != nil {
		return nil, err
	}
	again, err := upgrade.draftUpgrade(ctx, c, vals, &options.UpgradeOptions)
	if err != nil {
		return nil, err
	}
	if r.base, err = r.read(ctx, base.Version); err != nil {
		return nil, fmt.Errorf("read revision %d: %w", base.Version, err)
	}
	changes, err := upgrade.changes(ctx, d, []*release.Record{r.base}, &options.ChangeOptions)
	if err != nil {
		return nil, err
	}
	if err := upgrade.check(ctx, changes, &options.ChangeOptions, options.DryRun != NoDryRun); err != nil {
		return nil, err
	}
	s := &started{changes: changes}
	if err := r.derive(ctx, s, d, again, options); err != nil {
		return nil, err
	}
	if err := r.reviewStart(ctx, d, changes, &options.ChangeOptions); err != nil {
		return nil, err
	}
	if err := r.fitAll(d.record); err != nil {
		return nil, err
	}
	d.record.Operation = r.record()
	s.frozen, err = r.freeze(d, changes.plan, &options.ChangeOptions)
	return s, err
}

// sideBySide are the objects of both sides, when most of them are there.
func (r *rolling) sideBySide() ([]manifest.Object, error) {
	view := rollout.View{Target: true, Early: true, Clones: true, Full: true, Preview: true}
	return r.plan.Objects(r.from, r.to, view, derive.Observed{}, r.config.Routers)
}

// fitAll makes the record small enough for the longest manifest that it will
// have: that of both sides side by side.
func (r *rolling) fitAll(record *release.Record) error {
	objects, err := r.sideBySide()
	if err != nil {
		return err
	}
	last := record.Manifest
	if record.Manifest, err = manifestText(objects); err != nil {
		return err
	}
	err = r.fit(record)
	record.Manifest = last
	return err
}

// standing is the revision that a rollout can stand beside: the newest, if it is
// deployed, or the deployed one that only rollouts followed which were taken
// back. Nil if there is none.
func (r *rolling) standing() *release.Meta {
	for i := len(r.past) - 1; i >= 0; i-- {
		m := &r.past[i]
		if m.Status == release.StatusDeployed {
			return m
		}
		if m.Status != release.StatusFailed || m.Operation == nil || m.Operation.Kind != kindRollout {
			return nil
		}
	}
	return nil
}

// derive works out the objects and steps of a rollout.
func (r *rolling) derive(ctx context.Context, s *started, d, again *draft, options *StartOptions) error {
	var err error
	r.from, r.to = s.changes.input.Last, slices.Clone(s.changes.input.Wanted)
	settings := options.Settings
	settings.Pinned = settings.Strategy == rollout.BlueGreen || options.Derive.Router != ""
	input := derive.Input{
		Release: r.name, Namespace: r.Namespace, Revision: d.record.Version, Settings: settings,
		Base: r.from, Target: r.to, Live: s.changes.input.Live, Routers: r.config.Routers, Options: options.Derive,
	}
	if input.Again, err = r.earlierObjects(ctx, again.record); err != nil {
		return err
	}
	if input.Around, err = r.around(ctx); err != nil {
		return err
	}
	if r.plan, err = derive.Compute(input); err != nil {
		return err
	}
	if err := r.restartForConfig(d); err != nil {
		return err
	}
	steps, err := r.steps(&settings, options)
	if err != nil {
		return err
	}
	if err := r.checkHooks(d, &settings, options); err != nil {
		return err
	}
	digests, err := r.configDigests(ctx)
	if err != nil {
		return err
	}
	derived, err := json.Marshal(r.plan)
	if err != nil {
		return err
	}
	config := map[string]string{}
	for ref, sum := range digests {
		config[configKey(ref)] = sum
	}
	planned, err := digest(s.changes.plan.Digest(), r.plan, steps, settings)
	if err != nil {
		return err
	}
	now := r.Clock()
	s.state = rollout.State{
		Format: 1, ID: r.id, Release: r.name, Namespace: r.Namespace, Base: r.base.Version, Revision: d.record.Version,
		Settings: settings, Steps: steps, Phase: rollout.Planned, EnteredAt: now, Starter: options.Actor,
		PlanDigest: planned, TargetDigest: s.changes.plan.Digest(), Derived: derived, Config: config, Notes: r.plan.Warnings,
	}
	return nil
}

// checkHooks makes the operator say when hooks run that change what both sides use.
func (r *rolling) checkHooks(d *draft, settings *rollout.Settings, options *StartOptions) error {
	if options.NoHooks {
		settings.Hooks, settings.WithoutHooks = rollout.NoHooks, true
		return nil
	}
	pre := hooksAt(d.record.Hooks, "pre-upgrade", nil)
	if len(pre) == 0 || settings.Hooks != rollout.NoHooks {
		return nil
	}
	return &HookTimeError{Hook: pre[0].Name, Path: pre[0].Path}
}

// HookTimeError says that a chart has hooks of which nobody said when they run.
type HookTimeError struct{ Hook, Path string }

func (e *HookTimeError) Error() string {
	return fmt.Sprintf("the chart has pre-upgrade hooks, such as %s (%s): say with --hooks at-start or --hooks at-promote when they run; "+
		"at-start means that the old version runs with what they change for as long as the canary does", e.Hook, e.Path)
}

// around reads what else is in the namespace that a rollout has to know.
func (r *rolling) around(ctx context.Context) ([]Live, error) {
	kinds := [][2]string{
		{"autoscaling/v2", "HorizontalPodAutoscaler"}, {"policy/v1", "PodDisruptionBudget"}, {"v1", "Service"},
		{"apps/v1", "Deployment"}, {"apps/v1", "ReplicaSet"}, {"v1", "ResourceQuota"},
	}
	others := [][2]string{ // who may look after workloads instead
		{"argoproj.io/v1alpha1", "Rollout"}, {"flagger.app/v1beta1", "Canary"}, {"keda.sh/v1alpha1", "ScaledObject"},
	}
	var all []Live
	for _, kind := range slices.Concat(kinds, others) {
		objects, err := r.config.Objects.List(ctx, kind[0], kind[1], r.Namespace, "")
		var forbidden *ForbiddenError
		if errors.As(err, &forbidden) && slices.Contains(others, kind) {
			r.warn(fmt.Sprintf("%v: whether one looks after a workload of this release is not known", err))
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list the %ss of the namespace: %w", kind[1], err)
		}
		all = append(all, objects...)
	}
	return all, nil
}

// rehearseStart works everything out and changes nothing.
func (r *rolling) rehearseStart(ctx context.Context, c *chart.Chart, vals map[string]any, options *StartOptions) (*RolloutResult, error) {
	past, err := r.Store.History(ctx, r.name)
	if err != nil {
		return nil, fmt.Errorf("read the history of release %s: %w", r.name, err)
	}
	r.past = past
	d, err := r.draftStart(ctx, c, vals, options)
	if err != nil {
		return nil, err
	}
	result := &RolloutResult{State: &d.state, Plan: r.plan, Steps: d.state.Steps, Digest: d.state.PlanDigest, Upgrade: d.changes.plan}
	view := rollout.View{Early: true, Clones: true, Full: true, Preview: d.state.Settings.Pinned}
	objects, err := r.plan.Objects(r.from, r.to, view, derive.Observed{}, r.config.Routers)
	if err != nil {
		return nil, err
	}
	result.Objects = added(r.from, objects)
	return result, nil
}

// added are the objects that the base does not have.
func added(base, objects []manifest.Object) []manifest.Object {
	known := map[manifest.Ref]bool{}
	for _, o := range base {
		known[o.Ref] = true
	}
	return slices.DeleteFunc(slices.Clone(objects), func(o manifest.Object) bool { return known[o.Ref] })
}
