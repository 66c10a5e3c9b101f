package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release/deploy"
)

const uninstallLong = `Remove a release: its objects, and its history unless --keep-history keeps it.

Objects with the annotation helm.sh/resource-policy: keep stay, and so do
objects that belong to another release by now. What hooks have left behind
stays too, unless --with-hooks is given. A removal that was interrupted goes on
when the same command is run again.`

type uninstallOptions struct {
	deploy.UninstallOptions
	dryRun    dryRunFlag
	wait      waitFlag
	operation operationFlags
}

func newUninstall(a *app) *cobra.Command {
	o := &uninstallOptions{}
	cmd := &cobra.Command{
		Use:        "uninstall RELEASE_NAME [...]",
		Aliases:    []string{"del", "delete", "un"},
		SuggestFor: []string{"remove", "rm"},
		Short:      "uninstall a release",
		Long:       uninstallLong,
		Args:       minimumArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runUninstall(cmd.Context(), o, args)
		},
	}
	f := cmd.Flags()
	o.dryRun.register(f)
	o.wait.register(f, "wait until everything is gone")
	f.BoolVar(&o.NoHooks, "no-hooks", false, "run no hooks")
	f.BoolVar(&o.WithHooks, "with-hooks", false, "also delete what the release's hooks have left behind")
	f.BoolVar(&o.IgnoreNotFound, "ignore-not-found", false, `Treat "release not found" as a successful uninstall`)
	f.BoolVar(&o.KeepHistory, "keep-history", false, "remove all associated resources and mark the release as deleted, but retain the release history")
	f.StringVar(&o.Cascade, "cascade", "background", `what happens to dependents: "background", "orphan" or "foreground"`)
	f.DurationVar(&o.Timeout, "timeout", helmTimeout, timeoutUsage)
	f.StringVar(&o.Description, "description", "", "add a custom description")
	o.operation.register(f)
	return cmd
}

func (a *app) runUninstall(ctx context.Context, o *uninstallOptions, names []string) error {
	o.DryRun, o.Wait = o.dryRun.mode, bool(o.wait)
	for _, name := range names {
		if err := checkReleaseName(name); err != nil {
			return fmt.Errorf("uninstall: Release name is invalid: %w", err)
		}
	}
	return a.operate(ctx, &o.operation, "uninstall "+strings.Join(names, " "), func(config deploy.Config) error {
		for _, name := range names {
			result, err := deploy.Uninstall(ctx, config, name, o.UninstallOptions)
			if err != nil {
				return missingRelease(err, "uninstall: Release not loaded: "+name+": release: not found")
			}
			if err := a.print(uninstalledText(name, result)); err != nil {
				return err
			}
		}
		return nil
	})
}

// uninstalledText is what Helm prints.
func uninstalledText(name string, result *deploy.Result) string {
	var out strings.Builder
	if len(result.Kept) > 0 {
		out.WriteString("These resources were kept due to the resource policy:\n" + strings.Join(result.Kept, "\n") + "\n\n")
	}
	fmt.Fprintf(&out, "release %q uninstalled\n", name)
	return out.String()
}
