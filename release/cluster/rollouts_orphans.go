package cluster

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/e6d26078/slipway/release"
)

// Orphan is a Secret that nobody needs any more.
type Orphan struct {
	Namespace, Name string
	Release         string
	Why             string // for people

	UID, Version string // of the Secret when it was listed
}

// Orphans lists the Secrets of rollouts and frozen plans in a namespace, ""
// for all namespaces, that nobody needs any more: states of releases that do
// not exist, targets that no state names, and plans of releases that do not
// exist, the latter two once their time has passed. exists tells of a release
// whether there is any revision of it, wherever records are kept.
func (r *Rollouts) Orphans(ctx context.Context, namespace string, exists func(ctx context.Context, namespace, name string) (bool, error)) ([]Orphan, error) {
	secrets, err := listSecrets(ctx, r.client, namespace, metav1.ListOptions{LabelSelector: managedByLabel + "=slipway", Limit: rolloutPage})
	if err != nil {
		return nil, err
	}
	type key struct{ namespace, release string }
	known := map[key]bool{}
	begun := map[key]string{} // ids of the rollouts whose state stays
	var orphans []Orphan
	// States first: whether a target is needed is for them to say.
	slices.SortStableFunc(secrets, func(a, b corev1.Secret) int {
		return boolToInt(b.Type == rolloutSecretType) - boolToInt(a.Type == rolloutSecretType)
	})
	for i := range secrets {
		secret := &secrets[i]
		k := key{secret.Namespace, ownerOf(secret)}
		if k.release == "" {
			continue
		}
		if _, ok := known[k]; !ok {
			if known[k], err = exists(ctx, k.namespace, k.release); err != nil {
				return nil, fmt.Errorf("look for release %s in namespace %s: %w", k.release, k.namespace, err)
			}
		}
		why := ""
		switch {
		case secret.Type == rolloutSecretType && !known[k]:
			why = "the release does not exist"
		case secret.Type == rolloutSecretType:
			begun[k] = "*" // unless it can be read, all targets stay
			if s, err := readRollout(secret); err == nil {
				begun[k] = s.State.ID
			}
		case !hasExpired(secret, r.now().Unix()):
		case secret.Type == targetSecretType && begun[k] != "*" && begun[k] != secret.Labels[targetIDLabel]:
			why = "no rollout has it for its target"
		case secret.Type == planSecretType && !known[k]:
			why = "the release does not exist"
		}
		if why != "" {
			orphans = append(orphans, Orphan{k.namespace, secret.Name, k.release, why, string(secret.UID), secret.ResourceVersion})
		}
	}
	slices.SortFunc(orphans, func(a, b Orphan) int { return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name) })
	return orphans, nil
}

// RemoveOrphan deletes an orphan. It returns release.ErrConflict if the Secret
// was changed since it was listed. That it is gone is no error.
func (r *Rollouts) RemoveOrphan(ctx context.Context, o Orphan) error {
	uid := types.UID(o.UID)
	err := r.client.CoreV1().Secrets(o.Namespace).Delete(ctx, o.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &uid, ResourceVersion: &o.Version},
	})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsConflict(err):
		return fmt.Errorf("%w: secret %s/%s is in use again", release.ErrConflict, o.Namespace, o.Name)
	}
	return explain(err, "delete", "secrets", "", o.Namespace, o.Name)
}

// ownerOf is the release that one of our Secrets is about, "" if it is none of ours.
func ownerOf(secret *corev1.Secret) string {
	switch secret.Type {
	case rolloutSecretType, targetSecretType:
		return secret.Labels[rolloutLabel]
	case planSecretType:
		return secret.Labels[planLabel]
	}
	return ""
}

// hasExpired tells whether the time of a Secret has passed, by its label.
func hasExpired(secret *corev1.Secret, now int64) bool {
	seconds, err := strconv.ParseInt(secret.Labels[expiresLabel], 10, 64)
	return err != nil || now > seconds
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
