package cli

import (
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release/rollout"
)

// lastWords is what is done when a signal ends the process while a command does
// not come to its end. Its methods are safe for concurrent use; nil does nothing.
type lastWords struct {
	mu   sync.Mutex
	told func(signalled)
}

func (l *lastWords) be(told func(signalled)) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = told
}

func (l *lastWords) say(sig signalled) {
	l.mu.Lock()
	told := l.told
	l.mu.Unlock()
	if told != nil {
		told(sig)
	}
}

// interrupted writes the result of a command that has no time to end.
func (a *app) interrupted(sig signalled) {
	a.ending.set(func(r *resultDoc) { r.Message, r.Hints = sig.Error(), usualHints(nil, sig.code()) })
	_ = a.ending.write(sig.code(), a.env.Now()) // the process ends anyway
}

// end writes what pipelines are told, and returns the exit code.
func (a *app) end(code int) int {
	if err := a.ending.write(code, a.env.Now()); err != nil {
		a.warnf("slipway: error: write the result: %v\nslipway: hint: what the command did is done; 'slipway status' and 'slipway rollout status' show it", err)
		if code == exitDone {
			code = exitInternal
		}
	}
	a.ci.annotate(a, a.ending.copy())
	return code
}

func (e *ending) copy() resultDoc {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.result
}

// named takes up which command it is, and of which release, as far as the
// arguments say that.
func (a *app) named(cmd *cobra.Command) {
	if cmd == nil {
		return
	}
	operand, given := "", cmd.Flags().Args()
	for i, word := range strings.Fields(cmd.Use)[1:] {
		// "install CHART --generate-name" has no name yet.
		if isReleaseOperand(word) && i < len(given) && !(cmd.Name() == "install" && len(given) == 1) {
			operand = given[i]
			break
		}
	}
	a.ending.set(func(r *resultDoc) {
		if cmd.HasParent() || r.Command == "" {
			r.Command = strings.TrimPrefix(cmd.CommandPath(), "slipway ")
		}
		if r.Release == "" {
			r.Release = operand
		}
		if r.Namespace == "" && a.env.Backend != nil && r.Release != "" {
			r.Namespace = a.namespace()
		}
	})
	if a.ci == nil {
		a.openCI(cmd)
	}
}

func isReleaseOperand(word string) bool {
	switch strings.Trim(word, "[]<>") {
	case "NAME", "RELEASE", "RELEASE_NAME":
		return true
	}
	return false
}

// withoutParams takes out of a message what a parameter says that could not be
// read as values: it may be secret, and was not on a command line.
func (a *app) withoutParams(message string) string {
	const faulty = "failed parsing --set"
	head, rest, found := strings.Cut(message, faulty)
	if !a.fromParams || !found {
		return message
	}
	flag, _, _ := strings.Cut(rest, " ")
	return head + faulty + flag + " data: what the parameter holds is not shown; its syntax is that of --set"
}

// watch is told of each state of a rollout that was stored.
func (a *app) watch(next func(before, after *rollout.State)) func(before, after *rollout.State) {
	return func(before, after *rollout.State) {
		a.ending.rollout(after.Release, after)
		if next != nil {
			next(before, after)
		}
	}
}
