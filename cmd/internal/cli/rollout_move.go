package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/deploy"
)

const rolloutPromoteLong = `Let a rollout go on from its gate: to the next one, or from the last one to the
end, where the new version takes the old one's place. A rollout that has stopped
or is stuck tries again.

--from-step makes sure that it is this gate that was approved, and --expect-plan
that it is this rollout. If live ConfigMaps or Secrets have changed since the
rollout was planned, the promotion stops: --keep-live keeps what is live,
--use-frozen overwrites it; 'slipway rollout refresh-config' copies it to the
canary and tries it out first.

What is promoted is what was checked when the rollout began. --policy and
--policy-file check it again, by the policies of now; what they deny leaves the
rollout at its gate. Once the last promotion has begun they are not asked.`

const rolloutAbortLong = `Take a rollout back: traffic goes to the old version, the new one is removed, and
everything is as it was before. Without a rollout it does nothing. Once the last
promotion has begun it is refused: the new version serves alone then.

With --owner only a rollout that this owner has started is taken back.`

const rolloutUndoLong = `Go back by one step of a rollout: traffic first, then pods. At the first step that
takes the rollout back as abort does. Hooks that have run are not undone.`

const rolloutRefreshLong = `Copy ConfigMaps and Secrets that have changed since the rollout was planned to
the canary again, and restart its pods, so that what is promoted is what was
tried.`

// moveOptions are the flags of the commands that go on with a rollout.
type moveOptions struct {
	deploy.PromoteOptions
	operation operationFlags
	policy    policyFlags // of promote alone
	format    *choice
	config    string
}

const configUsage = "file of which the notifications are sent; what else it says counts at the start only"

// newMove makes a command that goes on with a rollout.
func newMove(a *app, use, short, long string, run func(a *app, ctx context.Context, o *moveOptions, name string) error) (*cobra.Command, *moveOptions) {
	o := &moveOptions{format: newChoice("text", "json")}
	cmd := &cobra.Command{
		Use:   use + " NAME",
		Short: short,
		Long:  long,
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkReleaseName(args[0]); err != nil {
				return err
			}
			o.Actor = a.actorOf(&o.operation)
			return run(a, cmd.Context(), o, args[0])
		},
	}
	f := cmd.Flags()
	f.DurationVar(&o.Timeout, "timeout", helmTimeout, "time that each wait may take")
	f.VarP(o.format, "output", "o", "how to print the result")
	f.StringVar(&o.config, "config", "", configUsage)
	o.operation.register(f)
	return cmd, o
}

func newRolloutPromote(a *app) *cobra.Command {
	cmd, o := newMove(a, "promote", "let a rollout go on from its gate", rolloutPromoteLong, (*app).runRolloutPromote)
	f := cmd.Flags()
	f.BoolVar(&o.Full, "full", false, "go on to the end, without further gates")
	f.IntVar(&o.FromStep, "from-step", 0, "refuse unless the rollout is at this step, counted from 1")
	f.StringVar(&o.ExpectPlan, "expect-plan", "", "digest of the plan that was approved")
	f.BoolVar(&o.KeepLive, "keep-live", false, "keep configuration that was changed since the rollout was planned")
	f.BoolVar(&o.UseFrozen, "use-frozen", false, "overwrite configuration that was changed since the rollout was planned")
	addHistoryFlag(f, &o.HistoryMax, a.env.Getenv)
	o.policy.register(f)
	return cmd
}

func (a *app) runRolloutPromote(ctx context.Context, o *moveOptions, name string) error {
	if o.KeepLive && o.UseFrozen {
		return errors.New("--keep-live and --use-frozen contradict each other")
	}
	if o.FromStep < 0 {
		return fmt.Errorf("--from-step %d: steps count from 1", o.FromStep)
	}
	o.Actor = a.approverOf(&o.operation)
	if err := a.openGate(&o.policy, engine.Helm3); err != nil {
		return err
	}
	return a.move(ctx, o, "promote", name, func(config deploy.RolloutConfig) (*deploy.RolloutResult, error) {
		return deploy.PromoteRollout(ctx, config, name, o.PromoteOptions)
	})
}

func newRolloutAbort(a *app) *cobra.Command {
	cmd, _ := newMove(a, "abort", "take a rollout back", rolloutAbortLong, func(a *app, ctx context.Context, o *moveOptions, name string) error {
		return a.move(ctx, o, "abort", name, func(config deploy.RolloutConfig) (*deploy.RolloutResult, error) {
			return deploy.AbortRollout(ctx, config, name, o.abort())
		})
	})
	cmd.Flags().Lookup("owner").Usage = "take back only what this owner has started (default: whatever there is)"
	return cmd
}

// abort are the options of the operations that take back. Only a given --owner
// limits them: the build that aborts is rarely the one that has started.
func (o *moveOptions) abort() deploy.AbortOptions {
	return deploy.AbortOptions{Owner: o.operation.owner, Reason: o.operation.reason, Actor: o.Actor, Timeout: o.Timeout}
}

func newRolloutUndo(a *app) *cobra.Command {
	cmd, _ := newMove(a, "undo", "go back by one step of a rollout", rolloutUndoLong, func(a *app, ctx context.Context, o *moveOptions, name string) error {
		return a.move(ctx, o, "undo", name, func(config deploy.RolloutConfig) (*deploy.RolloutResult, error) {
			return deploy.UndoRollout(ctx, config, name, o.abort())
		})
	})
	return cmd
}

func newRolloutRefresh(a *app) *cobra.Command {
	cmd, _ := newMove(a, "refresh-config", "give the canary configuration that has changed", rolloutRefreshLong, func(a *app, ctx context.Context, o *moveOptions, name string) error {
		return a.move(ctx, o, "refresh-config", name, func(config deploy.RolloutConfig) (*deploy.RolloutResult, error) {
			return deploy.RefreshRollout(ctx, config, name, o.PromoteOptions)
		})
	})
	return cmd
}

// move runs an operation on a rollout and prints where that is then.
func (a *app) move(ctx context.Context, o *moveOptions, verb, name string, run func(deploy.RolloutConfig) (*deploy.RolloutResult, error)) error {
	targets, err := readTargets(o.config)
	if err != nil {
		return err
	}
	var result *deploy.RolloutResult
	err = a.operateRollout(ctx, &o.operation, "rollout "+verb+" "+name, targets, func(config deploy.RolloutConfig) (err error) {
		result, err = run(config)
		return err
	})
	if err != nil {
		return rolloutFailed(err, name)
	}
	return a.endRollout(o.format.word, name, result)
}
