package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

// What the Secrets of rollouts look like.
const (
	rolloutLabel      = "slipway.dev/rollout" // the release
	rolloutSecretType = "slipway.dev/rollout"
	rolloutPrefix     = "slipway.rollout."
	rolloutKey        = "state"
	rolloutFormat     = 1   // of rollout.State
	rolloutPage       = 100 // states that one request lists
)

// Rollouts keeps the states of rollouts in Secrets of a namespace, and the
// targets that they are frozen to. It is safe for concurrent use.
type Rollouts struct {
	client    Typed
	namespace string
	now       func() time.Time
}

// NewRollouts returns the rollouts of a namespace. The clock tells how long
// targets are kept that no rollout was begun with.
func NewRollouts(client Typed, namespace string, now func() time.Time) *Rollouts {
	return &Rollouts{client, namespace, now}
}

// State reads the state of a release's rollout, or returns release.ErrNotFound.
func (r *Rollouts) State(ctx context.Context, name string) (*deploy.StoredRollout, error) {
	key := rolloutPrefix + name
	secret, err := r.client.CoreV1().Secrets(r.namespace).Get(ctx, key, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%w: a rollout of release %s in namespace %s", release.ErrNotFound, name, r.namespace)
	}
	if err != nil {
		return nil, explain(err, "get", "secrets", "", r.namespace, key)
	}
	return readRollout(secret)
}

// Save creates the state if its Token is empty, or returns release.ErrExists if
// there is one. Else it replaces the state if it is still the one that Token
// names, or returns release.ErrConflict. It sets the new Token.
func (r *Rollouts) Save(ctx context.Context, s *deploy.StoredRollout) error {
	secret, err := r.secret(s)
	if err != nil {
		return err
	}
	verb, write := "create", func() (*corev1.Secret, error) {
		return r.client.CoreV1().Secrets(r.namespace).Create(ctx, secret, metav1.CreateOptions{})
	}
	if s.Token != "" {
		secret.ResourceVersion = s.Token
		verb, write = "update", func() (*corev1.Secret, error) {
			return r.client.CoreV1().Secrets(r.namespace).Update(ctx, secret, metav1.UpdateOptions{})
		}
	}
	stored, err := write()
	if apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) {
		// The answer to an earlier try may have been lost.
		is, readErr := r.client.CoreV1().Secrets(r.namespace).Get(ctx, secret.Name, metav1.GetOptions{})
		if readErr == nil && string(is.Data[rolloutKey]) == string(secret.Data[rolloutKey]) {
			stored, err = is, nil
		}
	}
	switch {
	case apierrors.IsAlreadyExists(err):
		return fmt.Errorf("%w: a rollout of release %s in namespace %s", release.ErrExists, s.State.Release, r.namespace)
	case apierrors.IsConflict(err), verb == "update" && apierrors.IsNotFound(err):
		return fmt.Errorf("%w: the rollout of release %s in namespace %s", release.ErrConflict, s.State.Release, r.namespace)
	case err != nil:
		return r.refused(ctx, err, verb, secret.Name)
	}
	s.Token = stored.ResourceVersion
	return nil
}

// Delete removes the targets of a release and, last, the state, so that one
// that is interrupted can be done again. That they are gone is no error.
func (r *Rollouts) Delete(ctx context.Context, name string) error {
	secrets := r.client.CoreV1().Secrets(r.namespace)
	parts, err := r.parts(ctx, r.namespace, rolloutLabel+"="+name)
	if err != nil {
		return err
	}
	keys := make([]string, 0, len(parts)+1)
	for i := range parts {
		keys = append(keys, parts[i].Name)
	}
	for _, key := range append(keys, rolloutPrefix+name) {
		if err := secrets.Delete(ctx, key, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return explain(err, "delete", "secrets", "", r.namespace, key)
		}
	}
	return nil
}

// List reads all states of a namespace, "" for all namespaces, by namespace and
// release. Those that can be read come with an error that names the others.
func (r *Rollouts) List(ctx context.Context, namespace string) ([]deploy.StoredRollout, error) {
	secrets, err := listSecrets(ctx, r.client, namespace, metav1.ListOptions{
		LabelSelector: rolloutLabel, FieldSelector: "type=" + rolloutSecretType, Limit: rolloutPage,
	})
	if err != nil {
		return nil, err
	}
	var states []deploy.StoredRollout
	var unread []error
	for i := range secrets {
		s, err := readRollout(&secrets[i])
		if err != nil {
			unread = append(unread, err)
			continue
		}
		states = append(states, *s)
	}
	slices.SortFunc(states, func(a, b deploy.StoredRollout) int {
		return strings.Compare(a.State.Namespace+"/"+a.State.Release, b.State.Namespace+"/"+b.State.Release)
	})
	return states, errors.Join(unread...)
}

// secret is what the API server gets for a state.
func (r *Rollouts) secret(s *deploy.StoredRollout) (*corev1.Secret, error) {
	if err := release.ValidateName(s.State.Release); err != nil {
		return nil, err
	}
	if s.State.Namespace != r.namespace {
		return nil, fmt.Errorf("the rollout of release %s is in namespace %q, not in %q", s.State.Release, s.State.Namespace, r.namespace)
	}
	raw, err := json.Marshal(s.State)
	if err != nil {
		return nil, err
	}
	data, err := pack(raw)
	if err != nil {
		return nil, err
	}
	if len(data) > maxSecretBytes {
		return nil, fmt.Errorf("the state of the rollout of release %s has %d bytes compressed, and a Secret holds %d; most of it is %s",
			s.State.Release, len(data), maxSecretBytes, largestFields(raw))
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:   rolloutPrefix + s.State.Release,
			Labels: map[string]string{rolloutLabel: s.State.Release, managedByLabel: "slipway"},
		},
		Type: rolloutSecretType,
		Data: map[string][]byte{rolloutKey: data},
	}, nil
}

// readRollout is the state that a Secret holds.
func readRollout(secret *corev1.Secret) (*deploy.StoredRollout, error) {
	where := "secret " + secret.Namespace + "/" + secret.Name
	if secret.Type != rolloutSecretType {
		return nil, fmt.Errorf("%s holds no rollout: its type is %q, not %q", where, secret.Type, rolloutSecretType)
	}
	raw, err := unpack(secret.Data[rolloutKey])
	if err != nil {
		return nil, fmt.Errorf("read the rollout in %s: %w", where, err)
	}
	var state rollout.State
	if err := json.Unmarshal(raw, &state); err != nil {
		return nil, fmt.Errorf("read the rollout in %s: %w", where, err)
	}
	if state.Format > rolloutFormat {
		return nil, fmt.Errorf("read the rollout in %s: it has format %d and this version knows %d: use the version that began it", where, state.Format, rolloutFormat)
	}
	if rolloutPrefix+state.Release != secret.Name || state.Namespace != secret.Namespace {
		return nil, fmt.Errorf("%s holds the rollout of release %s/%s: it is a copy, delete it", where, state.Namespace, state.Release)
	}
	return &deploy.StoredRollout{State: state, Token: secret.ResourceVersion}, nil
}

// largestFields names the largest fields of a JSON object with their bytes.
func largestFields(raw []byte) string {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err.Error()
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := len(fields[b]) - len(fields[a]); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	names = names[:min(3, len(names))]
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (%d bytes)", name, len(fields[name]))
	}
	return strings.Join(names, ", ")
}

// refused explains why a Secret cannot be written.
func (r *Rollouts) refused(ctx context.Context, err error, verb, key string) error {
	s := store{access: r.client.AuthorizationV1(), resource: "secrets", namespace: r.namespace}
	return s.refused(ctx, err, verb, key)
}
