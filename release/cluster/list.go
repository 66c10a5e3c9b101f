package cluster

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// List returns the objects of a kind in a namespace ("" for all) whose labels
// match a selector in Kubernetes' notation ("" for all), page by page. A kind
// that is not served has none. Secrets that are records of releases are left
// out: they are large, and no chart has one.
//
// Errors are *deploy.ForbiddenError, *deploy.UnreachableError or *RetryableError.
func (c *Client) List(ctx context.Context, apiVersion, kind, namespace, selector string) ([]deploy.Live, error) {
	r, err := c.resourceOf(ctx, manifest.Ref{APIVersion: apiVersion, Kind: kind})
	if isUnknownKind(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	whole := metav1.ListOptions{LabelSelector: selector, FieldSelector: noRecords(r)}
	options := whole
	options.Limit = readPage
	var list []deploy.Live
	for {
		page, err := c.objects(r, namespace).List(ctx, options)
		switch {
		case apierrors.IsResourceExpired(err) && options.Limit > 0:
			// It took so long that the snapshot is gone: once more, without pages.
			options, list = whole, nil
			continue
		case apierrors.IsNotFound(err):
			return nil, nil // the kind has gone since it was discovered
		case err != nil:
			return nil, explain(err, "list", r.Resource, r.Group, namespace, "")
		}
		for i := range page.Items {
			list = append(list, page.Items[i].Object)
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return list, nil
		}
	}
}

// noRecords is the field selector that leaves the records of releases out of a list.
func noRecords(r resource) string {
	if r.Group == "" && r.Resource == "secrets" {
		return "type!=helm.sh/release.v1"
	}
	return ""
}
