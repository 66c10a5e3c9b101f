package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// report writes an error for people to standard error: the text, which holds
// Helm's wording where Helm has one, then excerpts, then what to do.
func (a *app) report(ctx context.Context, cmd *cobra.Command, err error, code int) {
	var sig signalled
	shown := err
	if errors.As(context.Cause(ctx), &sig) && outcomeCode(err) == 0 {
		shown = sig
	}
	var out strings.Builder
	message := a.withoutParams(strings.TrimRight(printable(shown.Error()), "\n"))
	fmt.Fprintf(&out, "slipway: error: %s\n", message)
	var hints []string
	for f := (*failure)(nil); errors.As(shown, &f); shown = f.err {
		out.WriteString(f.details)
		hints = append(hints, f.hints...)
	}
	out.WriteString(clusterDetails(err))
	hints = append(hints, a.clusterHints(err)...)
	if outcomeCode(err) == 0 && errors.Is(shown, context.DeadlineExceeded) {
		hints = append(hints, "give it more time with --timeout")
	}
	if len(hints) == 0 {
		hints = usualHints(cmd, code)
	}
	hints = withoutRepeats(hints)
	for _, hint := range hints {
		fmt.Fprintf(&out, "slipway: hint: %s\n", hint)
	}
	a.ending.failed(err, message, hints)
	_, _ = a.env.Stderr.Write([]byte(out.String()))
}

// withoutRepeats is a list with each text once.
func withoutRepeats(texts []string) []string {
	var once []string
	for _, text := range texts {
		if !slices.Contains(once, text) {
			once = append(once, text)
		}
	}
	return once
}

// usualHints say what to do next where nobody knows better.
func usualHints(cmd *cobra.Command, code int) []string {
	switch code {
	case exitInternal:
		return []string{"the machine or slipway is at fault, not what was asked for: mend that, then run the same command again"}
	case exitRolledBack, exitFailed:
		return []string{"'slipway status' and 'slipway history' show what is there"}
	case exitLocked:
		return []string{"'slipway status' shows who works on it; wait for it with --lock-timeout"}
	case exitTimeout:
		return []string{"give it more time with --timeout"}
	case exitRetryable:
		return []string{"nothing was changed; run the same command again"}
	case exitInterrupt, exitTerminated:
		return []string{"run the same command again: it goes on from where this one was"}
	}
	return []string{fmt.Sprintf("nothing was changed; '%s --help' says what it takes", cmd.CommandPath())}
}

// clusterDetails are the events and log lines that tell why objects are not
// ready or a hook has failed.
func clusterDetails(err error) string {
	var out strings.Builder
	var notReady *deploy.NotReadyError
	if errors.As(err, &notReady) {
		for _, o := range notReady.Objects {
			writeDetails(&out, o.Ref, o.Detail)
		}
	}
	var hook *deploy.HookFailedError
	if errors.As(err, &hook) {
		writeDetails(&out, hook.Ref, hook.Detail)
	}
	return out.String()
}

func writeDetails(out *strings.Builder, ref manifest.Ref, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(out, "  %s\n", ref)
	for _, line := range lines {
		for part := range strings.Lines(strings.TrimRight(line, "\n")) {
			fmt.Fprintf(out, "    %s\n", clip(printable(strings.TrimRight(part, "\n"))))
		}
	}
}

// clusterHints are what helps against an error that a cluster is involved in.
func (a *app) clusterHints(err error) []string {
	var hints []string
	var operation *deploy.Error
	if errors.As(err, &operation) {
		hints = append(hints, operation.Hints...)
	}
	var unreachable *deploy.UnreachableError
	var forbidden *deploy.ForbiddenError
	var locked *deploy.LockedError
	switch {
	case errors.As(err, &unreachable) && unreachable.Unauthenticated:
		hints = append(hints, "log in again, or give other credentials with --kubeconfig, --kube-context or --kube-token")
	case errors.As(err, &unreachable):
		hints = append(hints, "check --kubeconfig, --kube-context and the network; nothing stands against running the same command again")
	case errors.As(err, &forbidden):
		hints = append(hints, fmt.Sprintf("ask for the right to %s %s, or act as somebody else with --kube-as-user", forbidden.Verb, forbidden.Resource))
	case a.env.Backend != nil && a.env.Backend.IsNamespaceMissing(err):
		hints = append(hints, "check --namespace; install and upgrade --install create it with --create-namespace")
	case errors.As(err, new(*release.TooLargeError)):
		hints = append(hints, "leave large files out of the chart with .helmignore, or keep records in a database with HELM_DRIVER=sql")
	case errors.As(err, &locked):
		hints = append(hints, "wait for it with --lock-timeout; the same --owner takes over at once")
	}
	hints = append(hints, refusalHints(err)...)
	return append(hints, outcomeHints(operation)...)
}

// refusalHints say what allows changes that were refused.
func refusalHints(err error) []string {
	var refused *deploy.RefusedError
	if !errors.As(err, &refused) {
		return nil
	}
	var hints []string
	for _, c := range refused.Changes {
		switch c.Problem.Kind {
		case plan.ForeignProblem:
			hints = append(hints, "--take-ownership makes objects that exist part of the release; else give them other names")
		case plan.ConflictProblem:
			hints = append(hints, "--force-conflicts takes the fields from the managers that hold them; or leave them out of the chart")
		case plan.ImmutableProblem:
			if !c.CRD {
				hints = append(hints, "--recreate deletes and creates the objects of which such a field changes")
			}
		}
	}
	return hints
}

// outcomeHints say how to go on from the state that an operation has left.
func outcomeHints(e *deploy.Error) []string {
	if e == nil || len(e.Hints) > 0 {
		return nil
	}
	switch e.Outcome {
	case deploy.Failed:
		if e.Revision == 1 {
			return []string{fmt.Sprintf("'slipway status %[1]s' shows what is there; 'slipway uninstall %[1]s' removes it, 'slipway upgrade --install %[1]s CHART' tries again", e.Release)}
		}
		return []string{fmt.Sprintf("'slipway status %[1]s' and 'slipway history %[1]s' show what is there; 'slipway rollback %[1]s' returns to the revision before", e.Release)}
	case deploy.TimedOut:
		return []string{"give it more time with --timeout"}
	case deploy.RolledBack:
		return []string{fmt.Sprintf("'slipway history %s' shows what has happened", e.Release)}
	case deploy.Retryable:
		return []string{"nothing was changed; run the same command again"}
	}
	return nil
}

// printable is a text without the control characters that would act on a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			return r
		}
		return -1
	}, text)
}

// excerpt shows the lines of a text around one line, which is marked, and
// below it the column, both counted from 1. Column 0 is unknown.
func excerpt(text string, line, col, around int) string {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	first, last := max(1, line-around), min(len(lines), line+around)
	width := len(fmt.Sprint(last))
	var out strings.Builder
	for n := first; n <= last; n++ {
		mark := ' '
		if n == line {
			mark = '>'
		}
		shown := clip(strings.TrimRight(lines[n-1], "\r"))
		fmt.Fprintf(&out, "  %c %*d | %s\n", mark, width, n, shown)
		if n == line && col > 0 && col <= len(shown) {
			fmt.Fprintf(&out, "    %*s | %s^\n", width, "", blanks(shown[:col-1]))
		}
	}
	return out.String()
}

// clip cuts lines that no terminal shows anyway.
func clip(line string) string {
	const most = 200
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most], "") + "..."
}

// blanks is a text of the same width as s, with its tabs.
func blanks(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, s)
}
