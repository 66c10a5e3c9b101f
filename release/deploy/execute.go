package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// apply brings the wanted objects about, one kind after the other.
func (o *operation) apply(ctx context.Context, c *changes, options *ChangeOptions) error {
	for wave := range waves(c.wanted) {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(o.concurrency())
		for _, w := range wave {
			if c.same[w.Ref] {
				o.notify(Notice{Step: StepApply, Ref: w.Ref, Action: "unchanged"})
				continue
			}
			group.Go(func() error { return o.applyOne(ctx, c, w, options) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		if wave[0].Kind == "CustomResourceDefinition" {
			if err := o.established(ctx, wave, options); err != nil {
				return err
			}
		}
	}
	return nil
}

// waves yields the runs of objects of one kind.
func waves(objects []manifest.Object) func(yield func([]manifest.Object) bool) {
	return func(yield func([]manifest.Object) bool) {
		for start := 0; start < len(objects); {
			end := start + 1
			for end < len(objects) && objects[end].Kind == objects[start].Kind {
				end++
			}
			if !yield(objects[start:end]) {
				return
			}
			start = end
		}
	}
}

func (o *operation) applyOne(ctx context.Context, c *changes, w manifest.Object, options *ChangeOptions) error {
	live := c.live[w.Ref]
	var after Live
	var err error
	if live != nil && (c.replace[w.Ref] || options.Force) {
		after, err = o.Cluster.Replace(ctx, w, live)
	} else {
		after, err = o.Cluster.Apply(ctx, w, ApplyOptions{Live: live, TakeConflicts: options.TakeConflicts})
	}
	if err != nil {
		var fixed *ImmutableError
		if !options.Recreate || live == nil || !errors.As(err, &fixed) {
			return fmt.Errorf("apply %s (%s): %w", w.Ref, w.Source, err)
		}
		if after, err = o.Cluster.Replace(ctx, w, live); err != nil {
			return fmt.Errorf("replace %s (%s): %w", w.Ref, w.Source, err)
		}
	}
	action := "configured"
	switch {
	case live == nil:
		action = "created"
		c.mu.Lock()
		c.created = append(c.created, w.Ref)
		c.mu.Unlock()
	case c.replace[w.Ref]:
		action = "recreated"
	case resourceVersion(live) == resourceVersion(after):
		action = "unchanged"
	}
	o.notify(Notice{Step: StepApply, Ref: w.Ref, Action: action})
	return nil
}

func metadata(l Live, field string) any {
	m, _ := l["metadata"].(map[string]any)
	return m[field]
}

// isKept reports whether a live object says that it is to outlive its release.
func isKept(l Live) bool {
	annotations, _ := metadata(l, "annotations").(map[string]any)
	policy, _ := annotations["helm.sh/resource-policy"].(string)
	return strings.EqualFold(strings.TrimSpace(policy), "keep")
}

func resourceVersion(l Live) any { return metadata(l, "resourceVersion") }

func uid(l Live) string {
	s, _ := metadata(l, "uid").(string)
	return s
}

// established waits until the API server serves new kinds.
func (o *operation) established(ctx context.Context, crds []manifest.Object, options *ChangeOptions) error {
	ctx, cancel := context.WithTimeout(ctx, options.timeout())
	defer cancel()
	err := o.Cluster.Wait(ctx, crds, WaitOptions{})
	o.Cluster.Refresh()
	return err
}

// remove deletes objects that are not wanted any more, one kind after the
// other, and leaves alone what says so or belongs to somebody else. It returns
// those that it deleted and those that it kept.
func (o *operation) remove(ctx context.Context, objects []manifest.Object, live map[manifest.Ref]Live, propagation string) (deleted, kept []manifest.Ref, err error) {
	inOrder(objects, manifest.Uninstall)
	for wave := range waves(objects) {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(o.concurrency())
		for _, obj := range wave {
			is := live[obj.Ref]
			if is == nil {
				continue
			}
			owner := plan.OwnerOf(is)
			switch {
			case isKept(is):
				kept = append(kept, obj.Ref)
				o.notify(Notice{Step: StepDelete, Ref: obj.Ref, Action: "kept", Message: "its annotation helm.sh/resource-policy says so"})
				continue
			case owner.Release != "" && !owner.Is(o.name, o.Namespace):
				kept = append(kept, obj.Ref)
				o.warn(fmt.Sprintf("%s is left alone: %s", obj.Ref, owner))
				continue
			}
			deleted = append(deleted, obj.Ref)
			group.Go(func() error {
				if err := o.Cluster.Delete(ctx, obj.Ref, DeleteOptions{Propagation: propagation, UID: uid(is)}); err != nil {
					return fmt.Errorf("delete %s: %w", obj.Ref, err)
				}
				o.notify(Notice{Step: StepDelete, Ref: obj.Ref, Action: "deleted"})
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return deleted, kept, err
		}
	}
	return deleted, kept, nil
}

// waitReady waits for the objects of the release.
func (o *operation) waitReady(ctx context.Context, objects []manifest.Object, options *ChangeOptions) error {
	if !options.Wait && !options.Atomic && !options.WaitForJobs {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, options.timeout())
	defer cancel()
	return o.Cluster.Wait(ctx, objects, WaitOptions{
		Jobs:   options.WaitForJobs,
		Settle: options.Settle,
		Progress: func(p Progress) {
			action := "waiting"
			if p.Ready {
				action = "ready"
			}
			o.notify(Notice{Step: StepWait, Ref: p.Ref, Action: action, Message: p.Message})
		},
	})
}

// cleanUp deletes what the operation has created.
func (o *operation) cleanUp(ctx context.Context, c *changes) error {
	created := map[manifest.Ref]bool{}
	for _, ref := range c.created {
		created[ref] = true
	}
	var objects []manifest.Object
	for _, w := range c.wanted {
		if created[w.Ref] {
			objects = append(objects, w)
		}
	}
	live, err := o.Cluster.Read(ctx, c.created)
	if err != nil {
		return err
	}
	_, _, err = o.remove(ctx, objects, live, "")
	return err
}
