package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// RolloutRecovery is what a rollout left behind that somebody went on beside,
// and what mends it.
type RolloutRecovery struct {
	// How somebody went on; "" if there is nothing to mend.
	How      string
	Revision int // of the rollout
	Deployed int // revision that is in force
	// Rollback is the revision that has to be rolled back to, because the one in
	// force is what the rollout had made live; 0 if that is not so.
	Rollback int
	// Restore are objects that are brought back to what that revision says,
	// Remove those that are deleted.
	Restore, Remove []manifest.Ref
	Done            bool
}

// RecoverRollout brings back what a rollout has changed, after somebody else
// has gone on with the release: by an upgrade or rollback of stock Helm, or by
// deleting its record or the rollout's state. Without Confirm it only reports.
// A rollout that can go on by itself is left alone, and How is empty then.
func RecoverRollout(ctx context.Context, config RolloutConfig, name string, options RecoverOptions) (*RolloutRecovery, error) {
	r := newRolling(config, name, 0)
	found := &RolloutRecovery{}
	_, err := r.command(ctx, func(ctx context.Context) error {
		if !r.needsRecovery(found) {
			return nil
		}
		mend, err := r.leftovers(ctx)
		if err != nil {
			return err
		}
		found.Restore, found.Remove = refsOf(mend.restore), mend.remove
		if mend.in != nil {
			found.Deployed = mend.in.Version
		}
		if r.isCanary(mend) {
			found.Rollback = r.state().Base
		}
		if !options.Confirm {
			return nil
		}
		if found.Rollback > 0 {
			if err := r.rollBack(ctx, found.Rollback); err != nil {
				return err
			}
			if mend, err = r.leftovers(ctx); err != nil {
				return err
			}
		}
		if err := r.mend(ctx, mend); err != nil {
			return err
		}
		r.stored, r.mended, found.Done = nil, true, true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// rollBack makes the stable revision the one in force again.
func (r *rolling) rollBack(ctx context.Context, revision int) error {
	back := *r.operation
	back.kind, back.inputs, back.target, back.id = kindRollback, "", nil, r.NewID()
	if _, err := back.rollbackTo(ctx, revision, &RollbackOptions{ChangeOptions: ChangeOptions{
		Wait: true, Timeout: r.timeout, TakeConflicts: true, NoHooks: true,
	}}); err != nil {
		return err
	}
	past, err := r.Store.History(ctx, r.name)
	r.past, r.records = past, nil
	return err
}

// needsRecovery reports whether there is something to mend, and fills in why.
func (r *rolling) needsRecovery(found *RolloutRecovery) bool {
	newest := r.newest()
	switch {
	case r.stored != nil:
		found.Revision = r.state().Revision
		found.How = bypassed(r.past, r.state())
	case newest != nil && isRollout(newest):
		found.Revision = newest.Version
		found.How = "the state of the rollout is gone"
	case r.isLeftover(r.lock.Previous()):
		found.How = "nothing is known of it any more"
	}
	return found.How != ""
}

// leftover is what has to be done to get rid of a rollout.
type leftover struct {
	restore []manifest.Object
	remove  []manifest.Ref
	live    map[manifest.Ref]Live
	record  *release.Record // the rollout's own, nil if it is gone
	in      *release.Record // the revision in force, nil if there is none
}

func (r *rolling) leftovers(ctx context.Context) (*leftover, error) {
	m := &leftover{}
	var wanted, made []manifest.Object
	if in := r.inForce(); in != nil {
		record, err := r.read(ctx, in.Version)
		if err != nil {
			return nil, fmt.Errorf("read revision %d: %w", in.Version, err)
		}
		m.in = record
		if wanted, err = r.earlierObjects(ctx, record); err != nil {
			return nil, err
		}
	}
	record, err := r.ownRecord(ctx)
	if err != nil {
		return nil, err
	}
	if record != nil {
		m.record = record
		if made, err = r.earlierObjects(ctx, record); err != nil {
			return nil, err
		}
	}
	refs := append(refsOf(wanted), refsOf(made)...)
	if r.plan != nil {
		refs = append(refs, r.plan.Made()...)
		refs = append(refs, r.plan.Early...)
	} else {
		marked, err := r.marked(ctx)
		if err != nil {
			return nil, err
		}
		refs = append(refs, marked...)
	}
	if m.live, err = r.Cluster.Read(ctx, unique(refs)); err != nil {
		return nil, fmt.Errorf("read the live objects: %w", err)
	}
	m.remove = r.removable(unique(refs), wanted, m.live)
	switch {
	case r.plan != nil:
		m.restore, _ = r.plan.Leftovers(wanted, m.live)
		if r.state().Committed {
			m.restore = r.withTarget(ctx, m.restore, wanted)
		}
	case len(made) > 0:
		m.restore = differing(wanted, made)
	default:
		m.restore = slices.DeleteFunc(wanted, func(o manifest.Object) bool { return !isHeld(o.Fields, m.live[o.Ref]) })
	}
	return m, nil
}

// marked are the objects in the namespace that a rollout made.
func (r *rolling) marked(ctx context.Context) ([]manifest.Ref, error) {
	var refs []manifest.Ref
	for _, kind := range [][2]string{{"apps/v1", "Deployment"}, {"v1", "Service"}, {"v1", "ConfigMap"}, {"v1", "Secret"}} {
		objects, err := r.config.Objects.List(ctx, kind[0], kind[1], r.Namespace, "app.kubernetes.io/managed-by=Helm")
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			if note(o, derive.RolloutAnnotation) != "" {
				name, _ := metadata(o, "name").(string)
				refs = append(refs, manifest.Ref{APIVersion: kind[0], Kind: kind[1], Namespace: r.Namespace, Name: name})
			}
		}
	}
	return refs, nil
}

// isHeld reports whether a live object is as only a rollout makes it: paused,
// or selecting one side.
func isHeld(wanted, live map[string]any) bool {
	spec := func(f map[string]any) map[string]any { m, _ := f["spec"].(map[string]any); return m }
	selector := func(f map[string]any) any { m, _ := spec(f)["selector"].(map[string]any); return m[hashLabel] }
	return spec(live)["paused"] == true && spec(wanted)["paused"] != true || selector(live) != nil && selector(wanted) == nil
}

// inForce is the newest deployed revision, nil if there is none.
func (r *rolling) inForce() *release.Meta {
	for i := len(r.past) - 1; i >= 0; i-- {
		if r.past[i].Status == release.StatusDeployed {
			return &r.past[i]
		}
	}
	return nil
}

// ownRecord is the rollout's record, nil if it is gone.
func (r *rolling) ownRecord(ctx context.Context) (*release.Record, error) {
	for i := range r.past {
		m := &r.past[i]
		if !isRollout(m) && (r.stored == nil || m.Version != r.state().Revision || m.Operation == nil || m.Operation.ID != r.state().ID) {
			continue
		}
		record, err := r.read(ctx, m.Version)
		if errors.Is(err, release.ErrNotFound) {
			return nil, nil
		}
		return record, err
	}
	return nil, nil
}

// removable are objects that the rollout made, that the revision in force does
// not have, and that belong to this release. What has data of its own stays: a
// claim, and a namespace with all that is in it.
func (r *rolling) removable(refs []manifest.Ref, wanted []manifest.Object, live map[manifest.Ref]Live) []manifest.Ref {
	has := map[manifest.Ref]bool{}
	for _, o := range wanted {
		has[o.Ref] = true
	}
	return slices.DeleteFunc(refs, func(ref manifest.Ref) bool {
		l := live[ref]
		return has[ref] || l == nil || ref.Kind == "PersistentVolumeClaim" || ref.Kind == "Namespace" || plan.Kept(l) || !plan.OwnerOf(l).Is(r.name, r.Namespace)
	})
}

// differing are the wanted objects of which another document was made live.
func differing(wanted, made []manifest.Object) []manifest.Object {
	other := map[manifest.Ref]manifest.Object{}
	for _, o := range made {
		other[o.Ref] = o
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(o manifest.Object) bool {
		m, ok := other[o.Ref]
		return !ok || plan.Same(m.Fields, o.Fields)
	})
}

// isCanary reports whether the revision in force is a copy of what a rollout
// had made live: a rollback to its record brings that about.
func (r *rolling) isCanary(m *leftover) bool {
	if r.stored == nil || m.in == nil || m.in.Version <= r.state().Revision {
		return false
	}
	objects, err := manifest.Objects(m.in.Manifest)
	return err == nil && slices.ContainsFunc(objects, func(o manifest.Object) bool { return note(o.Fields, derive.RolloutAnnotation) != "" })
}

// mend carries it out: what serves comes back before what is in the way goes.
func (r *rolling) mend(ctx context.Context, m *leftover) error {
	slices.SortStableFunc(m.restore, func(a, b manifest.Object) int {
		return manifest.CompareKinds(a.Kind, b.Kind, manifest.Install, manifest.Helm3)
	})
	for _, o := range m.restore {
		live := m.live[o.Ref]
		if _, err := r.Cluster.Apply(ctx, plan.Own(o, r.name, r.Namespace), ApplyOptions{Live: live, TakeConflicts: true}); err != nil {
			return fmt.Errorf("restore %s: %w", o.Ref, err)
		}
		r.notify(Notice{Step: StepApply, Ref: o.Ref, Action: "restored"})
	}
	if err := r.waitReady(ctx, m.restore, &ChangeOptions{Wait: true, Timeout: r.timeout}); err != nil {
		return err
	}
	for _, ref := range m.remove {
		if err := r.deleteOne(ctx, ref, m.live[ref], ""); err != nil {
			return err
		}
	}
	if m.record != nil && m.record.Info.Status.IsPending() {
		m.record.Info.Status = release.StatusFailed
		m.record.Info.Description = "the rollout was overtaken, and what it had changed was brought back"
		if m.in != nil {
			m.record.Manifest = m.in.Manifest
		}
		if err := r.Store.Update(ctx, m.record); err != nil {
			return fmt.Errorf("mark revision %d as failed: %w", m.record.Version, err)
		}
	}
	return r.config.Rollouts.Delete(ctx, r.name)
}

func refsOf(objects []manifest.Object) []manifest.Ref {
	refs := make([]manifest.Ref, len(objects))
	for i := range objects {
		refs[i] = objects[i].Ref
	}
	return refs
}

func unique(refs []manifest.Ref) []manifest.Ref {
	seen := map[manifest.Ref]bool{}
	return slices.DeleteFunc(refs, func(ref manifest.Ref) bool {
		before := seen[ref]
		seen[ref] = true
		return before
	})
}
