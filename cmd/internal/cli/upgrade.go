package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release/deploy"
)

const upgradeLong = `Upgrade a release to a new version of a chart, or to other values.

Values of the last revision are used again if none are given; otherwise they
are forgotten, unless --reuse-values or --reset-then-reuse-values asks for them.

Objects that have not changed are not sent. What cannot go well is refused
before anything is changed. An upgrade that was interrupted goes on when the
same command is run again.

With --strategy the release is launched in steps without gates for people, to
its end: see 'slipway rollout start', which has more flags for that.`

type upgradeOptions struct {
	deployFlags
	install        bool
	reset          bool
	reuse          bool
	resetThenReuse bool
	recreatePods   bool
	launch         rolloutFlags
}

func newUpgrade(a *app) *cobra.Command {
	o := &upgradeOptions{}
	cmd := &cobra.Command{
		Use:   "upgrade [RELEASE] [CHART]",
		Short: "upgrade a release",
		Long:  upgradeLong,
		Args:  exactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runUpgrade(cmd.Context(), o, args[0], args[1])
		},
	}
	f := cmd.Flags()
	o.register(f)
	o.change.registerHistory(f, a.env.Getenv)
	f.BoolVarP(&o.install, "install", "i", false, "if a release by this name doesn't already exist, run an install")
	o.registerValues(f)
	o.launch.registerShort(f)
	f.BoolVar(&o.recreatePods, "recreate-pods", false, "without effect; see --restart-on-config-change")
	hide(f, "recreate-pods")
	return cmd
}

// mode is what becomes of the values of the revision before.
func (o *upgradeOptions) mode() deploy.ValuesMode {
	switch {
	case o.reset:
		return deploy.ResetValues
	case o.reuse:
		return deploy.ReuseValues
	case o.resetThenReuse:
		return deploy.ResetThenReuseValues
	}
	return deploy.KeepIfNoneGiven
}

func (a *app) runUpgrade(ctx context.Context, o *upgradeOptions, name, chartName string) error {
	if err := o.check(); err != nil {
		return err
	}
	change, err := o.change.options()
	if err != nil {
		return err
	}
	if err := checkReleaseName(name); err != nil {
		return err
	}
	if err := o.checkLaunch(change); err != nil {
		return err
	}
	if o.recreatePods {
		a.warn("WARNING: --recreate-pods has no effect; --restart-on-config-change restarts what needs it")
	}
	if err := a.openGate(&o.policy, o.input.compat); err != nil {
		return err
	}
	c, user, err := a.readChart(ctx, &o.input, chartName)
	if err != nil {
		return err
	}
	if o.launch.strategy.word != "" {
		done, err := a.runUpgradeInSteps(ctx, o, change, name, c, user)
		if done || err != nil {
			return err
		}
	}
	var result *deploy.Result
	err = a.operate(ctx, &o.change.operation, "upgrade "+name, func(config deploy.Config) (err error) {
		result, err = deploy.Upgrade(ctx, config, name, c, user.Values, deploy.UpgradeOptions{
			RenderOptions: o.renderOptions(ctx, a), ChangeOptions: change, Values: o.mode(), Install: o.install,
		})
		return a.explainRender(ctx, err, &o.deployFlags, c, user)
	})
	if err != nil {
		return upgradeFailed(err, name)
	}
	before := fmt.Sprintf("Release %q has been upgraded. Happy Helming!\n", name)
	if operation := result.Record.Operation; operation != nil && operation.Kind == "install" {
		before = fmt.Sprintf("Release %q does not exist. Installing it now.\n", name)
	}
	return a.printRelease(&o.deployFlags, result.Record, before)
}

func upgradeFailed(err error, name string) error {
	err = fmt.Errorf("UPGRADE FAILED: %w", err)
	var missing *deploy.NoReleaseError
	if errors.As(err, &missing) {
		return withHint(err, "--install makes release "+name+" if it does not exist")
	}
	return err
}
