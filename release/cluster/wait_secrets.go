package cluster

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release/manifest"
)

// secretMask stands in place of a Secret's value.
const secretMask = "***"

// secretValues are values that must not be shown. The zero value has none.
type secretValues struct {
	known    map[string]bool
	replacer *strings.Replacer
}

// add takes in a value. Of one with several lines each line counts.
func (v *secretValues) add(value string) {
	if v.known == nil {
		v.known = map[string]bool{}
	}
	for _, s := range append(strings.Split(value, "\n"), value, base64.StdEncoding.EncodeToString([]byte(value))) {
		if s = strings.TrimSpace(s); len(s) >= shortestSecret {
			v.known[s] = true
		}
	}
	v.replacer = nil
}

// mask replaces the values in a text, longer ones first.
func (v *secretValues) mask(s string) string {
	if len(v.known) == 0 {
		return s
	}
	if v.replacer == nil {
		values := make([]string, 0, len(v.known))
		for value := range v.known {
			values = append(values, value)
		}
		slices.SortFunc(values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
		pairs := make([]string, 0, 2*len(values))
		for _, value := range values {
			pairs = append(pairs, value, secretMask)
		}
		v.replacer = strings.NewReplacer(pairs...)
	}
	return v.replacer.Replace(s)
}

// hide takes in the Secrets among some objects.
func (d *detailer) hide(objects []manifest.Object) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range objects {
		if keyOf(o.Ref) != (kindKey{"", "Secret"}) {
			continue
		}
		data, _ := o.Fields["data"].(map[string]any)
		for _, value := range data {
			s, _ := value.(string)
			if decoded, err := base64.StdEncoding.DecodeString(s); err == nil {
				d.values.add(string(decoded))
			}
		}
		plain, _ := o.Fields["stringData"].(map[string]any)
		for _, value := range plain {
			s, _ := value.(string)
			d.values.add(s)
		}
	}
}

// mask hides the values of Secrets in a text.
func (d *detailer) mask(s string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.values.mask(s)
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
		d.values.add(string(value))
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
