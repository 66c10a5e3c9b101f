package deploy_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
)

const smallMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: small\ndata:\n  a: b\n"

// TestWhatDoesNotGoIsNotWaitedForForEver has an object created anew that a
// finalizer keeps in the cluster.
func TestWhatDoesNotGoIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	config := configFor(t, api.RESTConfig(t), api.Namespace(t))
	fixed := `
apiVersion: v1
kind: ConfigMap
metadata:
  name: fixed
  finalizers: [example.test/stays]
immutable: true
data:
  a: `
	if _, err := deploy.Install(background, config, "small", chartOf(fixed+"one"), nil, deploy.InstallOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	options := deploy.UpgradeOptions{ChangeOptions: deploy.ChangeOptions{Recreate: true, Timeout: time.Second}}
	_, err := deploy.Upgrade(ctx, config, "small", chartOf(fixed+"two"), nil, options)
	var failure *deploy.Error
	if !errors.As(err, &failure) || failure.Outcome != deploy.TimedOut {
		t.Errorf("an object that does not go away: %v", err)
	}
}

// TestAFailureKeepsWhatItReturnsTo has an upgrade fail in a release of which no
// revision is deployed, as a rollback of Helm's leaves one that failed, and whose
// history is at its limit: the last good revision is what it returns to.
func TestAFailureKeepsWhatItReturnsTo(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	config := configFor(t, api.RESTConfig(t), api.Namespace(t))
	for range 3 {
		if _, err := deploy.Upgrade(background, config, "small", chartOf(smallMap), nil, deploy.UpgradeOptions{Install: true}); err != nil {
			t.Fatal(err)
		}
	}
	newest, err := config.Store.Get(background, "small", 3)
	if err != nil {
		t.Fatal(err)
	}
	newest.Info.Status = release.StatusFailed
	if err := config.Store.Update(background, newest); err != nil {
		t.Fatal(err)
	}
	bad := chartOf(smallMap + "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bad\ndata: no map\n")
	options := deploy.UpgradeOptions{ChangeOptions: deploy.ChangeOptions{HistoryMax: 2, Atomic: true}}
	_, err = deploy.Upgrade(background, config, "small", bad, nil, options)
	var failure *deploy.Error
	if !errors.As(err, &failure) || failure.Outcome != deploy.RolledBack {
		t.Errorf("an upgrade that fails: %v", err)
	}
	past, err := config.Store.History(background, "small")
	if err != nil || len(past) != 2 || past[1].Status != release.StatusDeployed {
		t.Errorf("history: %+v, %v", past, err)
	}
}
