package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// rolling is one command on a rollout: it takes the stored state up, has the
// machine of package rollout decide, and does what that asks for.
type rolling struct {
	*operation
	config   *RolloutConfig
	stored   *StoredRollout // nil if there is none
	over     *StoredRollout // one that had come to its end when the command began
	plan     *derive.Plan
	base     *release.Record // the stable revision
	goal     *release.Record // the revision that is launched, as it was frozen
	from, to []manifest.Object
	// frozenInputs is the digest of what the rollout was started with.
	frozenInputs string
	begunWith    ChangeOptions     // of which what it may take from others and the description count
	applied      []manifest.Object // what this process made live last, nil before
	timeout      time.Duration
	keep         int                   // revisions in the history, 0 for all
	settle       time.Duration         // that of WaitOptions
	decision     configDecision        // what to do about configuration that has changed
	cause        error                 // why the machine was told that something failed
	asked        bool                  // a person asked to take it back
	mended       bool                  // what somebody had left of it was brought back
	kept         map[manifest.Ref]bool // objects that are left as they are
}

// configDecision says what to do about configuration that somebody changed
// while a canary ran.
type configDecision int

const (
	refuseChanged configDecision = iota
	keepChanged
	overwriteChanged
)

func newRolling(config RolloutConfig, name string, timeout time.Duration) *rolling {
	if timeout <= 0 {
		timeout = 5 * time.Minute
	}
	r := &rolling{operation: newOperation(config.Config, kindRollout, name, ""), config: &config, timeout: timeout, kept: map[manifest.Ref]bool{}}
	r.id = rolloutPrefix + r.id
	return r
}

// command runs body under the lock of the release, with its history read and
// the state of the rollout, if there is one.
func (r *rolling) command(ctx context.Context, body func(ctx context.Context) error) (*RolloutResult, error) {
	if err := release.ValidateName(r.name); err != nil {
		return nil, r.problem(ctx, Refused, err)
	}
	defer r.learnAhead(ctx)()
	err := r.locked(ctx, func(ctx context.Context) error {
		var err error
		if r.past, err = r.history(ctx); err != nil {
			return fmt.Errorf("read the history of release %s: %w", r.name, err)
		}
		if err := r.load(ctx); err != nil {
			return err
		}
		if r.stored != nil && isOver(r.state()) { // all but the end of it was done
			if err := r.config.Rollouts.Delete(ctx, r.name); err != nil {
				return fmt.Errorf("remove the state of the rollout: %w", err)
			}
			r.over, r.stored = r.stored, nil
		}
		err = body(ctx)
		r.waits = r.stored != nil && !isOver(r.state())
		r.leaves = r.stored == nil && r.over == nil && !r.mended && r.isLeftover(r.lock.Previous())
		return err
	})
	return r.result(), err
}

func isOver(s *rollout.State) bool { return s.Phase == rollout.Done || s.Phase == rollout.Aborted }

func (r *rolling) result() *RolloutResult {
	result := &RolloutResult{Plan: r.plan}
	last := r.stored
	if last == nil {
		last = r.over
	}
	if last != nil {
		result.State, result.Steps, result.Digest = &last.State, last.State.Steps, last.State.PlanDigest
	}
	return result
}

// load reads the state and the records that belong to it.
func (r *rolling) load(ctx context.Context) error {
	stored, err := r.config.Rollouts.State(ctx, r.name)
	if errors.Is(err, release.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the state of the rollout: %w", err)
	}
	p := &derive.Plan{}
	if err := json.Unmarshal(stored.State.Derived, p); err != nil {
		return fmt.Errorf("read the state of the rollout: %w", err)
	}
	r.stored, r.plan, r.id = stored, p, stored.State.ID
	for _, ref := range p.Kept {
		r.kept[ref] = true
	}
	return nil
}

// state is that of the rollout at hand.
func (r *rolling) state() *rollout.State { return &r.stored.State }

// open reads what going on needs besides the state: the records of both sides and
// their objects. It refuses if somebody else went on with the release.
func (r *rolling) open(ctx context.Context) error {
	s := r.state()
	if how := bypassed(r.past, s); how != "" {
		return r.overtaken(ctx, how)
	}
	f, goal, err := r.frozenTarget(ctx)
	if err != nil {
		return err
	}
	r.goal = goal
	r.goal.Labels, r.goal.Token, r.goal.ApplyMethod = f.Labels, "", applyMethod
	r.frozenInputs, r.Audit.ChartDigest, r.begunWith = f.Inputs, f.Chart, f.Options
	if r.base, err = r.read(ctx, s.Base); err != nil {
		return fmt.Errorf("read revision %d: %w", s.Base, err)
	}
	if newest := r.newest(); newest.Version == s.Revision {
		record, err := r.read(ctx, s.Revision)
		if err != nil {
			return fmt.Errorf("read revision %d: %w", s.Revision, err)
		}
		r.adopt(record)
	}
	if r.from, err = r.earlierObjects(ctx, r.base); err != nil {
		return err
	}
	r.to, err = r.earlierObjects(ctx, r.goal)
	return err
}

// frozenTarget reads what is launched, as it was when the rollout was planned.
func (r *rolling) frozenTarget(ctx context.Context) (*Frozen, *release.Record, error) {
	data, err := r.config.Rollouts.Target(ctx, r.name, r.state().ID)
	if err != nil {
		return nil, nil, fmt.Errorf("read the frozen target of the rollout: %w", err)
	}
	f, err := DecodeFrozen(data)
	if err != nil {
		return nil, nil, err
	}
	goal, err := release.Decode(f.Record)
	if err != nil {
		return nil, nil, fmt.Errorf("read the frozen target of the rollout: %w", err)
	}
	return f, goal, nil
}

// adopt makes a record of this rollout the one that is written. Who started it
// stays; what a Helm that rewrote it has dropped is filled in.
func (r *rolling) adopt(record *release.Record) {
	if record.Operation == nil || record.Operation.Kind == "" {
		record.Operation = r.record()
		record.Operation.Inputs = r.frozenInputs
	}
	r.target = record
}

// drive feeds the machine until it stops: at a gate, at the end, or at a failure.
func (r *rolling) drive(ctx context.Context, e rollout.Event) error {
	for e != nil {
		actions, err := r.next(ctx, e)
		if err != nil {
			return err
		}
		if e, err = r.act(ctx, actions); err != nil {
			return r.halted(ctx, err)
		}
	}
	return r.settled(ctx)
}

// next asks the machine and stores what it says before anything is done.
func (r *rolling) next(ctx context.Context, e rollout.Event) ([]rollout.Action, error) {
	before := r.stored.State
	after, actions, err := rollout.Next(before, r.Clock(), e)
	if err != nil {
		return nil, &Error{Outcome: Refused, Release: r.name, Revision: before.Revision, Err: err}
	}
	if reflect.DeepEqual(before, after) {
		return actions, nil
	}
	if err := r.store(ctx, after); err != nil {
		return nil, err
	}
	r.tell(&before, &after)
	return actions, nil
}

// store writes the state if nobody else has done so since.
func (r *rolling) store(ctx context.Context, s rollout.State) error {
	changed := &StoredRollout{State: s, Token: r.stored.Token}
	if err := r.config.Rollouts.Save(ctx, changed); err != nil {
		if errors.Is(err, release.ErrConflict) || errors.Is(err, release.ErrNotFound) {
			return &Error{Outcome: Locked, Release: r.name, Revision: s.Revision, Err: fmt.Errorf("somebody else has changed the state of the rollout: %w", err)}
		}
		return fmt.Errorf("store the state of the rollout: %w", err)
	}
	r.stored = changed
	return nil
}

// tell reports a transition.
func (r *rolling) tell(before, after *rollout.State) {
	if r.config.Changed != nil {
		r.config.Changed(before, after)
	}
	if before.Phase == after.Phase && before.Step == after.Step && before.Failure == after.Failure {
		return
	}
	message := string(after.Phase)
	if after.Step < len(after.Steps) && isStepPhase(after.Phase) {
		message = fmt.Sprintf("%s step %d of %d: %d %%", after.Phase, after.Step+1, len(after.Steps), after.Steps[after.Step].Weight)
	}
	if after.Failure != "" {
		message += ": " + after.Failure
	}
	r.notify(Notice{Step: StepRollout, Action: string(after.Phase), Message: message})
}

func isStepPhase(p rollout.Phase) bool {
	switch p {
	case rollout.Scaling, rollout.Shifting, rollout.Verifying, rollout.Gate, rollout.Lowering:
		return true
	}
	return false
}

// act does what the machine asks for. It returns what to tell it, nil to stop.
func (r *rolling) act(ctx context.Context, actions []rollout.Action) (rollout.Event, error) {
	if len(actions) == 0 {
		return nil, nil
	}
	for _, a := range actions {
		var e rollout.Event
		var stop bool
		err := r.attentively(ctx, func(ctx context.Context) (err error) {
			e, stop, err = r.do(ctx, a)
			return err
		})
		switch {
		case err != nil && r.isFinal(ctx, err):
			// What cannot succeed any more may be the work of somebody else.
			if overtaken := r.fence(ctx); overtaken != nil {
				return nil, overtaken
			}
			r.cause = err
			return rollout.Failed{Reason: shortened(err)}, nil
		case err != nil:
			return nil, err
		case e != nil || stop:
			return e, nil
		}
	}
	return rollout.Did{}, nil
}

// isFinal reports whether an error is one that the machine has to know about;
// the others end the process, and the next one tries again.
func (r *rolling) isFinal(ctx context.Context, err error) bool {
	var already *Error
	return ctx.Err() == nil && !isPassing(err) && !errors.As(err, &already)
}

func (r *rolling) do(ctx context.Context, a rollout.Action) (e rollout.Event, stop bool, err error) {
	switch a := a.(type) {
	case rollout.Make:
		return nil, false, r.makeView(ctx, a.View)
	case rollout.Ready:
		return nil, false, r.ready(ctx, a.Side)
	case rollout.Endpoints:
		return nil, false, r.endpoints(ctx)
	case rollout.Settle:
		return nil, false, r.sleep(ctx, a.For)
	case rollout.RunHooks:
		return nil, false, r.hooks(ctx, a.Event)
	case rollout.CheckConfig:
		return nil, false, r.checkConfig(ctx)
	case rollout.Measure:
		e, err := r.measure(ctx, a.Runs)
		return e, false, err
	case rollout.Wait:
		return rollout.Go{}, false, r.sleep(ctx, a.Until.Sub(r.Clock()))
	case rollout.Pause:
		return nil, true, nil
	case rollout.Finish:
		if err := r.fence(ctx); err != nil {
			return nil, false, err
		}
		return nil, false, r.finishRollout(ctx)
	case rollout.GiveUp:
		return nil, false, r.giveUp(ctx)
	}
	return nil, false, fmt.Errorf("the rollout asks for %T, which this version does not know", a)
}

// sleep waits, unless the context ends.
func (r *rolling) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// halted is the error of a process that ends in the middle of a phase. The
// next one goes on from there.
func (r *rolling) halted(ctx context.Context, err error) error {
	var already *Error
	switch {
	case errors.As(err, &already), errors.Is(context.Cause(ctx), ErrLockLost):
		return err
	case ctx.Err() != nil:
		e := r.problem(ctx, Interrupted, err)
		e.Hints = append(e.Hints, goOnHint)
		return e
	}
	e := r.problem(ctx, Stalled, err)
	e.Outcome = Stalled
	e.Hints = append(e.Hints, goOnHint)
	return e
}

// settled is how a command ends whose machine has stopped.
func (r *rolling) settled(ctx context.Context) error {
	s := r.state()
	switch s.Phase {
	case rollout.Done, rollout.Aborted:
		if err := r.config.Rollouts.Delete(ctx, r.name); err != nil {
			return r.halted(ctx, fmt.Errorf("remove the state of the rollout: %w", err))
		}
		if s.Phase == rollout.Done || r.asked {
			return nil
		}
		return &Error{Outcome: RolledBack, Release: r.name, Revision: s.Revision, Err: r.why()}
	}
	if s.Failure == "" {
		return nil
	}
	e := &Error{Outcome: Failed, Release: r.name, Revision: s.Revision, Err: r.why()}
	if s.Committed {
		e.Hints = []string{"the new version serves and stays; when the reason is mended, 'slipway rollout promote " + r.name + "' goes on"}
	} else {
		e.Hints = []string{"'slipway rollout promote " + r.name + "' tries again, 'slipway rollout abort " + r.name + "' takes it back"}
	}
	return e
}

// why is what went wrong: the error itself, if it happened in this process.
func (r *rolling) why() error {
	if r.cause != nil {
		return r.cause
	}
	if failure := r.state().Failure; failure != "" {
		return errors.New(failure)
	}
	return errors.New("the rollout was taken back")
}
