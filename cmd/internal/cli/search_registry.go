package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/e6d26078/slipway/repo"
	"github.com/e6d26078/slipway/repo/oci"
)

const searchRegistryLong = `Search lists the charts in a registry: the versions of a repository, or the
newest version in each repository below a path or of a whole registry, for
registries that offer a list of their repositories (many do not).

The names and descriptions come from the metadata that were pushed with each
version, which are fetched and verified; no chart is downloaded.

    slipway search registry oci://registry.example.com/charts/web --versions
    slipway search registry oci://registry.example.com/charts database`

func newSearchRegistry(a *app) *cobra.Command {
	o := &searchOptions{}
	var access accessFlags
	cmd := &cobra.Command{
		Use:               "registry REFERENCE [keyword]",
		Short:             "search an OCI registry for a keyword in charts",
		Long:              searchRegistryLong,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.searchRegistry(cmd.Context(), o, access, append(args, "")[:2])
		},
	}
	o.register(cmd.Flags())
	access.register(cmd.Flags())
	return cmd
}

func (a *app) searchRegistry(ctx context.Context, o *searchOptions, access accessFlags, args []string) error {
	ref, err := oci.Parse(args[0])
	if err != nil {
		return err
	}
	if ref.Version != "" || ref.Digest != "" {
		return withHint(errors.New("the reference names one chart already"), "leave out version and digest; 'slipway show chart' shows it")
	}
	score, err := scorer(args[1], o.regexp)
	if err != nil {
		return err
	}
	c, err := a.registryClient(access.access())
	if err != nil {
		return err
	}
	found, err := chartsBelow(ctx, c, ref, o)
	if err != nil {
		return registryFailed(err)
	}
	var hits []hit
	for _, d := range found {
		name := oci.Reference{Host: d.Reference.Host, Repository: d.Reference.Repository}.String()
		if _, ok := score(d.Reference.Repository + " " + d.Metadata.Description); ok {
			hits = append(hits, hit{name: name, version: &repo.Version{Metadata: d.Metadata}})
		}
	}
	return a.printHits(o, hits)
}

// chartsBelow lists the charts of a repository, or of those below it.
func chartsBelow(ctx context.Context, c *oci.Client, ref oci.Reference, o *searchOptions) ([]*oci.Described, error) {
	options := oci.ListOptions{Version: o.version, Most: 1}
	switch {
	case o.version == "" && o.devel:
		options.Version = ">0.0.0-0"
	case o.version == "":
		options.Version = ">0.0.0"
	}
	if o.versions {
		options.Most = 1000
	}
	if ref.Repository != "" {
		found, err := c.List(ctx, ref, options)
		var missing *oci.NotFoundError
		if !errors.As(err, &missing) {
			return found, err
		}
	}
	refs, err := c.Repositories(ctx, ref)
	if err != nil {
		return nil, err
	}
	lists := make([][]*oci.Described, len(refs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, ref := range refs {
		group.Go(func() (err error) {
			lists[i], err = c.List(ctx, ref, options)
			var missing *oci.NotFoundError
			if errors.As(err, &missing) { // a repository whose tags were deleted
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var all []*oci.Described
	for _, list := range lists {
		all = append(all, list...)
	}
	return all, nil
}
