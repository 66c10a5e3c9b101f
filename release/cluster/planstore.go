package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"
)

// What the Secrets of frozen plans look like.
const (
	planSecretType = "slipway.dev/plan"
	planKey        = "plan"
	planLabel      = "slipway.dev/plan"
	expiresLabel   = "slipway.dev/expires" // unix seconds
)

// ErrNoPlan says that a frozen plan is not there: it was carried out, or its time has passed.
var ErrNoPlan = errors.New("the frozen plan is not in the cluster any more")

// Plans keeps frozen plans in Secrets of a namespace until their time has
// passed. It is safe for concurrent use.
type Plans struct {
	secrets   typed.SecretInterface
	namespace string
	now       func() time.Time
}

// NewPlans returns the frozen plans of a namespace.
func NewPlans(client Typed, namespace string, now func() time.Time) *Plans {
	return &Plans{client.CoreV1().Secrets(namespace), namespace, now}
}

// Save keeps a plan for a time and returns the name of its Secret. Plans whose
// time has passed are removed on the way.
func (p *Plans) Save(ctx context.Context, release, id string, data []byte, keep time.Duration) (string, error) {
	packed, err := pack(data)
	if err != nil {
		return "", err
	}
	if len(packed) > maxSecretBytes {
		return "", fmt.Errorf("the plan has %d bytes compressed, and a Secret holds %d: encrypt it into the file instead", len(packed), maxSecretBytes)
	}
	p.expire(ctx)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: "slipway.plan." + release + "." + id,
			Labels: map[string]string{
				planLabel: release, expiresLabel: strconv.FormatInt(p.now().Add(keep).Unix(), 10), managedByLabel: "slipway",
			},
		},
		Type: planSecretType,
		Data: map[string][]byte{planKey: packed},
	}
	created, err := p.secrets.Create(ctx, secret, metav1.CreateOptions{})
	if err != nil {
		return "", explain(err, "create", "secrets", "", p.namespace, secret.Name)
	}
	return created.Name, nil
}

// Load reads the plan in a Secret, or returns ErrNoPlan.
func (p *Plans) Load(ctx context.Context, name string) ([]byte, error) {
	secret, err := p.secrets.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("secret %s/%s: %w", p.namespace, name, ErrNoPlan)
	}
	if err != nil {
		return nil, explain(err, "get", "secrets", "", p.namespace, name)
	}
	if secret.Type != planSecretType {
		return nil, fmt.Errorf("secret %s/%s is no frozen plan", p.namespace, name)
	}
	if hasExpired(secret, p.now().Unix()) {
		return nil, fmt.Errorf("secret %s/%s: its time has passed: %w", p.namespace, name, ErrNoPlan)
	}
	data, err := unpack(secret.Data[planKey])
	if err != nil {
		return nil, fmt.Errorf("read the plan in secret %s/%s: %w", p.namespace, name, err)
	}
	return data, nil
}

// Delete removes a plan that was carried out. That it is gone is no error.
func (p *Plans) Delete(ctx context.Context, name string) error {
	if err := p.secrets.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return explain(err, "delete", "secrets", "", p.namespace, name)
	}
	return nil
}

// expire removes the plans whose time has passed, best effort.
func (p *Plans) expire(ctx context.Context) {
	list, err := p.secrets.List(ctx, metav1.ListOptions{LabelSelector: planLabel, FieldSelector: "type=" + planSecretType})
	if err != nil {
		return
	}
	for i := range list.Items {
		if hasExpired(&list.Items[i], p.now().Unix()) {
			_ = p.Delete(ctx, list.Items[i].Name)
		}
	}
}
