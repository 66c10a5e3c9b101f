package deploy

import (
	"context"
	"fmt"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/rollout"
)

// PromoteRollout lets a rollout go on from its gate to the next one, or from
// wherever it stopped. The error is an *Error.
func PromoteRollout(ctx context.Context, config RolloutConfig, name string, options PromoteOptions) (*RolloutResult, error) {
	r := newRolling(config, name, options.Timeout)
	r.keep = options.HistoryMax
	switch {
	case options.KeepLive:
		r.decision = keepChanged
	case options.UseFrozen:
		r.decision = overwriteChanged
	}
	return r.command(ctx, func(ctx context.Context) error {
		if r.over != nil && r.over.State.Phase == rollout.Done {
			return nil
		}
		if err := r.openExisting(ctx); err != nil {
			return err
		}
		if err := r.expects(&options); err != nil {
			return err
		}
		if err := r.reviewMove(ctx); err != nil {
			return err
		}
		if r.target != nil {
			r.target.Operation.Approver = options.Actor.Name
		}
		return r.drive(ctx, rollout.Promote{Full: options.Full, Actor: options.Actor})
	})
}

// openExisting is open for commands that need a rollout.
func (r *rolling) openExisting(ctx context.Context) error {
	if r.stored == nil {
		return r.noRollout()
	}
	return r.open(ctx)
}

// noRollout says that there is nothing to go on with.
func (r *rolling) noRollout() error {
	newest := r.newest()
	if newest != nil && isRollout(newest) {
		return &Error{
			Outcome: Locked, Release: r.name, Revision: newest.Version,
			Err:   fmt.Errorf("revision %d of release %s is being rolled out, and the state of the rollout is gone", newest.Version, r.name),
			Hints: []string{"'slipway recover " + r.name + "' shows how to take it back"},
		}
	}
	return &Error{Outcome: Refused, Release: r.name, Err: fmt.Errorf("release %s: %w", r.name, ErrNoRollout)}
}

// expects makes sure that the rollout is the one, and where, the caller thinks.
func (r *rolling) expects(options *PromoteOptions) error {
	s := r.state()
	refuse := func(format string, args ...any) error {
		return &Error{Outcome: Refused, Release: r.name, Revision: s.Revision, Err: fmt.Errorf(format, args...)}
	}
	if options.ExpectPlan != "" && options.ExpectPlan != s.PlanDigest {
		return refuse("the rollout of release %s is that of another plan: %s", r.name, s.PlanDigest)
	}
	if options.FromStep > 0 && (s.Step+1 != options.FromStep || s.Phase != rollout.Gate) {
		where := "is " + string(s.Phase)
		if s.Phase == rollout.Gate {
			where = "waits at the gate of"
		}
		return refuse("the rollout of release %s is not at the gate of step %d: it %s step %d of %d", r.name, options.FromStep, where, s.Step+1, len(s.Steps))
	}
	return nil
}

// AbortRollout takes a rollout back. Without one it does nothing, and the
// State of the result is nil. The error is an *Error.
func AbortRollout(ctx context.Context, config RolloutConfig, name string, options AbortOptions) (*RolloutResult, error) {
	return takeBackRollout(ctx, config, name, options, func(r *rolling) rollout.Event {
		return rollout.Abort{Reason: options.Reason, Actor: options.Actor}
	})
}

// UndoRollout goes back by one step: from the first one, it takes the rollout
// back. The error is an *Error.
func UndoRollout(ctx context.Context, config RolloutConfig, name string, options AbortOptions) (*RolloutResult, error) {
	return takeBackRollout(ctx, config, name, options, func(r *rolling) rollout.Event {
		return rollout.Undo{Actor: options.Actor}
	})
}

func takeBackRollout(ctx context.Context, config RolloutConfig, name string, options AbortOptions, event func(*rolling) rollout.Event) (*RolloutResult, error) {
	r := newRolling(config, name, options.Timeout)
	r.asked = true
	return r.command(ctx, func(ctx context.Context) error {
		if r.stored == nil {
			if newest := r.newest(); newest != nil && isRollout(newest) {
				return r.noRollout()
			}
			return nil
		}
		if err := r.ownedBy(options.Owner); err != nil {
			return err
		}
		if err := r.open(ctx); err != nil {
			return err
		}
		return r.drive(ctx, event(r))
	})
}

// ownedBy refuses to touch the rollout of another run.
func (r *rolling) ownedBy(owner string) error {
	s := r.state()
	if owner == "" || owner == s.Starter.Owner {
		return nil
	}
	return &Error{Outcome: Locked, Release: r.name, Revision: s.Revision,
		Err: fmt.Errorf("the rollout of release %s belongs to %q, not to %q", r.name, s.Starter.Owner, owner)}
}

// GuardRollout measures a rollout that is paused, and takes it back if it
// fails or is overdue. Without a rollout it does nothing. The error is an
// *Error; that the rollout was taken back is one with the outcome RolledBack.
func GuardRollout(ctx context.Context, config RolloutConfig, name string, options AbortOptions) (*RolloutResult, error) {
	r := newRolling(config, name, options.Timeout)
	return r.command(ctx, func(ctx context.Context) error {
		if r.stored == nil {
			return nil
		}
		if err := r.open(ctx); err != nil {
			return err
		}
		if r.state().Committed || r.state().Phase != rollout.Gate && r.state().Failure == "" {
			return nil // somebody's process was at work on it, and goes on
		}
		runs, err := r.guardRuns(ctx)
		if err != nil {
			return r.halted(ctx, err)
		}
		return r.drive(ctx, rollout.Guard{Runs: runs, Actor: options.Actor})
	})
}

// guardRuns measures each metric of the step anew: once, and again as long as it
// fails and its limit allows for more failures.
func (r *rolling) guardRuns(ctx context.Context) ([]rollout.Run, error) {
	s := r.state()
	if s.Phase != rollout.Gate || s.Steps[s.Step].Implied || r.config.Sampler == nil {
		return nil, nil
	}
	var runs []rollout.Run
	for _, metric := range s.Settings.Metrics {
		if metric.FromWeight > s.Steps[s.Step].Weight {
			continue
		}
		run, err := r.guardRun(ctx, metric)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

func (r *rolling) guardRun(ctx context.Context, metric rollout.Metric) (rollout.Run, error) {
	run := rollout.Run{Metric: metric.Name, Step: r.state().Step, StartedAt: r.Clock()}
	metric.InitialDelay = 0
	for {
		subject, err := r.subject(ctx)
		if err != nil {
			return run, err
		}
		m := r.config.Sampler.Sample(ctx, metric, subject)
		if ctx.Err() != nil {
			return run, context.Cause(ctx)
		}
		run.Measurements = append(run.Measurements, m)
		metric.Count = 1 // a good one is enough
		if m.Verdict != rollout.Successful {
			metric.Count = len(run.Measurements) + 1
		}
		judged, due := rollout.Judge(metric, run, r.Clock(), 0)
		if judged.Verdict != rollout.NotYet {
			return judged, nil
		}
		if err := r.sleep(ctx, due.Sub(r.Clock())); err != nil {
			return run, err
		}
	}
}

// ErrNoRollout says that a release is not being rolled out.
// It is a release.ErrNotFound.
var ErrNoRollout error = noRolloutError{}

type noRolloutError struct{}

func (noRolloutError) Error() string { return "no rollout is under way" }
func (noRolloutError) Unwrap() error { return release.ErrNotFound }
