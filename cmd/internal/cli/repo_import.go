package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/cmd/internal/link"
)

const repoImportLong = `Copy charts from the storage of another chart repository server into a folder or
bucket for 'slipway serve'.`

const importMuseumLong = `Copy the charts in ChartMuseum's storage FROM into the storage TO. Each is a folder
or s3://BUCKET/PREFIX. The credentials for buckets come from where those of 'slipway
serve' come from, and both buckets are of one object storage; from one object
storage to another it takes two imports, by way of a folder.

Each archive is read and checked, and stored with its .prov file in one step: the
same bytes, so the same digests, and the same time of creation. What is not right
is left out and listed: archives that are damaged or have another name than their
chart, .prov files that are not about their archives. Nothing in FROM is changed,
and nothing in TO replaced.

ChartMuseum may be running. An import that was ended or killed goes on when it is
run again, and what has come since is found then too:

  slipway repo import chartmuseum /var/lib/chartmuseum /var/lib/slipway --dry-run
  slipway repo import chartmuseum /var/lib/chartmuseum /var/lib/slipway
  # stop ChartMuseum
  slipway repo import chartmuseum /var/lib/chartmuseum /var/lib/slipway
  slipway serve --storage /var/lib/slipway

  slipway repo import chartmuseum /var/lib/chartmuseum s3://charts/team
  slipway repo import chartmuseum s3://museum s3://charts/team --s3-endpoint https://minio.example.com --s3-path-style

The exit code is 4 if something was left out.`

func newRepoImport(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import chartmuseum FROM TO",
		Short: "copy charts from another chart repository server",
		Long:  repoImportLong,
		Args:  unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newImportMuseum(a))
	return cmd
}

func newImportMuseum(a *app) *cobra.Command {
	var o link.ImportOptions
	var bucket link.ServeStorage
	var format outputFormat
	cmd := &cobra.Command{
		Use:   "chartmuseum FROM TO",
		Short: "copy charts from ChartMuseum's storage",
		Long:  importMuseumLong,
		Args:  exactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Now = a.env.Now
			for i, place := range []*link.ImportPlace{&o.From, &o.To} {
				*place = link.ImportPlace{Name: args[i], Bucket: bucket}
				if err := completeBucket(args[i], &place.Bucket, a.env.Getenv); err != nil {
					return err
				}
			}
			return a.importCharts(cmd.Context(), o, format)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Depth, "depth", 0, "names in front of a repository's paths, as ChartMuseum's --depth")
	f.BoolVar(&o.AnyDepth, "depth-dynamic", false, "import repositories of all depths, as ChartMuseum's --depth-dynamic has them, instead of --depth")
	f.Int64Var(&o.MaxFile, "max-upload-size", 20<<20, "size of the largest archive, in bytes")
	registerBucket(f, &bucket)
	f.BoolVar(&o.DryRun, "dry-run", false, "say what would be done, and write nothing")
	format.register(f)
	return cmd
}

func (a *app) importCharts(ctx context.Context, o link.ImportOptions, format outputFormat) error {
	if err := checkDepth(o.Depth, o.AnyDepth); err != nil {
		return err
	}
	collectAsUsual()
	report, err := a.env.Backend.ImportCharts(ctx, o)
	if report == nil {
		return err
	}
	if printed := a.printAs(format, report, func() (string, error) { return importText(report), nil }); printed != nil {
		return printed
	}
	switch {
	case err != nil:
		return withHint(err, "the same command goes on from here")
	case len(report.LeftOut) > 0:
		return &failure{err: fmt.Errorf("files that are left out: %d", len(report.LeftOut)), code: exitFailed}
	}
	return nil
}

func importText(r *link.ImportReport) string {
	var out strings.Builder
	for _, l := range r.LeftOut {
		fmt.Fprintf(&out, "left out: %s: %s\n", l.File, l.Reason)
	}
	verb := "imported"
	if r.DryRun {
		verb = "to be imported"
	}
	fmt.Fprintf(&out, "charts %s: %d; there before: %d; with a .prov file: %d\n", verb, r.Imported, r.Present, r.Signed)
	return out.String()
}
