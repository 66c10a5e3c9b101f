package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/deploy"
)

const rollbackLong = `Return a release to an earlier revision: its objects, its hooks and its values
as they were then. That makes a new revision.

Without REVISION, or with 0, it is the one before the newest. 'slipway history'
shows them.

--policy and --policy-file check what it would bring about, as 'slipway upgrade'
does: what was good once may not be any more.`

func newRollback(a *app) *cobra.Command {
	c := &changeFlags{}
	policies := &policyFlags{}
	var recreatePods bool
	cmd := &cobra.Command{
		Use:   "rollback <RELEASE> [REVISION]",
		Short: "roll back a release to a previous revision",
		Long:  rollbackLong,
		Args:  minimumArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if recreatePods {
				a.warn("WARNING: --recreate-pods has no effect")
			}
			return a.runRollback(cmd.Context(), c, policies, args)
		},
	}
	f := cmd.Flags()
	c.register(f)
	c.registerHistory(f, a.env.Getenv)
	policies.register(f)
	f.BoolVar(&recreatePods, "recreate-pods", false, "without effect")
	hide(f, "recreate-pods")
	return cmd
}

func (a *app) runRollback(ctx context.Context, c *changeFlags, policies *policyFlags, args []string) error {
	change, err := c.options()
	if err != nil {
		return err
	}
	options := deploy.RollbackOptions{ChangeOptions: change}
	if len(args) > 1 {
		if options.Revision, err = strconv.Atoi(args[1]); err != nil {
			return fmt.Errorf("could not convert revision to a number: %w", err)
		}
	}
	if err := checkReleaseName(args[0]); err != nil {
		return err
	}
	if err := a.openGate(policies, engine.Helm3); err != nil {
		return err
	}
	err = a.operate(ctx, &c.operation, "rollback "+args[0], func(config deploy.Config) error {
		result, err := deploy.Rollback(ctx, config, args[0], options)
		if err == nil {
			a.ending.record(result.Record)
		}
		return err
	})
	if err != nil {
		if options.Revision > 0 && errors.As(err, new(*deploy.NoReleaseError)) {
			return withHint(fmt.Errorf("release: not found: %w", err), "'slipway history "+args[0]+"' shows the revisions that there are")
		}
		return missingRelease(err, "release: not found")
	}
	return a.print("Rollback was a success! Happy Helming!\n")
}
