package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// asksCluster reports whether templates may look things up in the cluster.
// Helm takes every word but client for that.
func (o *templateOptions) asksCluster() bool {
	switch o.dryRun {
	case "server", "none", "false":
		return true
	}
	return false
}

// connectRendering lets templates see the cluster as far as the flags say: its
// capabilities with --validate, its objects with --dry-run=server. The
// connection is nil if there is nothing to see.
func (a *app) connectRendering(ctx context.Context, r *rendering) (*connection, error) {
	o := r.options
	if !o.validate && !o.asksCluster() {
		return nil, nil
	}
	c, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	if o.validate {
		if r.input.Capabilities, err = c.client.Capabilities(ctx); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	if o.asksCluster() {
		r.input.Lookup = c.client.Lookup(ctx)
	}
	return c, nil
}

// validateObjects has the API server try every object of the manifest without
// storing it, and refuses objects that belong to somebody else unless an
// upgrade is rendered.
func (a *app) validateObjects(ctx context.Context, c *connection, r *rendering, body string) error {
	objects, err := manifest.Objects(body)
	if err != nil {
		return err
	}
	resolved, err := c.client.Resolve(ctx, objects, c.namespace)
	if err != nil {
		return err
	}
	if len(resolved.Unknown) > 0 {
		unknown := &deploy.UnknownKindsError{}
		for _, o := range resolved.Unknown {
			unknown.Objects = append(unknown.Objects, deploy.SourcedRef{Ref: o.Ref, Source: o.Source})
		}
		return withHint(unknown, "install the CustomResourceDefinitions first, or leave --validate out")
	}
	refs := make([]manifest.Ref, len(resolved.Objects))
	for i, o := range resolved.Objects {
		refs[i] = o.Ref
	}
	live, err := c.client.Read(ctx, refs)
	if err != nil {
		return err
	}
	problems := make([]string, len(resolved.Objects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, a.flags.concurrency))
	for i, o := range resolved.Objects {
		is := live[o.Ref]
		if owner := plan.OwnerOf(is); is != nil && !r.options.isUpgrade && !owner.Is(r.input.Release.Name, c.namespace) {
			problems[i] = fmt.Sprintf("%s exists already: %s", o.Ref, owner)
			continue
		}
		group.Go(func() (err error) {
			problems[i], err = a.tryObject(ctx, c, o, is)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return refusal(problems, resolved.Objects)
}

// tryObject is what the API server has against an object; empty if it would take it.
func (a *app) tryObject(ctx context.Context, c *connection, o manifest.Object, live deploy.Live) (string, error) {
	_, err := c.client.Apply(ctx, o, deploy.ApplyOptions{DryRun: true, Live: live, TakeConflicts: true})
	var rejected *deploy.RejectedError
	var fixed *deploy.ImmutableError
	var forbidden *deploy.ForbiddenError
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &rejected) && rejected.Reason == "NotFound":
		a.warnf("slipway: warning: %s could not be checked: its namespace does not exist", o.Ref)
		return "", nil
	case errors.As(err, &rejected), errors.As(err, &fixed), errors.As(err, &forbidden):
		return err.Error(), nil
	}
	return "", err
}

// refusal joins problems, each with the template that its object comes from.
func refusal(problems []string, objects []manifest.Object) error {
	var lines []string
	for i, problem := range problems {
		if problem != "" {
			lines = append(lines, fmt.Sprintf("\n  %s: %s", objects[i].Source, problem))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("the cluster does not take these objects:%s", strings.Join(lines, ""))
}
