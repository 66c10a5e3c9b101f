package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
)

// whyStored is an object of a release, and what its chart renders it as.
type whyStored struct {
	object *manifest.Object
	record *release.Record // with the chart and the values that it is from
	from   *whyQuestion    // the question as it is put to the chart
	// made says that a rollout has made or changed the object, so that it is not
	// what the chart renders.
	made  bool
	notes []string
}

// inRecord finds the object in a record: in its manifest, or among its hooks.
// While a rollout is under way some objects are as the stable revision has
// them, and some have only been made for the time being.
func (q *whyQuestion) inRecord(ctx context.Context, c *connection, r *release.Record) (*whyStored, error) {
	objects, err := manifest.Objects(r.Manifest)
	if err != nil {
		return nil, err
	}
	if o := q.among(objects); o != nil {
		stored := &whyStored{object: o, record: r, from: q}
		return stored, q.sides(ctx, c, stored)
	}
	for _, h := range r.Hooks {
		hooks, err := manifest.Objects("# Source: " + h.Path + "\n" + h.Manifest)
		if err != nil {
			return nil, err
		}
		if o := q.among(hooks); o != nil {
			return &whyStored{object: o, record: r, from: q, notes: []string{hookNote(h)}}, nil
		}
		objects = append(objects, hooks...)
	}
	var names []string
	for i := range objects {
		names = append(names, objects[i].Kind+"/"+objects[i].Name)
	}
	return nil, withHint(fmt.Errorf("revision %d of release %s has no %s/%s", r.Version, r.Name, q.kind, q.name), whyList(names))
}

// among finds the object that is asked about; nil if it is not there.
func (q *whyQuestion) among(objects []manifest.Object) *manifest.Object {
	for i := range objects {
		if o := &objects[i]; strings.EqualFold(o.Kind, q.kind) && o.Name == q.name && (q.namespace == "" || o.Namespace == "" || o.Namespace == q.namespace) {
			return o
		}
	}
	return nil
}

// hookNote says when a hook runs, and when it ran last.
func hookNote(h *helm.Hook) string {
	var events []string
	for _, e := range h.Events {
		events = append(events, string(e))
	}
	note := "it is a hook of " + strings.Join(events, ", ")
	if h.LastRun.StartedAt.IsZero() {
		return note + ", which this revision has not run"
	}
	return fmt.Sprintf("%s, run last at %s: %s", note, h.LastRun.StartedAt.UTC().Format(time.RFC3339), h.LastRun.Phase)
}

// sides looks which side of a rollout an object is on, if one is under way.
func (q *whyQuestion) sides(ctx context.Context, c *connection, s *whyStored) error {
	r := s.record
	if !r.Info.Status.IsPending() || r.Operation == nil || r.Operation.Kind != "rollout" {
		return nil
	}
	state, err := c.client.Rollouts(c.namespace).State(ctx, r.Name)
	if errors.Is(err, release.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the state of the rollout: %w", err)
	}
	plan := &derive.Plan{}
	if err := json.Unmarshal(state.State.Derived, plan); err != nil {
		return fmt.Errorf("read the state of the rollout: %w", err)
	}
	base, err := c.store.Get(ctx, r.Name, state.State.Base)
	if err != nil {
		return fmt.Errorf("read revision %d: %w", state.State.Base, err)
	}
	objects, err := manifest.Objects(base.Manifest)
	if err != nil {
		return err
	}
	if o := q.among(objects); o != nil && q.isSame(o, s.object) {
		s.record = base
		s.notes = append(s.notes, fmt.Sprintf("revision %d is being rolled out: this field is still as revision %d has it", r.Version, base.Version))
		return nil
	}
	name, kind := originalOf(plan, s.object)
	switch {
	case name != "":
		original := *q
		original.name = name
		s.from, s.made = &original, true
		s.notes = append(s.notes, fmt.Sprintf("the rollout of revision %d has made it from %s/%s, %s", r.Version, s.object.Kind, name, kind))
	case s.object.Annotations()[derive.RolloutAnnotation] != nil:
		s.made = true
		s.notes = append(s.notes, fmt.Sprintf("the rollout of revision %d has made it, beside what the chart renders", r.Version))
	default:
		s.made = true
		s.notes = append(s.notes, fmt.Sprintf("revision %d is being rolled out: until that is over this object is what the rollout makes of the chart's", r.Version))
	}
	return nil
}

// isSame reports whether two objects have the same in the field that is asked about.
func (q *whyQuestion) isSame(a, b *manifest.Object) bool {
	_, one, err := q.field.Resolve(any(a.Fields))
	_, other, otherErr := q.field.Resolve(any(b.Fields))
	return err == nil && otherErr == nil && reflect.DeepEqual(one, other)
}

// originalOf is the name of the object that a rollout has made another one
// from, and what that is for; "" for what it has not made.
func originalOf(p *derive.Plan, o *manifest.Object) (name, kind string) {
	is := func(ref manifest.Ref, made string) bool {
		return made == o.Name && ref.Kind == o.Kind && ref.Group() == o.Group()
	}
	for _, w := range p.Workloads {
		if is(w.Ref, w.Clone) {
			return w.Ref.Name, "for the pods of the new version"
		}
	}
	for _, c := range p.Copies {
		if is(c.Ref, c.Name) {
			return c.Ref.Name, "a copy of changed configuration for the pods of the new version"
		}
	}
	for _, s := range append(p.Services[:len(p.Services):len(p.Services)], p.NewServices...) {
		if is(s.Ref, s.Preview) {
			return s.Ref.Name, "which leads to the pods of the new version alone"
		}
	}
	return "", ""
}
