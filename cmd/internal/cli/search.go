package cli

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/gosuri/uitable"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/repo"
)

const searchRepoLong = `Search reads through all of the repositories configured on the system, and
looks for matches. Search of these repositories uses the metadata stored on
the system.

It will display the latest stable versions of the charts found. If you
specify the --devel flag, the output will include pre-release versions.
If you want to search using a version constraint, use --version.`

type searchOptions struct {
	versions, regexp, devel, failEmpty bool
	version                            string
	width                              uint
	format                             outputFormat
}

func newSearch(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "search [keyword]",
		Short: "search for a keyword in charts",
		Long:  "Search for charts in the repositories that were added.",
		Args:  unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	o := &searchOptions{}
	sub := &cobra.Command{
		Use:   "repo [keyword]",
		Short: "search repositories for a keyword in charts",
		Long:  searchRepoLong,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runSearch(cmd.Context(), o, strings.Join(args, " "))
		},
	}
	o.register(sub.Flags())
	cmd.AddCommand(sub, newSearchRegistry(a))
	return cmd
}

func (o *searchOptions) register(f *pflag.FlagSet) {
	f.BoolVarP(&o.regexp, "regexp", "r", false, "use regular expressions for searching repositories you have added")
	f.BoolVarP(&o.versions, "versions", "l", false, "show the long listing, with each version of each chart on its own line, for repositories you have added")
	f.BoolVar(&o.devel, "devel", false, "use development versions (alpha, beta, and release candidate releases), too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored")
	f.StringVar(&o.version, "version", "", "search using semantic versioning constraints on repositories you have added")
	f.UintVar(&o.width, "max-col-width", 50, "maximum column width for output table")
	f.BoolVar(&o.failEmpty, "fail-on-no-result", false, "search fails if no results are found")
	o.format.register(f)
}

// hit is a version that a search has found; the lower the score the better.
type hit struct {
	name    string
	score   int
	version *repo.Version
	order   int // among the versions of its chart
}

func (a *app) runSearch(ctx context.Context, o *searchOptions, term string) error {
	wanted := o.version
	switch {
	case wanted == "" && o.devel:
		wanted = ">0.0.0-0"
	case wanted == "":
		wanted = ">0.0.0"
	}
	score, err := scorer(term, o.regexp)
	if err != nil {
		return err
	}
	constraint, err := semver.NewConstraint(wanted)
	if err != nil {
		return fmt.Errorf("an invalid version/constraint format: %w", err)
	}
	hits, err := a.hits(ctx, score)
	if err != nil {
		return err
	}
	slices.SortStableFunc(hits, func(x, y hit) int {
		if x.score != y.score {
			return x.score - y.score
		}
		if c := strings.Compare(x.name, y.name); c != 0 {
			return c
		}
		return x.order - y.order
	})
	var kept []hit
	last := ""
	for _, h := range hits {
		if !o.versions && h.name == last {
			continue
		}
		if v, err := semver.NewVersion(h.version.Version); err == nil && constraint.Check(v) {
			kept, last = append(kept, h), h.name
		}
	}
	return a.printHits(o, kept)
}

// hits are all versions in the cached indexes that score.
func (a *app) hits(ctx context.Context, score func(string) (int, bool)) ([]hit, error) {
	home, config, err := a.repositories()
	if err != nil {
		return nil, err
	}
	if len(config.Entries) == 0 {
		return nil, withHint(errors.New("no repositories configured"), "'slipway repo add NAME URL' adds one")
	}
	var hits []hit
	for _, e := range config.Entries {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := repo.CheckName(e.Name); err != nil {
			return nil, err
		}
		x, err := repo.LoadIndex(home.IndexFile(e.Name))
		if err != nil {
			a.warnf("WARNING: Repo %q is corrupt or missing. Try 'slipway repo update'.", e.Name)
			a.warnf("WARNING: %s", err)
			continue
		}
		for name, list := range x.Entries {
			for i, v := range list {
				if i+1 < len(list) && list[i+1].Version == v.Version {
					continue // of equal ones Helm shows the last
				}
				line := strings.Join([]string{v.Name, e.Name + "/" + v.Name, v.Description, strings.Join(v.Keywords, " ")}, "\v")
				if n, ok := score(line); ok {
					hits = append(hits, hit{path.Join(e.Name, name), n, v, i})
				}
			}
		}
	}
	return hits, nil
}

// scorer looks for a term: the score is the number of fields before the one that has it.
func scorer(term string, isPattern bool) (func(line string) (int, bool), error) {
	if term == "" {
		return func(string) (int, bool) { return 0, true }, nil
	}
	count := func(line string, at int) (int, bool) { return strings.Count(line[:at], "\v"), true }
	if isPattern {
		pattern, err := regexp.Compile(term)
		if err != nil {
			return nil, err
		}
		return func(line string) (int, bool) {
			if at := pattern.FindStringIndex(line); at != nil {
				return count(line, at[0])
			}
			return 0, false
		}, nil
	}
	term = strings.ToLower(term)
	return func(line string) (int, bool) {
		line = strings.ToLower(line)
		if at := strings.Index(line, term); at >= 0 {
			return count(line, at)
		}
		return 0, false
	}, nil
}

func (a *app) printHits(o *searchOptions, hits []hit) error {
	if len(hits) == 0 && o.failEmpty {
		return errors.New("no results found")
	}
	type element struct {
		Name        string `json:"name"`
		Version     string `json:"version"`
		AppVersion  string `json:"app_version"`
		Description string `json:"description"`
	}
	list := make([]element, len(hits))
	for i, h := range hits {
		list[i] = element{h.name, h.version.Version, h.version.AppVersion, h.version.Description}
	}
	return a.printAs(o.format, list, func() (string, error) {
		if len(list) == 0 {
			return "No results found\n", nil
		}
		table := uitable.New()
		table.MaxColWidth = o.width
		table.AddRow("NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION")
		for _, e := range list {
			table.AddRow(e.Name, e.Version, e.AppVersion, e.Description)
		}
		return table.String() + "\n", nil
	})
}
