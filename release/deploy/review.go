package deploy

import (
	"context"
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
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
}

// review asks Config.Review about a draft.
func (o *operation) review(ctx context.Context, d *draft, c *changes, options *ChangeOptions) error {
	if o.Review == nil {
		return nil
	}
	return o.askReview(ctx, d, c.input.Wanted, c.input.CRDs, options)
}

func (o *operation) askReview(ctx context.Context, d *draft, objects, crds []manifest.Object, options *ChangeOptions) error {
	r := Review{Release: o.name, Namespace: o.Namespace, Revision: d.record.Version, Objects: objects, CRDs: crds}
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
	view := rollout.View{Target: true, Early: true, Clones: true, Full: true, Preview: true}
	objects, err := r.plan.Objects(r.from, r.to, view, derive.Observed{}, r.config.Routers)
	if err != nil {
		return err
	}
	return r.askReview(ctx, d, slices.Concat(r.to, added(r.to, objects)), c.input.CRDs, options)
}
