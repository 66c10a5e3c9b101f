package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// proposal is a change that somebody wants.
type proposal struct {
	file string
	// decide gives the change, by the newest one of the file, which may be nil. No
	// change and no error is that there is nothing to do. It may be called again.
	decide func(now *change) (*change, error)
	free   bool // of the quota: it is in the bucket already

	id   string
	made *change // what the state has now, nil for nothing
	err  error
	done chan struct{}
}

const (
	commitTimeout = time.Minute
	maxBatch      = 1000 // proposals of one compare-and-swap
)

// commit makes a change last, together with those that others want at the time.
// It returns it, or nil if there was nothing to do.
func (h *shelf) commit(ctx context.Context, file string, decide func(now *change) (*change, error)) (*change, error) {
	p := &proposal{file: file, decide: decide}
	h.commitAll(ctx, []*proposal{p})
	return p.made, p.err
}

// commitAll makes changes last, and notes in each what has become of it.
func (h *shelf) commitAll(ctx context.Context, list []*proposal) {
	for _, p := range list {
		p.id, p.done = newID(), make(chan struct{})
	}
	h.mu.Lock()
	h.queue = append(h.queue, list...)
	lead := !h.leading
	h.leading = true
	h.mu.Unlock()
	if lead {
		go h.lead(context.WithoutCancel(ctx))
	}
	for _, p := range list {
		<-p.done // within commitTimeout a batch
	}
}

// lead writes what is in the queue, until nothing is.
func (h *shelf) lead(ctx context.Context) {
	for {
		h.mu.Lock()
		batch := h.queue
		if len(batch) > maxBatch {
			batch = batch[:maxBatch:maxBatch]
		}
		h.queue = h.queue[len(batch):]
		h.leading = len(batch) > 0
		h.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		limited, cancel := context.WithTimeout(ctx, commitTimeout)
		err := h.swap(limited, batch)
		cancel()
		for _, p := range batch {
			if err != nil && p.made == nil && p.err == nil {
				p.err = err
			}
			close(p.done)
		}
	}
}

// swap decides on a batch and writes the state, again and again until nobody
// else was faster. Proposals are refused on a state alone that was read after they came.
func (h *shelf) swap(ctx context.Context, batch []*proposal) error {
	const maxUnknown = 3
	unknown := 0 // outcomes
	for try, read := 0, false; ; try++ {
		base, etag := h.view()
		made, refused := h.decide(batch, base.Generation+1)
		if len(refused) > 0 && !read {
			if err := h.refresh(ctx); err != nil {
				return err
			}
			read = true
			continue
		}
		for p, err := range refused {
			p.err = err
		}
		if len(made) == 0 {
			return nil
		}
		next := base.next(made, h.x.s.o.Now())
		err := h.write(ctx, base, &next, etag, made, try == 0)
		if err == nil {
			noteMade(batch, made)
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			if unknown++; unknown > maxUnknown || !errors.Is(err, errUnreachable) {
				return err
			}
		}
		if batch, err = h.retry(ctx, batch, try, err); err != nil || len(batch) == 0 {
			return err
		}
		read = true
	}
}

// noteMade tells proposals what was made of them.
func noteMade(batch []*proposal, made []*change) {
	byID := make(map[string]*change, len(made))
	for _, c := range made {
		byID[c.ID] = c
	}
	for _, p := range batch {
		p.made = byID[p.id]
	}
}

// retry reads what others have written, and gives the proposals that are not yet
// in it: a write whose outcome was unknown may have been done.
func (h *shelf) retry(ctx context.Context, batch []*proposal, try int, reason error) ([]*proposal, error) {
	if try > 0 {
		wait := time.Duration(rand.Int64N(int64(min(try, 10)) * int64(10*time.Millisecond)))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", errUnreachable, reason)
		}
	}
	if err := h.refresh(ctx); err != nil {
		return nil, err
	}
	var left []*proposal
	for _, p := range batch {
		if c := h.now(p.file); c != nil && c.ID == p.id {
			p.made = c
		} else if p.err == nil {
			left = append(left, p)
		}
	}
	return left, nil
}

// view is what is known now.
func (h *shelf) view() (state, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state, h.etag
}

// decide asks each proposal, in order, for the state of a generation: each sees what
// those before it have changed. If what is known changes meanwhile, the state
// cannot be written either.
func (h *shelf) decide(batch []*proposal, generation int64) (made []*change, refused map[*proposal]error) {
	refused = map[*proposal]error{}
	_, objects, bytes := h.t.count()
	at := map[string]int{}
	for _, p := range batch {
		if p.err != nil {
			continue
		}
		i, again := at[p.file]
		now := h.now(p.file)
		if again {
			now = made[i]
		}
		c, err := p.decide(now)
		if err == nil && c != nil {
			moreObjects, moreBytes := grow(now, c)
			if !p.free {
				err = h.x.s.o.Quota.check(objects, bytes, moreObjects, moreBytes)
			}
			if err == nil {
				objects, bytes = objects+moreObjects, bytes+moreBytes
			}
		}
		if err != nil {
			refused[p] = err
			continue
		}
		if c == nil {
			continue
		}
		c.File, c.ID, c.Gen = p.file, p.id, generation
		if again {
			made[i] = c
			continue
		}
		at[p.file] = len(made)
		made = append(made, c)
	}
	return made, refused
}

// grow is what a change adds to what a repository takes.
func grow(from, to *change) (objects int, bytes int64) {
	if from.is() {
		objects, bytes = -1, -from.Archive.Size-from.Prov.Size
	}
	if to.is() {
		objects, bytes = objects+1, bytes+to.Archive.Size+to.Prov.Size
	}
	return objects, bytes
}

// write writes a state by compare-and-swap, with a segment if it has grown long.
func (h *shelf) write(ctx context.Context, base state, next *state, etag string, made []*change, first bool) error {
	var replaced []segment // nobody needs them if the write is done
	var part segment
	if n := len(next.Changes); n > maxRecent && first || n > 4*maxRecent {
		from, kept := next.mergeFrom()
		changes := h.all()
		for _, c := range made {
			changes[c.File] = c
		}
		list := since(changes, from, *next)
		data, err := packChanges(list)
		if err != nil {
			return err
		}
		part = segment{Name: newID(), Upto: next.Generation, Changes: len(list)}
		if _, err := h.x.b.put(ctx, h.t.private(segmentName+part.Name), data, IfAbsent); err != nil {
			return err
		}
		replaced = base.Segments[len(kept):]
		next.Segments, next.Changes = append(kept, part), nil
	}
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	condition := etag
	if etag == "" {
		condition = IfAbsent
	}
	etag, err = h.x.b.put(ctx, h.t.private(stateName), data, condition)
	if errors.Is(err, ErrConflict) && part.Name != "" {
		h.drop(ctx, []segment{part})
	}
	if err != nil {
		return err
	}
	if err := h.adopt(*next, etag, made); err != nil {
		return err
	}
	h.drop(ctx, replaced)
	return nil
}

// drop deletes segments that no state names. If it cannot, a scan will.
func (h *shelf) drop(ctx context.Context, parts []segment) {
	for _, part := range parts {
		if err := h.x.b.delete(ctx, h.t.private(segmentName+part.Name)); err != nil {
			h.x.s.log.Warn("a part of the index that nobody needs is left for a scan", "error", err.Error())
		}
	}
}
