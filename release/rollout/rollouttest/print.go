package rollouttest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/rollout"
)

// status is what a state has come to, in one line.
func status(s rollout.State) string {
	words := []string{fmt.Sprintf("%s %d", s.Phase, s.Step)}
	add := func(is bool, format string, args ...any) {
		if is {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(s.Back, "back")
	add(s.Committed, "committed")
	add(s.Pins, "pins")
	add(s.AllTraffic, "all-traffic")
	add(s.Inconclusive, "inconclusive")
	add(!s.Deadline.IsZero(), "deadline=%s", s.Deadline.Sub(epoch))
	add(!s.GuardedAt.IsZero(), "guarded=%s", s.GuardedAt.Sub(epoch))
	add(len(s.Runs) > 0, "runs=%s", runs(s.Runs))
	add(s.Failure != "", "failure=%q", s.Failure)
	return strings.Join(words, " ")
}

func runs(runs []rollout.Run) string {
	var words []string
	for _, r := range runs {
		verdict := string(r.Verdict)
		if r.Verdict == rollout.NotYet {
			verdict = "?"
		}
		words = append(words, r.Metric+":"+verdict)
	}
	return strings.Join(words, ",")
}

// journal prints the entries from the nth on.
func (s *Session) journal(n int) string {
	var b strings.Builder
	for _, e := range s.State.Journal[min(n, len(s.State.Journal)):] {
		fmt.Fprintf(&b, "%q", e.What)
		if e.Reason != "" {
			fmt.Fprintf(&b, " because %q", e.Reason)
		}
		if e.Actor.Name != "" {
			b.WriteString(" by " + e.Actor.Name)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func action(a rollout.Action) string {
	switch a := a.(type) {
	case rollout.Make:
		return "make: " + View(a.View)
	case rollout.Ready:
		return "ready: " + string(a.Side)
	case rollout.Endpoints:
		return "endpoints"
	case rollout.Settle:
		return "settle: " + a.For.String()
	case rollout.RunHooks:
		return "hooks: " + a.Event
	case rollout.CheckConfig:
		return "check configuration"
	case rollout.Measure:
		return "measure: " + runs(a.Runs)
	case rollout.Wait:
		return "wait until " + a.Until.Sub(epoch).String()
	case rollout.Pause:
		return "pause"
	case rollout.Finish:
		return "finish"
	case rollout.GiveUp:
		return "give up"
	}
	return fmt.Sprintf("%T", a)
}

// View prints a view in one line.
func View(v rollout.View) string {
	var words []string
	add := func(is bool, format string, args ...any) {
		if is {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(v.Target, "target")
	add(v.Prune, "prune")
	add(v.Early, "early")
	add(v.Clones, "clones")
	add(v.Full, "full")
	add(v.Adopted, "adopted")
	for _, workload := range slices.Sorted(maps.Keys(v.Counts)) {
		add(true, "%s=%d+%d", workload, v.Counts[workload].Stable, v.Counts[workload].Canary)
	}
	add(v.Paused, "paused")
	add(v.Pin != "", "pin=%s", v.Pin)
	add(v.Routed, "weight=%d", v.Weight)
	add(v.Preview, "preview")
	add(v.Scaler != "", "scaler=%s", v.Scaler)
	if len(words) == 0 {
		return "base"
	}
	return strings.Join(words, " ")
}
