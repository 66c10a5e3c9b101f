package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	helmtime "helm.sh/helm/v3/pkg/time"

	"github.com/e6d26078/slipway/release"
)

const historyLong = `Print the revisions of a release, oldest first.

With --audit it is shown who made each revision, on whose approval, by which
build and commit and why, and the digests of the plan, the chart and the images,
as far as they were recorded. Revisions that Helm made have none of it.`

func newHistory(a *app) *cobra.Command {
	var output outputFormat
	var most int
	var audit bool
	cmd := &cobra.Command{
		Use:     "history RELEASE_NAME",
		Aliases: []string{"hist"},
		Short:   "fetch release history",
		Long:    historyLong,
		Args:    exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer c.close()
			past, err := pastOf(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			past = past[max(0, len(past)-max(0, most)):]
			if audit {
				return a.printAudit(output, past)
			}
			return a.printHistory(cmd.Context(), c, output, past)
		},
	}
	cmd.Flags().IntVar(&most, "max", 256, "maximum number of revision to include in history")
	cmd.Flags().BoolVar(&audit, "audit", false, "show who made each revision, by which build, from which commit, and why")
	output.register(cmd.Flags())
	return cmd
}

// pastOf is the history of a release that has one.
func pastOf(ctx context.Context, c *connection, name string) ([]release.Meta, error) {
	past, err := c.store.History(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(past) == 0 {
		return nil, noSuchRelease(c, name)
	}
	return past, nil
}

// revisionLine is one revision of a history, with Helm's names in JSON.
type revisionLine struct {
	Revision    int           `json:"revision"`
	Updated     helmtime.Time `json:"updated"`
	Status      string        `json:"status"`
	Chart       string        `json:"chart"`
	AppVersion  string        `json:"app_version"`
	Description string        `json:"description"`
}

// printHistory prints what stands in the records.
func (a *app) printHistory(ctx context.Context, c *connection, output outputFormat, past []release.Meta) error {
	lines := make([]revisionLine, len(past))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, a.flags.concurrency))
	for i, m := range past {
		group.Go(func() error {
			r, err := c.store.Get(ctx, m.Name, m.Version)
			if err != nil {
				return err
			}
			lines[i] = revisionLine{
				Revision: r.Version, Updated: r.Info.LastDeployed, Status: r.Info.Status.String(),
				Chart: chartColumn(r), AppVersion: appVersionColumn(r), Description: r.Info.Description,
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return a.printAs(output, lines, func() (string, error) {
		rows := [][]any{{"REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION"}}
		for _, l := range lines {
			rows = append(rows, []any{l.Revision, l.Updated.Format(time.ANSIC), l.Status, l.Chart, l.AppVersion, l.Description})
		}
		return tableText(rows), nil
	})
}

// auditLine is what was recorded about a revision for people who ask later.
type auditLine struct {
	Revision  int       `json:"revision"`
	Created   time.Time `json:"created,omitzero"`
	Status    string    `json:"status"`
	Operation string    `json:"operation,omitempty"` // install, upgrade, ...
	ID        string    `json:"id,omitempty"`        // of the operation
	Owner     string    `json:"owner,omitempty"`
	release.Audit
}

// printAudit prints what stands beside the records.
func (a *app) printAudit(output outputFormat, past []release.Meta) error {
	lines := make([]auditLine, len(past))
	for i, m := range past {
		lines[i] = auditLine{Revision: m.Version, Created: updated(m), Status: m.Status.String()}
		if op := m.Operation; op != nil {
			lines[i].Operation, lines[i].ID, lines[i].Owner, lines[i].Audit = op.Kind, op.ID, op.Owner, op.Audit
		}
	}
	return a.printAs(output, lines, func() (string, error) {
		rows := [][]any{{"REVISION", "CREATED", "STATUS", "OPERATION", "ACTOR", "APPROVER", "BUILD", "COMMIT", "REASON", "PLAN", "CHART", "IMAGES"}}
		for _, l := range lines {
			created := "-"
			if !l.Created.IsZero() {
				created = l.Created.UTC().Format(time.RFC3339)
			}
			rows = append(rows, []any{
				strconv.Itoa(l.Revision), created, l.Status, orDash(l.Operation), orDash(l.Actor), orDash(l.Approver), orDash(l.BuildURL),
				orDash(shortCommit(l.Commit)), orDash(oneLineOf(l.Reason)), orDash(shortDigest(l.PlanDigest)), orDash(shortDigest(l.ChartDigest)),
				orDash(strings.Join(shortImages(l.Images), ",")),
			})
		}
		return tableText(rows), nil
	})
}

// digestShown is how much of a digest a table shows: enough to tell two apart.
const digestShown = 12

// shortDigest cuts "sha256:..." for a table.
func shortDigest(digest string) string {
	algorithm, hex, found := strings.Cut(digest, ":")
	if !found || len(hex) <= digestShown {
		return digest
	}
	return algorithm + ":" + hex[:digestShown]
}

// shortCommit cuts a commit's hash; a name stays as it is.
func shortCommit(commit string) string {
	if len(commit) < 40 || strings.Trim(commit, "0123456789abcdef") != "" {
		return commit
	}
	return commit[:digestShown]
}

func shortImages(images []string) []string {
	short := make([]string, len(images))
	for i, image := range images {
		name, digest, found := strings.Cut(image, "@")
		short[i] = name
		if found {
			short[i] += "@" + shortDigest(digest)
		}
	}
	return short
}

// oneLineOf joins the lines of a text, so that it does not break a table.
func oneLineOf(text string) string { return strings.Join(strings.Fields(text), " ") }
