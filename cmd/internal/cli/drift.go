package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/plan"
)

const driftLong = `Compare the objects of a release with what its deployed revision says: what is
missing, and which fields somebody has changed, with the managers that hold
them. The API server tries the stored objects; nothing is changed.

Exit codes: 0 nothing differs, 11 something does.`

func newDrift(a *app) *cobra.Command {
	format := newChoice("text", "json")
	var operation operationFlags
	var all bool
	cmd := &cobra.Command{
		Use:   "drift RELEASE",
		Short: "show how the cluster differs from a release",
		Long:  driftLong,
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runDrift(cmd.Context(), &operation, args[0], format.word, all)
		},
	}
	f := cmd.Flags()
	f.Var(format, "format", "how to print the differences")
	pipelineFlags(f)
	f.BoolVar(&all, "all", false, "list objects that are in order too")
	return cmd
}

func (a *app) runDrift(ctx context.Context, operation *operationFlags, name, format string, all bool) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	operation.leaseDuration = 0 // takes no lock
	config, err := a.deployConfig(c, operation, a.warnings())
	if err != nil {
		return err
	}
	drifts, err := deploy.Drift(ctx, config, name)
	if err != nil {
		return err
	}
	var out strings.Builder
	if format == "json" {
		text, err := plan.DriftJSON(name, c.namespace, drifts.Objects)
		if err != nil {
			return err
		}
		out.Write(text)
	} else if err := plan.DriftText(&out, drifts.Objects, plan.TextOptions{Color: a.colours(), Unchanged: all}); err != nil {
		return err
	}
	if err := a.print(out.String()); err != nil {
		return err
	}
	if drifts.Found() {
		return errChanges
	}
	return nil
}
