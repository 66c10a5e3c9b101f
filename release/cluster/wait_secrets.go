package cluster

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release/manifest"
)

// hide takes in the Secrets among some objects.
func (d *detailer) hide(objects []manifest.Object) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.secrets.AddFrom(objects)
}

// mask hides the values of Secrets in a text.
func (d *detailer) mask(s string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.secrets.Hide(s)
}

// hideSecretsOf reads the Secrets that a pod uses, so that their values are
// masked. A Secret that is not there has none.
func (d *detailer) hideSecretsOf(ctx context.Context, pod *corev1.Pod) error {
	for _, name := range secretNames(pod) {
		if err := d.hideSecret(ctx, pod.Namespace, name); err != nil {
			return fmt.Errorf("secret %s, which the pod uses, cannot be read to mask it: %w", name, err)
		}
	}
	return nil
}

func (d *detailer) hideSecret(ctx context.Context, namespace, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := namespace + "/" + name
	if err, asked := d.read[key]; asked {
		return err
	}
	if d.read == nil {
		d.read = map[string]error{}
	}
	secret, err := d.client.kubernetes.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		err, secret = nil, nil
	}
	d.read[key] = explain(err, "get", "secrets", "", namespace, name)
	if err != nil || secret == nil {
		return d.read[key]
	}
	for _, value := range secret.Data {
		d.secrets.Add(string(value))
	}
	return nil
}

// secretNames are the Secrets whose values a pod's containers can see.
func secretNames(pod *corev1.Pod) []string {
	var names []string
	for _, c := range append(slices.Clone(pod.Spec.InitContainers), pod.Spec.Containers...) {
		for _, from := range c.EnvFrom {
			if from.SecretRef != nil {
				names = append(names, from.SecretRef.Name)
			}
		}
		for _, env := range c.Env {
			if env.ValueFrom != nil && env.ValueFrom.SecretKeyRef != nil {
				names = append(names, env.ValueFrom.SecretKeyRef.Name)
			}
		}
	}
	for _, volume := range pod.Spec.Volumes {
		if volume.Secret != nil {
			names = append(names, volume.Secret.SecretName)
		}
		if volume.Projected == nil {
			continue
		}
		for _, from := range volume.Projected.Sources {
			if from.Secret != nil {
				names = append(names, from.Secret.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
