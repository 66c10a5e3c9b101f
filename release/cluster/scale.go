package cluster

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/e6d26078/slipway/release/manifest"
)

// scaleManager is the field manager of what Scale writes. It is not that of
// charts: a number that no document has would go when the document is applied.
const scaleManager = "slipway-scale"

// Scale sets how many pods a workload has, through its scale subresource, as an
// autoscaler does.
func (c *Client) Scale(ctx context.Context, ref manifest.Ref, replicas int) error {
	r, err := c.resourceOf(ctx, ref)
	if err != nil {
		return err
	}
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	_, err = c.objects(r, ref.Namespace).Patch(ctx, ref.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: scaleManager}, "scale")
	if err != nil {
		return explain(err, "patch", r.Resource+"/scale", r.Group, ref.Namespace, ref.Name)
	}
	return nil
}
