package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	reviews "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/metadata"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// storePage is how many revisions one request lists.
const storePage = 500

// payload is the key under which Helm keeps the encoded record.
const payload = "release"

// objects is how a store reaches the kind of object that holds its records.
// Each method returns the API server's errors as they are.
type objects interface {
	// get returns an object's metadata and payload.
	get(ctx context.Context, key string) (metav1.ObjectMeta, []byte, error)
	// create and update return the object's new resource version.
	create(ctx context.Context, meta metav1.ObjectMeta, data []byte) (string, error)
	update(ctx context.Context, meta metav1.ObjectMeta, data []byte) (string, error)
	delete(ctx context.Context, key string) error
}

// store keeps records in objects of one kind and one namespace.
type store struct {
	objects   objects
	metadata  metadata.Interface
	access    reviews.SelfSubjectAccessReviewsGetter
	resource  string // secrets or configmaps
	namespace string
	now       func() time.Time
}

// History lists the revisions of a release, oldest first, from metadata alone.
func (s *store) History(ctx context.Context, name string) ([]release.Meta, error) {
	if err := release.ValidateName(name); err != nil {
		return nil, err
	}
	return s.List(ctx, release.ListOptions{Namespace: s.namespace, Selector: "name=" + name})
}

// List returns revisions by namespace, name and revision, from metadata alone.
// Objects that Helm labelled but that hold no record are left out.
func (s *store) List(ctx context.Context, options release.ListOptions) ([]release.Meta, error) {
	selector, err := storeSelector(options)
	if err != nil {
		return nil, err
	}
	client := s.metadata.Resource(schema.GroupVersionResource{Version: "v1", Resource: s.resource}).Namespace(options.Namespace)
	page := metav1.ListOptions{LabelSelector: selector, Limit: storePage}
	var list []release.Meta
	for restarted := false; ; {
		answer, err := client.List(ctx, page)
		if apierrors.IsResourceExpired(err) && page.Continue != "" && !restarted {
			// It took so long that the snapshot is gone. One list without pages
			// is what client-go does in such a case as well.
			page, list, restarted = metav1.ListOptions{LabelSelector: selector}, nil, true
			continue
		}
		if err != nil {
			return nil, explain(err, "list", s.resource, "", options.Namespace, "")
		}
		for i := range answer.Items {
			if m, ok := readMeta(&answer.Items[i].ObjectMeta); ok {
				list = append(list, m)
			}
		}
		page.Continue = answer.Continue
		if page.Continue == "" || options.Limit > 0 && len(list) >= options.Limit {
			break
		}
	}
	release.SortMeta(list)
	if options.Limit > 0 && len(list) > options.Limit {
		list = list[:options.Limit]
	}
	return list, nil
}

// storeSelector has the API server choose: what Helm wrote, in these states.
func storeSelector(options release.ListOptions) (string, error) {
	selector, err := labels.Parse(options.Selector)
	if err != nil {
		return "", fmt.Errorf("selector %q: %w", options.Selector, err)
	}
	owner, err := labels.NewRequirement("owner", selection.Equals, []string{"helm"})
	if err != nil {
		return "", err
	}
	selector = selector.Add(*owner)
	if len(options.States) > 0 {
		states := make([]string, len(options.States))
		for i, status := range options.States {
			states[i] = status.String()
		}
		in, err := labels.NewRequirement("status", selection.In, states)
		if err != nil {
			return "", fmt.Errorf("states %s: %w", strings.Join(states, ", "), err)
		}
		selector = selector.Add(*in)
	}
	return selector.String(), nil
}

// readMeta reads what a store wrote beside a record.
func readMeta(o *metav1.ObjectMeta) (release.Meta, bool) {
	m, ok := release.ReadMeta(o.Name, o.Namespace, o.Labels, o.Annotations)
	m.Token = o.ResourceVersion
	return m, ok
}

// Get reads one revision. It returns release.ErrNotFound if there is none and
// release.ErrUndecodable if it is no record.
func (s *store) Get(ctx context.Context, name string, version int) (*release.Record, error) {
	key := release.Key(name, version)
	meta, data, err := s.objects.get(ctx, key)
	if apierrors.IsNotFound(err) {
		return nil, release.NotFound(name, version)
	}
	if err != nil {
		return nil, explain(err, "get", s.resource, "", s.namespace, key)
	}
	r, err := release.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("read %s %s/%s: %w", s.resource, s.namespace, key, err)
	}
	m, _ := readMeta(&meta)
	r.Attach(m)
	return r, nil
}

// Create stores a new revision and sets its Token, or returns release.ErrExists.
func (s *store) Create(ctx context.Context, r *release.Record) error {
	m := r.Meta()
	m.CreatedAt, m.ModifiedAt = s.time(), time.Time{}
	meta, data, err := s.object(r, m)
	if err != nil {
		return err
	}
	token, err := s.objects.create(ctx, meta, data)
	if apierrors.IsAlreadyExists(err) {
		if token = s.written(ctx, meta, data); token == "" {
			return fmt.Errorf("%w: release %s revision %d", release.ErrExists, r.Name, r.Version)
		}
		err = nil
	}
	if err != nil {
		return s.refused(ctx, err, "create", meta.Name)
	}
	r.Token, r.CreatedAt, r.ModifiedAt = token, m.CreatedAt, m.ModifiedAt
	return nil
}

// Update replaces a revision if it is still the one that r.Token names, and
// sets the new Token. It returns release.ErrConflict if somebody else has
// changed it and release.ErrNotFound if it is gone. Without a Token it replaces
// whatever is there.
func (s *store) Update(ctx context.Context, r *release.Record) error {
	m := r.Meta()
	m.ModifiedAt = s.time()
	meta, data, err := s.object(r, m)
	if err != nil {
		return err
	}
	meta.ResourceVersion = r.Token
	token, err := s.objects.update(ctx, meta, data)
	switch {
	case apierrors.IsNotFound(err):
		return release.NotFound(r.Name, r.Version)
	case apierrors.IsConflict(err):
		if token = s.written(ctx, meta, data); token == "" {
			return fmt.Errorf("%w: release %s revision %d", release.ErrConflict, r.Name, r.Version)
		}
	case err != nil:
		return s.refused(ctx, err, "update", meta.Name)
	}
	r.Token, r.ModifiedAt = token, m.ModifiedAt
	return nil
}

// Delete removes a revision, or returns release.ErrNotFound.
func (s *store) Delete(ctx context.Context, name string, version int) error {
	key := release.Key(name, version)
	err := s.objects.delete(ctx, key)
	if apierrors.IsNotFound(err) {
		return release.NotFound(name, version)
	}
	return explain(err, "delete", s.resource, "", s.namespace, key)
}

// written looks whether what is stored is just what was to be written: the
// answer to an earlier try was lost. It returns the object's resource version,
// "" if it is something else.
func (s *store) written(ctx context.Context, meta metav1.ObjectMeta, data []byte) string {
	is, there, err := s.objects.get(ctx, meta.Name)
	if err != nil || !bytes.Equal(there, data) || is.Labels[release.LabelOperation] != meta.Labels[release.LabelOperation] {
		return ""
	}
	return is.ResourceVersion
}

// refused explains why a record cannot be written: if it is not for want of a
// right, it is a quota or admission.
func (s *store) refused(ctx context.Context, err error, verb, key string) error {
	err = explain(err, verb, s.resource, "", s.namespace, key)
	var forbidden *deploy.ForbiddenError
	if !errors.As(err, &forbidden) {
		return err
	}
	kind := map[string]string{"secrets": "Secret", "configmaps": "ConfigMap"}[s.resource]
	denied, reviewErr := isDenied(ctx, s.access, Permission{Verb: verb, Resource: s.resource, Namespace: s.namespace, Name: key})
	if denied || reviewErr != nil {
		return err
	}
	ref := manifest.Ref{APIVersion: "v1", Kind: kind, Namespace: s.namespace, Name: key}
	return &deploy.RejectedError{Ref: ref, Reason: string(metav1.StatusReasonForbidden), Err: forbidden.Err}
}

// object is what the API server gets for a record.
func (s *store) object(r *release.Record, m release.Meta) (metav1.ObjectMeta, []byte, error) {
	annotations, err := m.StoredAnnotations()
	if err != nil {
		return metav1.ObjectMeta{}, nil, err
	}
	data, err := r.Encode()
	if err != nil {
		return metav1.ObjectMeta{}, nil, err
	}
	return metav1.ObjectMeta{
		Name:        release.Key(r.Name, r.Version),
		Namespace:   s.namespace,
		Labels:      m.StoredLabels(),
		Annotations: annotations,
	}, data, nil
}

// time is the clock's, as labels hold it.
func (s *store) time() time.Time { return s.now().UTC().Truncate(time.Second) }
