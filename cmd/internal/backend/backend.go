// Package backend reaches clusters for the commands, by package
// release/cluster, and databases by release/sqlstore:
//
//	os.Exit(cli.Main(backend.Kubernetes{}))
package backend

import (
	"context"
	"errors"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"

	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/sqlstore"
)

// Kubernetes implements link.Backend.
type Kubernetes struct{}

var _ link.Backend = Kubernetes{}

// Silence ends the log of Kubernetes' client, for the whole process: that logs
// what it also returns, and what is none of the user's business. It is not
// safe beside a use of the client.
func Silence() { klog.SetLogger(logr.Discard()) }

// Connect makes a connection by the rules of kubeconfig files.
func (Kubernetes) Connect(where link.ConnectOptions, options link.Options) (link.Client, error) {
	c, err := cluster.Connect(cluster.ConnectOptions(where), cluster.Options(options))
	if err != nil {
		return nil, err
	}
	return &client{c, options.Now}, nil
}

// OpenDatabase opens the tables that Helm has in a Postgres database.
func (Kubernetes) OpenDatabase(ctx context.Context, where, namespace string, now func() time.Time) (link.Database, error) {
	store, err := sqlstore.Open(ctx, where, namespace, now)
	if err != nil {
		return nil, err
	}
	return store, nil
}

// IsNamespaceMissing reports whether the API server says that there is no such namespace.
func (Kubernetes) IsNamespaceMissing(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !apierrors.IsNotFound(err) {
		return false
	}
	details := status.Status().Details
	return details != nil && details.Kind == "namespaces"
}

// client adds to a cluster.Client what commands ask besides operations.
type client struct {
	*cluster.Client
	now func() time.Time
}

func (c *client) Secrets(namespace string) (link.Records, error) {
	return cluster.NewSecrets(c.Kubernetes(), c.Metadata(), namespace, c.now)
}

func (c *client) ConfigMaps(namespace string) (link.Records, error) {
	return cluster.NewConfigMaps(c.Kubernetes(), c.Metadata(), namespace, c.now)
}

func (c *client) Locks(namespace string, lasting time.Duration) (deploy.Locker, error) {
	return cluster.NewLeases(c.Kubernetes(), namespace, cluster.LeaseOptions{Duration: lasting})
}

func (c *client) Plans(namespace string) link.Plans {
	return plans{cluster.NewPlans(c.Kubernetes(), namespace, c.now)}
}

func (c *client) Rollouts(namespace string) link.Rollouts {
	return rollouts{cluster.NewRollouts(c.Kubernetes(), namespace, c.now)}
}

func (c *client) Pods(ctx context.Context, namespace string, labels map[string]string) (map[string]any, error) {
	list, err := c.Kubernetes().CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: labels}),
	})
	if err != nil {
		return nil, err
	}
	list.APIVersion, list.Kind = "v1", "PodList"
	for i := range list.Items {
		list.Items[i].APIVersion, list.Items[i].Kind = list.APIVersion, "Pod"
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(list)
}

func (c *client) Resources(ctx context.Context) (func(group, guess string) (string, bool), error) {
	mapper, err := c.Mapper(ctx)
	if err != nil {
		return nil, err
	}
	return func(group, guess string) (string, bool) {
		found, err := mapper.ResourceFor(schema.GroupVersionResource{Group: group, Resource: guess})
		return found.Resource, err == nil
	}, nil
}

func (c *client) CanI(ctx context.Context, wanted []link.Permission) ([]link.Permission, error) {
	asked := make([]cluster.Permission, len(wanted))
	for i, p := range wanted {
		asked[i] = cluster.Permission(p)
	}
	missing, err := c.Client.CanI(ctx, asked)
	lacking := make([]link.Permission, len(missing))
	for i, p := range missing {
		lacking[i] = link.Permission(p)
	}
	return lacking, err
}

// plans has link's error for a plan that is not there.
type plans struct{ *cluster.Plans }

func (p plans) Load(ctx context.Context, name string) ([]byte, error) {
	data, err := p.Plans.Load(ctx, name)
	if errors.Is(err, cluster.ErrNoPlan) {
		err = noPlanError{err}
	}
	return data, err
}

// noPlanError is link.ErrNoPlan with the text of another error.
type noPlanError struct{ error }

func (noPlanError) Is(target error) bool { return target == link.ErrNoPlan }
func (e noPlanError) Unwrap() error      { return e.error }

// rollouts has link's type of an orphan.
type rollouts struct{ *cluster.Rollouts }

func (r rollouts) Orphans(
	ctx context.Context, namespace string, exists func(ctx context.Context, namespace, name string) (bool, error),
) ([]link.Orphan, error) {
	found, err := r.Rollouts.Orphans(ctx, namespace, exists)
	orphans := make([]link.Orphan, len(found))
	for i, o := range found {
		orphans[i] = link.Orphan(o)
	}
	return orphans, err
}

func (r rollouts) RemoveOrphan(ctx context.Context, o link.Orphan) error {
	return r.Rollouts.RemoveOrphan(ctx, cluster.Orphan(o))
}
