package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/provenance"
	"github.com/e6d26078/slipway/repo"
)

const pullLong = `Retrieve a package from a package repository, and download it locally.

This is useful for fetching packages to inspect, modify, or repackage. The
archive has the digest that the repository's index gives, or nothing is saved.

There are options for unpacking the chart after download. This will create a
directory for the chart and uncompress into that directory.

If the --verify flag is specified, the requested chart MUST have a provenance
file, and MUST pass the verification process. Failure in any part of this will
result in an error, and the chart will not be saved locally.`

type pullOptions struct {
	chartFlags
	untar, prov     bool
	untarDir, saved string
}

func newPull(a *app) *cobra.Command {
	o := &pullOptions{}
	cmd := &cobra.Command{
		Use:               "pull [chart URL | repo/chartname] [...]",
		Aliases:           []string{"fetch"},
		Short:             "download a chart from a repository and (optionally) unpack it in local directory",
		Long:              pullLong,
		Args:              minimumArgs(1),
		ValidArgsFunction: a.completeCharts,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				if err := a.pull(cmd.Context(), o, name); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.untar, "untar", false, "if set to true, will untar the chart after downloading it")
	f.BoolVar(&o.prov, "prov", false, "fetch the provenance file, but don't perform verification")
	f.StringVar(&o.untarDir, "untardir", ".", "if untar is specified, this flag specifies the name of the directory into which the chart is expanded")
	f.StringVarP(&o.saved, "destination", "d", ".", "location to write the chart. If this and untardir are specified, untardir is appended to this")
	o.register(f)
	return cmd
}

// pull fetches one chart, and writes nothing before all of it is right.
func (a *app) pull(ctx context.Context, o *pullOptions, name string) error {
	s, err := a.source(o.offline)
	if err != nil {
		return err
	}
	p, err := s.Chart(ctx, o.request(name))
	if err != nil {
		return orOffline(err)
	}
	var v *provenance.Verification
	var prov []byte
	switch {
	case o.verify:
		if v, prov, err = a.verifyPackage(ctx, s, p, verifyOptions{keyring: o.keyring}); err != nil {
			return err
		}
	case o.prov:
		if prov, err = s.Provenance(ctx, p); err != nil {
			a.warnf("WARNING: Verification not found for %s: %s", name, err)
		}
	}
	if o.untar {
		err = unpack(o, p)
	} else {
		err = savePackage(o.saved, p, prov)
	}
	if err != nil || v == nil {
		return err
	}
	return a.print(verificationText(v))
}

// savePackage puts an archive and its .prov file into a folder.
func savePackage(dir string, p *repo.Package, prov []byte) error {
	archive, err := readFile(p.Path)
	if err != nil {
		return err
	}
	target := filepath.Join(dir, p.Name)
	if err := repo.WriteFile(target, archive, 0o644); err != nil {
		return err
	}
	if prov == nil {
		return nil
	}
	return repo.WriteFile(target+".prov", prov, 0o644)
}

// unpack expands a chart below --untardir, into a folder of the chart's name.
// (#DIFFERS Helm looks for a folder named like the last part of the reference,
// and else writes into one that is there.)
func unpack(o *pullOptions, p *repo.Package) error {
	dir := o.untarDir
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(o.saved, dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("failed to untar (mkdir): %w", err)
	}
	f, err := os.Open(p.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err = chart.Expand(f, dir); err == nil {
		return nil
	}
	err = fmt.Errorf("failed to untar: %w", err)
	if strings.Contains(err.Error(), "already exists") {
		return withHint(err, "remove it, or choose another folder with --untardir")
	}
	return err
}

// completeCharts completes REPO/CHART from the cached lists of names.
func (a *app) completeCharts(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	home, config, err := a.repositories()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	name, _, chosen := strings.Cut(start, "/")
	var found []string
	for _, e := range config.Entries {
		switch {
		case chosen && e.Name == name && repo.CheckName(name) == nil:
			text, err := readFile(home.ChartsFile(name))
			if err != nil {
				break
			}
			for _, one := range strings.Fields(string(text)) {
				if strings.HasPrefix(name+"/"+one, start) {
					found = append(found, name+"/"+one)
				}
			}
		case !chosen && strings.HasPrefix(e.Name, start):
			found = append(found, e.Name+"/\t"+repo.Redacted(e.URL))
		}
	}
	directive := cobra.ShellCompDirectiveNoFileComp
	if !chosen {
		directive |= cobra.ShellCompDirectiveNoSpace
	}
	return found, directive
}
