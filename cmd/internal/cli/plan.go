package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/plan"
	"github.com/e6d26078/slipway/release/plan/seal"
)

const planLong = `Show what an upgrade of a release would change in the cluster, or an install if
there is no such release: each object field by field as the API server would
store it, what would be deleted, and which hooks would run. Nothing is changed.
Secret data are never shown.

With --rollback-to or --uninstall it is a rollback or an uninstall, without a
chart.

With --out the plan waits for its approval: 'slipway apply --plan FILE' does
exactly this and nothing else, and refuses if the cluster has moved since. The
file holds no secret. What was rendered stays in a Secret of the release's
namespace for the time of --keep, or with --recipient encrypted in the file.

Exit codes with --detailed-exitcode: 0 nothing would change, 11 something would.`

type planOptions struct {
	upgradeOptions
	rollbackTo int
	uninstall  bool
	detailed   bool
	all        bool
	context    int
	out        string
	recipient  string
	keep       time.Duration
	format     *choice
}

func newPlan(a *app) *cobra.Command {
	o := &planOptions{format: newChoice("text", "json")}
	cmd := &cobra.Command{
		Use:   "plan RELEASE [CHART]",
		Short: "show what an upgrade would change",
		Long:  planLong,
		Args:  minimumArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runPlan(cmd.Context(), o, args)
		},
	}
	f := cmd.Flags()
	o.register(f)
	o.change.registerHistory(f, a.env.Getenv)
	o.registerValues(f)
	hide(f, "dry-run", "output")
	f.IntVar(&o.rollbackTo, "rollback-to", -1, "plan the return to this revision; 0 is the one before the newest")
	f.BoolVar(&o.uninstall, "uninstall", false, "plan an uninstall")
	f.Var(o.format, "format", "how to print the plan")
	f.BoolVar(&o.detailed, "detailed-exitcode", false, "exit with 11 if something would change")
	f.BoolVar(&o.all, "all", false, "list unchanged objects too")
	f.IntVar(&o.context, "context", 3, "unchanged lines around a change inside a text of several lines")
	f.StringVar(&o.out, "out", "", "file to write the plan to, for 'slipway apply --plan'")
	f.StringVar(&o.recipient, "recipient", "", "file with the OpenPGP public keys that the plan is encrypted to, instead of keeping it in the cluster")
	f.DurationVar(&o.keep, "keep", 24*time.Hour, "how long a plan is kept in the cluster")
	return cmd
}

// registerValues adds the flags that say what becomes of earlier values.
func (o *upgradeOptions) registerValues(f *pflag.FlagSet) {
	f.BoolVar(&o.reset, "reset-values", false, "reset the values to the ones built into the chart")
	f.BoolVar(&o.reuse, "reuse-values", false, "reuse the last release's values and merge in any overrides from the command line via --set and -f. If '--reset-values' is specified, this is ignored")
	f.BoolVar(&o.resetThenReuse, "reset-then-reuse-values", false, "reset the values to the ones built into the chart, apply the last release's values and merge in any overrides from the command line via --set and -f. If '--reset-values' or '--reuse-values' is specified, this is ignored")
}

// check refuses combinations before anything is read.
func (o *planOptions) check(args []string) error {
	charts := 2
	if o.uninstall || o.rollbackTo >= 0 {
		charts = 1
	}
	switch {
	case o.uninstall && o.rollbackTo >= 0:
		return errors.New("--uninstall and --rollback-to contradict each other")
	case len(args) != charts && charts == 2:
		return withHint(errors.New("a plan needs a release and a chart"), "usage: slipway plan RELEASE CHART")
	case len(args) != charts:
		return withHint(errors.New("a plan of a rollback or an uninstall takes no chart"), "usage: slipway plan RELEASE --uninstall")
	case o.uninstall && o.out != "":
		return withHint(errors.New("--out: an uninstall renders nothing that could be frozen"), "run 'slipway uninstall' when the plan is approved")
	case o.uninstall && o.policy.given():
		return errors.New("--policy: an uninstall brings nothing about that could be checked")
	case o.recipient != "" && o.out == "":
		return errors.New("--recipient needs --out")
	}
	return checkReleaseName(args[0])
}

func (a *app) runPlan(ctx context.Context, o *planOptions, args []string) error {
	if err := o.check(args); err != nil {
		return err
	}
	o.change.dryRun.mode = deploy.ServerDryRun
	change, err := o.change.options()
	if err != nil {
		return err
	}
	if err := a.openGate(&o.policy, o.input.compat); err != nil {
		return err
	}
	var recipients []byte
	if o.recipient != "" {
		if recipients, err = readFile(o.recipient); err != nil {
			return fmt.Errorf("--recipient: %w", err)
		}
	}
	work, err := a.planned(ctx, o, args, change)
	if err != nil {
		return err
	}
	connection, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer connection.close()
	config, err := a.deployConfig(connection, &o.change.operation, a.warnings())
	if err != nil {
		return err
	}
	result, failure := work(config)
	if result != nil && result.Plan != nil {
		if err := a.printPlan(o, result.Plan); err != nil {
			return err
		}
	}
	if failure != nil {
		return failure
	}
	if o.out != "" {
		if err := a.keepPlan(ctx, o, connection, config, result, recipients); err != nil {
			return err
		}
	}
	if o.detailed && !result.Plan.Empty() {
		return errChanges
	}
	return nil
}

// planned gives the dry run that makes the plan. Charts and values are read first.
func (a *app) planned(ctx context.Context, o *planOptions, args []string, change deploy.ChangeOptions) (func(deploy.Config) (*deploy.Result, error), error) {
	name := args[0]
	switch {
	case o.uninstall:
		return func(config deploy.Config) (*deploy.Result, error) {
			return deploy.Uninstall(ctx, config, name, deploy.UninstallOptions{DryRun: deploy.ServerDryRun, NoHooks: change.NoHooks})
		}, nil
	case o.rollbackTo >= 0:
		return func(config deploy.Config) (*deploy.Result, error) {
			return deploy.Rollback(ctx, config, name, deploy.RollbackOptions{ChangeOptions: change, Revision: o.rollbackTo})
		}, nil
	}
	c, user, err := a.readChart(ctx, &o.input, args[1])
	if err != nil {
		return nil, err
	}
	return func(config deploy.Config) (*deploy.Result, error) {
		result, err := deploy.Upgrade(ctx, config, name, c, user.Values, deploy.UpgradeOptions{
			RenderOptions: o.renderOptions(ctx, a), ChangeOptions: change, Values: o.mode(), Install: true,
		})
		return result, a.explainRender(ctx, err, &o.deployFlags, c, user)
	}, nil
}

// warnings passes on what an operation that changes nothing warns of.
func (a *app) warnings() func(deploy.Notice) {
	return func(n deploy.Notice) {
		if n.Step == deploy.StepWarning {
			a.warn(n.Message)
		}
	}
}

func (a *app) printPlan(o *planOptions, p *plan.Plan) error {
	if o.format.word == "json" {
		text, err := p.JSON()
		if err != nil {
			return err
		}
		return a.print(string(text))
	}
	var out strings.Builder
	lines := o.context
	if lines == 0 {
		lines = -1
	}
	if err := p.Text(&out, plan.TextOptions{Color: a.colours(), Context: lines, Unchanged: o.all}); err != nil {
		return err
	}
	return a.print(out.String())
}

// keepPlan writes the plan file, and what is secret to where it is safe.
func (a *app) keepPlan(ctx context.Context, o *planOptions, c *connection, config deploy.Config, result *deploy.Result, recipients []byte) error {
	frozen := result.Frozen
	data, err := frozen.Encode()
	if err != nil {
		return err
	}
	plans := c.client.Plans(c.namespace)
	var payload plan.Payload
	if recipients != nil {
		payload.OpenPGP, err = seal.Encrypt(data, recipients, a.env.Now())
	} else {
		payload.Secret, err = plans.Save(ctx, frozen.Release, strings.ToLower(config.NewID()), data, o.keep)
	}
	if err != nil {
		return fmt.Errorf("keep the plan: %w", err)
	}
	if err := plan.NewFile(result.Plan, frozen.Base, frozen.Inputs, payload).Write(o.out); err != nil {
		if payload.Secret != "" {
			err = errors.Join(err, plans.Delete(ctx, payload.Secret)) // nobody could find it
		}
		return machineFault(err)
	}
	a.ending.set(func(r *resultDoc) { r.Plan = frozen.Digest })
	a.warnf("plan %s is in %s; to do it: slipway apply --plan %s --expect-plan %s", frozen.Digest, o.out, o.out, frozen.Digest)
	return nil
}
