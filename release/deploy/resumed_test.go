package deploy_test

import (
	"context"
	"errors"
	"testing"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
)

// TestGoingOnWithoutALeave interrupts an install that may take over what belongs
// to another release, and goes on with it without that option: it must not
// leave the object out and call the revision deployed.
func TestGoingOnWithoutALeave(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	config := configFor(t, api.RESTConfig(t), api.Namespace(t))
	c := chartOf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shared\ndata:\n  a: b\n")
	if _, err := deploy.Install(background, config, "first", c, nil, deploy.InstallOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	interrupted := config
	interrupted.Observe = func(n deploy.Notice) {
		if n.Step == deploy.StepRecord {
			cancel()
		}
	}
	options := deploy.InstallOptions{ChangeOptions: deploy.ChangeOptions{TakeOwnership: true}}
	_, err := deploy.Install(ctx, interrupted, "second", c, nil, options)
	var failure *deploy.Error
	if !errors.As(err, &failure) || failure.Outcome != deploy.Interrupted {
		t.Fatalf("the install was not interrupted: %v", err)
	}
	_, err = deploy.Install(background, config, "second", c, nil, deploy.InstallOptions{})
	var refused *deploy.RefusedError
	if !errors.As(err, &refused) || !errors.As(err, &failure) || failure.Outcome != deploy.Failed {
		t.Errorf("an install that cannot make one of its objects: %v", err)
	}
	past, err := config.Store.History(background, "second")
	if err != nil || len(past) != 1 || past[0].Status != release.StatusFailed {
		t.Errorf("history: %+v, %v", past, err)
	}
}
