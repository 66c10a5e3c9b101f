package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/repo"
)

const repoIndexLong = `Read a directory, generate an index file based on the charts found in it and in
its directories, and write the result to 'index.yaml' in the directory.

To set an absolute URL to the charts, use '--url' flag.

To merge the generated index with an existing index file, use the '--merge'
flag. In this case, the charts found in the directory will be merged into the
index passed in with --merge, with local charts taking priority over existing
charts.

Archives that have the size and time of the last call are not read again; what
is known of them is kept in .slipway-index.yaml in the directory.`

func newRepoIndex(a *app) *cobra.Command {
	var url, merge string
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "index [DIR]",
		Short: "generate an index file given a directory containing packaged charts",
		Long:  repoIndexLong,
		Args:  exactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			x, err := repo.Generate(args[0], repo.GenerateOptions{URL: url, Now: a.env.Now(), Forget: all})
			if err != nil {
				return err
			}
			if merge != "" {
				if err := a.mergeIndex(x, merge, asJSON); err != nil {
					return err
				}
			}
			x.Sort()
			return x.WriteFile(filepath.Join(args[0], "index.yaml"), asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&url, "url", "", "url of chart repository")
	f.StringVar(&merge, "merge", "", "merge the generated index into the given index")
	f.BoolVar(&asJSON, "json", false, "output in JSON format")
	f.BoolVar(&all, "all", false, "read every archive, also those that have not changed")
	return cmd
}

// mergeIndex adds an index to x. One that is not there is made, as Helm does.
func (a *app) mergeIndex(x *repo.Index, path string, asJSON bool) error {
	old, err := repo.LoadIndex(path)
	if errors.Is(err, fs.ErrNotExist) {
		old = &repo.Index{APIVersion: "v1", Generated: a.env.Now(), Entries: map[string]repo.Versions{}}
		err = old.WriteFile(path, asJSON)
	}
	if err != nil {
		return fmt.Errorf("merge failed: %w", err)
	}
	for _, why := range old.Skipped {
		a.warnf("WARNING: %s: an invalid entry is left out: %s", path, why)
	}
	x.Merge(old)
	return nil
}
