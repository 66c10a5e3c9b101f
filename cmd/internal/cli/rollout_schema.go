package cli

import (
	"github.com/spf13/cobra"

	schemas "github.com/e6d26078/slipway/docs/schema"
)

const rolloutSchemaLong = `Print the JSON schema of the file that --config takes: for editors that check and
complete it, and for people who want to know what may stand in it.`

func newRolloutSchema(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "print the JSON schema of rollout.yaml",
		Long:  rolloutSchemaLong,
		Args:  noArgs,
		RunE:  func(*cobra.Command, []string) error { return a.print(schemas.Rollout()) },
	}
}
