package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release"
)

// completionTime is how long a shell is kept waiting for the cluster's answer.
const completionTime = 5 * time.Second

// completeArguments has shells complete the arguments of the commands that work
// on releases: what their usage calls a release, a revision or a chart.
func (a *app) completeArguments(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		a.completeArguments(sub)
	}
	if cmd.HasSubCommands() || cmd.ValidArgsFunction != nil || cmd.PreRunE == nil {
		return
	}
	usage, repeated := strings.CutSuffix(cmd.Use, "...]")
	words := strings.Fields(strings.TrimSuffix(usage, " ["))[1:]
	if len(words) == 0 {
		return
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
		word := words[min(len(args), len(words)-1)]
		if len(args) >= len(words) && !repeated {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		switch strings.Trim(word, "<>[].") {
		case "CHART":
			found, directive := a.completeCharts(cmd, nil, start)
			return found, directive &^ cobra.ShellCompDirectiveNoFileComp
		case "REVISION":
			return a.completeRevisions(cmd, args[0]), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		case "RELEASE", "RELEASE_NAME", "NAME":
			if name := cmd.Name(); name != "install" && name != "template" { // whose names are new ones
				return a.completeReleases(cmd, args, start), cobra.ShellCompDirectiveNoFileComp
			}
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if cmd.Flags().Lookup("from-step") != nil {
		_ = cmd.RegisterFlagCompletionFunc("from-step", a.completeSteps) // fails for unknown flags alone
	}
}

// revisions lists what a selector chooses of the revisions in the cluster, in the
// order of names and numbers; none if the cluster does not answer, since a shell can
// do nothing with an error.
func (a *app) revisions(cmd *cobra.Command, selector string) []release.Meta {
	ctx, cancel := completionContext(cmd)
	defer cancel()
	if a.needCluster(ctx) != nil {
		return nil
	}
	c, err := a.connect(ctx)
	if err != nil {
		return nil
	}
	defer c.close()
	all, err := c.store.List(ctx, release.ListOptions{Namespace: c.namespace, Selector: selector})
	if err != nil {
		return nil
	}
	return all
}

func completionContext(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	return context.WithTimeout(ctx, completionTime)
}

func (a *app) completeReleases(cmd *cobra.Command, given []string, start string) []string {
	var found []string
	newest := (&listOptions{all: true}).newest(a.revisions(cmd, ""))
	for _, m := range newest {
		if strings.HasPrefix(m.Name, start) && !slices.Contains(given, m.Name) {
			found = append(found, m.Name+"\t"+string(m.Status)+", revision "+strconv.Itoa(m.Version))
		}
	}
	return found
}

// completeRevisions gives a release's revisions, newest first.
func (a *app) completeRevisions(cmd *cobra.Command, name string) []string {
	var found []string
	for _, m := range slices.Backward(a.revisions(cmd, "name="+name)) {
		found = append(found, strconv.Itoa(m.Version)+"\t"+string(m.Status))
	}
	return found
}

// completeSteps gives the step at which a release's rollout is.
func (a *app) completeSteps(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	ctx, cancel := completionContext(cmd)
	defer cancel()
	if len(args) == 0 || a.needCluster(ctx) != nil {
		return nil, none
	}
	c, err := a.connect(ctx)
	if err != nil {
		return nil, none
	}
	defer c.close()
	stored, err := c.client.Rollouts(c.namespace).State(ctx, args[0])
	if err != nil {
		return nil, none
	}
	return []string{strconv.Itoa(stored.State.Step+1) + "\t" + string(stored.State.Phase)}, none
}
