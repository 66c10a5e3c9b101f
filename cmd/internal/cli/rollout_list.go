package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

const rolloutListLong = `List the rollouts that are under way in a namespace, or in all with -A: where they
are, for how long, until when their gates wait, who has promoted them last, and
when a guard looked.`

func newRolloutList(a *app) *cobra.Command {
	var output outputFormat
	everywhere, noHeaders := false, false
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "list the rollouts that are under way",
		Long:    rolloutListLong,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runRolloutList(cmd.Context(), everywhere, noHeaders, output)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&everywhere, "all-namespaces", "A", false, "list rollouts across all namespaces")
	f.BoolVar(&noHeaders, "no-headers", false, "don't print headers when using the default output format")
	output.register(f)
	return cmd
}

// listedRollout is one line of the listing.
type listedRollout struct {
	Release   string           `json:"release"`
	Namespace string           `json:"namespace"`
	Strategy  rollout.Strategy `json:"strategy"`
	Revision  int              `json:"revision"`
	Base      int              `json:"base"`
	State     string           `json:"state"`
	Step      int              `json:"step"` // counted from 1
	Steps     int              `json:"steps"`
	Weight    int              `json:"weight"`
	Since     string           `json:"since,omitempty"` // when it began
	Deadline  string           `json:"deadline,omitempty"`
	Owner     string           `json:"owner,omitempty"`
	Approver  string           `json:"approver,omitempty"`
	GuardedAt string           `json:"guardedAt,omitempty"`
	Failure   string           `json:"failure,omitempty"`

	began, deadline, guarded time.Time
}

func (a *app) runRolloutList(ctx context.Context, everywhere, noHeaders bool, output outputFormat) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	all, err := a.listRollouts(ctx, c, everywhere)
	if err != nil {
		return err
	}
	lines := make([]listedRollout, len(all))
	for i := range all {
		lines[i] = listedRolloutOf(&all[i])
	}
	return a.printAs(output, lines, func() (string, error) { return rolloutTable(lines, a.env.Now(), noHeaders), nil })
}

// listRollouts lists by namespace and name. Of all namespaces it lists that of
// the connection alone if more is not allowed, and says so.
func (a *app) listRollouts(ctx context.Context, c *connection, everywhere bool) ([]rollout.State, error) {
	namespace := c.namespace
	if everywhere {
		namespace = ""
	}
	store := c.client.Rollouts(c.namespace)
	stored, err := store.List(ctx, namespace)
	var forbidden *deploy.ForbiddenError
	if everywhere && errors.As(err, &forbidden) {
		a.warnf("slipway: warning: %v: only namespace %s is looked at", forbidden, c.namespace)
		stored, err = store.List(ctx, c.namespace)
	}
	if err != nil {
		return nil, err
	}
	all := make([]rollout.State, len(stored))
	for i := range stored {
		all[i] = stored[i].State
	}
	slices.SortFunc(all, func(a, b rollout.State) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Release, b.Release))
	})
	return all, nil
}

func listedRolloutOf(st *rollout.State) listedRollout {
	l := listedRollout{
		Release: st.Release, Namespace: st.Namespace, Strategy: st.Settings.Strategy, Revision: st.Revision, Base: st.Base,
		State: stateWord(st), Steps: len(st.Steps), Owner: cmp.Or(st.Starter.Owner, st.Starter.Name), Approver: cmp.Or(st.Approver.Name, st.Approver.Owner),
		Failure: printable(st.Failure), began: st.EnteredAt, deadline: st.Deadline, guarded: st.GuardedAt,
	}
	if st.Step < len(st.Steps) {
		l.Step, l.Weight = st.Step+1, st.Steps[st.Step].Weight
	}
	if len(st.Journal) > 0 { // the first entries of a very long one are gone
		l.began = st.Journal[0].At
	}
	l.Since, l.Deadline, l.GuardedAt = timeText(l.began), timeText(l.deadline), timeText(l.guarded)
	return l
}

// timeText is a time for programs, "" for none.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func rolloutTable(lines []listedRollout, now time.Time, noHeaders bool) string {
	var rows [][]any
	if !noHeaders {
		rows = append(rows, []any{"NAME", "NAMESPACE", "STRATEGY", "REVISION", "STATE", "STEP", "WEIGHT", "AGE", "DEADLINE", "APPROVER", "GUARD"})
	}
	for _, l := range lines {
		rows = append(rows, []any{
			l.Release, l.Namespace, l.Strategy, l.Revision, l.State, fmt.Sprintf("%d/%d", l.Step, l.Steps), fmt.Sprintf("%d %%", l.Weight),
			ageText(now.Sub(l.began)), deadlineText(l.deadline, now), orDash(printable(l.Approver)), lookedText(l.guarded, now),
		})
	}
	return tableText(rows)
}

func deadlineText(deadline, now time.Time) string {
	switch {
	case deadline.IsZero():
		return "-"
	case deadline.Before(now):
		return "overdue"
	}
	return "in " + ageText(deadline.Sub(now))
}

func lookedText(at, now time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return ageText(now.Sub(at)) + " ago"
}
