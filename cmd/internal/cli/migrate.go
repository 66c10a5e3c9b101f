package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
)

const migrateCheckLong = `Say of releases that Helm made what slipway would find if it took them over. It
only reads, and needs no more rights than "slipway rbac migrate" prints. Without
names it looks at all releases of the namespace, or with -A of the cluster.

Of each release it is checked whether

  render   the stored chart and values render to the stored manifest. A record
           does not hold the subcharts of its chart: give the chart by --chart
  drift    the objects in the cluster are what the manifest says
  rights   the rights that an upgrade needs are there
  fields   other field managers hold fields that the manifest sets otherwise,
           which would be conflicts
  apis     the cluster still serves the kinds of the manifest

and which rollout strategy fits, or why it would be refused.

Exit codes: 0 nothing stands in the way, 11 something was found.`

// migrateOptions are the flags of "migrate check".
type migrateOptions struct {
	output     outputFormat
	everywhere bool
	chart      string
	from       chartFlags
}

func newMigrate(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "take over releases that helm made",
		Long: `Slipway and Helm read each other's releases, so nothing has to be converted: an
upgrade by slipway is all. These commands tell beforehand how that will go.`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	o := &migrateOptions{}
	check := &cobra.Command{
		Use:   "check [RELEASE...]",
		Short: "say what slipway would find in releases that helm made",
		Long:  migrateCheckLong,
		RunE:  func(cmd *cobra.Command, args []string) error { return a.runMigrateCheck(cmd.Context(), o, args) },
	}
	o.register(check.Flags())
	cmd.AddCommand(check)
	return cmd
}

func (o *migrateOptions) register(f *pflag.FlagSet) {
	f.BoolVarP(&o.everywhere, "all-namespaces", "A", false, "check the releases of all namespaces")
	f.StringVar(&o.chart, "chart", "", "the chart that the release was made from, to render instead of the stored one: a folder or a .tgz")
	o.output.register(f)
}

func (o *migrateOptions) check(names []string) error {
	switch {
	case o.everywhere && len(names) > 0:
		return errors.New("--all-namespaces and names of releases exclude each other")
	case o.chart != "" && len(names) != 1:
		return errors.New("--chart is for one release: give its name")
	}
	for _, name := range names {
		if err := checkReleaseName(name); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) runMigrateCheck(ctx context.Context, o *migrateOptions, names []string) error {
	if err := o.check(names); err != nil {
		return err
	}
	var with *chart.Chart
	if o.chart != "" {
		var err error
		if with, err = a.load(ctx, o.chart, o.from); err != nil {
			return err
		}
		if err := checkDependencies(with); err != nil {
			return err
		}
	}
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	chosen, err := a.migrants(ctx, c, o, names)
	if err != nil {
		return err
	}
	reports := make([]*migration, 0, len(chosen))
	for _, m := range chosen {
		r, err := a.examine(ctx, c, m, with)
		if err != nil {
			return fmt.Errorf("check release %s in namespace %s: %w", m.Name, m.Namespace, err)
		}
		reports = append(reports, r)
	}
	err = a.printAs(o.output, reports, func() (string, error) { return migrationsText(reports), nil })
	if err != nil {
		return err
	}
	for _, r := range reports {
		if r.found() {
			return errChanges
		}
	}
	return nil
}

// migrants are the revisions to look at: the newest deployed one of each
// release that Helm made, or of those that are named.
func (a *app) migrants(ctx context.Context, c *connection, o *migrateOptions, names []string) ([]release.Meta, error) {
	if len(names) > 0 {
		var chosen []release.Meta
		for _, name := range names {
			past, err := pastOf(ctx, c, name)
			if err != nil {
				return nil, err
			}
			m, found := lastDeployed(past)
			if !found {
				return nil, fmt.Errorf("release %s has no deployed revision", name)
			}
			chosen = append(chosen, m)
		}
		return chosen, nil
	}
	options := release.ListOptions{Namespace: c.namespace, States: []release.Status{release.StatusDeployed}}
	if o.everywhere {
		options.Namespace = ""
	}
	all, err := a.listRevisions(ctx, c, options)
	if err != nil {
		return nil, err
	}
	var chosen []release.Meta
	for i, m := range all {
		last := i+1 == len(all) || all[i+1].Name != m.Name || all[i+1].Namespace != m.Namespace
		if last && m.Operation == nil {
			chosen = append(chosen, m)
		}
	}
	return chosen, nil
}

func lastDeployed(past []release.Meta) (m release.Meta, found bool) {
	for _, p := range past {
		if p.Status == release.StatusDeployed {
			m, found = p, true
		}
	}
	return m, found
}

// examine checks one release.
func (a *app) examine(ctx context.Context, c *connection, m release.Meta, with *chart.Chart) (*migration, error) {
	here := *c
	if here.namespace = m.Namespace; here.namespace != c.namespace {
		if err := a.openStore(ctx, &here); err != nil {
			return nil, err
		}
		defer here.close()
	}
	r, err := here.store.Get(ctx, m.Name, m.Version)
	if err != nil {
		return nil, err
	}
	e := &examiner{app: a, connection: &here, record: r, report: &migration{
		Release: r.Name, Namespace: r.Namespace, Revision: r.Version, Chart: chartColumn(r),
	}}
	return e.report, e.run(ctx, with)
}

// driftOf compares a release with the cluster.
func (a *app) driftOf(ctx context.Context, c *connection, name string) (*deploy.Drifts, error) {
	return deploy.Drift(ctx, deploy.Config{
		Cluster: c.client, Store: c.store, Namespace: c.namespace, Clock: a.env.Now,
		NewID: func() string { return newID(a.env.Now()) }, Concurrency: a.flags.concurrency,
	}, name)
}

// migration is what was found of one release.
type migration struct {
	Release    string           `json:"release"`
	Namespace  string           `json:"namespace"`
	Revision   int              `json:"revision"`
	Chart      string           `json:"chart"`
	Render     renderFinding    `json:"render"`
	Drift      []driftFinding   `json:"drift,omitempty"`
	Rights     []string         `json:"missingRights,omitempty"`
	Conflicts  []string         `json:"conflicts,omitempty"`
	Managers   []string         `json:"fieldManagers,omitempty"` // that are neither Helm's nor a controller's
	ClientSide int              `json:"clientSideObjects"`       // objects whose fields the first upgrade takes over from client-side apply
	Removed    []string         `json:"removedAPIs,omitempty"`
	Strategies []strategyAdvice `json:"strategies"`
}

// renderFinding says whether a chart renders to what was stored.
type renderFinding struct {
	State   string   `json:"state"` // same, differs or unknown
	Reason  string   `json:"reason,omitempty"`
	Objects []string `json:"objects,omitempty"` // that differ
}

const (
	renderSame    = "same"
	renderDiffers = "differs"
	renderUnknown = "unknown"
)

// driftFinding is an object that is not what the manifest says.
type driftFinding struct {
	Object string   `json:"object"`
	State  string   `json:"state"`
	Fields []string `json:"fields,omitempty"`
}

// strategyAdvice says whether a rollout strategy can be used for a release.
type strategyAdvice struct {
	Strategy string   `json:"strategy"`
	Fits     bool     `json:"fits"`
	Reasons  []string `json:"reasons,omitempty"` // for which it would be refused
}

// found reports whether anything stands in the way.
func (m *migration) found() bool {
	return m.Render.State == renderDiffers || len(m.Drift)+len(m.Rights)+len(m.Conflicts)+len(m.Removed) > 0
}

// migrationsText is a line for each release, and below what was found.
func migrationsText(all []*migration) string {
	rows := [][]any{{"RELEASE", "NAMESPACE", "REVISION", "CHART", "RENDER", "DRIFT", "RIGHTS", "FIELDS", "APIS", "STRATEGIES"}}
	var details strings.Builder
	for _, m := range all {
		var fitting []string
		for _, s := range m.Strategies {
			if s.Fits {
				fitting = append(fitting, s.Strategy)
			}
		}
		rows = append(rows, []any{
			m.Release, m.Namespace, m.Revision, m.Chart, m.Render.State, counted(len(m.Drift)), counted(len(m.Rights)),
			counted(len(m.Conflicts)), counted(len(m.Removed)), cmp.Or(strings.Join(fitting, ","), "none"),
		})
		m.writeDetails(&details)
	}
	text := tableText(rows)
	if details.Len() > 0 {
		text += "\n" + details.String()
	}
	return text
}

func counted(n int) string {
	if n == 0 {
		return "ok"
	}
	return fmt.Sprintf("%d found", n)
}

func (m *migration) writeDetails(out *strings.Builder) {
	line := func(check, format string, args ...any) {
		fmt.Fprintf(out, "%s/%s: %s: %s\n", m.Namespace, m.Release, check, fmt.Sprintf(format, args...))
	}
	if m.Render.Reason != "" {
		line("render", "%s", m.Render.Reason)
	}
	for _, o := range m.Render.Objects {
		line("render", "%s", o)
	}
	for _, d := range m.Drift {
		text := d.Object + " is " + d.State
		if len(d.Fields) > 0 {
			text += ": " + strings.Join(d.Fields, ", ")
		}
		line("drift", "%s", text)
	}
	for _, r := range m.Rights {
		line("rights", "%s", r)
	}
	for _, c := range m.Conflicts {
		line("fields", "%s", c)
	}
	for _, r := range m.Removed {
		line("apis", "%s", r)
	}
	for _, s := range m.Strategies {
		if !s.Fits {
			line(s.Strategy, "would be refused: %s", strings.Join(s.Reasons, "; "))
		}
	}
}
