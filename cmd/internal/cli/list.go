package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
)

const listLong = `List the releases of a namespace, or of all with -A: those that are deployed or
failed, unless flags ask for others.

Only metadata is read, so that a thousand releases take a moment. It tells
everything of releases that slipway wrote. Of those that Helm wrote it does not
tell the chart and its app version, which are shown as "-", and the time only to
the second; --full reads the records of the releases that are printed, and
prints what Helm prints.`

// listOptions are the flags of "list".
type listOptions struct {
	output       outputFormat
	all          bool
	everywhere   bool
	deployed     bool
	failed       bool
	pending      bool
	superseded   bool
	uninstalled  bool
	uninstalling bool
	filter       string
	selector     string
	byDate       bool
	reverse      bool
	max, offset  int
	short        bool
	noHeaders    bool
	timeFormat   string
	full         bool
}

func newList(a *app) *cobra.Command {
	o := &listOptions{}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "list releases",
		Long:    listLong,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runList(cmd.Context(), o) },
	}
	o.register(cmd.Flags())
	return cmd
}

func (o *listOptions) register(f *pflag.FlagSet) {
	f.BoolVarP(&o.short, "short", "q", false, "output short (quiet) listing format")
	f.BoolVar(&o.noHeaders, "no-headers", false, "don't print headers when using the default output format")
	f.StringVar(&o.timeFormat, "time-format", "", `format time using golang time formatter. Example: --time-format "2006-01-02 15:04:05Z0700"`)
	f.BoolVarP(&o.byDate, "date", "d", false, "sort by release date")
	f.BoolVarP(&o.reverse, "reverse", "r", false, "reverse the sort order")
	f.BoolVarP(&o.all, "all", "a", false, "show all releases without any filter applied")
	f.BoolVar(&o.uninstalled, "uninstalled", false, "show uninstalled releases (if 'slipway uninstall --keep-history' was used)")
	f.BoolVar(&o.superseded, "superseded", false, "show superseded releases")
	f.BoolVar(&o.uninstalling, "uninstalling", false, "show releases that are currently being uninstalled")
	f.BoolVar(&o.deployed, "deployed", false, "show deployed releases. If no other is specified, this will be automatically enabled")
	f.BoolVar(&o.failed, "failed", false, "show failed releases")
	f.BoolVar(&o.pending, "pending", false, "show pending releases")
	f.BoolVarP(&o.everywhere, "all-namespaces", "A", false, "list releases across all namespaces")
	f.IntVarP(&o.max, "max", "m", 256, "maximum number of releases to fetch; 0 means all")
	f.IntVar(&o.offset, "offset", 0, "next release index in the list, used to offset from start value")
	f.StringVarP(&o.filter, "filter", "f", "", "a regular expression. Any releases that match the expression will be included in the results")
	f.StringVarP(&o.selector, "selector", "l", "", "selector (label query) to filter on, supports '=', '==', and '!='.(e.g. -l key1=value1,key2=value2)")
	f.BoolVar(&o.full, "full", false, "read the records of the printed releases, for the charts of those that Helm wrote")
	o.output.register(f)
}

// listed is one line of a listing, with Helm's names in JSON.
type listed struct {
	Name       string `json:"name"`
	Namespace  string `json:"namespace"`
	Revision   string `json:"revision"`
	Updated    string `json:"updated"`
	Status     string `json:"status"`
	Chart      string `json:"chart"`
	AppVersion string `json:"app_version"`
}

func (a *app) runList(ctx context.Context, o *listOptions) error {
	keep, err := o.keeper()
	if err != nil {
		return err
	}
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	options := release.ListOptions{Namespace: c.namespace}
	if o.everywhere {
		options.Namespace = ""
	}
	all, err := a.listRevisions(ctx, c, options)
	if err != nil {
		return err
	}
	chosen := o.page(slices.DeleteFunc(o.newest(all), func(m release.Meta) bool { return !keep(m) }))
	if o.short {
		return a.printNames(o, chosen)
	}
	lines, err := a.describe(ctx, c, o, chosen)
	if err != nil {
		return err
	}
	return a.printAs(o.output, lines, func() (string, error) { return listTable(lines, o.noHeaders), nil })
}

// listRevisions lists what the options name. Of all namespaces it lists that of
// the connection alone if more is not allowed, and says so.
func (a *app) listRevisions(ctx context.Context, c *connection, options release.ListOptions) ([]release.Meta, error) {
	all, err := c.store.List(ctx, options)
	var forbidden *deploy.ForbiddenError
	if options.Namespace != "" || !errors.As(err, &forbidden) {
		return all, err
	}
	options.Namespace = c.namespace
	if all, err = c.store.List(ctx, options); err != nil {
		return nil, err
	}
	a.warnf("slipway: warning: %v: only namespace %s is listed", forbidden, c.namespace)
	return all, nil
}

// states are those that the flags ask for.
func (o *listOptions) states() []release.Status {
	if o.all {
		return nil
	}
	var states []release.Status
	for _, s := range []struct {
		wanted bool
		states []release.Status
	}{
		{o.deployed, []release.Status{release.StatusDeployed}},
		{o.failed, []release.Status{release.StatusFailed}},
		{o.pending, []release.Status{release.StatusPendingInstall, release.StatusPendingUpgrade, release.StatusPendingRollback}},
		{o.superseded, []release.Status{release.StatusSuperseded}},
		{o.uninstalled, []release.Status{release.StatusUninstalled}},
		{o.uninstalling, []release.Status{release.StatusUninstalling}},
	} {
		if s.wanted {
			states = append(states, s.states...)
		}
	}
	if len(states) == 0 {
		return []release.Status{release.StatusDeployed, release.StatusFailed}
	}
	return states
}

// keeper tells which revisions are wanted, of the newest ones.
func (o *listOptions) keeper() (func(release.Meta) bool, error) {
	filter, err := regexp.Compile(o.filter)
	if err != nil {
		return nil, fmt.Errorf("--filter: %w", err)
	}
	selector, err := labels.Parse(o.selector)
	if err != nil {
		return nil, fmt.Errorf("--selector: %w", err)
	}
	if o.offset < 0 {
		return nil, fmt.Errorf("--offset %d: releases count from 0", o.offset)
	}
	states := o.states()
	return func(m release.Meta) bool {
		if len(states) > 0 && !slices.Contains(states, m.Status) || m.Status == release.StatusUnknown || m.Status == "" {
			return false
		}
		return filter.MatchString(m.Name) && selector.Matches(labels.Set(m.Labels))
	}, nil
}

// newest keeps the last revision of each release; all, if only superseded ones
// are asked for, which are never the last. The list is ordered by namespace,
// name and revision.
func (o *listOptions) newest(all []release.Meta) []release.Meta {
	if states := o.states(); len(states) == 1 && states[0] == release.StatusSuperseded {
		return all
	}
	var last []release.Meta
	for i, m := range all {
		if i+1 < len(all) && all[i+1].Name == m.Name && all[i+1].Namespace == m.Namespace {
			continue
		}
		last = append(last, m)
	}
	return last
}

// page sorts the releases and takes those between --offset and --max.
func (o *listOptions) page(list []release.Meta) []release.Meta {
	slices.SortStableFunc(list, func(a, b release.Meta) int {
		order := cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace))
		if o.byDate {
			order = cmp.Or(updated(a).Compare(updated(b)), order)
		}
		if o.reverse {
			order = -order
		}
		return order
	})
	list = list[min(o.offset, len(list)):]
	if o.max > 0 && len(list) > o.max {
		list = list[:o.max]
	}
	return list
}

// updated is when a revision was made, as far as metadata tells. Helm takes the
// time of creation off a record that it changes.
func updated(m release.Meta) time.Time {
	if m.CreatedAt.IsZero() {
		return m.ModifiedAt
	}
	return m.CreatedAt
}

func (a *app) printNames(o *listOptions, list []release.Meta) error {
	names := make([]string, len(list))
	for i, m := range list {
		names[i] = m.Name
	}
	return a.printAs(o.output, names, func() (string, error) {
		text := ""
		for _, name := range names {
			text += name + "\n"
		}
		return text, nil
	})
}

// describe makes the lines, from the records if --full is given.
func (a *app) describe(ctx context.Context, c *connection, o *listOptions, list []release.Meta) ([]listed, error) {
	lines := make([]listed, len(list))
	if o.full {
		return lines, a.describeFully(ctx, c, o, list, lines)
	}
	unknown := 0
	for i, m := range list {
		lines[i] = listed{
			Name: m.Name, Namespace: m.Namespace, Revision: strconv.Itoa(m.Version),
			Updated: o.formatTime(updated(m)), Status: m.Status.String(), Chart: m.Chart, AppVersion: m.AppVersion,
		}
		if m.Chart != "" {
			continue
		}
		unknown++
		if o.output == outputTable {
			lines[i].Chart, lines[i].AppVersion = "-", "-"
		}
	}
	if unknown > 0 {
		a.warnf("slipway: note: the records of %d of these releases have to be read for their charts, since Helm wrote them: --full does so", unknown)
	}
	return lines, nil
}

// describeFully reads the records of the releases, many at a time.
func (a *app) describeFully(ctx context.Context, c *connection, o *listOptions, list []release.Meta, lines []listed) error {
	stores := map[string]link.Records{}
	for _, m := range list {
		if stores[m.Namespace] != nil {
			continue
		}
		other := *c
		other.namespace = m.Namespace
		if other.namespace != c.namespace {
			if err := a.openStore(ctx, &other); err != nil {
				return err
			}
			defer other.close()
		}
		stores[m.Namespace] = other.store
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, a.flags.concurrency))
	for i, m := range list {
		group.Go(func() error {
			r, err := stores[m.Namespace].Get(ctx, m.Name, m.Version)
			if err != nil {
				return err
			}
			lines[i] = listed{
				Name: r.Name, Namespace: r.Namespace, Revision: strconv.Itoa(r.Version),
				Updated: o.formatTime(r.Info.LastDeployed.Time), Status: r.Info.Status.String(),
				Chart: chartColumn(r), AppVersion: appVersionColumn(r),
			}
			return nil
		})
	}
	return group.Wait()
}

func (o *listOptions) formatTime(t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case o.timeFormat != "":
		return t.Format(o.timeFormat)
	}
	return t.String()
}

// chartColumn is the name and version of a record's chart.
func chartColumn(r *release.Record) string {
	if r.Chart == nil || r.Chart.Metadata == nil {
		return "MISSING" // Helm's word
	}
	return r.Chart.Metadata.Name + "-" + r.Chart.Metadata.Version
}

func appVersionColumn(r *release.Record) string {
	if r.Chart == nil || r.Chart.Metadata == nil {
		return "MISSING"
	}
	return r.Chart.Metadata.AppVersion
}

func listTable(lines []listed, noHeaders bool) string {
	var rows [][]any
	if !noHeaders {
		rows = append(rows, []any{"NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"})
	}
	for _, l := range lines {
		rows = append(rows, []any{l.Name, l.Namespace, l.Revision, l.Updated, l.Status, l.Chart, l.AppVersion})
	}
	return tableText(rows)
}
