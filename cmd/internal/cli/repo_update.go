package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/repo"
)

const repoUpdateLong = `Update gets the latest information about charts from the respective chart repositories.
Information is cached locally, where it is used by commands like 'slipway search'.

You can optionally specify a list of repositories you want to update.
	$ slipway repo update <repo_name> ...
To update all the repositories, use 'slipway repo update'.

An index that has not changed since the last time is not sent again, if the
server can tell.`

func newRepoUpdate(a *app) *cobra.Command {
	var timeout time.Duration
	var strict bool
	cmd := &cobra.Command{
		Use:               "update [REPO1 [REPO2 ...]]",
		Aliases:           []string{"up"},
		Short:             "update information of available charts locally from chart repositories",
		Long:              repoUpdateLong,
		ValidArgsFunction: a.completeRepositories,
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.runRepoUpdate(cmd.Context(), names, timeout, strict)
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", repo.DefaultTimeout, "time to wait for the index file download to complete")
	cmd.Flags().BoolVar(&strict, "fail-on-repo-update-fail", false, "update fails if any of the repository updates fail")
	return cmd
}

func (a *app) runRepoUpdate(ctx context.Context, names []string, timeout time.Duration, strict bool) error {
	home, config, err := a.repositories()
	if err != nil {
		return err
	}
	if len(config.Entries) == 0 {
		return withHint(errors.New("no repositories found. You must add one before updating"), "'slipway repo add NAME URL' adds one")
	}
	for _, name := range names {
		if config.Get(name) == nil {
			return fmt.Errorf("no repositories found matching '%s'.  Nothing will be updated", name)
		}
	}
	entries := slices.DeleteFunc(slices.Clone(config.Entries), func(e *repo.Entry) bool {
		return len(names) > 0 && !slices.Contains(names, e.Name)
	})
	if err := a.print("Hang tight while we grab the latest from your chart repositories...\n"); err != nil {
		return err
	}
	failed, err := a.updateAll(ctx, home, entries, timeout)
	if err != nil {
		return err
	}
	if len(failed) > 0 && strict {
		return fmt.Errorf("Failed to update the following repositories: %s", failed) //nolint
	}
	return a.print("Update Complete. ⎈Happy Helming!⎈\n")
}

// updateAll updates repositories at the same time, tells of each in the order of
// the list, and gives the URLs of those that failed.
func (a *app) updateAll(ctx context.Context, home repo.Home, entries []*repo.Entry, timeout time.Duration) ([]string, error) {
	errs, skipped := make([]error, len(entries)), make([][]string, len(entries))
	var group sync.WaitGroup
	limit := make(chan struct{}, 8)
	for i, e := range entries {
		group.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			skipped[i], errs[i] = home.Update(ctx, a.httpClient(timeout), e)
		})
	}
	group.Wait()
	var failed []string
	for i, e := range entries {
		text := fmt.Sprintf("...Successfully got an update from the %q chart repository\n", e.Name)
		if errs[i] != nil {
			failed = append(failed, withoutPassword(e.URL))
			text = fmt.Sprintf("...Unable to get an update from the %q chart repository (%s):\n\t%s\n", e.Name, withoutPassword(e.URL), errs[i])
		}
		if err := a.print(text); err != nil {
			return nil, err
		}
		a.warnSkipped(e.Name, skipped[i])
	}
	return failed, context.Cause(ctx)
}

// withoutPassword is a URL as it may be shown.
func withoutPassword(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	return u.Redacted()
}
