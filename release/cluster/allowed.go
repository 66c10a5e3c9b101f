package cluster

import (
	"context"
	"errors"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// Allowed finds out beforehand whether the caller may do all of the verbs to all
// of the objects, which have to be resolved. The result is nil or joins a
// *deploy.ForbiddenError for each verb and resource that is missing. Kinds that
// are not served are passed over.
//
// It costs a request for each namespace, and one for each verb and resource
// outside namespaces. Rules for objects of certain names cost one for each
// object and verb.
func (c *Client) Allowed(ctx context.Context, refs []manifest.Ref, verbs ...string) error {
	var asked []Permission
	names := map[Permission][]string{}
	for _, ref := range refs {
		r, err := c.resourceOf(ctx, ref)
		if isUnknownKind(err) {
			continue
		}
		if err != nil {
			return err
		}
		for _, verb := range verbs {
			p := Permission{Verb: verb, Group: r.Group, Resource: r.Resource, Namespace: ref.Namespace}
			if names[p] == nil {
				asked = append(asked, p)
			}
			names[p] = append(names[p], ref.Name)
		}
	}
	missing, err := c.CanI(ctx, asked)
	if err != nil {
		return err
	}
	var all []error
	var named []Permission
	for _, p := range missing {
		if p.Verb == "create" { // rules do not see the name of what is to be created
			all = append(all, p.forbidden())
			continue
		}
		for _, name := range names[p] {
			one := p
			one.Name = name
			named = append(named, one)
		}
	}
	if missing, err = c.CanI(ctx, named); err != nil {
		return err
	}
	told := map[Permission]bool{}
	for _, p := range missing {
		of := p
		if of.Name = ""; !told[of] {
			told[of] = true
			all = append(all, p.forbidden())
		}
	}
	return errors.Join(all...)
}

// forbidden says that a permission is missing.
func (p Permission) forbidden() error {
	return &deploy.ForbiddenError{Verb: p.Verb, Resource: p.Resource, Group: p.Group, Namespace: p.Namespace, Name: p.Name}
}
