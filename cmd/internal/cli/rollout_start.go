package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/notify"
)

const rolloutStartLong = `Launch a new version of a chart, or other values, over a deployed release in
steps. The new version comes up beside the old one; each step gives it more of
the traffic, and ends at a gate: with --gate manual, which is the default, the
command ends there with exit code 10, and 'slipway rollout promote' goes on. With
--gate auto it goes on by itself when the pause of the step is over and the
measurements are good.

How a release is launched can also stand in a file given with --config, and
strategy and steps in the annotations slipway.dev/strategy and slipway.dev/steps
of Chart.yaml. Flags win over the file, the file over the chart. What is measured
never comes from a chart.

What cannot be launched in steps is refused before anything is changed. A start
that was interrupted goes on when the same command is run again.`

// startOptions are the flags of "rollout start" and "rollout plan".
type startOptions struct {
	upgradeOptions
	format     *choice
	expectPlan string
	detailed   bool
}

func newRolloutStart(a *app) *cobra.Command {
	o := &startOptions{format: newChoice("text", "json")}
	cmd := &cobra.Command{
		Use:     "start NAME CHART",
		Short:   "begin to launch a release in steps",
		Long:    rolloutStartLong,
		Example: "slipway rollout start web ./web -f values.yaml --set image.tag=v2 --steps 10,25:5m,50",
		Args:    exactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runRolloutStart(cmd.Context(), o, args[0], args[1])
		},
	}
	f := cmd.Flags()
	o.register(f)
	o.change.registerHistory(f, a.env.Getenv)
	f.StringVar(&o.expectPlan, "expect-plan", "", "digest of the plan that was approved; see 'slipway rollout plan'")
	o.change.operation.register(f)
	return cmd
}

// register adds those of an upgrade's flags that a rollout takes, and its own.
func (o *startOptions) register(f *pflag.FlagSet) {
	o.input.register(f)
	o.registerValues(f)
	o.launch.register(f)
	c := &o.change
	c.serverSide = "auto"
	c.crds = newChoice("create", "apply", "plan", "skip")
	c.dryRun.register(f)
	f.DurationVar(&c.Timeout, "timeout", helmTimeout, timeoutUsage)
	f.BoolVar(&c.NoHooks, "no-hooks", false, "run no hooks")
	f.BoolVar(&c.TakeConflicts, "force-conflicts", false, "take fields that other field managers hold")
	f.BoolVar(&c.TakeOwnership, "take-ownership", false, "adopt objects that exist and belong to nobody or to another release")
	f.StringVar(&c.Description, "description", "", "add a custom description")
	f.StringToStringVarP(&c.Labels, "labels", "l", nil, "labels of the release's record, as name=value separated by commas; the value null removes one")
	f.Var(c.crds, "crds", "what happens to the chart's CRDs: apply changes them before the canary comes up, plan only reports them")
	f.BoolVar(&o.subNotes, "render-subchart-notes", false, "if set, render subchart notes along with the parent")
	f.BoolVar(&o.restart, "restart-on-config-change", false, "restart workloads of which a ConfigMap or Secret of the release changes")
	c.operation.registerSettle(f)
	o.policy.register(f)
	f.VarP(o.format, "output", "o", "how to print the result")
}

func (a *app) runRolloutStart(ctx context.Context, o *startOptions, name, chartName string) error {
	if o.change.dryRun.mode != deploy.NoDryRun {
		return a.runRolloutPlan(ctx, o, name, chartName)
	}
	work, targets, err := a.prepareStart(ctx, o, name, chartName)
	if err != nil {
		return err
	}
	var result *deploy.RolloutResult
	err = a.operateRollout(ctx, &o.change.operation, "rollout start "+name, targets, func(config deploy.RolloutConfig) (err error) {
		result, err = work(ctx, config)
		return err
	})
	if err != nil {
		return rolloutFailed(err, name)
	}
	return a.endRollout(o.format.word, name, result)
}

// startFunc launches a release.
type startFunc func(context.Context, deploy.RolloutConfig) (*deploy.RolloutResult, error)

// prepareStart reads everything that a start needs beside the cluster.
func (a *app) prepareStart(ctx context.Context, o *startOptions, name, chartName string) (startFunc, []notify.Target, error) {
	change, err := o.change.options()
	if err != nil {
		return nil, nil, err
	}
	if err := checkReleaseName(name); err != nil {
		return nil, nil, err
	}
	if err := a.openGate(&o.policy, o.input.compat); err != nil {
		return nil, nil, err
	}
	c, user, err := a.readChart(ctx, &o.input, chartName)
	if err != nil {
		return nil, nil, err
	}
	l, err := a.launch(&o.launch, c)
	if err != nil {
		return nil, nil, err
	}
	options := l.options(deploy.UpgradeOptions{
		RenderOptions: o.renderOptions(ctx, a), ChangeOptions: change, Values: o.mode(),
	})
	options.Actor, options.ExpectPlan = a.actorOf(&o.change.operation), o.expectPlan
	return a.starter(name, c, user, options, &o.deployFlags), l.targets, nil
}

// starter gives the operation that launches a release.
func (a *app) starter(name string, c *chart.Chart, user *values.Merged, options deploy.StartOptions, flags *deployFlags) startFunc {
	return func(ctx context.Context, config deploy.RolloutConfig) (*deploy.RolloutResult, error) {
		result, err := deploy.StartRollout(ctx, config, name, c, user.Values, options)
		var digest *deploy.MovedError
		if errors.As(err, &digest) && options.ExpectPlan != "" {
			err = withHint(err, "look at 'slipway rollout plan', and have that approved")
		}
		return result, a.explainRender(ctx, err, flags, c, user)
	}
}
