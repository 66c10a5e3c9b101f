package cluster

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
)

// Secrets keeps records in Secrets, as Helm does unless told otherwise. It is
// safe for concurrent use.
type Secrets struct{ store }

// NewSecrets returns the store of a namespace. Listing goes through the
// metadata client, so that no record is transferred for it. The clock tells the
// times of the labels createdAt and modifiedAt.
func NewSecrets(client Typed, metadata metadata.Interface, namespace string, now func() time.Time) (*Secrets, error) {
	s, err := newStore(client, metadata, "secrets", namespace, now)
	if err != nil {
		return nil, err
	}
	s.objects = secretObjects{client.CoreV1().Secrets(namespace)}
	return &Secrets{s}, nil
}

// ConfigMaps keeps records in ConfigMaps, which Helm does with
// HELM_DRIVER=configmap. It is safe for concurrent use.
type ConfigMaps struct{ store }

// NewConfigMaps is as [NewSecrets] for ConfigMaps.
func NewConfigMaps(client Typed, metadata metadata.Interface, namespace string, now func() time.Time) (*ConfigMaps, error) {
	s, err := newStore(client, metadata, "configmaps", namespace, now)
	if err != nil {
		return nil, err
	}
	s.objects = configMapObjects{client.CoreV1().ConfigMaps(namespace)}
	return &ConfigMaps{s}, nil
}

func newStore(client Typed, metadata metadata.Interface, resource, namespace string, now func() time.Time) (store, error) {
	if namespace == "" {
		return store{}, errors.New("a store of records needs a namespace")
	}
	return store{metadata: metadata, access: client.AuthorizationV1(), resource: resource, namespace: namespace, now: now}, nil
}

// secretObjects reaches records in Secrets.
type secretObjects struct{ client typed.SecretInterface }

func (o secretObjects) get(ctx context.Context, key string) (metav1.ObjectMeta, []byte, error) {
	s, err := o.client.Get(ctx, key, metav1.GetOptions{})
	if err != nil {
		return metav1.ObjectMeta{}, nil, err
	}
	return s.ObjectMeta, s.Data[payload], nil
}

func (o secretObjects) create(ctx context.Context, meta metav1.ObjectMeta, data []byte) (string, error) {
	s, err := o.client.Create(ctx, secret(meta, data), metav1.CreateOptions{FieldManager: FieldManager})
	if err != nil {
		return "", err
	}
	return s.ResourceVersion, nil
}

func (o secretObjects) update(ctx context.Context, meta metav1.ObjectMeta, data []byte) (string, error) {
	s, err := o.client.Update(ctx, secret(meta, data), metav1.UpdateOptions{FieldManager: FieldManager})
	if err != nil {
		return "", err
	}
	return s.ResourceVersion, nil
}

func (o secretObjects) delete(ctx context.Context, key string) error {
	return o.client.Delete(ctx, key, metav1.DeleteOptions{})
}

func secret(meta metav1.ObjectMeta, data []byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: meta, Type: "helm.sh/release.v1", Data: map[string][]byte{payload: data}}
}

// configMapObjects reaches records in ConfigMaps.
type configMapObjects struct{ client typed.ConfigMapInterface }

func (o configMapObjects) get(ctx context.Context, key string) (metav1.ObjectMeta, []byte, error) {
	c, err := o.client.Get(ctx, key, metav1.GetOptions{})
	if err != nil {
		return metav1.ObjectMeta{}, nil, err
	}
	return c.ObjectMeta, []byte(c.Data[payload]), nil
}

func (o configMapObjects) create(ctx context.Context, meta metav1.ObjectMeta, data []byte) (string, error) {
	c, err := o.client.Create(ctx, configMap(meta, data), metav1.CreateOptions{FieldManager: FieldManager})
	if err != nil {
		return "", err
	}
	return c.ResourceVersion, nil
}

func (o configMapObjects) update(ctx context.Context, meta metav1.ObjectMeta, data []byte) (string, error) {
	c, err := o.client.Update(ctx, configMap(meta, data), metav1.UpdateOptions{FieldManager: FieldManager})
	if err != nil {
		return "", err
	}
	return c.ResourceVersion, nil
}

func (o configMapObjects) delete(ctx context.Context, key string) error {
	return o.client.Delete(ctx, key, metav1.DeleteOptions{})
}

func configMap(meta metav1.ObjectMeta, data []byte) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{payload: string(data)}}
}
