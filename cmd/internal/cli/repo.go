package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/repo"
)

const repoLong = `Add, update, list, remove and index chart repositories.

What is known of them is kept where Helm keeps it, so both see the same
repositories: in repositories.yaml (--repository-config, HELM_REPOSITORY_CONFIG)
and a cache (--repository-cache, HELM_REPOSITORY_CACHE).`

func newRepo(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "repo add|remove|list|index|update|import [ARGS]",
		Short: "add, list, remove, update, and index chart repositories",
		Long:  repoLong,
		Args:  unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRepoAdd(a), newRepoList(a), newRepoRemove(a), newRepoUpdate(a), newRepoIndex(a), a.onCluster(newRepoImport(a)))
	return cmd
}

func (a *app) httpClient(timeout time.Duration) *repo.Client {
	return &repo.Client{UserAgent: "slipway", Timeout: timeout, Other: a.otherScheme, Watch: a.newDownloads().watch}
}

// repositories reads repositories.yaml; a file that is not there has none.
func (a *app) repositories() (repo.Home, *repo.Config, error) {
	home, err := a.home()
	if err != nil {
		return home, nil, err
	}
	config, err := repo.LoadConfig(home.Config)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return home, config, err
}

func newRepoList(a *app) *cobra.Command {
	var format outputFormat
	cmd := &cobra.Command{
		Use:               "list",
		Aliases:           []string{"ls"},
		Short:             "list chart repositories",
		Long:              "List the chart repositories in repositories.yaml, and which have only charts that verify.",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			home, config, err := a.repositories()
			if err != nil {
				return err
			}
			trust, err := repo.LoadTrust(home.TrustFile())
			if err != nil {
				return err
			}
			list := repoElements(config, trust)
			if len(list) == 0 && format == outputTable {
				return withHint(errors.New("no repositories to show"), "'slipway repo add NAME URL' adds one")
			}
			return a.printAs(format, list, func() (string, error) { return tableText(repoRows(list, trust)), nil })
		},
	}
	format.register(cmd.Flags())
	return cmd
}

func newRepoRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "remove [REPO1 [REPO2 ...]]",
		Aliases:           []string{"rm"},
		Short:             "remove one or more chart repositories",
		Long:              "Remove chart repositories from repositories.yaml, what is cached of their indexes, and the rule that\ntheir charts have to verify.",
		Args:              minimumArgs(1),
		ValidArgsFunction: a.completeRepositories,
		RunE: func(_ *cobra.Command, names []string) error {
			home, config, err := a.repositories()
			if err != nil {
				return err
			}
			trust, err := repo.LoadTrust(home.TrustFile())
			if err != nil {
				return err
			}
			for _, name := range names {
				ruled := trust.Get(name) != nil
				if config.Get(name) != nil || !ruled { // else it is the rule of a registry
					if err := a.removeRepository(home, config, name); err != nil {
						return err
					}
				}
				if !ruled {
					continue
				}
				if err := a.removeRule(home, name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (a *app) removeRepository(home repo.Home, config *repo.Config, name string) error {
	if len(config.Entries) == 0 {
		return errors.New("no repositories configured")
	}
	err := repo.ChangeConfig(home.Config, func(c *repo.Config) error {
		if !c.Remove(name) {
			return withHint(fmt.Errorf("no repo named %q found", name), "'slipway repo list' shows their names")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := home.Forget(name); err != nil {
		return err
	}
	return a.print(fmt.Sprintf("%q has been removed from your repositories\n", name))
}

// completeRepositories completes names of repositories that were not given yet.
func (a *app) completeRepositories(_ *cobra.Command, given []string, start string) ([]string, cobra.ShellCompDirective) {
	_, config, err := a.repositories()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
next:
	for _, e := range config.Entries {
		for _, name := range given {
			if name == e.Name {
				continue next
			}
		}
		if strings.HasPrefix(e.Name, start) {
			names = append(names, e.Name+"\t"+repo.Redacted(e.URL))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
