package clustertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig returns the path of a kubeconfig whose current context is the one of user admin, who may do everything. It
// has a context for each other user, too: viewer, deployer, approver and nobody, who have no rights but those that a
// test gives them.
func (c *Cluster) Kubeconfig() string { return c.kubeconfig }

// KubeconfigFor returns the path of a kubeconfig with nothing in it but the context of one user.
func (c *Cluster) KubeconfigFor(tb testing.TB, user string) string {
	tb.Helper()
	config, err := clientcmd.LoadFromFile(c.kubeconfig)
	if err != nil {
		tb.Fatal(err)
	}
	config.CurrentContext = user
	if err := api.MinifyConfig(config); err != nil {
		tb.Fatalf("user %s: %v", user, err)
	}
	path := filepath.Join(tb.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		tb.Fatal(err)
	}
	return path
}

// RESTConfig returns admin's way to the API server, without a limit on requests. The caller may change it.
func (c *Cluster) RESTConfig(tb testing.TB) *rest.Config {
	tb.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		tb.Fatal(err)
	}
	config.QPS = -1
	return config
}

// Namespace makes a namespace with a name that no other has and returns the name. The namespace is deleted at the end of
// the test; that goes on while other tests run.
func (c *Cluster) Namespace(tb testing.TB) string {
	tb.Helper()
	config := c.RESTConfig(tb)
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		tb.Fatal(err)
	}
	var made struct {
		Metadata struct{ Name string }
	}
	const namespaces = "/api/v1/namespaces"
	body := `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "test-"}}`
	answer, err := send(client, http.MethodPost, config.Host+namespaces, body)
	if err == nil {
		err = json.Unmarshal(answer, &made)
	}
	if err != nil {
		tb.Fatalf("make a namespace: %v", err)
	}
	name := made.Metadata.Name
	tb.Cleanup(func() {
		_, err := send(client, http.MethodDelete, config.Host+namespaces+"/"+name, "")
		if missing, ok := errors.AsType[*statusError](err); err != nil && !(ok && missing.code == http.StatusNotFound) {
			tb.Errorf("delete namespace %s: %v", name, err)
		}
	})
	return name
}

// send makes a request with a JSON body and returns the body of the answer.
func send(client *http.Client, method, url, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		return nil, &statusError{code: response.StatusCode, body: string(answer)}
	}
	return answer, nil
}

// statusError is an answer that says no.
type statusError struct {
	code int
	body string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %s", e.code, e.body) }
