package deploy_test

import (
	"context"
	"slices"
	"testing"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
)

const smallDeployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.test/web:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: looked-at
  annotations: {helm.sh/hook: test}
`

// watchedStore tells what it is asked to write over a record.
type watchedStore struct {
	deploy.Store
	updated func(*release.Record)
}

func (s watchedStore) Update(ctx context.Context, r *release.Record) error {
	s.updated(r)
	return s.Store.Update(ctx, r)
}

// TestWhatIsKnownOfARevisionStays has a revision made by an operation that was
// interrupted, and tested: whatever is killed then, the record says who made it
// of what.
func TestWhatIsKnownOfARevisionStays(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	config := configFor(t, api.RESTConfig(t), api.Namespace(t))
	config.Audit.Actor = "anna"
	c := chartOf(smallDeployment)
	change := func(run func(ctx context.Context, config deploy.Config) error) {
		t.Helper()
		ctx, cancel := context.WithCancel(background)
		defer cancel()
		interrupted := config
		interrupted.Observe = func(n deploy.Notice) {
			if n.Step == deploy.StepRecord {
				cancel()
			}
		}
		if err := run(ctx, interrupted); err == nil {
			t.Fatal("it was not interrupted")
		}
		if err := run(background, config); err != nil {
			t.Fatal(err)
		}
	}
	change(func(ctx context.Context, config deploy.Config) error {
		_, err := deploy.Install(ctx, config, "small", c, nil, deploy.InstallOptions{})
		return err
	})
	change(func(ctx context.Context, config deploy.Config) error {
		_, err := deploy.Rollback(ctx, config, "small", deploy.RollbackOptions{Revision: 1})
		return err
	})
	isKnown := func(r *release.Record) {
		t.Helper()
		if by := r.Operation; by == nil || by.Kind == "test" || by.Actor != "anna" || by.ChartDigest == "" || !slices.Equal(by.Images, []string{"example.test/web:1"}) {
			t.Errorf("revision %d: %+v", r.Version, r.Operation)
		}
	}
	for version := range 2 {
		r, err := config.Store.Get(background, "small", version+1)
		if err != nil {
			t.Fatal(err)
		}
		isKnown(r)
	}
	config.Audit.Actor = "bert"
	config.Store = watchedStore{config.Store, isKnown}
	if _, err := deploy.Test(background, config, "small", deploy.TestOptions{}); err != nil {
		t.Fatal(err)
	}
}
