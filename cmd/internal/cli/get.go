package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/release"
)

func newGet(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "get",
		Short: "download extended information of a named release",
		Long: `Print what the record of a release holds: the newest revision's, or another one's
with --revision.

Nothing is masked here: values and manifests are asked for by name, and may hold
passwords.`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newGetAll(a),
		newGetText(a, "hooks", "download all hooks for a named release", "Print the hooks of a release as YAML documents.", hooksText),
		newGetText(a, "manifest", "download the manifest for a named release", "Print the manifest of a release: what its chart rendered to, hooks apart.", manifestText),
		newGetMetadata(a),
		newGetText(a, "notes", "download the notes for a named release", "Print the notes that the chart of a release gives to its users.", notesText),
		newGetValues(a),
	)
	return cmd
}

// noSuchRelease is the error about a name without any revision.
func noSuchRelease(c *connection, name string) error {
	return withHint(fmt.Errorf("%w: %s has no release in namespace %s", release.ErrNotFound, name, c.namespace),
		"'slipway list -A' shows the releases of all namespaces")
}

// record reads a revision of a release, the newest one for 0.
func (c *connection) record(ctx context.Context, name string, revision int) (*release.Record, error) {
	if revision <= 0 {
		past, err := pastOf(ctx, c, name)
		if err != nil {
			return nil, err
		}
		revision = past[len(past)-1].Version
	}
	r, err := c.store.Get(ctx, name, revision)
	if errors.Is(err, release.ErrNotFound) {
		return nil, withHint(err, "'slipway history "+name+"' shows the revisions that there are")
	}
	return r, err
}

// withRecord connects, reads a record and hands it over.
func (a *app) withRecord(ctx context.Context, name string, revision int, do func(*connection, *release.Record) error) error {
	if err := checkReleaseName(name); err != nil {
		return err
	}
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	r, err := c.record(ctx, name, revision)
	if err != nil {
		return err
	}
	return do(c, r)
}

// newGetText makes a command that prints one text of a record.
func newGetText(a *app, name, short, long string, text func(*release.Record) string) *cobra.Command {
	var revision int
	cmd := &cobra.Command{
		Use:   name + " RELEASE_NAME",
		Short: short,
		Long:  long,
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRecord(cmd.Context(), args[0], revision, func(_ *connection, r *release.Record) error { return a.print(text(r)) })
		},
	}
	cmd.Flags().IntVar(&revision, "revision", 0, "get the named release with revision")
	return cmd
}

func manifestText(r *release.Record) string { return r.Manifest + "\n" }

func hooksText(r *release.Record) string {
	var out strings.Builder
	for _, h := range r.Hooks {
		fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", h.Path, h.Manifest)
	}
	return out.String()
}

func notesText(r *release.Record) string {
	if r.Info.Notes == "" {
		return ""
	}
	return "NOTES:\n" + r.Info.Notes + "\n"
}

func newGetAll(a *app) *cobra.Command {
	var revision int
	var format string
	cmd := &cobra.Command{
		Use:   "all RELEASE_NAME",
		Short: "download all information for a named release",
		Long:  "Print everything that the record of a release holds, in a form for people.",
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRecord(cmd.Context(), args[0], revision, func(_ *connection, r *release.Record) error {
				if format != "" {
					return a.printTemplate(format, r)
				}
				text, err := a.everything(r)
				if err != nil {
					return err
				}
				return a.print(text)
			})
		},
	}
	cmd.Flags().IntVar(&revision, "revision", 0, "get the named release with revision")
	cmd.Flags().StringVar(&format, "template", "", "go template for formatting the output, eg: {{.Release.Name}}")
	return cmd
}

// printTemplate prints a record through the user's template.
func (a *app) printTemplate(text string, r *release.Record) error {
	t, err := template.New("_").Parse(text)
	if err != nil {
		return fmt.Errorf("--template: %w", err)
	}
	var out strings.Builder
	if err := t.Execute(&out, map[string]any{"Release": r.Release}); err != nil {
		return fmt.Errorf("--template: %w", err)
	}
	return a.print(out.String())
}

// everything is what "get all" shows of a record.
func (a *app) everything(r *release.Record) (string, error) {
	given, err := yamlText(r.Config)
	if err != nil {
		return "", err
	}
	all, err := a.computedValues(r)
	if err != nil {
		return "", err
	}
	computed, err := yamlText(all)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	statusHead(&out, r)
	if r.Chart != nil && r.Chart.Metadata != nil {
		fmt.Fprintf(&out, "CHART: %s\nVERSION: %s\nAPP_VERSION: %s\n", r.Chart.Metadata.Name, r.Chart.Metadata.Version, r.Chart.Metadata.AppVersion)
	}
	testSuite(&out, r)
	fmt.Fprintf(&out, "USER-SUPPLIED VALUES:\n%s\nCOMPUTED VALUES:\n%s\n", given, computed)
	fmt.Fprintf(&out, "HOOKS:\n%sMANIFEST:\n%s\n", hooksText(r), r.Manifest)
	statusNotes(&out, r)
	return out.String(), nil
}

// computedValues are those that the chart of a record was rendered with.
func (a *app) computedValues(r *release.Record) (map[string]any, error) {
	c := r.Chart
	if c == nil {
		c = &chart.Chart{}
	}
	all, err := values.Processed(c, values.Helm3).Coalesce(r.Config, values.CoalesceOptions{Warn: a.warn})
	if err != nil {
		return nil, fmt.Errorf("compute the values of revision %d: %w", r.Version, err)
	}
	return all, nil
}

func newGetValues(a *app) *cobra.Command {
	var revision int
	var all bool
	var output outputFormat
	cmd := &cobra.Command{
		Use:   "values RELEASE_NAME",
		Short: "download the values file for a named release",
		Long:  "Print the values that were given for a release, or with --all those that it was rendered with.",
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRecord(cmd.Context(), args[0], revision, func(_ *connection, r *release.Record) error {
				shown, title, err := r.Config, "USER-SUPPLIED VALUES:\n", error(nil)
				if all {
					title = "COMPUTED VALUES:\n"
					if shown, err = a.computedValues(r); err != nil {
						return err
					}
				}
				return a.printAs(output, shown, func() (string, error) {
					text, err := yamlText(shown)
					return title + text, err
				})
			})
		},
	}
	cmd.Flags().IntVar(&revision, "revision", 0, "get the named release with revision")
	cmd.Flags().BoolVarP(&all, "all", "a", false, "dump all (computed) values")
	output.register(cmd.Flags())
	return cmd
}

// releaseMetadata is what "get metadata" prints, with Helm's names in JSON.
type releaseMetadata struct {
	Name         string              `json:"name"`
	Chart        string              `json:"chart"`
	Version      string              `json:"version"`
	AppVersion   string              `json:"appVersion"`
	Annotations  map[string]string   `json:"annotations,omitempty"`
	Dependencies []*chart.Dependency `json:"dependencies,omitempty"`
	Namespace    string              `json:"namespace"`
	Revision     int                 `json:"revision"`
	Status       string              `json:"status"`
	DeployedAt   string              `json:"deployedAt"`
}

func newGetMetadata(a *app) *cobra.Command {
	var revision int
	var output outputFormat
	cmd := &cobra.Command{
		Use:   "metadata RELEASE_NAME",
		Short: "fetch metadata for a given release",
		Long:  "Print which chart a release was made from, when, and what its state is.",
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRecord(cmd.Context(), args[0], revision, func(_ *connection, r *release.Record) error {
				m := metadataOf(r)
				return a.printAs(output, m, func() (string, error) { return m.text(), nil })
			})
		},
	}
	cmd.Flags().IntVar(&revision, "revision", 0, "specify release revision")
	output.register(cmd.Flags())
	return cmd
}

func metadataOf(r *release.Record) *releaseMetadata {
	m := &releaseMetadata{
		Name: r.Name, Namespace: r.Namespace, Revision: r.Version,
		Status: r.Info.Status.String(), DeployedAt: r.Info.LastDeployed.Format(time.RFC3339),
	}
	if r.Chart != nil && r.Chart.Metadata != nil {
		c := r.Chart.Metadata
		m.Chart, m.Version, m.AppVersion, m.Annotations, m.Dependencies = c.Name, c.Version, c.AppVersion, c.Annotations, c.Dependencies
	}
	return m
}

func (m *releaseMetadata) text() string {
	names := make([]string, len(m.Dependencies))
	for i, d := range m.Dependencies {
		names[i] = d.Name
	}
	slices.Sort(names)
	return fmt.Sprintf("NAME: %s\nCHART: %s\nVERSION: %s\nAPP_VERSION: %s\nANNOTATIONS: %s\nDEPENDENCIES: %s\nNAMESPACE: %s\nREVISION: %d\nSTATUS: %s\nDEPLOYED_AT: %s\n",
		m.Name, m.Chart, m.Version, m.AppVersion, labels.Set(m.Annotations), strings.Join(names, ","), m.Namespace, m.Revision, m.Status, m.DeployedAt)
}
