package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/e6d26078/slipway/release"
)

// aheadRead is a history that is being read.
type aheadRead struct {
	done chan struct{} // closed when the others are set
	past []release.Meta
	err  error
}

// readAhead starts to read the history.
func (o *operation) readAhead(ctx context.Context) *aheadRead {
	a := &aheadRead{done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.past, a.err = o.Store.History(ctx, o.name)
	}()
	return a
}

// history is what was read while the lock was being taken, the first time, or
// else what it is now.
func (o *operation) history(ctx context.Context) ([]release.Meta, error) {
	o.records = nil
	if a := o.ahead; a != nil {
		o.ahead = nil
		<-a.done // the request ends with the operation's context
		// Where none was expected, somebody may have removed what was there before
		// the lock was taken, and a request that failed was not repeated: nothing
		// had answered yet.
		if !o.expectsNone() || len(a.past) == 0 && a.err == nil {
			return a.past, a.err
		}
	}
	return o.Store.History(ctx, o.name)
}

// read fetches a revision once. The record is shared: whoever changes it stores
// the change.
func (o *operation) read(ctx context.Context, version int) (*release.Record, error) {
	if r := o.records[version]; r != nil {
		return r, nil
	}
	r, err := o.Store.Get(ctx, o.name, version)
	if err != nil {
		return nil, err
	}
	if o.records == nil {
		o.records = map[int]*release.Record{}
	}
	o.records[version] = r
	return r, nil
}

// finish marks the target as deployed, and at once what was deployed before as
// superseded; it removes old revisions and writes the Event. Each step may have
// been done before.
func (o *operation) finish(ctx context.Context, description, reason string, historyMax int) error {
	o.target.Info.Status = release.StatusDeployed
	o.target.Info.Description = description
	if err := o.save(ctx); err != nil {
		return err
	}
	o.notify(Notice{Step: StepRecord, Message: fmt.Sprintf("revision %d is deployed", o.target.Version)})
	o.event(ctx, reason, fmt.Sprintf("revision %d: %s", o.target.Version, description), false)
	return o.tidy(ctx, historyMax)
}

// tidy removes the oldest revisions, so that limit are left (0 is no limit), and
// marks every other deployed one but the newest as superseded; with an install
// also one that was uninstalled just before, as Helm does. All at once.
func (o *operation) tidy(ctx context.Context, limit int) error {
	newest := o.revision()
	if newest == 0 {
		newest = o.newest().Version
	}
	excess := o.excess(newest, limit)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.concurrency())
	for i := range o.past {
		m := &o.past[i]
		r := o.records[m.Version]
		replaced := o.kind == kindInstall && m.Status == release.StatusUninstalled && m.Version == newest-1
		switch {
		case m.Version == newest:
		case slices.Contains(excess, m.Version):
			group.Go(func() error { return o.forget(ctx, m.Version) })
		case m.Status == release.StatusDeployed || replaced:
			group.Go(func() error { return o.supersede(ctx, m, r, replaced) })
		}
	}
	return group.Wait()
}

// excess are the oldest revisions beyond a limit. As with Helm, what was
// deployed until now stays, whatever the limit; and where only failures followed
// what a Helm superseded, that: it is what there is to go back to.
func (o *operation) excess(newest, limit int) []int {
	total := len(o.past)
	if total == 0 || o.past[total-1].Version != newest {
		total++
	}
	base := 0
	if m := o.base(); m != nil {
		base = m.Version
	}
	var excess []int
	for _, m := range o.past {
		if limit <= 0 || total-len(excess) <= limit {
			break
		}
		if m.Status != release.StatusDeployed && m.Version != newest && m.Version != base {
			excess = append(excess, m.Version)
		}
	}
	return excess
}

// prune removes the oldest revisions, so that limit are left.
func (o *operation) prune(ctx context.Context, limit int) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(o.concurrency())
	for _, version := range o.excess(o.revision(), limit) {
		group.Go(func() error { return o.forget(within, version) })
	}
	return group.Wait()
}

func (o *operation) forget(ctx context.Context, version int) error {
	if err := o.Store.Delete(ctx, o.name, version); err != nil && !errors.Is(err, release.ErrNotFound) {
		return fmt.Errorf("remove revision %d from the history: %w", version, err)
	}
	return nil
}

// supersede marks one revision. r is its record if that was read before.
func (o *operation) supersede(ctx context.Context, m *release.Meta, r *release.Record, replaced bool) (err error) {
	for {
		fresh := r == nil
		if fresh {
			if r, err = o.Store.Get(ctx, o.name, m.Version); errors.Is(err, release.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		r.Info.Status = release.StatusSuperseded
		if replaced {
			r.Info.Description = "superseded by new release"
		}
		err = o.Store.Update(ctx, r)
		switch {
		case err == nil:
			m.Status = release.StatusSuperseded
			return nil
		case !fresh && (errors.Is(err, release.ErrConflict) || errors.Is(err, release.ErrNotFound)):
			r = nil // it was changed since
		default:
			return fmt.Errorf("mark revision %d as superseded: %w", m.Version, err)
		}
	}
}
