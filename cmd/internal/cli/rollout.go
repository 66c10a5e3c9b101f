package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/notify"
	"github.com/e6d26078/slipway/release/rollout"
)

const rolloutLong = `Launch a release in steps: as a canary that serves a growing share of the
traffic, or blue-green. Any chart will do as it is, and nothing has to be
installed in the cluster: the state of a rollout is kept in Secrets beside the
release's records, and each command is a process of its own that goes on where
the one before has stopped.

  start      begins, and stops at the first gate with exit code 10
  promote    goes on to the next gate, and from the last one to the end
  abort      takes everything back
  undo       goes back by one step
  status     shows the pods, endpoints and measurements of both sides

Until the last promotion a colleague who has only Helm has a way out: 'helm
rollback NAME REVISION' with the revision that 'helm history' names.

Exit codes: 0 the rollout is done, or taken back by abort; 3 it was taken back
because it failed; 4 it is stuck, or stopped and kept; 10 at a gate; 20 somebody
else has gone on with the release; 21 the measurements are neither good nor bad.`

func newRollout(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollout",
		Short: "launch a release by canary or blue-green",
		Long:  rolloutLong,
		Args:  unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.onCluster(newRolloutStart(a)),
		a.onCluster(newRolloutPlan(a)),
		a.onCluster(newRolloutPromote(a)),
		a.onCluster(newRolloutAbort(a)),
		a.onCluster(newRolloutUndo(a)),
		a.onCluster(newRolloutRefresh(a)),
		a.onCluster(newRolloutStatus(a)),
		a.onCluster(newRolloutList(a)),
		a.onCluster(newRolloutGuard(a)),
		newRolloutSchema(a),
	)
	return cmd
}

// operateRollout is operate for what acts on rollouts. The targets are told of
// what happens.
func (a *app) operateRollout(ctx context.Context, o *operationFlags, name string, targets []notify.Target, run func(deploy.RolloutConfig) error) error {
	changed, err := a.notifier(ctx, o, targets)
	if err != nil {
		return err
	}
	return a.operateOn(ctx, o, name, func(c *connection, config deploy.Config) error {
		rollouts := rolloutConfig(c, config)
		rollouts.Changed = a.watch(changed)
		return run(rollouts)
	})
}

// notifier gives what tells the targets, nil if there are none. That somebody
// could not be told is a warning.
func (a *app) notifier(ctx context.Context, o *operationFlags, targets []notify.Target) (func(before, after *rollout.State), error) {
	if len(targets) == 0 {
		return nil, nil
	}
	n, err := notify.New(notify.Config{Targets: targets, Commit: a.auditOf(o).Commit, ReadFile: readFile})
	if err != nil {
		return nil, fmt.Errorf("notifications: %w", err)
	}
	return func(before, after *rollout.State) {
		if err := n.Changed(ctx, before, after); err != nil {
			a.warnf("slipway: warning: %s", printable(err.Error()))
		}
	}, nil
}

// rolloutConfig is what rollouts on a connection act on.
func rolloutConfig(c *connection, config deploy.Config) deploy.RolloutConfig {
	return deploy.RolloutConfig{
		Config: config, Rollouts: c.client.Rollouts(config.Namespace), Objects: c.client,
		Routers: c.client.Routers(), Sampler: c.client.Sampler(os.Environ()),
	}
}

// actorOf is who is written into the journal of a rollout.
func (a *app) actorOf(o *operationFlags) rollout.Actor {
	audit := a.auditOf(o)
	return rollout.Actor{Name: audit.Actor, Owner: a.ownerOf(o), Build: audit.BuildURL}
}

// approverOf is actorOf for what passes a gate: who has approved it, if that is known.
func (a *app) approverOf(o *operationFlags) rollout.Actor {
	actor := a.actorOf(o)
	actor.Name = cmp.Or(o.approver, actor.Name)
	return actor
}

// endRollout prints where a rollout is after a command that went well, and
// returns the exit code as an error.
func (a *app) endRollout(output, name string, result *deploy.RolloutResult) error {
	var st *rollout.State
	if result != nil {
		st = result.State
	}
	a.ending.rollout(name, st)
	if output == "json" {
		text, err := jsonText(endOf(name, st))
		if err != nil {
			return err
		}
		if err := a.print(text); err != nil {
			return err
		}
	} else if err := a.print(endText(name, st)); err != nil {
		return err
	}
	hints := endHints(name, st)
	switch {
	case st == nil || st.Phase != rollout.Gate:
		a.hint(hints...)
		return nil
	case st.Inconclusive:
		return &pausedError{exitUndecided, hints}
	}
	return &pausedError{exitPaused, hints}
}

// rolloutEnd is what a command on a rollout prints as JSON.
type rolloutEnd struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Release    string `json:"release"`
	State      string `json:"state"` // none, gate, inconclusive, done, aborted, or the phase
	Namespace  string `json:"namespace,omitempty"`
	ID         string `json:"id,omitempty"`
	Revision   int    `json:"revision,omitempty"`
	Base       int    `json:"base,omitempty"`
	Step       int    `json:"step,omitempty"` // counted from 1
	Steps      int    `json:"steps,omitempty"`
	Weight     int    `json:"weight"`
	Plan       string `json:"plan,omitempty"` // digest
	Deadline   string `json:"deadline,omitempty"`
	Failure    string `json:"failure,omitempty"`

	next string // the command that goes on, without slipway and rollout; "" if it is over
}

func endOf(name string, st *rollout.State) rolloutEnd {
	end := rolloutEnd{APIVersion: eventsVersion, Kind: "Rollout", Release: name, State: "none", next: nextOf(name, st)}
	if st == nil {
		return end
	}
	end.State, end.Namespace, end.ID, end.Revision, end.Base = stateWord(st), st.Namespace, st.ID, st.Revision, st.Base
	end.Steps, end.Plan, end.Failure, end.Deadline = len(st.Steps), st.PlanDigest, printable(st.Failure), timeText(st.Deadline)
	if st.Step < len(st.Steps) {
		end.Step, end.Weight = st.Step+1, st.Steps[st.Step].Weight
	}
	return end
}

// stateWord is the state of a rollout in one word, for programs.
func stateWord(st *rollout.State) string {
	switch {
	case st.Failure != "" && st.Committed:
		return "stuck"
	case st.Failure != "" && st.Phase != rollout.Aborted:
		return "stopped"
	case st.Phase == rollout.Gate && st.Inconclusive:
		return "inconclusive"
	}
	return string(st.Phase)
}

func endText(name string, st *rollout.State) string {
	if st == nil {
		return fmt.Sprintf("release %s has no rollout under way\n", name)
	}
	return fmt.Sprintf("rollout of %s, revision %d over %d: %s\n", name, st.Revision, st.Base, stateText(st))
}

// endHints say how to go on from where a rollout is.
func endHints(name string, st *rollout.State) []string {
	switch {
	case st == nil:
		return []string{"'slipway rollout start " + name + " CHART' begins one; 'slipway history " + name + "' shows what was"}
	case st.Phase == rollout.Done, st.Phase == rollout.Aborted:
		return []string{"'slipway history " + name + "' shows the revisions"}
	case st.Phase == rollout.Gate && st.Inconclusive:
		return []string{fmt.Sprintf("'slipway rollout status %[1]s' shows the measurements; 'slipway rollout promote %[1]s' goes on all the same, 'slipway rollout abort %[1]s' takes it back", name)}
	case st.Phase == rollout.Gate:
		hint := fmt.Sprintf("'slipway rollout promote %s --from-step %d' goes on, 'slipway rollout abort %s' takes it back", name, st.Step+1, name)
		if !st.Deadline.IsZero() {
			hint += "; the deadline is " + timeText(st.Deadline)
		}
		if !st.Deadline.IsZero() && st.GuardedAt.IsZero() {
			return []string{hint, "nobody has looked after this gate yet: run 'slipway rollout guard' every few minutes; with --cronjob it prints what does so in the cluster"}
		}
		return []string{hint}
	}
	return []string{"'slipway rollout status " + name + "' shows it"}
}

// rolloutFailed adds to an error of an operation what helps to go on.
func rolloutFailed(err error, name string) error {
	var missing *deploy.NoReleaseError
	var pending *deploy.PendingError
	var operation *deploy.Error
	switch {
	case errors.As(err, &missing):
		return withHint(err, "'slipway upgrade --install "+name+" CHART' makes the release; the next version can be launched in steps")
	case errors.Is(err, deploy.ErrNoRollout):
		return withHint(err, "'slipway rollout start "+name+" CHART' begins one; 'slipway rollout list -A' shows what is under way")
	case errors.As(err, new(*rollout.UnreachableError)):
		return withHint(err, "give other --steps, or another --surge or --tolerance, or have more replicas; 'slipway rollout plan' shows what is reached")
	case errors.As(err, &pending) && pending.Rollout:
		return withHint(err, fmt.Sprintf("'slipway rollout status %[1]s' shows it; 'slipway rollout promote %[1]s' or 'slipway rollout abort %[1]s' ends it", name))
	case errors.As(err, &operation) && operation.Revision > 0 && len(operation.Hints) == 0 && (operation.Outcome == deploy.Refused || operation.Outcome == deploy.Locked) && !errors.As(err, new(*deploy.LockedError)):
		return withHint(err, fmt.Sprintf("'slipway rollout status %s' shows where it is, whose it is, and the command that goes on", name))
	}
	return err
}
