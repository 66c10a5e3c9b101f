package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

const rolloutStatusLong = `Show a rollout: the weights that were asked for and what is achieved, the pods of
both sides, the endpoints of Services, measurements, what the gate waits for and
until when, who has started and promoted it, when a guard looked last, and the
command that goes on with it.

With --watch it is shown until the rollout is over: drawn anew on a terminal,
else a line for each change.`

// watchEvery is how often a rollout is looked at.
const watchEvery = time.Second

func newRolloutStatus(a *app) *cobra.Command {
	format := newChoice("text", "json")
	watch := false
	cmd := &cobra.Command{
		Use:   "status NAME",
		Short: "show a rollout",
		Long:  rolloutStatusLong,
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runRolloutStatus(cmd.Context(), args[0], watch, format.word)
		},
	}
	f := cmd.Flags()
	pipelineFlags(f)
	f.BoolVarP(&watch, "watch", "w", false, "go on showing it until the rollout is over")
	f.VarP(format, "output", "o", "how to print it; with --watch, JSON is a document a line")
	return cmd
}

func (a *app) runRolloutStatus(ctx context.Context, name string, watch bool, format string) error {
	if err := checkReleaseName(name); err != nil {
		return err
	}
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	config, err := a.deployConfig(c, &operationFlags{leaseDuration: 30 * time.Second}, a.warnings())
	if err != nil {
		return err
	}
	rollouts := rolloutConfig(c, config)
	read := func() (*deploy.RolloutStatus, error) { return deploy.StatusOfRollout(ctx, rollouts, name) }
	status, err := read()
	if errors.Is(err, release.ErrNotFound) {
		return withHint(fmt.Errorf("release %s has no rollout under way", name), "'slipway history "+name+"' shows what was, 'slipway rollout list -A' what is under way")
	}
	if err != nil {
		return err
	}
	a.ending.rollout(name, status.State)
	if !watch {
		return a.printStatusOf(status, format)
	}
	return a.watchRollout(ctx, name, status, read, format)
}

func (a *app) printStatusOf(s *deploy.RolloutStatus, format string) error {
	if format == "json" {
		text, err := jsonText(statusDocOf(s))
		if err != nil {
			return err
		}
		return a.print(text)
	}
	return a.print(strings.Join(rolloutTree(s, a.env.Now(), a.painter()), "\n") + "\n")
}

// painter colours what goes to standard output, if that may be coloured.
func (a *app) painter() painter {
	if !a.colours() {
		return plain
	}
	p := &progress{colour: true}
	return p.paint
}

// watchRollout shows a rollout until it is over.
func (a *app) watchRollout(ctx context.Context, name string, status *deploy.RolloutStatus, read func() (*deploy.RolloutStatus, error), format string) error {
	show := a.statusLines(format)
	if file, ok := a.env.Stdout.(*os.File); ok && format == "text" && term.IsTerminal(int(file.Fd())) && a.env.Getenv("TERM") != "dumb" {
		s := newScreen(file)
		s.whole = true
		show = func(status *deploy.RolloutStatus) error {
			s.draw(rolloutTree(status, a.env.Now(), a.painter()))
			return nil
		}
	}
	for {
		if err := show(status); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(watchEvery):
		}
		next, err := read()
		switch {
		case errors.Is(err, release.ErrNotFound):
			return a.rolloutOver(ctx, name, status.State, format)
		case err != nil:
			return err
		}
		status = next
	}
}

// statusLines prints a status in one line if it is not the one before.
func (a *app) statusLines(format string) func(*deploy.RolloutStatus) error {
	last := ""
	return func(status *deploy.RolloutStatus) error {
		line := rolloutLine(status) + "\n"
		if format == "json" {
			text, err := jsonText(statusDocOf(status))
			if err != nil {
				return err
			}
			line = text
		}
		if line == last {
			return nil
		}
		last = line
		return a.print(line)
	}
}

// rolloutOver says how a rollout has ended that is gone: the release's record knows.
func (a *app) rolloutOver(ctx context.Context, name string, st *rollout.State, format string) error {
	if format == "json" {
		return nil
	}
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	r, err := c.store.Get(ctx, name, st.Revision)
	if err != nil {
		return a.print("the rollout is over\n")
	}
	return a.print(fmt.Sprintf("the rollout is over: revision %d is %s (%s)\n", st.Revision, r.Info.Status, printable(r.Info.Description)))
}

// statusDoc is a status as JSON. Where measurements come from is left out,
// since headers and addresses may hold what is secret, and so is what only
// slipway itself can use.
type statusDoc struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	*deploy.RolloutStatus
}

func statusDocOf(s *deploy.RolloutStatus) statusDoc {
	shown, st := *s, *s.State
	st.Derived, st.Config, st.Hashes = nil, nil, nil
	st.Settings.Metrics = append([]rollout.Metric(nil), st.Settings.Metrics...)
	for i := range st.Settings.Metrics {
		st.Settings.Metrics[i].Provider = rollout.Provider{}
	}
	shown.State = &st
	return statusDoc{eventsVersion, "RolloutStatus", &shown}
}
