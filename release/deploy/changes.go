package deploy

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// changes is what an operation has to do to the objects of a release.
type changes struct {
	wanted   []manifest.Object // with ownership set
	last     []manifest.Object // what earlier revisions have made
	live     map[manifest.Ref]Live
	same     map[manifest.Ref]bool // nothing has to be sent
	replace  map[manifest.Ref]bool // to be replaced instead of applied
	obsolete []manifest.Object     // to be deleted
	created  []manifest.Ref        // so far
	mu       sync.Mutex
}

// key identifies an object across versions of its API.
func key(r manifest.Ref) manifest.Ref {
	r.APIVersion = r.Group()
	return r
}

// changes compares the wanted manifest with the earlier revisions and the cluster.
func (o *operation) changes(ctx context.Context, target *release.Record, crds []manifest.Object, earlier []*release.Record) (*changes, error) {
	wanted, err := o.wantedObjects(ctx, target, crds)
	if err != nil {
		return nil, err
	}
	last, intact, err := o.earlierObjects(ctx, earlier)
	if err != nil {
		return nil, err
	}
	c := &changes{wanted: wanted, last: last, same: map[manifest.Ref]bool{}, replace: map[manifest.Ref]bool{}}
	refs := make([]manifest.Ref, 0, len(wanted)+8)
	is := make(map[manifest.Ref]bool, len(wanted))
	for _, w := range wanted {
		refs = append(refs, w.Ref)
		is[key(w.Ref)] = true
	}
	for _, l := range last {
		if !is[key(l.Ref)] {
			c.obsolete = append(c.obsolete, l)
			refs = append(refs, l.Ref)
		}
	}
	if c.live, err = o.Cluster.Read(ctx, refs); err != nil {
		return nil, fmt.Errorf("read the live objects: %w", err)
	}
	for _, w := range wanted {
		if before, ok := intact[w.Ref]; ok && reflect.DeepEqual(before, w.Fields) && c.live[w.Ref] != nil && plan.Holds(c.live[w.Ref], w.Fields) {
			c.same[w.Ref] = true
		}
	}
	return c, nil
}

// wantedObjects are the objects of a record, located and marked as the release's own.
func (o *operation) wantedObjects(ctx context.Context, r *release.Record, crds []manifest.Object) ([]manifest.Object, error) {
	objects, err := manifest.Objects(r.Manifest)
	if err != nil {
		return nil, &RenderError{Err: err}
	}
	resolved, err := o.Cluster.Resolve(ctx, objects, o.Namespace)
	if err != nil {
		return nil, err
	}
	known, unknown := settle(resolved.Unknown, append(definitionsAmong(crds), definitionsAmong(resolved.Objects)...), o.Namespace)
	if len(unknown) > 0 {
		e := &UnknownKindsError{}
		for _, u := range unknown {
			e.Objects = append(e.Objects, SourcedRef{u.Ref, u.Source})
		}
		return nil, e
	}
	all := append(resolved.Objects, known...)
	for i := range all {
		all[i] = plan.Own(all[i], o.name, o.Namespace)
	}
	inOrder(all, manifest.Install)
	return all, nil
}

func inOrder(objects []manifest.Object, order manifest.Order) {
	slices.SortStableFunc(objects, func(a, b manifest.Object) int { return manifest.CompareKinds(a.Kind, b.Kind, order, manifest.Helm3) })
}

// earlierObjects are the objects that earlier revisions have made, the newest
// first to name one. Those of kinds that the cluster no longer serves are left
// out: there is nothing that could be done to them. intact holds the fields of
// those that every one of the revisions has in the same form.
func (o *operation) earlierObjects(ctx context.Context, earlier []*release.Record) (objects []manifest.Object, intact map[manifest.Ref]map[string]any, err error) {
	seen := map[manifest.Ref]bool{}
	intact = map[manifest.Ref]map[string]any{}
	for n, r := range earlier {
		all, err := manifest.Objects(r.Manifest)
		if err != nil {
			return nil, nil, fmt.Errorf("read the manifest of revision %d: %w", r.Version, err)
		}
		resolved, err := o.Cluster.Resolve(ctx, all, o.Namespace)
		if err != nil {
			return nil, nil, err
		}
		for _, u := range resolved.Unknown {
			o.warn(fmt.Sprintf("%s %s %s of revision %d: the cluster does not serve this kind any more; it is left alone", u.APIVersion, u.Kind, u.Name, r.Version))
		}
		for _, obj := range resolved.Objects {
			obj = plan.Own(obj, o.name, o.Namespace)
			if before, ok := intact[obj.Ref]; n == 0 {
				intact[obj.Ref] = obj.Fields
			} else if ok && !reflect.DeepEqual(before, obj.Fields) {
				delete(intact, obj.Ref)
			}
			if !seen[key(obj.Ref)] {
				seen[key(obj.Ref)] = true
				objects = append(objects, obj)
			}
		}
	}
	return objects, intact, nil
}

// check refuses what would fail half-way, as far as that can be known. It
// changes nothing.
func (o *operation) check(ctx context.Context, c *changes, options *ChangeOptions) error {
	if err := o.checkOwners(c, options); err != nil {
		return err
	}
	before := map[manifest.Ref]bool{}
	for _, l := range c.last {
		before[l.Ref] = true
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.concurrency())
	var problems []error
	for _, w := range c.wanted {
		live := c.live[w.Ref]
		if live == nil || c.same[w.Ref] {
			continue
		}
		immutable := plan.Immutable(live, w.Fields)
		if len(immutable) == 0 && (options.TakeConflicts || !o.Cluster.MayConflict(live, w.Fields)) {
			continue
		}
		group.Go(func() error {
			_, err := o.Cluster.Apply(ctx, w, ApplyOptions{DryRun: true, Live: live, TakeConflicts: options.TakeConflicts})
			var fixed *ImmutableError
			c.mu.Lock()
			defer c.mu.Unlock()
			switch {
			case err == nil:
			case errors.As(err, &fixed) && (options.Recreate || options.Force):
				c.replace[w.Ref] = true
			default:
				problems = append(problems, err)
			}
			return nil
		})
	}
	_ = group.Wait()
	if ctx.Err() != nil && len(problems) == 0 {
		return context.Cause(ctx)
	}
	return asOne(problems)
}

// asOne joins problems in a stable order.
func asOne(problems []error) error {
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if len(problems) == 1 {
		return problems[0]
	}
	return errors.Join(problems...)
}

// checkOwners refuses to take over objects that the release did not make.
func (o *operation) checkOwners(c *changes, options *ChangeOptions) error {
	if options.TakeOwnership {
		return nil
	}
	made := map[manifest.Ref]bool{}
	for _, l := range c.last {
		made[key(l.Ref)] = true
	}
	foreign := &ForeignError{}
	for _, w := range c.wanted {
		live := c.live[w.Ref]
		if live == nil || made[key(w.Ref)] {
			continue
		}
		if owner := plan.OwnerOf(live); !owner.Is(o.name, o.Namespace) {
			foreign.Objects = append(foreign.Objects, ForeignObject{w.Ref, owner.String()})
		}
	}
	if len(foreign.Objects) > 0 {
		return foreign
	}
	return nil
}
