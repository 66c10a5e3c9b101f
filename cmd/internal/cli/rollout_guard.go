package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

const rolloutGuardLong = `Look after rollouts that wait at a gate while nobody watches: measure each anew, and
take back those that fail and those whose gate is overdue. It looks at one release,
or at all of the namespace, or with -A at those of all namespaces. What somebody is
at work on is left alone.

Let it run every few minutes: by cron, by the pipeline server, or in the cluster.
With --cronjob it prints a CronJob for that, with a ServiceAccount and the least
rights, and does nothing else. The rights are those for the kinds of objects that
the releases have; print it anew when charts with other kinds come.

Exit codes: 0 nothing had to be taken back, 3 something was, 4 a rollout that fails
cannot be taken back, 21 measurements are neither good nor bad.`

// guardOptions are the flags of "rollout guard".
type guardOptions struct {
	operation  operationFlags
	everywhere bool
	timeout    time.Duration
	format     *choice
	cronjob    bool
	schedule   string
	image      string
	config     string
}

func newRolloutGuard(a *app) *cobra.Command {
	o := &guardOptions{format: newChoice("text", "json")}
	cmd := &cobra.Command{
		Use:   "guard [NAME]",
		Short: "take back rollouts that fail or wait too long",
		Long:  rolloutGuardLong,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return argumentsError(cmd, "takes at most", 1)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			name := strings.Join(args, "")
			if err := o.check(name); err != nil {
				return err
			}
			if o.cronjob {
				return a.printGuardJob(cmd.Context(), o, name)
			}
			return a.runRolloutGuard(cmd.Context(), o, name)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.everywhere, "all-namespaces", "A", false, "look after the rollouts of all namespaces")
	f.DurationVar(&o.timeout, "timeout", helmTimeout, "time that each wait may take")
	f.VarP(o.format, "output", "o", "how to print the result")
	f.StringVar(&o.config, "config", "", configUsage)
	f.BoolVar(&o.cronjob, "cronjob", false, "print a CronJob that does this, with its rights")
	f.StringVar(&o.schedule, "schedule", "*/5 * * * *", "with --cronjob, when it runs")
	f.StringVar(&o.image, "image", "", "with --cronjob, a container image that has slipway and slipway-cluster in its PATH")
	o.operation.register(f)
	return cmd
}

func (o *guardOptions) check(name string) error {
	switch {
	case name != "" && o.everywhere:
		return errors.New("a release is in one namespace: leave NAME or --all-namespaces out")
	case o.cronjob && o.image == "":
		return withHint(errors.New("--cronjob needs --image"), "name an image that has slipway and slipway-cluster in its PATH")
	case o.cronjob && len(strings.Fields(o.schedule)) != 5 && !strings.HasPrefix(o.schedule, "@"):
		return fmt.Errorf("--schedule %q: it has to have five fields, as in \"*/5 * * * *\"", o.schedule)
	case name != "":
		return checkReleaseName(name)
	}
	return nil
}

// guarded is what became of a rollout that was looked at.
type guarded struct {
	Release   string `json:"release"`
	Namespace string `json:"namespace"`
	// Result is waits, inconclusive, aborted, failed, busy (somebody is at work
	// on it) or the word for a state that a guard leaves alone.
	Result  string `json:"result"`
	Message string `json:"message,omitempty"`

	code int
}

func (a *app) runRolloutGuard(ctx context.Context, o *guardOptions, name string) error {
	targets, err := readTargets(o.config)
	if err != nil {
		return err
	}
	changed, err := a.notifier(ctx, &o.operation, targets)
	if err != nil {
		return err
	}
	all := []guarded{}
	err = a.operateOn(ctx, &o.operation, "rollout guard", func(c *connection, config deploy.Config) error {
		states, err := a.listRollouts(ctx, c, o.everywhere)
		if err != nil {
			return err
		}
		for i := range states {
			if name != "" && states[i].Release != name {
				continue
			}
			found, err := a.guardOne(ctx, c, o, &states[i], progressOf(&states[i], config.Observe), changed)
			if err != nil {
				return err
			}
			all = append(all, found)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := a.printGuarded(o, name, all); err != nil {
		return err
	}
	return guardCode(all)
}

func (a *app) printGuarded(o *guardOptions, name string, all []guarded) error {
	if o.format.word == "json" {
		text, err := jsonText(all)
		if err != nil {
			return err
		}
		return a.print(text)
	}
	if len(all) == 0 {
		what := "no rollouts are under way\n"
		if name != "" {
			what = endText(name, nil)
		}
		return a.print(what)
	}
	var out strings.Builder
	for _, g := range all {
		fmt.Fprintf(&out, "%s in %s: %s", g.Release, g.Namespace, g.Result)
		if g.Message != "" {
			fmt.Fprintf(&out, ": %s", g.Message)
		}
		out.WriteString("\n")
	}
	return a.print(out.String())
}

// guardOne looks after one rollout. The error is about what no other rollout
// would fare better with.
func (a *app) guardOne(ctx context.Context, c *connection, o *guardOptions, st *rollout.State, observe func(deploy.Notice), changed func(before, after *rollout.State)) (guarded, error) {
	there := *c
	there.namespace = st.Namespace
	if there.namespace != c.namespace {
		if err := a.openStore(ctx, &there); err != nil {
			return guarded{}, err
		}
		defer there.close()
	}
	config, err := a.deployConfig(&there, &o.operation, observe)
	if err != nil {
		return guarded{}, err
	}
	rollouts := rolloutConfig(&there, config)
	rollouts.Changed = changed
	result, err := deploy.GuardRollout(ctx, rollouts, st.Release, deploy.AbortOptions{
		Actor: a.actorOf(&o.operation), Reason: o.operation.reason, Timeout: o.timeout,
	})
	g := guarded{Release: st.Release, Namespace: st.Namespace}
	if err != nil {
		g.Message, g.code = printable(err.Error()), codeOf(ctx, err)
	} else if result != nil && result.State != nil {
		st = result.State
	}
	switch {
	case err == nil && st.Phase == rollout.Gate && st.Inconclusive:
		g.Result, g.code = "inconclusive", exitUndecided
	case err == nil && st.Phase == rollout.Gate:
		g.Result, g.Message = "waits", strings.TrimPrefix(stateText(st), "waits at ")
	case err == nil:
		g.Result = stateWord(st)
	case g.code == exitRolledBack:
		g.Result = "aborted"
	case g.code == exitLocked:
		g.Result, g.code = "busy", exitDone
	default:
		g.Result = "failed"
	}
	return g, nil
}

// progressOf says of which release warnings and phases are.
func progressOf(st *rollout.State, observe func(deploy.Notice)) func(deploy.Notice) {
	return func(n deploy.Notice) {
		if n.Step == deploy.StepWarning || n.Step == deploy.StepRollout {
			n.Message = st.Namespace + "/" + st.Release + ": " + n.Message
		}
		observe(n)
	}
}

// guardCode is the worst of what was found, as an error.
func guardCode(all []guarded) error {
	worst := []int{exitDone, exitUndecided, exitRolledBack, exitTimeout, exitRetryable, exitBadInput, exitInternal, exitFailed}
	code := exitDone
	var names []string
	for _, g := range all {
		if slices.Index(worst, g.code) > slices.Index(worst, code) {
			code = g.code
		}
		if g.code != exitDone {
			names = append(names, g.Namespace+"/"+g.Release)
		}
	}
	list := strings.Join(names, ", ")
	switch code {
	case exitDone:
		return nil
	case exitUndecided:
		return &pausedError{exitUndecided, []string{"'slipway rollout status' shows the measurements of " + list}}
	case exitRolledBack:
		return &failure{code: code, err: errors.New("rollouts were taken back: " + list), hints: []string{"'slipway history' shows why"}}
	}
	return &failure{code: code, err: errors.New("rollouts need somebody to look at them: " + list), hints: []string{"'slipway rollout status' shows what is live of them"}}
}
