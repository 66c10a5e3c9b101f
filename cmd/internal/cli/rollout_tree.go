package cli

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

// painter colours a text.
type painter func(colour, text string) string

func plain(_, text string) string { return text }

// rolloutTree shows what is live of a rollout, a line each.
func rolloutTree(s *deploy.RolloutStatus, now time.Time, paint painter) []string {
	st := s.State
	t := &treeText{paint: paint}
	t.line(0, "%s in %s: %s of revision %d over %d", st.Release, st.Namespace, st.Settings.Strategy, st.Revision, st.Base)
	t.field("state", stateColour(st), stateText(st))
	t.field("steps", "", stepsText(st))
	t.field("weight", "", weightText(s))
	t.workloads(s.Workloads)
	t.services(s.Services)
	t.runs(st)
	if st.Phase == rollout.Gate {
		t.field("gate", "", gateText(st, now))
	}
	t.field("owner", "", actorText(st.Starter))
	t.field("approver", "", actorText(st.Approver))
	t.field("guard", "", guardText(st, now))
	t.field("failure", red, st.Failure)
	t.field("bypassed", red, s.Bypassed)
	for _, note := range st.Notes {
		t.field("warning", yellow, note)
	}
	if s.Next != "" {
		t.field("next", "", "slipway "+s.Next)
	}
	return t.lines
}

// treeText collects the lines of a tree.
type treeText struct {
	paint painter
	lines []string
}

func (t *treeText) line(depth int, format string, args ...any) {
	t.lines = append(t.lines, strings.Repeat("  ", depth)+printable(fmt.Sprintf(format, args...)))
}

// field is a line with a name. What is empty is left out.
func (t *treeText) field(name, colour, text string) {
	if text == "" {
		return
	}
	text = strings.ReplaceAll(strings.TrimSpace(printable(text)), "\n", "\n"+strings.Repeat(" ", 12))
	for i, line := range strings.Split(text, "\n") {
		if i == 0 {
			line = "  " + t.paint(grey, fmt.Sprintf("%-9s", name)) + " " + t.paint(colour, line)
		}
		t.lines = append(t.lines, line)
	}
}

func (t *treeText) head(name string) { t.lines = append(t.lines, "  "+t.paint(grey, name)) }

func (t *treeText) workloads(all []deploy.WorkloadStatus) {
	if len(all) == 0 {
		return
	}
	t.head("workloads")
	for _, w := range all {
		t.line(2, "%s  %s of the ready pods are the canary's", w.Workload, percent(w.Achieved))
		width := 0
		for _, side := range w.Sides {
			width = max(width, len(side.Name))
		}
		for _, side := range w.Sides {
			ready := fmt.Sprintf("%d of %d ready", side.Ready, side.Pods)
			if side.Ready < side.Pods {
				ready = t.paint(yellow, ready)
			}
			hash := ""
			if side.Hash != "" {
				hash = "  hash " + side.Hash
			}
			t.lines = append(t.lines, fmt.Sprintf("      %-6s  %-*s  %s%s", side.Side, width, side.Name, ready, hash))
		}
	}
}

func (t *treeText) services(all []deploy.ServiceStatus) {
	if len(all) == 0 {
		return
	}
	t.head("services")
	for _, s := range all {
		t.line(2, "%s  %s to the canary by %s; ready endpoints: %d stable, %d canary", s.Service, percent(s.Weight), s.By, s.Stable, s.Canary)
	}
}

func (t *treeText) runs(st *rollout.State) {
	if len(st.Runs) == 0 {
		return
	}
	t.head("measurements")
	for _, r := range st.Runs {
		verdict := string(r.Verdict)
		if r.Verdict == rollout.NotYet {
			verdict = "going on"
		}
		text := fmt.Sprintf("    %s  %s: ", printable(r.Metric), t.paint(verdictColour(r.Verdict), verdict))
		if r.Message != "" {
			text += oneLineOf(printable(r.Message))
		} else {
			text += fmt.Sprintf("%d taken", len(r.Measurements))
		}
		if n := len(r.Measurements); n > 0 {
			text += "; last: " + measurementText(r.Measurements[n-1])
		}
		t.lines = append(t.lines, text)
	}
}

// measurementText is a measurement in one line.
func measurementText(m rollout.Measurement) string {
	text := string(m.Verdict)
	for _, more := range []string{m.Value, m.Message} {
		if more != "" {
			text += ", " + clip(oneLineOf(printable(more)))
		}
	}
	return text
}

func verdictColour(v rollout.Verdict) string {
	switch v {
	case rollout.Successful:
		return green
	case rollout.Bad, rollout.Erroneous:
		return red
	case rollout.Undecided:
		return yellow
	}
	return ""
}

// stateText says in a few words where a rollout is.
func stateText(st *rollout.State) string {
	step := ""
	if st.Step < len(st.Steps) {
		step = fmt.Sprintf(" step %d of %d (%d %%)", st.Step+1, len(st.Steps), st.Steps[st.Step].Weight)
	}
	switch {
	case st.Phase == rollout.Done:
		return "done"
	case st.Phase == rollout.Aborted:
		return "aborted"
	case st.Failure != "" && st.Committed:
		return "stuck while " + string(st.Phase) + ": the canary serves, and stays"
	case st.Failure != "":
		return "stopped while " + string(st.Phase) + step
	case st.Phase == rollout.Gate && st.Inconclusive:
		return "inconclusive at" + step
	case st.Phase == rollout.Gate:
		return "waits at" + step
	case isOfStep(st.Phase):
		return string(st.Phase) + step
	}
	return string(st.Phase)
}

// isOfStep reports whether a phase comes once for each step.
func isOfStep(p rollout.Phase) bool {
	switch p {
	case rollout.Scaling, rollout.Shifting, rollout.Verifying, rollout.Lowering:
		return true
	}
	return false
}

func stateColour(st *rollout.State) string {
	switch {
	case st.Failure != "":
		return red
	case st.Phase == rollout.Done:
		return green
	case st.Phase == rollout.Gate, st.Phase == rollout.Aborted:
		return yellow
	}
	return ""
}

// stepsText lists the weights, the present one in brackets.
func stepsText(st *rollout.State) string {
	var words []string
	for i, step := range st.Steps {
		word := fmt.Sprintf("%d %%", step.Weight)
		if step.Pause > 0 {
			word += " for " + durationText(step.Pause)
		}
		if i == st.Step {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// weightText compares the share that was asked for with what is there: what
// Services give if there are some, else what pods are ready.
func weightText(s *deploy.RolloutStatus) string {
	if s.State.Step >= len(s.State.Steps) {
		return ""
	}
	low, high := math.Inf(1), math.Inf(-1)
	add := func(weight float64) { low, high = min(low, weight), max(high, weight) }
	for _, service := range s.Services {
		add(service.Weight)
	}
	if len(s.Services) == 0 {
		for _, w := range s.Workloads {
			add(w.Achieved)
		}
	}
	asked := fmt.Sprintf("%d %% asked", s.State.Steps[s.State.Step].Weight)
	switch {
	case low > high:
		return asked
	case percent(low) == percent(high):
		return asked + ", " + percent(low) + " achieved"
	}
	return asked + ", " + percent(low) + " to " + percent(high) + " achieved"
}

func percent(p float64) string { return fmt.Sprintf("%.1f %%", p) }

// gateText says what ends a gate, and when.
func gateText(st *rollout.State, now time.Time) string {
	var step rollout.Step
	if st.Step < len(st.Steps) {
		step = st.Steps[st.Step]
	}
	text := "a person decides"
	if step.Gate == rollout.Auto && !st.Inconclusive {
		text = "goes on by itself"
	}
	if step.Pause > 0 {
		text += ", pause until " + momentText(st.EnteredAt.Add(step.Pause), now)
	}
	switch {
	case st.Deadline.IsZero():
		return text + ", no deadline"
	case st.Deadline.Before(now):
		return text + ", overdue since " + momentText(st.Deadline, now)
	}
	return text + ", deadline " + momentText(st.Deadline, now)
}

// guardText says when a guard looked last.
func guardText(st *rollout.State, now time.Time) string {
	if st.GuardedAt.IsZero() {
		return "has not looked yet"
	}
	return "looked " + momentText(st.GuardedAt, now)
}

// actorText names who did something.
func actorText(a rollout.Actor) string {
	var more []string
	name := a.Name
	if name == "" {
		name, a.Owner = a.Owner, ""
	}
	for _, text := range []string{a.Owner, a.Build} {
		if text != "" {
			more = append(more, text)
		}
	}
	if len(more) > 0 {
		name += " (" + strings.Join(more, ", ") + ")"
	}
	return printable(strings.TrimSpace(name))
}

// momentText is a time and how far away it is.
func momentText(at, now time.Time) string {
	text := at.UTC().Format(time.RFC3339)
	switch d := at.Sub(now); {
	case d >= time.Second:
		return text + " (in " + ageText(d) + ")"
	default:
		return text + " (" + ageText(-d) + " ago)"
	}
}

// ageText is a duration in its largest unit.
func ageText(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// rolloutLine is a rollout in one line, for logs: it is the same as long as nothing changes.
func rolloutLine(s *deploy.RolloutStatus) string {
	parts := []string{stateText(s.State)}
	for _, w := range s.Workloads {
		text := w.Workload
		for _, side := range w.Sides {
			text += fmt.Sprintf(" %s %d/%d", side.Side, side.Ready, side.Pods)
		}
		parts = append(parts, text)
	}
	for _, service := range s.Services {
		parts = append(parts, fmt.Sprintf("Service/%s %s", service.Service, percent(service.Weight)))
	}
	for _, r := range s.State.Runs {
		parts = append(parts, fmt.Sprintf("metric %s %d taken %s", r.Metric, len(r.Measurements), r.Verdict))
	}
	if s.State.Failure != "" {
		parts = append(parts, s.State.Failure)
	}
	if s.Bypassed != "" {
		parts = append(parts, s.Bypassed)
	}
	return strings.TrimRight(printable(strings.ReplaceAll(strings.Join(parts, "; "), "\n", " ")), " ")
}
