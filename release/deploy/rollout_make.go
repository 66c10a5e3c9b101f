package deploy

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
	"github.com/e6d26078/slipway/release/rollout"
)

// makeView makes a view live. Services that select one side need to know its
// pods, so a canary is made before what selects it.
func (r *rolling) makeView(ctx context.Context, v rollout.View) error {
	if v.Pin == rollout.Stable {
		if err := r.learn(ctx, rollout.Stable); err != nil {
			return err
		}
	}
	if p := r.state().Phase; p == rollout.Returning || p == rollout.Lowering {
		if err := r.levelFirst(ctx); err != nil {
			return err
		}
	}
	if v.Clones && r.unknownHash(rollout.CanarySide) {
		first := v
		first.Preview, first.Routed = false, false
		if err := r.makeOnce(ctx, first); err != nil {
			return err
		}
		if err := r.learn(ctx, rollout.CanarySide); err != nil {
			return err
		}
	}
	return r.makeOnce(ctx, v)
}

func (r *rolling) makeOnce(ctx context.Context, v rollout.View) error {
	if err := r.fence(ctx); err != nil {
		return err
	}
	if v.Adopted && !v.Prune {
		if err := r.checkTwins(ctx); err != nil {
			return err
		}
	}
	seen, err := r.observed(ctx)
	if err != nil {
		return err
	}
	objects, err := r.plan.Objects(r.from, r.to, v, seen, r.config.Routers)
	if err != nil {
		return err
	}
	c, err := r.difference(ctx, objects, v)
	if err != nil {
		return err
	}
	if refused := c.plan.Refused(); len(refused) > 0 {
		return &RefusedError{Changes: refused}
	}
	leaving := c.leaving()
	if r.target == nil || len(leaving) > 0 || c.sends() {
		if err := r.journal(ctx, append(slices.Clip(objects), leaving...)); err != nil {
			return err
		}
		options := &ChangeOptions{TakeConflicts: isWayBack(r.state().Phase) || r.begunWith.TakeConflicts, Timeout: r.timeout}
		if err := r.apply(ctx, c, options); err != nil {
			return err
		}
		if err := r.removeLeaving(ctx, c, v); err != nil {
			return err
		}
	}
	r.applied = objects
	switch s := r.state(); {
	case s.Phase == rollout.Resuming:
		_, err = r.level(ctx)
	case s.Back && s.Phase == rollout.Scaling:
		err = r.takeBackPods(ctx)
	}
	return err
}

// checkTwins makes sure that a Deployment adopts the pods of its clone: both
// live templates have to be the same. Where the cluster made something else of
// one of them, an admission webhook perhaps, the clone stays and the Deployment is
// rolled beside it.
func (r *rolling) checkTwins(ctx context.Context) error {
	changed := false
	for i := range r.plan.Workloads {
		w := &r.plan.Workloads[i]
		if w.Form != derive.Adoptable || w.Stays {
			continue
		}
		clone := w.Ref
		clone.Name = w.Clone
		live, err := r.Cluster.Read(ctx, []manifest.Ref{w.Ref, clone})
		if err != nil {
			return err
		}
		template := func(l Live) any { spec, _ := l["spec"].(map[string]any); return spec["template"] }
		if live[clone] == nil || live[w.Ref] == nil || reflect.DeepEqual(template(live[w.Ref]), template(live[clone])) {
			continue
		}
		w.Stays, changed = true, true
		r.warn(fmt.Sprintf("%s: the cluster has changed its pod template, or its clone's: the pods are not adopted but rolled", w.Ref))
	}
	if !changed {
		return nil
	}
	return r.storePlan(ctx)
}

// isWayBack reports whether a phase restores what was there: that takes fields
// that somebody else has set in between.
func isWayBack(p rollout.Phase) bool {
	return p == rollout.Returning || p == rollout.Clearing || p == rollout.Restoring
}

// fence makes sure that nobody has gone on with the release.
func (r *rolling) fence(ctx context.Context) error {
	past, err := r.Store.History(ctx, r.name)
	if err != nil {
		return fmt.Errorf("read the history of release %s: %w", r.name, err)
	}
	r.past = past
	if how := bypassed(past, r.state()); how != "" {
		r.records = nil
		return r.overtaken(ctx, how)
	}
	return nil
}

// difference compares what should be live with what is. A process does not know
// what the one before it has made live, so that it sends all that a rollout may
// have changed once: a field that the wanted document does not have goes away then.
//
// Until the commit nothing is sent of the base that the rollout does not touch:
// what somebody has changed there, a rotated credential perhaps, stays.
func (r *rolling) difference(ctx context.Context, objects []manifest.Object, v rollout.View) (*changes, error) {
	c := &changes{novel: map[manifest.Ref]bool{}, input: plan.Input{
		Release: r.name, Namespace: r.Namespace, Operation: plan.Upgrade, Revision: r.state().Revision, Wanted: objects,
		TakeOwnership: v.Target && r.begunWith.TakeOwnership,
	}}
	c.input.Last = r.applied
	if r.applied == nil {
		c.input.Last = slices.Clone(r.from)
		if r.state().Committed {
			c.input.Last = append(c.input.Last, r.to...)
		}
		if r.target != nil {
			recorded, err := r.earlierObjects(ctx, r.target)
			if err != nil {
				return nil, err
			}
			c.input.Last = append(c.input.Last, recorded...)
		}
	}
	c.input.Moved = movedDefinitions(r.goal.Chart, c.input.Last)
	live, err := r.Cluster.Read(ctx, c.refs())
	if err != nil {
		return nil, fmt.Errorf("read the live objects: %w", err)
	}
	c.input.Live = live
	r.compute(c)
	touched := r.plan.Touched(objects, r.config.Routers)
	spared := map[manifest.Ref]bool{}
	for _, o := range r.from {
		spared[o.Ref] = !v.Target && !touched[o.Ref]
	}
	for i := range c.plan.Changes {
		change := &c.plan.Changes[i]
		switch {
		case spared[change.Ref] && change.Action != plan.Delete:
			change.Action, change.Send, change.Problem = plan.Unchanged, false, nil
		case r.kept[change.Ref] && change.Action != plan.Delete && live[change.Ref] != nil:
			change.Action, change.Send, change.Problem = plan.Unchanged, false, nil
		case r.applied == nil && r.target != nil && change.Action == plan.Unchanged && touched[change.Ref]:
			change.Send = true
		}
	}
	return c, nil
}

// sends reports whether anything has to be applied.
func (c *changes) sends() bool {
	return slices.ContainsFunc(c.plan.Changes, func(change plan.Change) bool { return change.Send && change.Action != plan.Delete })
}

// leaving are the objects that are to be deleted.
func (c *changes) leaving() []manifest.Object {
	var leaving []manifest.Object
	for _, change := range c.plan.Changes {
		if change.Action == plan.Delete {
			leaving = append(leaving, change.Object)
		}
	}
	return leaving
}

// journal writes what is about to be live into the record of the revision that
// is rolled out, and creates that first if need be: then stock Helm can take
// back all of it.
func (r *rolling) journal(ctx context.Context, objects []manifest.Object) error {
	text, err := manifestText(objects)
	if err != nil {
		return err
	}
	if r.target == nil {
		record := r.goal.Clone()
		record.Info.Status = release.StatusPendingUpgrade
		record.Info.Description = fmt.Sprintf("%s in progress, way back: helm rollback %s %d", r.state().Settings.Strategy, r.name, r.state().Base)
		record.Manifest = text
		record.Operation = r.record()
		record.Operation.Inputs, record.Operation.PlanDigest = r.frozenInputs, r.state().PlanDigest
		record.Operation.Images = imagesOf(objects)
		if err := r.fit(record); err != nil {
			return err
		}
		return r.create(ctx, record)
	}
	if r.target.Manifest == text {
		return nil
	}
	r.target.Manifest = text
	return r.save(ctx)
}

// manifestText writes objects as a manifest.
func manifestText(objects []manifest.Object) (string, error) {
	var b strings.Builder
	for _, o := range objects {
		b.WriteString("---\n")
		if o.Source != "" {
			b.WriteString("# Source: " + o.Source + "\n")
		}
		text, err := yaml.Append(nil, o.Fields)
		if err != nil {
			return "", fmt.Errorf("%s: %w", o.Ref, err)
		}
		b.Write(text)
		if len(text) > 0 && text[len(text)-1] != '\n' {
			b.WriteByte('\n')
		}
	}
	return b.String(), nil
}

// removeLeaving deletes what is not wanted any more and waits until Deployments
// are gone: their pods stay with whoever adopts them, or go.
func (r *rolling) removeLeaving(ctx context.Context, c *changes, v rollout.View) error {
	propagation := ""
	if v.Adopted && !v.Prune {
		propagation = "Orphan"
	}
	deleted, _, err := r.remove(ctx, c, propagation)
	if err != nil {
		return err
	}
	var awaited []manifest.Ref
	for _, ref := range deleted {
		if ref.Kind == "Deployment" {
			awaited = append(awaited, ref)
		}
	}
	if len(awaited) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	return r.Cluster.WaitGone(ctx, awaited)
}

// ready waits until the pods of one side are ready.
func (r *rolling) ready(ctx context.Context, side rollout.Side) error {
	wanted := map[manifest.Ref]bool{}
	for _, w := range r.plan.Workloads {
		ref := w.Ref
		switch {
		case w.Form == derive.Partitioned:
		case side == rollout.CanarySide:
			ref.Name = w.Clone
		}
		wanted[ref] = true
	}
	if side == rollout.CanarySide {
		for _, ref := range r.plan.Early {
			wanted[ref] = true
		}
	}
	var objects []manifest.Object
	for _, o := range r.applied {
		if wanted[o.Ref] {
			objects = append(objects, o)
		}
	}
	return r.waitReady(ctx, objects, &ChangeOptions{Wait: true, Timeout: r.timeout, Settle: r.settle})
}

// hooks runs the chart's hooks of an event; what the ledger in the record says
// has run is not run again.
func (r *rolling) hooks(ctx context.Context, event string) error {
	if r.state().Settings.WithoutHooks {
		return nil
	}
	if r.target == nil { // nothing was made live yet: the record comes first
		if err := r.fence(ctx); err != nil {
			return err
		}
		if err := r.journal(ctx, r.from); err != nil {
			return err
		}
	}
	return r.runHooks(ctx, hookEvent(event), &ChangeOptions{Timeout: r.timeout}, nil)
}
