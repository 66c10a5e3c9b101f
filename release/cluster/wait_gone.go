package cluster

import (
	"context"
	"errors"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// WaitGone returns when none of the objects is there any more. An object that
// has been made anew in the meantime, with another UID, counts as gone. When the
// context's deadline passes it returns a *deploy.NotReadyError that names what
// is left, and with which finalizers; if the context ends otherwise, its cause.
//
// It costs a list for each kind and namespace, and a watch where something is left.
func (c *Client) WaitGone(ctx context.Context, refs []manifest.Ref) error {
	type key struct{ version, kind, namespace string }
	byKey := map[key]*leaving{}
	var all []*leaving
	for _, ref := range refs {
		k := key{ref.APIVersion, ref.Kind, ref.Namespace}
		if byKey[k] == nil {
			byKey[k] = &leaving{left: map[string]left{}}
			all = append(all, byKey[k])
		}
		byKey[k].refs = append(byKey[k].refs, ref)
	}

	caller := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var streams sync.WaitGroup
	for _, l := range all {
		streams.Go(func() {
			if err := l.wait(ctx, c); err != nil {
				cancel(err)
			}
		})
	}
	streams.Wait()
	switch {
	case errors.Is(caller.Err(), context.DeadlineExceeded):
		if e := leftBehind(all); len(e.Objects) > 0 {
			return e
		}
		return nil
	case caller.Err() != nil:
		return context.Cause(caller)
	}
	return context.Cause(ctx)
}

// leaving are objects of one kind and namespace that are to go.
type leaving struct {
	refs []manifest.Ref
	left map[string]left // by name
}

// left is an object that is still there.
type left struct {
	ref    manifest.Ref
	uid    types.UID // "" until it was seen
	object *unstructured.Unstructured
}

// wait returns nil when all are gone, and what went wrong if they are not, the
// end of the context apart.
func (l *leaving) wait(ctx context.Context, c *Client) error {
	names := make([]string, len(l.refs))
	for i, ref := range l.refs {
		l.left[ref.Name] = left{ref: ref}
		names[i] = ref.Name
	}
	r, err := c.resourceOf(ctx, l.refs[0])
	if err != nil {
		return l.unserved(ctx, err)
	}
	ctx, done := context.WithCancel(ctx)
	defer done()
	s := &stream{resource: c.objects(r, l.refs[0].Namespace), fields: nameSelector(names)}
	s.send = func(change change) {
		l.take(change)
		if change.err != nil {
			err = change.err
		}
		if len(l.left) == 0 {
			done()
		}
	}
	first, err := s.list(ctx)
	if err == nil {
		s.send(change{listed: first})
		s.follow(ctx, first.version)
	}
	if len(l.left) == 0 || err == nil {
		return nil
	}
	if apierrors.IsNotFound(err) {
		clear(l.left) // the kind is gone
		return nil
	}
	if ctx.Err() != nil {
		return nil
	}
	return explainStream(err, r, l.refs[0].Namespace)
}

// unserved deals with a kind that cannot be found: if the API server does not
// have it, it has no objects of it either.
func (l *leaving) unserved(ctx context.Context, err error) error {
	var unknown *deploy.RejectedError
	if errors.As(err, &unknown) {
		clear(l.left)
		return nil
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// take applies a change to what is left.
func (l *leaving) take(c change) {
	switch {
	case c.listed != nil:
		seen := map[string]*unstructured.Unstructured{}
		for i := range c.listed.objects {
			seen[c.listed.objects[i].GetName()] = &c.listed.objects[i]
		}
		for name := range l.left {
			l.see(name, seen[name])
		}
	case c.updated != nil:
		l.see(c.updated.GetName(), c.updated)
	case c.deleted != nil:
		l.see(c.deleted.GetName(), nil)
	}
}

// see notes the object that has a name now, nil for none.
func (l *leaving) see(name string, u *unstructured.Unstructured) {
	o, waited := l.left[name]
	if !waited {
		return
	}
	if u == nil || o.uid != "" && o.uid != u.GetUID() {
		delete(l.left, name)
		return
	}
	o.uid, o.object = u.GetUID(), u
	l.left[name] = o
}

// leftBehind names what is still there when the time is up, in the order it was asked for.
func leftBehind(all []*leaving) *deploy.NotReadyError {
	e := &deploy.NotReadyError{Timeout: true}
	for _, l := range all {
		for _, ref := range l.refs {
			o, there := l.left[ref.Name]
			if !there {
				continue
			}
			n := deploy.NotReady{Ref: ref, Message: "it is still there"}
			if o.object != nil && o.object.GetDeletionTimestamp() != nil {
				n.Message = "it is being deleted"
				if finalizers := o.object.GetFinalizers(); len(finalizers) > 0 {
					n.Reason = "Finalizers"
					n.Message += " and waits for its finalizers: " + strings.Join(finalizers, ", ")
				}
			}
			e.Objects = append(e.Objects, n)
		}
	}
	return e
}
