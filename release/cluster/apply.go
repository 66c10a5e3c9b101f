package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

const (
	// attempts is how often a write is tried that meets another one of the same object.
	attempts = 6
	// firstRetry is how long the second attempt waits; each further one twice as long.
	firstRetry = 20 * time.Millisecond
)

// Apply creates or changes an object by server-side apply and returns it as it
// is then. The object has to be resolved; it is not changed.
//
// If options.Live has managed fields that a client-side "helm" left, a request
// before it hands them over to server-side apply; a dry run leaves that out and
// takes no notice of conflicts with them, so it does not show that fields will
// go which are no longer in o. Environment variables that are set twice, which
// server-side apply does not take, are applied once with a warning: the last
// counts. Fields that the kind does not have are left out with a warning.
//
// Errors, beside those of any request: *deploy.ConflictError,
// *deploy.ImmutableError, *deploy.ForbiddenError with the verb that is missing,
// *deploy.RejectedError, *deploy.ExistsError, *RetryableError.
func (c *Client) Apply(ctx context.Context, o manifest.Object, options deploy.ApplyOptions) (deploy.Live, error) {
	r, err := c.awaitResource(ctx, o.Ref)
	if err != nil {
		return nil, err
	}
	w := write{client: c, resource: r, object: o, options: options}
	if options.CreateOnly {
		return w.create(ctx)
	}
	return w.apply(ctx)
}

// write is one object on its way to the API server.
type write struct {
	client   *Client
	resource resource
	object   manifest.Object
	options  deploy.ApplyOptions
	// undeclared are the paths of fields that were left out.
	undeclared []string
}

func (w *write) apply(ctx context.Context) (deploy.Live, error) {
	object, err := w.send(ctx)
	w.warnOfUndeclared()
	return object, err
}

// send applies what the API server takes of the object.
func (w *write) send(ctx context.Context) (deploy.Live, error) {
	body, err := json.Marshal(w.object.Fields)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", w.object.Ref, err)
	}
	live := w.options.Live
	var object deploy.Live
	err = retryOnConflict(ctx, func(attempt int) error {
		if attempt > 0 && w.options.Live != nil {
			if live, err = w.read(ctx); err != nil {
				return err
			}
		}
		if !w.options.DryRun {
			if live, err = w.migrate(ctx, live); err != nil {
				return err
			}
		}
		object, err = w.patch(ctx, body, w.options.TakeConflicts)
		return err
	})
	if err == nil {
		return object, nil
	}
	if fields, names := withoutDuplicates(w.object.Fields); len(names) > 0 && isMisfit(err) {
		w.warnOfDuplicates(names)
		w.object.Fields = fields
		return w.send(ctx)
	}
	if fields, paths := withoutFields(w.object.Fields, undeclaredFields(err)); len(paths) > 0 {
		w.undeclared = append(w.undeclared, paths...) // the server may name more the next time
		w.object.Fields = fields
		return w.send(ctx)
	}
	err = w.explain(ctx, err)
	var conflict *deploy.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts) > 0 {
		return nil, err
	}
	// The conflicts are with what is to be handed over, all of them.
	if !w.options.DryRun {
		if live, err = w.read(ctx); err == nil {
			_, err = w.migrate(ctx, live)
		}
		if err != nil {
			return nil, w.explain(ctx, err)
		}
	}
	if object, err = w.patch(ctx, body, w.options.TakeConflicts || w.options.DryRun); err != nil {
		return nil, w.explain(ctx, err)
	}
	return object, nil
}

// patch sends the object once. The error is the API server's.
func (w *write) patch(ctx context.Context, body []byte, force bool) (deploy.Live, error) {
	options := metav1.PatchOptions{
		FieldManager: FieldManager,
		// Of an apply only doubled keys would be warned of, for which the server
		// parses it a second time. What is encoded here has none.
		FieldValidation: metav1.FieldValidationIgnore,
		Force:           &force,
		DryRun:          dryRun(w.options.DryRun),
	}
	if !w.options.MetadataOnly {
		o, err := w.client.objects(w.resource, w.object.Namespace).Patch(ctx, w.object.Name, types.ApplyPatchType, body, options)
		if err != nil {
			return nil, err
		}
		return o.Object, nil
	}
	o, err := w.client.partial(w.resource, w.object.Namespace).Patch(ctx, w.object.Name, types.ApplyPatchType, body, options)
	if err != nil {
		return nil, err
	}
	o.ManagedFields = nil // most of it
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&o.ObjectMeta)
	return deploy.Live{"apiVersion": w.object.APIVersion, "kind": w.object.Kind, "metadata": fields}, err
}

// create makes the object, or fails if it is there.
func (w *write) create(ctx context.Context) (deploy.Live, error) {
	o, err := w.client.objects(w.resource, w.object.Namespace).Create(ctx,
		&unstructured.Unstructured{Object: w.object.Fields},
		metav1.CreateOptions{
			FieldManager:    FieldManager,
			FieldValidation: metav1.FieldValidationWarn,
			DryRun:          dryRun(w.options.DryRun),
		})
	switch {
	case apierrors.IsAlreadyExists(err):
		return nil, &deploy.ExistsError{Ref: w.object.Ref}
	case err != nil:
		return nil, w.client.refused(ctx, err, "create", w.resource, w.object)
	}
	return o.Object, nil
}

// read is the object as it is now, nil if it is not there.
func (w *write) read(ctx context.Context) (deploy.Live, error) {
	o, err := w.client.objects(w.resource, w.object.Namespace).Get(ctx, w.object.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(err, "get", w.resource.Resource, w.resource.Group, w.object.Namespace, w.object.Name)
	}
	return o.Object, nil
}

// explain finds out why an apply was refused. It may ask the API server.
func (w *write) explain(ctx context.Context, err error) error {
	var status apierrors.APIStatus
	if isExplained(err) {
		return err
	}
	if !errors.As(err, &status) {
		return explain(err, "patch", w.resource.Resource, w.resource.Group, w.object.Namespace, w.object.Name)
	}
	switch status.Status().Reason {
	case metav1.StatusReasonConflict:
		if causes := fieldCauses(status, metav1.CauseTypeFieldManagerConflict); len(causes) > 0 {
			return w.conflict(ctx, causes)
		}
		return &RetryableError{"patch", w.resource.Resource, w.resource.Group, w.object.Namespace, w.object.Name, err}
	case metav1.StatusReasonInvalid:
		if fields := w.immutable(ctx, status); len(fields) > 0 {
			return &deploy.ImmutableError{Ref: w.object.Ref, Fields: fields, Err: redact(err, w.object)}
		}
	}
	return w.client.refused(ctx, err, "patch", w.resource, w.object)
}

// refused explains why an object was not accepted.
func (c *Client) refused(ctx context.Context, err error, verb string, r resource, o manifest.Object) error {
	err = explain(redact(err, o), verb, r.Resource, r.Group, o.Namespace, o.Name)
	var forbidden *deploy.ForbiddenError
	if !errors.As(err, &forbidden) {
		return rejected(err, o.Ref)
	}
	verbs := []string{verb}
	if verb == "patch" {
		verbs = append(verbs, "create") // an apply may do both
	}
	for _, verb := range verbs {
		denied, reviewErr := c.denied(ctx, Permission{Verb: verb, Group: r.Group, Resource: r.Resource, Namespace: o.Namespace, Name: o.Name})
		if reviewErr != nil {
			return err
		}
		if denied {
			forbidden.Verb = verb
			return forbidden
		}
	}
	// The access rules allow it: a quota or admission does not.
	return &deploy.RejectedError{Ref: o.Ref, Reason: string(metav1.StatusReasonForbidden), Err: forbidden.Err}
}

// immutable are the fields because of which a change was refused of an object
// that could be created as it is. That is found out by a dry run of the
// creation, under another name; server errors do not tell the two apart.
func (w *write) immutable(ctx context.Context, status apierrors.APIStatus) []string {
	fields := fieldCauses(status)
	if w.options.Live == nil || slices.Contains(fields, "metadata.name") {
		return nil
	}
	probe := &unstructured.Unstructured{Object: probeOf(w.object)}
	_, err := w.client.objects(w.resource, w.object.Namespace).Create(ctx, probe, metav1.CreateOptions{
		FieldManager: FieldManager, FieldValidation: metav1.FieldValidationIgnore, DryRun: dryRun(true),
	})
	if err != nil {
		return nil
	}
	return fields
}

// probeOf is an object under a name that nothing has yet, without what the
// cluster hands out only once.
func probeOf(o manifest.Object) map[string]any {
	probe := (&unstructured.Unstructured{Object: o.Fields}).DeepCopy()
	probe.SetName("")
	probe.SetGenerateName("slipway-probe-")
	if o.Kind == "Service" && o.APIVersion == "v1" {
		for _, field := range []string{"clusterIP", "clusterIPs", "healthCheckNodePort"} {
			unstructured.RemoveNestedField(probe.Object, "spec", field)
		}
		ports, _ := nested(probe.Object, "spec", "ports").([]any)
		for _, port := range ports {
			if m, ok := port.(map[string]any); ok {
				delete(m, "nodePort")
			}
		}
	}
	return probe.Object
}

// fieldCauses are the fields that a refusal names, of the types given or of any.
func fieldCauses(status apierrors.APIStatus, of ...metav1.CauseType) []string {
	details := status.Status().Details
	if details == nil {
		return nil
	}
	var fields []string
	seen := map[string]bool{}
	for _, cause := range details.Causes {
		if cause.Field == "" || seen[cause.Field] || len(of) > 0 && cause.Type != of[0] {
			continue
		}
		seen[cause.Field] = true
		fields = append(fields, cause.Field)
	}
	return fields
}

// retryOnConflict repeats a write that has met another write of the same object.
// A conflict of field managers is not such.
func retryOnConflict(ctx context.Context, write func(attempt int) error) error {
	pause := firstRetry
	for attempt := 0; ; attempt++ {
		err := write(attempt)
		var status apierrors.APIStatus
		if attempt == attempts-1 || !apierrors.IsConflict(err) || !errors.As(err, &status) ||
			len(fieldCauses(status, metav1.CauseTypeFieldManagerConflict)) > 0 {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause *= 2
	}
}

// sleep waits for a time, or until the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func dryRun(on bool) []string {
	if on {
		return []string{metav1.DryRunAll}
	}
	return nil
}
