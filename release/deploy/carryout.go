package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/release"
)

// procedure is what differs between installing, upgrading and rolling back,
// once the target is known.
type procedure struct {
	pre, post helm.HookEvent
	done      string // description of the revision when all went well
	failed    string // format of the description when not: name, error
	reason    string // of the Event when all went well
	failure   string // of the Event when not
}

// draft is a target that is not stored yet.
type draft struct {
	record *release.Record
	*rendered
	expect string // digest of the plan that was approved, "" for none
}

// carryOut brings the target about: that of the draft, or the one at hand if
// an interrupted operation goes on.
func (o *operation) carryOut(ctx context.Context, d *draft, options *ChangeOptions, p procedure) (*Result, error) {
	earlier, err := o.earlier(ctx)
	if err != nil {
		return nil, err
	}
	resumed := d == nil
	if resumed {
		d = &draft{record: o.target, rendered: &rendered{}}
	}
	c, err := o.changes(ctx, d, earlier, options)
	if err != nil {
		return nil, err
	}
	if !resumed {
		if err := o.check(ctx, c, options, d.expect != ""); err != nil {
			return nil, err
		}
		if d.expect != "" && c.plan.Digest() != d.expect {
			return nil, &MovedError{Release: o.name, Reason: "it would change other things now", Plan: c.plan}
		}
		if err := o.review(ctx, d, c, options); err != nil {
			return nil, err
		}
		d.record.Operation.Images = imagesOf(c.input.Wanted)
		if err := o.fit(d.record); err != nil {
			return nil, err
		}
		if err := o.applyCRDs(ctx, c, options); err != nil {
			return nil, err
		}
		if err := o.create(ctx, d.record); err != nil {
			return nil, err
		}
	}
	if resumed { // the cluster and the options may not be what they were
		err = o.check(ctx, c, options, false)
	}
	if err == nil {
		err = o.run(ctx, c, options, p)
	}
	if err != nil {
		return &Result{Record: o.target}, o.fail(ctx, c, options, p, err)
	}
	description := p.done
	if options.Description != "" {
		description = options.Description
	}
	if err := o.finish(ctx, description, p.reason, options.HistoryMax); err != nil {
		return &Result{Record: o.target}, o.stall(ctx, err)
	}
	return &Result{Record: o.target}, nil
}

// fit makes a record small enough for the store, or returns a *release.TooLargeError.
func (o *operation) fit(r *release.Record) error {
	switch {
	case o.RecordLimit < 0:
		return nil
	case o.RecordLimit > 0:
		return r.Fit(o.RecordLimit)
	}
	return r.Fit(release.SecretLimit)
}

// run does everything between the first record and the last.
func (o *operation) run(ctx context.Context, c *changes, options *ChangeOptions, p procedure) error {
	if !options.NoHooks {
		if err := o.runHooks(ctx, p.pre, options, nil); err != nil {
			return err
		}
	}
	if err := o.apply(ctx, c, options); err != nil {
		return err
	}
	if _, _, err := o.remove(ctx, c, ""); err != nil {
		return err
	}
	c.dropComparison()
	if err := o.waitReady(ctx, c.input.Wanted, options); err != nil {
		return err
	}
	if !options.NoHooks {
		return o.runHooks(ctx, p.post, options, nil)
	}
	return nil
}

// earlier are the records whose objects may be live: the last deployed
// revision first, then those after it, newest first.
func (o *operation) earlier(ctx context.Context) ([]*release.Record, error) {
	base := o.base()
	var all []*release.Record
	get := func(version int) error {
		r, err := o.read(ctx, version)
		if err != nil {
			return fmt.Errorf("read revision %d: %w", version, err)
		}
		all = append(all, r)
		return nil
	}
	after := 0
	if base != nil {
		after = base.Version
		if err := get(base.Version); err != nil {
			return nil, err
		}
	}
	for _, m := range slices.Backward(o.sinceUninstall()) {
		if m.Version <= after || m.Version == o.revision() {
			continue
		}
		if err := get(m.Version); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// fail records that the target failed, and takes back what was asked to be
// taken back. An operation whose context has ended is to be continued: only
// its description changes.
func (o *operation) fail(ctx context.Context, c *changes, options *ChangeOptions, p procedure, cause error) error {
	if errors.Is(context.Cause(ctx), ErrLockLost) {
		return cause
	}
	if ctx.Err() != nil {
		return o.interrupted(ctx, cause)
	}
	if isPassing(cause) && (!options.Atomic || !isRetryable(cause)) {
		return o.stalled(ctx, cause)
	}
	o.target.Info.Status = release.StatusFailed
	o.target.Info.Description = fmt.Sprintf(p.failed, o.name, shortened(cause))
	if err := o.save(ctx); err != nil {
		return o.stall(ctx, errors.Join(cause, err))
	}
	o.event(ctx, p.failure, o.target.Info.Description, true)
	failure := o.problem(ctx, Failed, cause)
	if err := o.prune(ctx, options.HistoryMax); err != nil {
		o.warn(err.Error())
	}
	if options.CleanupOnFail && !options.Atomic {
		if err := o.cleanUp(ctx, c); err != nil {
			failure.Err = errors.Join(cause, fmt.Errorf("clean up: %w", err))
		}
	}
	if options.Atomic {
		return o.takeBack(ctx, failure, options)
	}
	return failure
}

// goOnHint is what to do after an operation that can be continued.
const goOnHint = "run the same command again: it goes on where this one stopped"

// stalled notes in the record, if the cluster still takes that, why the
// operation could not go on. Nobody is to blame for it but the cluster, so that
// the revision is not marked as failed and can be continued.
func (o *operation) stalled(ctx context.Context, cause error) error {
	within, cancel := context.WithTimeout(ctx, noteTime)
	defer cancel()
	o.target.Info.Description = "interrupted: run the same command again to go on: " + shortened(cause)
	_ = o.save(within) // what is stored already is enough to go on
	return o.stall(ctx, cause)
}

// stall makes an error the end of an operation that can be continued, if it is of that kind.
func (o *operation) stall(ctx context.Context, err error) error {
	if !isPassing(err) || ctx.Err() != nil {
		return err
	}
	e := o.problem(ctx, Stalled, err)
	e.Hints = append(e.Hints, goOnHint)
	return e
}

// interrupted notes in the record that the operation is to be continued.
func (o *operation) interrupted(ctx context.Context, cause error) error {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	o.target.Info.Description = "interrupted: run the same command again to go on"
	failure := o.problem(ctx, Interrupted, cause)
	if err := o.save(within); err != nil {
		failure.Err = errors.Join(failure.Err, err)
	}
	failure.Hints = append(failure.Hints, goOnHint)
	return failure
}

// shortened is an error cut to what makes a description, in bytes.
func shortened(err error) string {
	const most = 1000
	text := err.Error()
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// finishDone completes an operation of which at most the end was missing.
func (o *operation) finishDone(ctx context.Context, historyMax int) (*Result, error) {
	newest := o.newest()
	o.notify(Notice{Step: StepRecord, Message: fmt.Sprintf("revision %d is deployed already by this run", newest.Version)})
	r, err := o.Store.Get(ctx, o.name, newest.Version)
	if err != nil {
		return nil, err
	}
	if err := o.tidy(ctx, historyMax); err != nil {
		return nil, err
	}
	return &Result{Record: r, Done: true}, nil
}

// rehearse checks a draft against the cluster, if it may be asked, and changes nothing.
func (o *operation) rehearse(ctx context.Context, d *draft, options *ChangeOptions, p procedure) (*Result, error) {
	result := &Result{Record: d.record}
	if options.DryRun != ServerDryRun {
		return result, o.reviewUnplanned(ctx, d, options)
	}
	earlier, err := o.earlier(ctx)
	if err != nil {
		return nil, err
	}
	c, err := o.changes(ctx, d, earlier, options)
	if err != nil {
		return nil, err
	}
	if options.CreateNamespace {
		if c.unborn, err = o.namespaceMissing(ctx); err != nil {
			return nil, err
		}
	}
	err = o.check(ctx, c, options, true)
	result.Plan = c.plan
	if err != nil {
		return result, err
	}
	if err := o.review(ctx, d, c, options); err != nil {
		return result, err
	}
	if err := o.fit(d.record); err != nil {
		return result, err
	}
	result.Frozen, err = o.freeze(d, c.plan, options)
	return result, err
}

// customLabels are those of the last revision with the given ones over them;
// the value "null" removes one.
func customLabels(last, given map[string]string) map[string]string {
	labels := maps.Clone(last)
	if labels == nil {
		labels = map[string]string{}
	}
	for name, value := range given {
		if value == "null" {
			delete(labels, name)
			continue
		}
		labels[name] = value
	}
	return labels
}
