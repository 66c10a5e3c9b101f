package deploy_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/deploy"
)

// newConfig is a deploy.Config on a real API server.
func newConfig(rc *rest.Config, namespace string, lease time.Duration) (deploy.Config, error) {
	client, err := cluster.New(rc, cluster.Options{})
	if err != nil {
		return deploy.Config{}, err
	}
	store, err := cluster.NewSecrets(client.Kubernetes(), client.Metadata(), namespace, time.Now)
	if err != nil {
		return deploy.Config{}, err
	}
	locks, err := cluster.NewLeases(client.Kubernetes(), namespace, cluster.LeaseOptions{Duration: lease})
	if err != nil {
		return deploy.Config{}, err
	}
	return deploy.Config{
		Cluster: client, Store: store, Locker: locks, Namespace: namespace, Clock: time.Now, NewID: newID,
	}, nil
}

// configFor is that of a test.
func configFor(t *testing.T, rc *rest.Config, namespace string) deploy.Config {
	t.Helper()
	config, err := newConfig(rc, namespace, 0)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

var ids atomic.Int64

func newID() string { return fmt.Sprintf("op-%d-%d", time.Now().UnixNano(), ids.Add(1)) }

var _ deploy.Cluster = (*cluster.Client)(nil)

var background = context.Background()
