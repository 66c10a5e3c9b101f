package deploy_test

import (
	"errors"
	"testing"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
)

// TestARolloutIsLeftAlone has a revision pending that is rolled out in steps:
// nobody holds its lock, and still no other command takes it up.
func TestARolloutIsLeftAlone(t *testing.T) {
	api := clustertest.Shared(t)
	config := configFor(t, api.RESTConfig(t), api.Namespace(t))
	if err := operate(background, config, "install"); err != nil {
		t.Fatal(err)
	}
	r, err := config.Store.Get(background, "shop", 1)
	if err != nil {
		t.Fatal(err)
	}
	r.Version, r.Token, r.Info.Status = 2, "", release.StatusPendingUpgrade
	r.Operation = &release.Operation{ID: "rollout-1", Kind: "rollout", Owner: "build-1"}
	if err := config.Store.Create(background, r); err != nil {
		t.Fatal(err)
	}
	c, err := chart.Load("../../testdata/charts/shop")
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func() error{
		"upgrade": func() error {
			_, err := deploy.Upgrade(background, config, "shop", c, nil, deploy.UpgradeOptions{})
			return err
		},
		"rollback": func() error {
			_, err := deploy.Rollback(background, config, "shop", deploy.RollbackOptions{Revision: 1})
			return err
		},
		"uninstall": func() error {
			_, err := deploy.Uninstall(background, config, "shop", deploy.UninstallOptions{})
			return err
		},
		"recover": func() error {
			_, err := deploy.Recover(background, config, "shop", deploy.RecoverOptions{Confirm: true})
			return err
		},
	} {
		var failure *deploy.Error
		var pending *deploy.PendingError
		if err := try(); !errors.As(err, &failure) || failure.Outcome != deploy.Locked || !errors.As(err, &pending) || !pending.Rollout {
			t.Errorf("%s: %v", name, err)
		}
	}
	past, err := config.Store.History(background, "shop")
	if err != nil || len(past) != 2 || past[1].Status != release.StatusPendingUpgrade {
		t.Errorf("the history was changed: %+v, %v", past, err)
	}
}
