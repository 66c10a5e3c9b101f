package cluster

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

func TestErrorsOfRequestsAreExplained(t *testing.T) {
	configMaps := schema.GroupResource{Resource: "configmaps"}
	for name, test := range map[string]struct {
		err       error
		want      string
		retryable bool
	}{
		"nothing":             {nil, "<nil>", false},
		"the end of the time": {context.DeadlineExceeded, "context deadline exceeded", false},
		"access rules": {
			apierrors.NewForbidden(configMaps, "c", errors.New("no")), "no permission to get configmaps.group in namespace n", false,
		},
		"a server that is busy":     {apierrors.NewTooManyRequests("busy", 1), "get configmaps.group n/c: busy", true},
		"an admission webhook":      {apierrors.NewInternalError(errors.New("call")), "get configmaps.group n/c: Internal error occurred: call", true},
		"an aggregated API":         {apierrors.NewServiceUnavailable("down"), "get configmaps.group n/c: down", true},
		"a document without schema": {&apierrors.StatusError{ErrStatus: metav1.Status{Code: 500, Message: "typed patch"}}, "get configmaps.group n/c: typed patch", false},
		"a gateway":                 {&apierrors.StatusError{ErrStatus: metav1.Status{Code: 502, Message: "gateway"}}, "get configmaps.group n/c: gateway", true},
		"an object that is missing": {apierrors.NewNotFound(configMaps, "c"), `get configmaps.group n/c: configmaps "c" not found`, false},
		"anything else":             {errors.New("broken"), "get configmaps.group n/c: broken", false},
	} {
		t.Run(name, func(t *testing.T) {
			err := explain(test.err, "get", "configmaps", "group", "n", "c")
			got := "<nil>"
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("%s", got)
			}
			var retryable interface{ Retryable() bool }
			if errors.As(err, &retryable) != test.retryable {
				t.Errorf("retryable: %v", !test.retryable)
			}
			if test.err != nil && !errors.Is(err, test.err) {
				t.Error("the cause is lost")
			}
		})
	}
}

func TestAServerThatCannotBeAskedIsNamed(t *testing.T) {
	t.Run("nobody listens", func(t *testing.T) {
		client, err := New(&rest.Config{Host: "http://127.0.0.1:1"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Capabilities(t.Context())
		var unreachable *deploy.UnreachableError
		if !errors.As(err, &unreachable) || unreachable.Unauthenticated || unreachable.Server != "http://127.0.0.1:1" {
			t.Errorf("error %#v", err)
		}
	})
	t.Run("the credentials are wrong", func(t *testing.T) {
		const token = "canary-token"
		client, err := Connect(ConnectOptions{Kubeconfig: clustertest.Shared(t).KubeconfigFor(t, "nobody"), Token: token}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for name, ask := range map[string]func() error{
			"discovery": func() error { _, err := client.Capabilities(t.Context()); return err },
			"a list": func() error {
				_, err := client.Kubernetes().CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{})
				return explain(err, "list", "secrets", "", "default", "")
			},
		} {
			err := ask()
			var unreachable *deploy.UnreachableError
			if !errors.As(err, &unreachable) || !unreachable.Unauthenticated || unreachable.Server != client.Server() {
				t.Errorf("%s: error %v", name, err)
			}
			if strings.Contains(err.Error(), token) {
				t.Errorf("%s tells the token: %v", name, err)
			}
		}
	})
	t.Run("the time is up", func(t *testing.T) {
		s := newScripted(t)
		ctx, cancel := context.WithCancel(t.Context())
		s.mux.HandleFunc("GET /api/v1/namespaces/n/configmaps/c", func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})
		_, err := s.client.Read(ctx, []manifest.Ref{{APIVersion: "v1", Kind: "ConfigMap", Namespace: "n", Name: "c"}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}
