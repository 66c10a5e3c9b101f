package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// maxSecretBytes is what one Secret is given: the 1 MiB that Kubernetes
	// allows, less room for what else is in it.
	maxSecretBytes = 1<<20 - 16<<10
	// maxFrozenBytes is how much is unpacked.
	maxFrozenBytes = 256 << 20
)

// pack compresses what a Secret holds; the same data gives the same bytes.
func pack(data []byte) ([]byte, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// unpack is the inverse of pack.
func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, maxFrozenBytes+1))
	if err == nil && len(data) > maxFrozenBytes {
		err = fmt.Errorf("it is larger than %d bytes", maxFrozenBytes)
	}
	return data, err
}

// listSecrets reads the Secrets of a namespace, "" for all, page by page.
func listSecrets(ctx context.Context, client Typed, namespace string, options metav1.ListOptions) ([]corev1.Secret, error) {
	var secrets []corev1.Secret
	for {
		page, err := client.CoreV1().Secrets(namespace).List(ctx, options)
		if apierrors.IsResourceExpired(err) && options.Continue != "" {
			options.Limit, options.Continue, secrets = 0, "", nil // the snapshot is gone: once more, without pages
			continue
		}
		if err != nil {
			return nil, explain(err, "list", "secrets", "", namespace, "")
		}
		secrets = append(secrets, page.Items...)
		if options.Continue = page.Continue; options.Continue == "" {
			return secrets, nil
		}
	}
}
