package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// applyCRDs brings about the definitions that the chart carries beside its
// templates, and waits until the API server serves their kinds.
func (o *operation) applyCRDs(ctx context.Context, c *changes, options *ChangeOptions) error {
	var crds []plan.Change
	for _, change := range c.plan.Changes {
		if !change.CRD || !change.Send {
			continue
		}
		if options.CRDs == PlanCRDs {
			o.notify(Notice{Step: StepCRD, Ref: change.Ref, Action: "planned", Message: "--crds apply would " + string(change.Action) + " it"})
			continue
		}
		crds = append(crds, change)
	}
	for wave := range waves(crds) {
		if err := o.applyWave(ctx, c, wave, options); err != nil {
			return err
		}
	}
	return nil
}

// apply brings the wanted objects about, one kind after the other.
func (o *operation) apply(ctx context.Context, c *changes, options *ChangeOptions) error {
	var wanted []plan.Change
	for _, change := range c.plan.Changes {
		if !change.CRD && change.Action != plan.Delete && change.Action != plan.Keep {
			wanted = append(wanted, change)
		}
	}
	for wave := range waves(wanted) {
		if err := o.applyWave(ctx, c, wave, options); err != nil {
			return err
		}
	}
	return nil
}

// waves yields the runs of changes that may be made at the same time.
func waves(changes []plan.Change) func(yield func([]plan.Change) bool) {
	return func(yield func([]plan.Change) bool) {
		for start := 0; start < len(changes); {
			end := start + 1
			for end < len(changes) && together(changes[start].Ref, changes[end].Ref) {
				end++
			}
			if !yield(changes[start:end]) {
				return
			}
			start = end
		}
	}
}

// together reports whether two objects may be written at the same time: those
// of one kind, and those of kinds that the API server does not look at when it
// admits one of the other.
func together(a, b manifest.Ref) bool {
	if a.Kind == b.Kind {
		return true
	}
	stage := stageOf(a)
	return stage != "" && stage == stageOf(b)
}

// stageOf names what objects of a kind are to others: what pods need, or what
// makes pods. Other kinds have no stage.
func stageOf(ref manifest.Ref) string {
	switch ref.Group() + "/" + ref.Kind {
	case "/ServiceAccount", "/Secret", "/ConfigMap", "/Service", "policy/PodDisruptionBudget", "networking.k8s.io/NetworkPolicy":
		return "needs"
	case "/Pod", "/ReplicationController", "apps/ReplicaSet", "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet",
		"batch/Job", "batch/CronJob", "autoscaling/HorizontalPodAutoscaler":
		return "pods"
	}
	return ""
}

// spread orders the changes of a wave so that each kind comes evenly from the
// beginning to the end. A Service takes the API server several times as long as a
// ConfigMap, since its address is handed out by another request: many of them at
// the end would keep the wave waiting.
func spread(wave []plan.Change) []*plan.Change {
	type place struct {
		at     float64 // from 0 to 1
		change *plan.Change
	}
	kinds := map[string]int{}
	for i := range wave {
		kinds[wave[i].Ref.Kind]++
	}
	seen := map[string]int{}
	places := make([]place, len(wave))
	for i := range wave {
		kind := wave[i].Ref.Kind
		places[i] = place{float64(seen[kind]) / float64(kinds[kind]), &wave[i]}
		seen[kind]++
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.at, b.at) })
	all := make([]*plan.Change, len(wave))
	for i := range places {
		all[i] = places[i].change
	}
	return all
}

func (o *operation) applyWave(ctx context.Context, c *changes, wave []plan.Change, options *ChangeOptions) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(o.concurrency())
	var sent []manifest.Object
	for _, change := range spread(wave) {
		if !change.Send {
			o.notify(Notice{Step: StepApply, Ref: change.Ref, Action: "unchanged"})
			continue
		}
		sent = append(sent, change.Object)
		group.Go(func() error { return o.applyOne(within, c, change, options) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if wave[0].Ref.Kind != "CustomResourceDefinition" || len(sent) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, options.timeout())
	defer cancel()
	if err := o.Cluster.Wait(ctx, sent, WaitOptions{}); err != nil {
		return err
	}
	return o.served(ctx, c, definitionsAmong(sent))
}

// discoveryPause is the time between two looks at what the API server serves.
const discoveryPause = 200 * time.Millisecond

// served waits until the API server serves the kinds that have just been
// defined, as far as objects of the release need them: it takes the server
// some seconds to do so.
func (o *operation) served(ctx context.Context, c *changes, defined []definition) error {
	var novel []manifest.Object
	for _, w := range c.input.Wanted {
		if c.novel[w.Ref] && findDefinition(defined, w.Ref) != nil {
			novel = append(novel, w)
		}
	}
	for {
		o.Cluster.Refresh()
		if len(novel) == 0 {
			return nil
		}
		resolved, err := o.Cluster.Resolve(ctx, novel, o.Namespace)
		if err != nil || len(resolved.Unknown) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server does not serve %s %s yet: %w", resolved.Unknown[0].APIVersion, resolved.Unknown[0].Kind, context.Cause(ctx))
		case <-time.After(discoveryPause):
		}
	}
}

func (o *operation) applyOne(ctx context.Context, c *changes, change *plan.Change, options *ChangeOptions) error {
	live := c.input.Live[change.Ref]
	after, err := o.send(ctx, change, live, options)
	var fixed *ImmutableError
	if errors.As(err, &fixed) && options.Recreate && live != nil {
		after, err = o.recreate(ctx, change, live, options)
	}
	if err != nil {
		return fmt.Errorf("apply %s (%s): %w", change.Ref, change.Source, err)
	}
	step, action := StepApply, "configured"
	if change.CRD {
		step = StepCRD
	}
	switch {
	case live == nil:
		action = "created"
		if !change.CRD {
			c.mu.Lock()
			c.created = append(c.created, change.Object)
			c.mu.Unlock()
		}
	case uid(live) != uid(after):
		action = "recreated"
	case options.Force:
		action = "replaced"
	case metadata(live, "resourceVersion") == metadata(after, "resourceVersion"):
		action = "unchanged"
	}
	o.notify(Notice{Step: step, Ref: change.Ref, Action: action})
	return nil
}

// send has the cluster take one change. With Force the object is replaced,
// unless that would change what cannot be changed although the chart does not
// ask for it, such as the volume of a claim: then its fields are taken.
func (o *operation) send(ctx context.Context, change *plan.Change, live Live, options *ChangeOptions) (Live, error) {
	apply := ApplyOptions{Live: live, TakeConflicts: options.TakeConflicts, MetadataOnly: true}
	switch {
	case live == nil:
	case change.Action == plan.Recreate:
		return o.recreate(ctx, change, live, options)
	case options.Force:
		after, err := o.Cluster.Replace(ctx, change.Object, live)
		var fixed *ImmutableError
		if !errors.As(err, &fixed) {
			return after, err
		}
		apply.TakeConflicts = true
	}
	return o.Cluster.Apply(ctx, change.Object, apply)
}

// recreate waits for the live object to be gone, which its finalizers may keep from happening.
func (o *operation) recreate(ctx context.Context, change *plan.Change, live Live, options *ChangeOptions) (Live, error) {
	ctx, cancel := context.WithTimeout(ctx, options.timeout())
	defer cancel()
	return o.Cluster.Recreate(ctx, change.Object, live)
}

func metadata(l Live, field string) any {
	m, _ := l["metadata"].(map[string]any)
	return m[field]
}

func uid(l Live) string {
	s, _ := metadata(l, "uid").(string)
	return s
}

// remove deletes the objects that are not wanted any more, one kind after the
// other. It returns those that it deleted and those that it kept.
func (o *operation) remove(ctx context.Context, c *changes, propagation string) (deleted, kept []manifest.Ref, err error) {
	var obsolete []plan.Change
	for _, change := range c.plan.Changes {
		switch change.Action {
		case plan.Keep:
			kept = append(kept, change.Ref)
			o.notify(Notice{Step: StepDelete, Ref: change.Ref, Action: "kept", Message: change.Reason})
		case plan.Delete:
			obsolete = append(obsolete, change)
		}
	}
	for wave := range waves(obsolete) {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(o.concurrency())
		for i := range wave {
			ref := wave[i].Ref
			deleted = append(deleted, ref)
			group.Go(func() error { return o.deleteOne(ctx, ref, c.input.Live[ref], propagation) })
		}
		if err := group.Wait(); err != nil {
			return deleted, kept, err
		}
	}
	return deleted, kept, nil
}

func (o *operation) deleteOne(ctx context.Context, ref manifest.Ref, live Live, propagation string) error {
	if err := o.Cluster.Delete(ctx, ref, DeleteOptions{Propagation: propagation, UID: uid(live)}); err != nil {
		return fmt.Errorf("delete %s: %w", ref, err)
	}
	o.notify(Notice{Step: StepDelete, Ref: ref, Action: "deleted"})
	return nil
}

// waitReady waits for the objects of the release.
func (o *operation) waitReady(ctx context.Context, objects []manifest.Object, options *ChangeOptions) error {
	if !options.Wait && !options.Atomic && !options.WaitForJobs {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, options.timeout())
	defer cancel()
	return o.masked(o.Cluster.Wait(ctx, objects, WaitOptions{
		Jobs:   options.WaitForJobs,
		Settle: options.Settle,
		Watch:  o.watch(),
		Progress: func(p Progress) {
			action := "waiting"
			if p.Ready {
				action = "ready"
			}
			o.notify(Notice{Step: StepWait, Ref: p.Ref, Action: action, Message: o.mask(p.Message)})
		},
	}))
}

// cleanUp deletes what the operation has created, unless somebody else has
// created it anew since.
func (o *operation) cleanUp(ctx context.Context, c *changes) error {
	refs := make([]manifest.Ref, len(c.created))
	for i, object := range c.created {
		refs[i] = object.Ref
	}
	live, err := o.Cluster.Read(ctx, refs)
	if err != nil {
		return err
	}
	undo := &changes{plan: plan.Compute(plan.Input{
		Release: o.name, Namespace: o.Namespace, Operation: plan.Uninstall, Last: c.created, Live: live,
	})}
	undo.input.Live = live
	_, _, err = o.remove(ctx, undo, "")
	return err
}
