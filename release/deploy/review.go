package deploy

import (
	"context"
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
)

// Review is everything that an operation is about to bring about. It is only read.
type Review struct {
	Release, Namespace string
	Revision           int
	// Objects are those of the release, with their namespaces, and after them
	// what a rollout makes beside them.
	Objects []manifest.Object
	Hooks   []manifest.Object
	CRDs    []manifest.Object
	// Program and Input are what was rendered; Program is nil if nothing was.
	Program *engine.Program
	Input   engine.Input
	// Record is the revision that is made, with the chart as far as records hold it.
	Record *release.Record
}

// review asks Config.Review about a draft.
func (o *operation) review(ctx context.Context, d *draft, c *changes, options *ChangeOptions) error {
	if o.Review == nil {
		return nil
	}
	return o.askReview(ctx, d, c.input.Wanted, c.input.CRDs, options)
}

func (o *operation) askReview(ctx context.Context, d *draft, objects, crds []manifest.Object, options *ChangeOptions) error {
	r := Review{Release: o.name, Namespace: o.Namespace, Revision: d.record.Version, Objects: objects, CRDs: crds, Record: d.record}
	if d.rendered != nil {
		r.Program, r.Input = d.program, d.input
	}
	if !options.NoHooks {
		for _, h := range d.record.Hooks {
			found, err := manifest.Objects("# Source: " + h.Path + "\n" + h.Manifest)
			if err != nil {
				return fmt.Errorf("read hook %s: %w", h.Name, err)
			}
			r.Hooks = append(r.Hooks, found...)
		}
	}
	return o.Review(ctx, r)
}

// reviewUnplanned is review for a draft that no cluster has seen.
func (o *operation) reviewUnplanned(ctx context.Context, d *draft, options *ChangeOptions) error {
	if o.Review == nil {
		return nil
	}
	objects, err := manifest.Objects(d.record.Manifest)
	if err != nil {
		return err
	}
	return o.askReview(ctx, d, objects, d.crds, options)
}

// reviewStart asks about the target of a rollout and all that stands beside it
// while it is under way.
func (r *rolling) reviewStart(ctx context.Context, d *draft, c *changes, options *ChangeOptions) error {
	if r.Review == nil {
		return nil
	}
	return r.askRolling(ctx, d, c.input.CRDs, options)
}

// reviewMove asks again about what a rollout goes on with: its target as it was
// frozen. Once the last promotion has begun there is no way but on.
func (r *rolling) reviewMove(ctx context.Context) error {
	if r.Review == nil || r.state().Committed {
		return nil
	}
	err := r.askRolling(ctx, &draft{record: r.goal}, nil, &ChangeOptions{NoHooks: r.state().Settings.WithoutHooks})
	if err == nil {
		return nil
	}
	refused := r.problem(ctx, Refused, err)
	refused.Hints = append(refused.Hints, "the rollout stays where it is: 'slipway rollout abort "+r.name+"' takes it back")
	return refused
}

func (r *rolling) askRolling(ctx context.Context, d *draft, crds []manifest.Object, options *ChangeOptions) error {
	objects, err := r.sideBySide()
	if err != nil {
		return err
	}
	return r.askReview(ctx, d, slices.Concat(r.to, added(r.to, objects)), crds, options)
}
