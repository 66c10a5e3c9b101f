package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// deletionsPlugin is the name by which a kubeconfig asks for exactDeletions.
const deletionsPlugin = "slipway-exact-deletions"

// exactDeletions has a client remove only pods that are being deleted. KWOK removes a pod by its name, some time after it
// saw it: by then the pod may be gone and another one, of the same name, may have been created. A kubelet names the UID.
// A plug-in for authentication is the one way into the transport of KWOK's clients.
type exactDeletions struct{ next http.RoundTripper }

// registerExactDeletions makes exactDeletions known to clients of this process.
func registerExactDeletions() error {
	return rest.RegisterAuthProviderPlugin(deletionsPlugin,
		func(string, map[string]string, rest.AuthProviderConfigPersister) (rest.AuthProvider, error) {
			return exactDeletions{}, nil
		})
}

// withExactDeletions writes a kubeconfig that asks for them, from another one.
func withExactDeletions(from, to string) error {
	c, err := clientcmd.LoadFromFile(from)
	if err != nil {
		return err
	}
	for _, user := range c.AuthInfos {
		user.AuthProvider = &api.AuthProviderConfig{Name: deletionsPlugin}
	}
	return clientcmd.WriteToFile(*c, to)
}

// Login does nothing: the requests have a token already.
func (exactDeletions) Login() error { return nil }

// WrapTransport is how a client asks for it.
func (exactDeletions) WrapTransport(next http.RoundTripper) http.RoundTripper {
	return exactDeletions{next}
}

var podPath = regexp.MustCompile(`^/api/v1/namespaces/[^/]+/pods/[^/]+$`)

// RoundTrip asks for the pod before it is removed and names its UID, or one that no pod has if it is not being deleted.
func (d exactDeletions) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodDelete || !podPath.MatchString(r.URL.Path) {
		return d.next.RoundTrip(r)
	}
	look := r.Clone(r.Context())
	look.Method, look.Body, look.ContentLength = http.MethodGet, nil, 0
	look.Header.Del("Content-Type")
	look.Header.Set("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
	answer, err := d.next.RoundTrip(look)
	if err != nil || answer.StatusCode != http.StatusOK {
		return answer, err // it is gone
	}
	var pod metav1.PartialObjectMetadata
	err = json.NewDecoder(answer.Body).Decode(&pod)
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	uid := types.UID("none")
	if pod.DeletionTimestamp != nil {
		uid = pod.UID
	}
	options := metav1.NewDeleteOptions(0)
	options.APIVersion, options.Kind = "v1", "DeleteOptions"
	options.Preconditions = &metav1.Preconditions{UID: &uid}
	body, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	remove := r.Clone(r.Context())
	remove.Header.Set("Content-Type", "application/json")
	remove.Body, remove.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	remove.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return d.next.RoundTrip(remove)
}
