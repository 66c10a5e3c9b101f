package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// Frozen is a planned operation that waits for its approval: what was rendered
// when it was planned, so that what was approved is what is applied. It holds
// the values and manifest in clear: encrypt it or keep it in the cluster.
type Frozen struct {
	Release, Namespace string
	Kind               string            // install, upgrade, rollback or rollout
	Inputs             string            // digest
	Base               int               // newest revision at that time, 0 for none
	Digest             string            // of the plan
	Chart              string            // digest of it
	Record             []byte            // encoded
	Labels             map[string]string // of the record, in which they are not encoded
	CRDs               []manifest.Object
	Options            ChangeOptions
}

// MovedError says that the cluster is not any more what it was when a plan was made.
type MovedError struct {
	Release, Reason string
	// Plan is what would have to be done now; nil if it was not worked out.
	Plan *plan.Plan
}

func (e *MovedError) Error() string {
	return fmt.Sprintf("release %s has moved since the plan was made: %s", e.Release, e.Reason)
}

// freeze keeps a draft for Apply.
func (o *operation) freeze(d *draft, p *plan.Plan, options *ChangeOptions) (*Frozen, error) {
	record, err := d.record.Encode()
	if err != nil {
		return nil, err
	}
	f := &Frozen{
		Release: o.name, Namespace: o.Namespace, Kind: o.kind, Inputs: o.inputs, Digest: p.Digest(), Chart: d.record.Operation.ChartDigest,
		Record: record, Labels: d.record.Labels, CRDs: d.crds, Options: *options,
	}
	if options.CRDs == ApplyCRDs || options.CRDs == PlanCRDs {
		f.CRDs = append(f.CRDs[:len(f.CRDs):len(f.CRDs)], d.hookCRDs...)
	}
	if newest := o.newest(); newest != nil {
		f.Base = newest.Version
	}
	return f, nil
}

// Encode turns a frozen operation into bytes for DecodeFrozen.
func (f *Frozen) Encode() ([]byte, error) { return json.Marshal(f) }

// DecodeFrozen is the inverse of Encode.
func DecodeFrozen(data []byte) (*Frozen, error) {
	f := &Frozen{}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("read the frozen operation: %w", err)
	}
	if f.Kind != kindInstall && f.Kind != kindUpgrade && f.Kind != kindRollback && f.Kind != kindRollout {
		return nil, fmt.Errorf("read the frozen operation: it is a %q", f.Kind)
	}
	return f, nil
}

// ApplyPlanOptions are the options of Apply: they say how, the plan says what.
type ApplyPlanOptions struct {
	Wait, WaitForJobs, Atomic, CleanupOnFail bool
	Timeout, Settle                          time.Duration // as in ChangeOptions
}

// Apply carries out a frozen operation if the cluster has not moved since, or
// returns a *MovedError in its *Error.
func Apply(ctx context.Context, config Config, f *Frozen, options ApplyPlanOptions) (*Result, error) {
	o := newOperation(config, f.Kind, f.Release, f.Inputs)
	if f.Kind == kindRollout {
		return nil, o.problem(ctx, Refused, fmt.Errorf("the plan is that of a rollout: promote goes on with it"))
	}
	o.Audit.PlanDigest, o.Audit.ChartDigest = f.Digest, f.Chart
	change := f.Options
	change.DryRun = NoDryRun
	change.Wait, change.WaitForJobs, change.Atomic, change.CleanupOnFail = options.Wait, options.WaitForJobs, options.Atomic, options.CleanupOnFail
	change.Timeout, change.Settle = options.Timeout, options.Settle
	result, err := o.applyFrozen(ctx, f, &change)
	if err != nil {
		return result, o.problem(ctx, o.outcomeSoFar(), err)
	}
	return result, nil
}

func (o *operation) applyFrozen(ctx context.Context, f *Frozen, options *ChangeOptions) (*Result, error) {
	record, err := release.Decode(f.Record)
	if err != nil {
		return nil, fmt.Errorf("read the frozen operation: %w", err)
	}
	record.Labels = f.Labels
	if record.Name != o.name || record.Namespace != o.Namespace {
		return nil, fmt.Errorf("the plan is for release %s in namespace %s, not for %s in %s", record.Name, record.Namespace, o.name, o.Namespace)
	}
	if options.CreateNamespace {
		d := &draft{record: record, rendered: &rendered{crds: f.CRDs}}
		if err := o.createNamespace(ctx, func() error { return o.reviewUnplanned(ctx, d, options) }); err != nil {
			return nil, err
		}
	}
	defer o.learnAhead(ctx)()
	return o.withPast(ctx, func(ctx context.Context) (*Result, error) {
		return o.applyLocked(ctx, f, record, options)
	})
}

func (o *operation) applyLocked(ctx context.Context, f *Frozen, record *release.Record, options *ChangeOptions) (*Result, error) {
	if o.alreadyDone() {
		return o.finishDone(ctx, options.HistoryMax)
	}
	resumed, err := o.unfinishedRun(ctx)
	if err != nil {
		return nil, err
	}
	if resumed {
		return o.carryOut(ctx, nil, options, procedureOf(o.kind, o.target))
	}
	base := 0
	if newest := o.newest(); newest != nil {
		base = newest.Version
	}
	if base != f.Base {
		return nil, &MovedError{Release: o.name, Reason: fmt.Sprintf("its newest revision was %d and is %d", f.Base, base)}
	}
	now := helmTime(o.Clock())
	record.Info.LastDeployed = now
	if o.kind == kindInstall {
		record.Info.FirstDeployed = now
	}
	record.Info.Status, record.Info.Description = pending(o.kind, record)
	record.Operation, record.ApplyMethod, record.Token = o.record(), applyMethod, ""
	d := &draft{record: record, rendered: &rendered{crds: f.CRDs}, expect: f.Digest}
	return o.carryOut(ctx, d, options, procedureOf(o.kind, record))
}

// pending is the state in which a record of the kind begins.
func pending(kind string, r *release.Record) (release.Status, string) {
	switch kind {
	case kindInstall:
		return release.StatusPendingInstall, "Initial install underway"
	case kindRollback:
		return release.StatusPendingRollback, r.Info.Description
	}
	return release.StatusPendingUpgrade, "Preparing upgrade"
}

func procedureOf(kind string, r *release.Record) procedure {
	switch {
	case kind == kindRollback:
		return returning(r.Info.Description)
	case kind == kindInstall, r.Info.Status == release.StatusPendingInstall:
		return installation
	}
	return upgrading
}

// Drifts are the differences between what a release's newest deployed revision
// says and what is in the cluster.
type Drifts struct {
	Record  *release.Record
	Objects []plan.ObjectDrift
}

// Found reports whether anything differs.
func (d *Drifts) Found() bool {
	for i := range d.Objects {
		if d.Objects[i].State != plan.InOrder {
			return true
		}
	}
	return false
}

// Drift compares a release's deployed revision with the cluster, which is
// asked to try what it says. Nothing is changed. The error is an *Error.
func Drift(ctx context.Context, config Config, name string) (*Drifts, error) {
	o := newOperation(config, "drift", name, "")
	drifts, err := o.drift(ctx)
	if err != nil {
		return nil, o.problem(ctx, Refused, err)
	}
	return drifts, nil
}

func (o *operation) drift(ctx context.Context) (*Drifts, error) {
	if err := release.ValidateName(o.name); err != nil {
		return nil, err
	}
	past, err := o.Store.History(ctx, o.name)
	if err != nil {
		return nil, err
	}
	o.past = past
	base := o.base()
	if base == nil {
		return nil, &NoReleaseError{Release: o.name, Reason: "has no deployed revision"}
	}
	r, err := o.Store.Get(ctx, o.name, base.Version)
	if err != nil {
		return nil, err
	}
	stored, err := o.earlierObjects(ctx, r)
	if err != nil {
		return nil, err
	}
	c := &changes{input: plan.Input{Last: stored}}
	live, err := o.Cluster.Read(ctx, c.refs())
	if err != nil {
		return nil, err
	}
	applied, err := o.tryAll(ctx, stored, live)
	if err != nil {
		return nil, err
	}
	for i := range stored {
		stored[i] = plan.Own(stored[i], o.name, o.Namespace)
	}
	return &Drifts{Record: r, Objects: plan.Drift(stored, live, applied)}, nil
}

// tryAll has the server apply objects that are live without storing them. What
// it refuses is left out.
func (o *operation) tryAll(ctx context.Context, objects []manifest.Object, live map[manifest.Ref]Live) (map[manifest.Ref]Live, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.concurrency())
	applied := map[manifest.Ref]Live{}
	var mu sync.Mutex
	for _, object := range objects {
		is := live[object.Ref]
		if is == nil {
			continue
		}
		group.Go(func() error {
			after, err := o.Cluster.Apply(ctx, plan.Own(object, o.name, o.Namespace), ApplyOptions{DryRun: true, Live: is, TakeConflicts: true})
			if err != nil {
				if _, known := problemOf(err); known {
					return nil
				}
				return err
			}
			mu.Lock()
			applied[object.Ref] = after
			mu.Unlock()
			return nil
		})
	}
	return applied, group.Wait()
}
