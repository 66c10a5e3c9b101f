package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release/deploy"
)

const installLong = `Install a chart: render it with the given values and make a new release of it.

CHART is the path of a chart folder or of a .tgz. Values come from the chart,
from files given with -f, and from --set and its like; what stands further to
the right wins.

Before anything is changed, what cannot go well is refused: objects of other
releases, kinds that the cluster does not know, missing permissions. An install
that was interrupted goes on when the same command is run again.`

type installOptions struct {
	deployFlags
	name    nameFlags
	replace bool
}

func newInstall(a *app) *cobra.Command {
	o := &installOptions{}
	cmd := &cobra.Command{
		Use:   "install [NAME] [CHART]",
		Short: "install a chart",
		Long:  installLong,
		Args:  minimumArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runInstall(cmd.Context(), o, args)
		},
	}
	f := cmd.Flags()
	o.register(f)
	o.name.register(f)
	f.BoolVar(&o.replace, "replace", false, "take the name of a release that was uninstalled with --keep-history, or whose install has failed")
	return cmd
}

func (a *app) runInstall(ctx context.Context, o *installOptions, args []string) error {
	if err := o.check(); err != nil {
		return installFailed(err)
	}
	change, err := o.change.options()
	if err != nil {
		return installFailed(err)
	}
	name, chartName, err := a.nameAndChart(args, o.name, "")
	if err != nil {
		return installFailed(err)
	}
	if err := a.openGate(&o.policy, o.input.compat); err != nil {
		return installFailed(err)
	}
	c, user, err := a.readChart(ctx, &o.input, chartName)
	if err != nil {
		return installFailed(err)
	}
	if err := checkReleaseName(name); err != nil {
		return installFailed(err)
	}
	var result *deploy.Result
	run := func(config deploy.Config) (err error) {
		result, err = deploy.Install(ctx, config, name, c, user.Values, deploy.InstallOptions{
			RenderOptions: o.renderOptions(ctx, a), ChangeOptions: change, Replace: o.replace,
		})
		return a.explainRender(ctx, err, &o.deployFlags, c, user)
	}
	if change.DryRun == deploy.ClientDryRun {
		err = a.operateAlone(&o.change.operation, "install "+name, run)
	} else {
		err = a.operate(ctx, &o.change.operation, "install "+name, run)
	}
	if err != nil {
		return installFailed(err)
	}
	return a.printRelease(&o.deployFlags, result.Record, "")
}

func installFailed(err error) error { return fmt.Errorf("INSTALLATION FAILED: %w", err) }
