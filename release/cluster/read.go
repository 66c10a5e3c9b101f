package cluster

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

const (
	// listFrom is how many objects of one kind and namespace make a list cheaper than reading each.
	listFrom = 5
	readPage = 500
	// getsPerPage is how many single reads are worth one more page of a list.
	getsPerPage = 20
)

// Read returns those of the objects that exist, under the references given.
// These have to be resolved. Objects of one kind in one namespace are listed if
// there are more than a few, unless there are far more of them than are wanted
// or the caller may not list; else each is read by itself. Of a kind that is not
// served there are no objects.
//
// The first error ends it: *deploy.ForbiddenError, *deploy.UnreachableError or
// *RetryableError.
func (c *Client) Read(ctx context.Context, refs []manifest.Ref) (map[manifest.Ref]deploy.Live, error) {
	batches, err := c.batches(ctx, refs)
	if err != nil {
		return nil, err
	}
	found := make([]map[manifest.Ref]deploy.Live, len(batches))
	single := newReads(c.options.Concurrency)
	work, workCtx := errgroup.WithContext(ctx)
	for i, b := range batches {
		work.Go(func() (err error) {
			found[i], err = c.readBatch(workCtx, b, single)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	live := make(map[manifest.Ref]deploy.Live, len(refs))
	for _, part := range found {
		for ref, object := range part {
			live[ref] = object
		}
	}
	return live, nil
}

// batch are the wanted objects of one kind in one namespace.
type batch struct {
	resource  resource
	namespace string
	refs      []manifest.Ref
}

func (c *Client) batches(ctx context.Context, refs []manifest.Ref) ([]*batch, error) {
	type key struct{ apiVersion, kind, namespace string }
	byKey := map[key]*batch{}
	var batches []*batch
	for _, ref := range refs {
		k := key{ref.APIVersion, ref.Kind, ref.Namespace}
		b := byKey[k]
		if b == nil {
			r, err := c.resourceOf(ctx, ref)
			if isUnknownKind(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			b = &batch{resource: r, namespace: ref.Namespace}
			byKey[k] = b
			batches = append(batches, b)
		}
		b.refs = append(b.refs, ref)
	}
	return batches, nil
}

// reads bounds how many requests are under way at once.
type reads chan struct{}

func newReads(n int) reads { return make(reads, n) }

// do runs one request when there is room for it.
func (r reads) do(ctx context.Context, request func() error) error {
	select {
	case r <- struct{}{}:
		defer func() { <-r }()
		return request()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) readBatch(ctx context.Context, b *batch, limit reads) (map[manifest.Ref]deploy.Live, error) {
	wanted := make(map[string]manifest.Ref, len(b.refs))
	for _, ref := range b.refs {
		wanted[ref.Name] = ref
	}
	found := make(map[manifest.Ref]deploy.Live, len(b.refs))
	if len(wanted) >= listFrom {
		if err := c.list(ctx, b, wanted, found, limit); err != nil {
			return nil, err
		}
	}
	// What is in wanted still, no list has told about.
	objects := make(chan deploy.Live, len(wanted))
	work, workCtx := errgroup.WithContext(ctx)
	for name := range wanted {
		work.Go(func() error {
			object, err := c.get(workCtx, b, name, limit)
			if object != nil {
				objects <- object
			}
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	close(objects)
	for object := range objects {
		name, _ := nested(object, "metadata", "name").(string)
		found[wanted[name]] = object
	}
	return found, nil
}

// get reads one object, or nil if there is none.
func (c *Client) get(ctx context.Context, b *batch, name string, limit reads) (deploy.Live, error) {
	var object deploy.Live
	err := limit.do(ctx, func() error {
		o, err := c.objects(b.resource, b.namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return explain(err, "get", b.resource.Resource, b.resource.Group, b.namespace, name)
		}
		object = o.Object
		return nil
	})
	return object, err
}

// list reads wanted objects page by page and moves those that it can tell about
// out of wanted, into found if they exist. It gives up when reading the rest one
// by one is cheaper, or when the caller may read but not list.
func (c *Client) list(
	ctx context.Context, b *batch, wanted map[string]manifest.Ref, found map[manifest.Ref]deploy.Live, limit reads,
) error {
	options := metav1.ListOptions{Limit: readPage, FieldSelector: noRecords(b.resource)}
	hidden := func(string) bool { return false }
	if options.FieldSelector != "" {
		hidden = func(name string) bool { return strings.HasPrefix(name, "sh.helm.release.") }
	}
	for {
		var next string
		var left int64
		err := limit.do(ctx, func() error {
			page, err := c.objects(b.resource, b.namespace).List(ctx, options)
			if err != nil {
				return err
			}
			for i := range page.Items {
				name := page.Items[i].GetName()
				if ref, ok := wanted[name]; ok {
					found[ref] = page.Items[i].Object
					delete(wanted, name)
				}
			}
			next = page.GetContinue()
			if remaining := page.GetRemainingItemCount(); remaining != nil {
				left = *remaining
			}
			return nil
		})
		switch {
		case apierrors.IsForbidden(err), apierrors.IsResourceExpired(err), apierrors.IsMethodNotSupported(err):
			return nil
		case apierrors.IsNotFound(err):
			// The kind has gone since it was discovered.
			clear(wanted)
			return nil
		case err != nil:
			return explain(err, "list", b.resource.Resource, b.resource.Group, b.namespace, "")
		case next == "":
			for name := range wanted {
				if !hidden(name) {
					delete(wanted, name)
				}
			}
			return nil
		case int64(len(wanted)) <= getsPerPage*(1+left/readPage):
			return nil
		}
		options.Continue = next
	}
}

// nested is a value inside maps, nil if there is none.
func nested(fields map[string]any, path ...string) any {
	var value any = fields
	for _, key := range path {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[key]
	}
	return value
}
