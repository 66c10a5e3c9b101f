package cli

import (
	"context"
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

The revision is marked as failed. The objects in the cluster stay as they are.`

func newRecover(a *app) *cobra.Command {
	o := &operationFlags{}
	var yes bool
	cmd := &cobra.Command{
		Use:   "recover RELEASE_NAME",
		Short: "repair a release that is stuck in a pending state",
		Long:  recoverLong,
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runRecover(cmd.Context(), o, args[0], yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do it")
	o.register(cmd.Flags())
	return cmd
}

func (a *app) runRecover(ctx context.Context, o *operationFlags, name string, yes bool) error {
	if err := checkReleaseName(name); err != nil {
		return err
	}
	return a.operate(ctx, o, "recover "+name, func(config deploy.Config) error {
		found, err := deploy.Recover(ctx, config, name, deploy.RecoverOptions{Confirm: yes})
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
