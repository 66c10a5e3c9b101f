package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// Delete removes an object. That it is not there, or that one of another UID
// is, or that its kind is not served, is no error. It does not wait until the
// object is gone.
func (c *Client) Delete(ctx context.Context, ref manifest.Ref, options deploy.DeleteOptions) error {
	r, err := c.resourceOf(ctx, ref)
	if isUnknownKind(err) {
		return nil
	}
	if err != nil {
		return err
	}
	propagation := metav1.DeletionPropagation(options.Propagation)
	if propagation == "" {
		propagation = metav1.DeletePropagationBackground
	}
	request := metav1.DeleteOptions{PropagationPolicy: &propagation}
	if options.UID != "" {
		uid := types.UID(options.UID)
		request.Preconditions = &metav1.Preconditions{UID: &uid}
	}
	err = c.objects(r, ref.Namespace).Delete(ctx, ref.Name, request)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) && options.UID != "" {
		return nil
	}
	return rejected(explain(err, "delete", r.Resource, r.Group, ref.Namespace, ref.Name), ref)
}

// Replace puts an object in the place of the live one by an update: what others
// have set in it is gone. If the update would change what cannot be changed, and
// be it by leaving out what the cluster has filled in, it is a
// *deploy.ImmutableError, and the live object stays as it is.
func (c *Client) Replace(ctx context.Context, o manifest.Object, live deploy.Live) (deploy.Live, error) {
	r, err := c.awaitResource(ctx, o.Ref)
	if err != nil {
		return nil, err
	}
	w := write{client: c, resource: r, object: o, options: deploy.ApplyOptions{Live: live}}
	var object deploy.Live
	err = retryOnConflict(ctx, func(attempt int) error {
		if attempt > 0 {
			if live, err = w.read(ctx); err != nil {
				return err
			}
		}
		object, err = w.update(ctx, live)
		return err
	})
	if err == nil {
		return object, nil
	}
	status, isStatus := err.(apierrors.APIStatus)
	if apierrors.IsNotFound(err) && isStatus {
		w.options.Live = nil
		return w.apply(ctx)
	}
	if isStatus && status.Status().Reason == metav1.StatusReasonInvalid {
		if fields := w.immutable(ctx, status); len(fields) > 0 {
			return nil, &deploy.ImmutableError{Ref: o.Ref, Fields: fields, Err: redact(err, o)}
		}
	}
	return nil, c.refused(ctx, err, "update", r, o)
}

// Recreate deletes the live object in the background, and creates the wanted one
// once it is gone, for which the context has to leave time.
func (c *Client) Recreate(ctx context.Context, o manifest.Object, live deploy.Live) (deploy.Live, error) {
	r, err := c.awaitResource(ctx, o.Ref)
	if err != nil {
		return nil, err
	}
	w := write{client: c, resource: r, object: o}
	return w.recreate(ctx, live)
}

// update sends the object in place of the live one.
func (w *write) update(ctx context.Context, live deploy.Live) (deploy.Live, error) {
	wanted := (&unstructured.Unstructured{Object: w.object.Fields}).DeepCopy()
	version, _ := nested(live, "metadata", "resourceVersion").(string)
	wanted.SetResourceVersion(version)
	o, err := w.client.objects(w.resource, w.object.Namespace).Update(ctx, wanted, metav1.UpdateOptions{
		FieldManager: FieldManager, FieldValidation: metav1.FieldValidationWarn,
	})
	if err != nil {
		return nil, err
	}
	return o.Object, nil
}

// recreate deletes the live object, waits until it is gone, and applies the
// wanted one.
func (w *write) recreate(ctx context.Context, live deploy.Live) (deploy.Live, error) {
	uid, _ := nested(live, "metadata", "uid").(string)
	if err := w.client.Delete(ctx, w.object.Ref, deploy.DeleteOptions{UID: uid}); err != nil {
		return nil, err
	}
	if err := w.client.WaitGone(ctx, []manifest.Ref{w.object.Ref}); err != nil {
		return nil, fmt.Errorf("wait until %s is deleted: %w", w.object.Ref, err)
	}
	return w.apply(ctx)
}

// EnsureNamespace creates a namespace as Helm does, with the label "name",
// unless it is there.
func (c *Client) EnsureNamespace(ctx context.Context, name string) error {
	namespaces := c.kubernetes.CoreV1().Namespaces()
	newNamespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"name": name}}}
	_, err := namespaces.Create(ctx, newNamespace, metav1.CreateOptions{FieldManager: FieldManager})
	if err == nil || apierrors.IsAlreadyExists(err) {
		return nil
	}
	if apierrors.IsForbidden(err) {
		if _, getErr := namespaces.Get(ctx, name, metav1.GetOptions{}); getErr == nil {
			return nil
		}
	}
	return rejected(explain(err, "create", "namespaces", "", "", name), manifest.Ref{APIVersion: "v1", Kind: "Namespace", Name: name})
}
