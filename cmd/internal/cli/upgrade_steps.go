package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

// checkLaunch refuses flags about steps without --strategy, and those that
// steps cannot take.
func (o *upgradeOptions) checkLaunch(change deploy.ChangeOptions) error {
	if o.launch.strategy.word == "" {
		for _, flag := range []string{"steps", "hooks", "config", "analysis"} {
			if o.launch.given(flag) {
				return withHint(fmt.Errorf("--%s needs --strategy", flag), "give --strategy canary or --strategy blue-green")
			}
		}
		return nil
	}
	switch {
	case change.DryRun != deploy.NoDryRun:
		return withHint(errors.New("--dry-run: an upgrade in steps is planned by another command"), "run 'slipway rollout plan'")
	case change.Force || change.Recreate:
		return errors.New("--strategy: what has to be replaced cannot be launched in steps: leave --force and --recreate out")
	}
	return nil
}

// runUpgradeInSteps is "upgrade --strategy": a rollout without gates for
// people, to its end. It is not done if there is no release yet and --install
// asks for one: that is installed as usual.
func (a *app) runUpgradeInSteps(ctx context.Context, o *upgradeOptions, change deploy.ChangeOptions, name string, c *chart.Chart, user *values.Merged) (done bool, err error) {
	l, err := a.launch(&o.launch, c)
	if err != nil {
		return false, err
	}
	l.gate, l.gateForAll = rollout.Auto, true
	options := l.options(deploy.UpgradeOptions{RenderOptions: o.renderOptions(ctx, a), ChangeOptions: change, Values: o.mode()})
	options.Actor = a.actorOf(&o.change.operation)
	var result *deploy.RolloutResult
	err = a.operateRollout(ctx, &o.change.operation, "upgrade "+name, l.targets, func(config deploy.RolloutConfig) error {
		if o.install {
			past, err := config.Store.History(ctx, name)
			if err != nil || len(past) == 0 {
				return err
			}
		}
		done = true
		result, err = a.starter(name, c, user, options, &o.deployFlags)(ctx, config)
		return err
	})
	if err != nil {
		return done, upgradeFailed(err, name)
	}
	if !done {
		a.done = ""
		return false, nil
	}
	return true, a.endRollout(string(o.output), name, result)
}
