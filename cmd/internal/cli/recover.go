package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release/deploy"
)

const recoverLong = `Repair a release that is stuck: its newest revision is pending, and nobody works
on it. It shows what is wrong and what it would do; with --yes it does it.

What slipway itself left unfinished needs no repair: the next install, upgrade,
rollback or uninstall goes on with it. This is for what a Helm that was killed
has left behind. Make sure that none is at work on the release any more.

The revision is marked as failed. The objects in the cluster stay as they are.

If somebody went on with a release beside its rollout, by stock Helm or by
deleting a record, what the rollout has changed is brought back to what the
deployed revision says, and what it has made is deleted.

With --orphans it lists, and with --yes deletes, what rollouts and plans have
left behind of releases that are gone; RELEASE_NAME is not given then.`

func newRecover(a *app) *cobra.Command {
	o := &operationFlags{}
	var yes, orphans, everywhere bool
	cmd := &cobra.Command{
		Use:   "recover RELEASE_NAME",
		Short: "repair a release that is stuck in a pending state",
		Long:  recoverLong,
		Args: func(cmd *cobra.Command, args []string) error {
			if orphans {
				return exactArgs(0)(cmd, args)
			}
			return exactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if orphans {
				return a.runOrphans(cmd.Context(), everywhere, yes)
			}
			if everywhere {
				return errors.New("--all-namespaces goes with --orphans only")
			}
			return a.runRecover(cmd.Context(), o, args[0], yes)
		},
	}
	cmd.Flags().BoolVar(&orphans, "orphans", false, "look for what rollouts and plans have left behind of releases that are gone")
	cmd.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "look in all namespaces, with --orphans")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do it")
	o.register(cmd.Flags())
	return cmd
}

func (a *app) runRecover(ctx context.Context, o *operationFlags, name string, yes bool) error {
	if err := checkReleaseName(name); err != nil {
		return err
	}
	return a.operateRollout(ctx, o, "recover "+name, nil, func(config deploy.RolloutConfig) error {
		options := deploy.RecoverOptions{Confirm: yes}
		left, err := deploy.RecoverRollout(ctx, config, name, options)
		if err != nil {
			return missingRelease(err, "release: not found")
		}
		if left.How != "" {
			return a.print(leftoverText(name, left))
		}
		found, err := deploy.Recover(ctx, config.Config, name, options)
		if err != nil {
			return missingRelease(err, "release: not found")
		}
		return a.print(recoveryText(name, found))
	})
}

func recoveryText(name string, found *deploy.Recovery) string {
	if found.Revision == 0 {
		return fmt.Sprintf("release %s needs no repair: no revision of it is pending\n", name)
	}
	var out strings.Builder
	writer := "slipway wrote it"
	if !found.Ours {
		writer = "it was not slipway that wrote it"
	}
	fmt.Fprintf(&out, "release %s: revision %d is %s; %s\n", name, found.Revision, found.Status, writer)
	verb := "would be"
	if found.Done {
		verb = "is now"
	}
	fmt.Fprintf(&out, "revision %d %s marked as %s\n", found.Revision, verb, found.Becomes)
	if found.Deployed > 0 {
		fmt.Fprintf(&out, "revision %d is the one that is deployed\n", found.Deployed)
	}
	if !found.Done {
		out.WriteString("nothing was changed: run it with --yes to do this\n")
	}
	return out.String()
}
