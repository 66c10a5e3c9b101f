package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// changes is what an operation has to do to the objects of a release.
type changes struct {
	input   plan.Input
	plan    *plan.Plan
	novel   map[manifest.Ref]bool // their kinds are served only once the chart's CRDs are there
	unborn  bool                  // the namespace of the release is still to be created
	mu      sync.Mutex            // for what follows
	created []manifest.Object     // so far
}

// changes compares what is wanted with the earlier revisions and the cluster.
// earlier holds the last deployed revision first, if there is one, and then
// those that failed after it.
func (o *operation) changes(ctx context.Context, d *draft, earlier []*release.Record, options *ChangeOptions) (*changes, error) {
	c := &changes{novel: map[manifest.Ref]bool{}, input: plan.Input{
		Release: o.name, Namespace: o.Namespace, Operation: plan.Operation(o.kind),
		TakeOwnership: options.TakeOwnership, Force: options.Recreate || options.Force, ApplyCRDs: options.CRDs == ApplyCRDs || options.CRDs == PlanCRDs,
	}}
	if d != nil {
		c.input.Revision = d.record.Version
		for _, h := range d.record.Hooks {
			c.input.Hooks = append(c.input.Hooks, hookOf(h))
		}
		if err := o.addWanted(ctx, c, d, options); err != nil {
			return nil, err
		}
	}
	for _, r := range earlier {
		objects, err := o.earlierObjects(ctx, r)
		if err != nil {
			return nil, err
		}
		if r.Info.Status == release.StatusDeployed || r.Info.Status == release.StatusSuperseded || o.kind == kindUninstall {
			c.input.Last = append(c.input.Last, objects...)
		} else {
			c.input.Attempted = append(c.input.Attempted, objects...)
		}
	}
	if d != nil {
		c.input.Moved = movedDefinitions(d.record.Chart, c.input.Last, c.input.Attempted)
	}
	live, err := o.Cluster.Read(ctx, c.refs())
	if err != nil {
		return nil, fmt.Errorf("read the live objects: %w", err)
	}
	c.input.Live = live
	o.compute(c)
	return c, nil
}

// dropComparison gives up what was compared, once it is carried out: to wait may
// take long, and memory for what is watched.
func (c *changes) dropComparison() {
	c.plan = nil
	c.input.Live, c.input.Last, c.input.Attempted, c.input.Applied = nil, nil, nil, nil
}

// compute works out the plan. What is as it should be is sent all the same if
// a client-side Helm manages it: a field that a later revision drops would stay.
func (o *operation) compute(c *changes) {
	c.plan = plan.Compute(c.input)
	for i := range c.plan.Changes {
		change := &c.plan.Changes[i]
		if change.Action == plan.Unchanged && !change.CRD && o.Cluster.Migrates(c.input.Live[change.Ref]) {
			change.Send = true
		}
	}
}

// refs are all objects that may be live.
func (c *changes) refs() []manifest.Ref {
	var refs []manifest.Ref
	seen := map[manifest.Ref]bool{}
	for _, objects := range [][]manifest.Object{c.input.Wanted, c.input.CRDs, c.input.Last, c.input.Attempted} {
		for i := range objects {
			ref := objects[i].Ref
			if !seen[ref] && !c.novel[ref] && ref.Name != "" {
				seen[ref] = true
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

// addWanted locates the objects of a draft and the definitions that come with it.
func (o *operation) addWanted(ctx context.Context, c *changes, d *draft, options *ChangeOptions) error {
	crds := slices.Clone(d.crds)
	switch options.CRDs {
	case CreateCRDs:
		if o.kind != kindInstall {
			crds = nil
		}
	case SkipCRDs:
		crds = nil
	default:
		crds = append(crds, d.hookCRDs...)
	}
	objects, err := manifest.Objects(d.record.Manifest)
	if err != nil {
		return &RenderError{Err: err}
	}
	defined := definitionsAmong(objects)
	if options.CRDs != PlanCRDs { // which creates none
		defined = append(defined, definitionsAmong(crds)...)
	}
	if c.input.Wanted, err = o.locate(ctx, c, objects, defined); err != nil {
		return err
	}
	c.input.CRDs, err = o.locate(ctx, c, crds, defined)
	return err
}

// locate gives objects their namespaces. Kinds that the cluster does not
// serve must be among those that are defined on the way.
func (o *operation) locate(ctx context.Context, c *changes, objects []manifest.Object, defined []definition) ([]manifest.Object, error) {
	if len(objects) == 0 {
		return nil, nil
	}
	resolved, err := o.Cluster.Resolve(ctx, objects, o.Namespace)
	if err != nil {
		return nil, err
	}
	novel, unknown := settle(resolved.Unknown, defined, o.Namespace)
	if len(unknown) > 0 {
		e := &UnknownKindsError{}
		for _, u := range unknown {
			e.Objects = append(e.Objects, SourcedRef{u.Ref, u.Source})
		}
		return nil, e
	}
	for _, n := range novel {
		c.novel[n.Ref] = true
	}
	return append(resolved.Objects, novel...), nil
}

// earlierObjects are the objects of an earlier revision. Those of kinds that
// the cluster no longer serves are left out: nothing can be done to them.
func (o *operation) earlierObjects(ctx context.Context, r *release.Record) ([]manifest.Object, error) {
	all, err := manifest.Objects(r.Manifest)
	if err != nil {
		return nil, fmt.Errorf("read the manifest of revision %d: %w", r.Version, err)
	}
	resolved, err := o.Cluster.Resolve(ctx, all, o.Namespace)
	if err != nil {
		return nil, err
	}
	for _, u := range resolved.Unknown {
		o.warn(fmt.Sprintf("%s %s %s of revision %d: the cluster does not serve this kind any more; it is left alone", u.APIVersion, u.Kind, u.Name, r.Version))
	}
	return resolved.Objects, nil
}

// check refuses what would fail half-way, as far as that can be known: it has
// the server try the changes that may be impossible, or with all set every
// change. It changes nothing.
func (o *operation) check(ctx context.Context, c *changes, options *ChangeOptions, all bool) error {
	c.input.Applied = map[manifest.Ref]map[string]any{}
	c.input.Problems = map[manifest.Ref]plan.Problem{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.concurrency())
	group.Go(func() error { return o.checkRights(ctx, c) })
	tried := 0
	for i := range c.plan.Changes {
		change := &c.plan.Changes[i]
		live := c.input.Live[change.Ref]
		if c.novel[change.Ref] || !all && !o.isRisky(change, live, options) || all && !change.Send && !isImmutable(change) {
			continue
		}
		if change.Action == plan.Delete || change.Action == plan.Keep || c.unborn && change.Ref.Namespace == o.Namespace {
			continue
		}
		tried++
		group.Go(func() error { return o.try(ctx, c, change, live, options) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if tried > 0 {
		o.compute(c)
	}
	if refused := c.plan.Refused(); len(refused) > 0 {
		return &RefusedError{Changes: refused}
	}
	return nil
}

// neededFor are the verbs that a change of an object takes.
var neededFor = map[plan.Action][]string{
	plan.Create:   {"create", "patch"},
	plan.Update:   {"patch"},
	plan.Adopt:    {"patch"},
	plan.Recreate: {"create", "delete"},
	plan.Delete:   {"delete"},
}

// checkRights asks for the rights that the changes need.
func (o *operation) checkRights(ctx context.Context, c *changes) error {
	refs := map[plan.Action][]manifest.Ref{}
	for i := range c.plan.Changes {
		if change := &c.plan.Changes[i]; !c.novel[change.Ref] {
			refs[change.Action] = append(refs[change.Action], change.Ref)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for action, verbs := range neededFor {
		if len(refs[action]) > 0 {
			group.Go(func() error { return o.Cluster.Allowed(ctx, refs[action], verbs...) })
		}
	}
	return group.Wait()
}

// isRisky reports whether a change may be refused for a reason that can be
// seen beforehand.
func (o *operation) isRisky(change *plan.Change, live Live, options *ChangeOptions) bool {
	if live == nil {
		return false
	}
	if isImmutable(change) {
		return true
	}
	return change.Send && change.Action != plan.Recreate && !options.TakeConflicts && o.Cluster.MayConflict(live, change.Object.Fields)
}

func isImmutable(change *plan.Change) bool {
	return change.Problem != nil && change.Problem.Kind == plan.ImmutableProblem && !change.CRD
}

// try has the server apply a change without storing it.
func (o *operation) try(ctx context.Context, c *changes, change *plan.Change, live Live, options *ChangeOptions) error {
	object := change.Object
	if object.Fields == nil {
		return nil
	}
	after, err := o.Cluster.Apply(ctx, object, ApplyOptions{DryRun: true, Live: live, TakeConflicts: options.TakeConflicts})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.input.Applied[change.Ref] = after
		return nil
	}
	problem, ok := problemOf(err)
	if !ok {
		return err
	}
	c.input.Problems[change.Ref] = problem
	return nil
}

// problemOf is an error about one object as a plan shows it.
func problemOf(err error) (plan.Problem, bool) {
	var conflict *ConflictError
	var fixed *ImmutableError
	var forbidden *ForbiddenError
	var rejected *RejectedError
	problem := plan.Problem{Message: err.Error()}
	switch {
	case errors.As(err, &conflict):
		problem.Kind = plan.ConflictProblem
		for _, held := range conflict.Conflicts {
			problem.Conflicts = append(problem.Conflicts, plan.Conflict(held))
		}
	case errors.As(err, &fixed):
		problem.Kind, problem.Fields = plan.ImmutableProblem, fixed.Fields
	case errors.As(err, &forbidden):
		problem.Kind = plan.ForbiddenProblem
	case errors.As(err, &rejected):
		problem.Kind = plan.RejectedProblem
	default:
		return problem, false
	}
	return problem, true
}

// hookOf is a hook of a record in the form of package manifest.
func hookOf(h *helm.Hook) manifest.Hook {
	hook := manifest.Hook{Name: h.Name, Kind: h.Kind, Path: h.Path, Manifest: h.Manifest, Weight: h.Weight}
	for _, e := range h.Events {
		hook.Events = append(hook.Events, manifest.Event(e))
	}
	for _, p := range h.DeletePolicies {
		hook.DeletePolicies = append(hook.DeletePolicies, manifest.DeletePolicy(p))
	}
	return hook
}
