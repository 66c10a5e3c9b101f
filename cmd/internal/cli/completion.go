package cli

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func newCompletion(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completion",
		Short: "generate autocompletion scripts for the specified shell",
		Long:  "Generate the script that lets a shell complete slipway's commands and flags.",
		Args:  unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, shell := range []struct {
		name, load, install string
		write               func(root *cobra.Command, w io.Writer, descriptions bool) error
	}{
		{"bash", "source <(slipway completion bash)", "slipway completion bash > /etc/bash_completion.d/slipway",
			func(root *cobra.Command, w io.Writer, d bool) error { return root.GenBashCompletionV2(w, d) }},
		{"zsh", "source <(slipway completion zsh)", `slipway completion zsh > "${fpath[1]}/_slipway"`,
			func(root *cobra.Command, w io.Writer, d bool) error {
				if d {
					return root.GenZshCompletion(w)
				}
				return root.GenZshCompletionNoDesc(w)
			}},
		{"fish", "slipway completion fish | source", "slipway completion fish > ~/.config/fish/completions/slipway.fish",
			func(root *cobra.Command, w io.Writer, d bool) error { return root.GenFishCompletion(w, d) }},
		{"powershell", "slipway completion powershell | Out-String | Invoke-Expression", "slipway completion powershell >> $PROFILE",
			func(root *cobra.Command, w io.Writer, d bool) error {
				if d {
					return root.GenPowerShellCompletionWithDesc(w)
				}
				return root.GenPowerShellCompletion(w)
			}},
	} {
		var noDescriptions bool
		sub := &cobra.Command{
			Use:   shell.name,
			Short: "generate autocompletion script for " + shell.name,
			Long: fmt.Sprintf("Generate the completion script for %s.\n\nFor the current session:\n\n    %s\n\nFor every new session:\n\n    %s",
				shell.name, shell.load, shell.install),
			Args:              noArgs,
			ValidArgsFunction: cobra.NoFileCompletions,
			RunE: func(cmd *cobra.Command, _ []string) error {
				var script bytes.Buffer
				if err := shell.write(cmd.Root(), &script, !noDescriptions); err != nil {
					return err
				}
				return a.print(script.String())
			},
		}
		sub.Flags().BoolVar(&noDescriptions, "no-descriptions", false, "disable completion descriptions")
		cmd.AddCommand(sub)
	}
	return cmd
}
