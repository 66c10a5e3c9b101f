package cluster

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release"
)

// A target is split over as many Secrets as it takes. The first one has the
// name NAME, and says how many there are and what the whole has for a digest;
// the others are called NAME.1, NAME.2 and so on. The first one is written
// last: once it is there, so is the rest.
const (
	targetSecretType = "slipway.dev/rollout-target"
	targetPrefix     = "slipway.rollout-target."
	targetIDLabel    = "slipway.dev/rollout-id"
	targetPartLabel  = "slipway.dev/part"
	targetKey        = "target"
	targetPartsKey   = "parts"
	targetDigestKey  = "digest"
	maxTargetParts   = 64
	targetKeep       = 24 * time.Hour // before one without a state is an orphan
)

// Freeze keeps the target of a rollout: what it promotes to in the end, no
// matter what is rendered meanwhile. The same id may be frozen again.
func (r *Rollouts) Freeze(ctx context.Context, name, id string, target []byte) error {
	if err := release.ValidateName(name); err != nil {
		return err
	}
	data, err := pack(target)
	if err != nil {
		return err
	}
	parts := slices.Collect(slices.Chunk(data, maxSecretBytes))
	if len(target) > maxFrozenBytes || len(parts) > maxTargetParts {
		return fmt.Errorf("the target of the rollout of release %s has %d bytes, %d compressed: that is more than can be kept in the cluster", name, len(target), len(data))
	}
	digest := sha256.Sum256(data)
	expires := strconv.FormatInt(r.now().Add(targetKeep).Unix(), 10)
	for i, part := range slices.Backward(parts) {
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Name: targetPart(name, id, i),
				Labels: map[string]string{
					rolloutLabel: name, targetIDLabel: id, targetPartLabel: strconv.Itoa(i), expiresLabel: expires, managedByLabel: "slipway",
				},
			},
			Type: targetSecretType,
			Data: map[string][]byte{targetKey: part},
		}
		if i == 0 {
			secret.Data[targetPartsKey] = []byte(strconv.Itoa(len(parts)))
			secret.Data[targetDigestKey] = []byte(hex.EncodeToString(digest[:]))
		}
		if err := r.put(ctx, secret); err != nil {
			return err
		}
	}
	return nil
}

// put writes a Secret over what is there.
func (r *Rollouts) put(ctx context.Context, secret *corev1.Secret) error {
	secrets := r.client.CoreV1().Secrets(r.namespace)
	_, err := secrets.Create(ctx, secret, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return r.refused(ctx, err, "create", secret.Name)
	}
	_, err = secrets.Update(ctx, secret, metav1.UpdateOptions{})
	return r.refused(ctx, err, "update", secret.Name)
}

// Target reads the target of a rollout back, or returns release.ErrNotFound.
func (r *Rollouts) Target(ctx context.Context, name, id string) ([]byte, error) {
	where := "the target of the rollout of release " + name + " in namespace " + r.namespace
	parts, err := r.parts(ctx, r.namespace, rolloutLabel+"="+name+","+targetIDLabel+"="+id)
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 || parts[0].Name != targetPart(name, id, 0) {
		return nil, fmt.Errorf("%w: %s", release.ErrNotFound, where)
	}
	count, err := strconv.Atoi(string(parts[0].Data[targetPartsKey]))
	if err != nil || count < 1 || count > len(parts) {
		return nil, fmt.Errorf("read %s: %d of its %s Secrets are there", where, len(parts), parts[0].Data[targetPartsKey])
	}
	var data []byte
	for i := range parts[:count] {
		data = append(data, parts[i].Data[targetKey]...)
	}
	digest := sha256.Sum256(data)
	if hex.EncodeToString(digest[:]) != string(parts[0].Data[targetDigestKey]) {
		return nil, fmt.Errorf("read %s: somebody has changed its Secrets", where)
	}
	target, err := unpack(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", where, err)
	}
	return target, nil
}

// parts are the Secrets that hold targets, by the number of the part.
func (r *Rollouts) parts(ctx context.Context, namespace, selector string) ([]corev1.Secret, error) {
	parts, err := listSecrets(ctx, r.client, namespace, metav1.ListOptions{
		LabelSelector: selector, FieldSelector: "type=" + targetSecretType, Limit: rolloutPage,
	})
	slices.SortFunc(parts, func(a, b corev1.Secret) int { return cmp.Compare(partNumber(&a), partNumber(&b)) })
	return parts, err
}

func partNumber(secret *corev1.Secret) int {
	n, err := strconv.Atoi(secret.Labels[targetPartLabel])
	if err != nil {
		return maxTargetParts
	}
	return n
}

func targetPart(name, id string, i int) string {
	key := targetPrefix + name + "." + strings.ToLower(id) // names have no capitals, as ids may
	if i == 0 {
		return key
	}
	return key + "." + strconv.Itoa(i)
}
