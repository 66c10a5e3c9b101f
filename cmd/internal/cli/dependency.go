package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/gosuri/uitable"
	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo"
)

const dependencyLong = `Manage the dependencies of a chart, which are listed in 'Chart.yaml' (of charts
with apiVersion v1: in 'requirements.yaml').

    dependencies:
    - name: nginx
      version: "^1.2.3"
      repository: "https://example.com/charts"
    - name: common
      version: "2.x"
      repository: "@example"        # a repository by its name here
    - name: web
      version: "1.0.0"
      repository: "file://../web"   # a folder

'update' looks for the newest versions that are allowed and writes them to
'Chart.lock'; 'build' fetches what is in that file.`

const dependencyUpdateLong = `Update the on-disk dependencies to mirror Chart.yaml: find the newest versions
that it allows, put them into charts/, and write them to Chart.lock.

Archives have the digests that the repositories' indexes give. They are kept in
slipway.lock, beside Chart.lock, for 'slipway dependency build'. After an error
charts/ and Chart.lock are what they were.`

const dependencyBuildLong = `Build out the charts/ directory from the Chart.lock file.

Build is used to reconstruct a chart's dependencies to the state specified in
the lock file. This will not re-negotiate dependencies, as 'slipway dependency
update' does. If no lock file is found, it does the same as that.

If there is a slipway.lock too, every archive has to have the digest in it.`

func newDependency(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "dependency update|build|list",
		Aliases: []string{"dep", "dependencies"},
		Short:   "manage a chart's dependencies",
		Long:    dependencyLong,
		Args:    unknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newDependencyList(a),
		newDependencyFetch(a, "update", []string{"up"}, "update charts/ based on the contents of Chart.yaml", dependencyUpdateLong),
		newDependencyFetch(a, "build", nil, "rebuild the charts/ directory based on the Chart.lock file", dependencyBuildLong),
	)
	return cmd
}

// dependencyFlags are those of "update" and "build".
type dependencyFlags struct {
	accessFlags
	verify, skipRefresh, offline, recursive bool
	quiet                                   bool // nothing is said of what is fetched
	keyring                                 string
}

func newDependencyFetch(a *app, name string, aliases []string, short, long string) *cobra.Command {
	o := &dependencyFlags{}
	cmd := &cobra.Command{
		Use:     name + " CHART",
		Aliases: aliases,
		Short:   short,
		Long:    long,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = filepath.Clean(args[0])
			}
			return a.fetchDependencies(cmd.Context(), o, name == "build", dir)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.verify, "verify", false, "verify the packages against signatures")
	f.StringVar(&o.keyring, "keyring", "", "keyring containing public keys (default pubring.gpg or pubring.kbx in $GNUPGHOME or ~/.gnupg)")
	f.BoolVar(&o.skipRefresh, "skip-refresh", false, "do not refresh the local repository cache")
	f.BoolVar(&o.offline, "offline", false, "use what is in the cache, and download nothing")
	f.BoolVar(&o.recursive, "recursive", false, "also fetch what dependencies lack themselves; 'build' does so if slipway.lock is for it")
	o.register(f)
	// These are those of the repositories in repositories.yaml, and the logins of
	// registries. (#DIFFERS Helm shows them to every registry that a chart names.)
	hide(f, "username", "password", "cert-file", "key-file")
	return cmd
}

func (a *app) fetchDependencies(ctx context.Context, o *dependencyFlags, build bool, dir string) error {
	s, err := a.source(o.offline)
	if err != nil {
		return err
	}
	if r, ok := s.OCI.(registries); ok {
		r.unless = o.anyRegistry()
		s.OCI = r
	}
	var broken error
	d := &repo.Dependencies{
		Source: s, SkipRefresh: o.skipRefresh, Recursive: o.recursive, Now: a.env.Now(),
		Report: func(line string) {
			if o.quiet {
				return
			}
			if err := a.print(line + "\n"); err != nil {
				broken = err
			}
		},
	}
	if o.verify {
		d.Verify = func(ctx context.Context, p *repo.Package) error {
			_, _, err := a.verifyPackage(ctx, s, p, verifyOptions{keyring: o.keyring})
			return err
		}
	}
	if build {
		err = d.Build(ctx, dir)
	} else {
		err = d.Update(ctx, dir)
	}
	var missing *repo.MissingRepositoriesError
	if errors.As(err, &missing) {
		return fmt.Errorf("%w. Please add the missing repos via 'slipway repo add'", err)
	}
	if err != nil {
		return orOffline(err)
	}
	return broken
}

// updateDependencies is --dependency-update of the commands that take a chart.
func (a *app) updateDependencies(ctx context.Context, dir string, from *chartFlags) error {
	return a.fetchDependencies(ctx, &dependencyFlags{accessFlags: from.accessFlags, offline: from.offline, verify: from.verify, keyring: from.keyring}, false, dir)
}

func newDependencyList(a *app) *cobra.Command {
	var width uint
	cmd := &cobra.Command{
		Use:     "list CHART",
		Aliases: []string{"ls"},
		Short:   "list the dependencies for the given chart",
		Long:    "List all of the dependencies declared in a chart (a folder or a .tgz), and whether they are in charts/.",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := "."
			if len(args) > 0 {
				path = filepath.Clean(args[0])
			}
			return a.listDependencies(path, width)
		},
	}
	cmd.Flags().UintVar(&width, "max-col-width", 80, "maximum column width for output table")
	return cmd
}

func (a *app) listDependencies(path string, width uint) error {
	c, err := chart.Loader{Warn: a.warn}.Load(path)
	if err != nil {
		return err
	}
	if c.Metadata.Dependencies == nil {
		return a.print(fmt.Sprintf("WARNING: no dependencies at %s\n", filepath.Join(path, "charts")))
	}
	table := uitable.New()
	table.MaxColWidth = width
	table.AddRow("NAME", "VERSION", "REPOSITORY", "STATUS")
	for _, d := range c.Metadata.Dependencies {
		table.AddRow(d.Name, d.Version, d.Repository, dependencyStatus(path, d, c))
	}
	text := table.String() + "\n\n"
	missing, err := unlisted(path, c.Metadata.Dependencies)
	if err != nil {
		return err
	}
	return a.print(text + missing)
}

// dependencyStatus says in Helm's words how a dependency is in charts/.
func dependencyStatus(path string, d *chart.Dependency, parent *chart.Chart) string {
	archives, err := filepath.Glob(filepath.Join(path, "charts", d.Name+"-*.tgz"))
	if err != nil {
		return "bad pattern"
	}
	if len(archives) > 1 {
		archives = slices.DeleteFunc(archives, func(name string) bool {
			version := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(name), ".tgz"), d.Name+"-")
			_, err := semver.StrictNewVersion(version)
			return err != nil
		})
		if len(archives) > 1 {
			return "too many matches"
		}
	}
	if len(archives) == 1 {
		c, err := chart.Load(archives[0])
		switch {
		case err != nil:
			return "corrupt"
		case c.Name() != d.Name:
			return "misnamed"
		}
		return versionStatus(d, c, "ok")
	}
	var found *chart.Chart
	for _, c := range parent.Dependencies() {
		if c.Name() == d.Name {
			found = c
		}
	}
	if found == nil {
		return "missing"
	}
	return versionStatus(d, found, "unpacked")
}

func versionStatus(d *chart.Dependency, c *chart.Chart, good string) string {
	if c.Metadata.Version == d.Version {
		return good
	}
	constraint, err := semver.NewConstraint(d.Version)
	if err != nil {
		return "invalid version"
	}
	v, err := semver.NewVersion(c.Metadata.Version)
	if err != nil {
		return "invalid version"
	}
	if !constraint.Check(v) {
		return "wrong version"
	}
	return good
}

// unlisted warns of what is in charts/ and not among the dependencies.
func unlisted(path string, listed []*chart.Dependency) (string, error) {
	files, err := filepath.Glob(filepath.Join(path, "charts", "*"))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, name := range files {
		if !isFolder(name) && filepath.Ext(name) != ".tgz" {
			continue
		}
		c, err := chart.Load(name)
		if err != nil {
			fmt.Fprintf(&out, "WARNING: %q is not a chart.\n", name)
			continue
		}
		if !slices.ContainsFunc(listed, func(d *chart.Dependency) bool { return d.Name == c.Name() }) {
			fmt.Fprintf(&out, "WARNING: %q is not in Chart.yaml.\n", name)
		}
	}
	return out.String(), nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
