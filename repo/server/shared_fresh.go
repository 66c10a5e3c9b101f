package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// flights lets many wait for one: who joins waits for a flight that begins after that.
type flights struct {
	fly func(ctx context.Context) error

	mu     sync.Mutex
	flying bool
	next   *flight
}

type flight struct {
	done chan struct{}
	err  error
}

// join waits until a flight has begun and ended.
func (f *flights) join(ctx context.Context) error {
	f.mu.Lock()
	if f.next == nil {
		f.next = &flight{done: make(chan struct{})}
	}
	mine := f.next
	if !f.flying {
		f.flying = true
		go f.all(context.WithoutCancel(ctx))
	}
	f.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// all flies until nobody waits.
func (f *flights) all(ctx context.Context) {
	for {
		f.mu.Lock()
		now := f.next
		f.next = nil
		if now == nil {
			f.flying = false
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
		now.err = f.fly(ctx)
		close(now.done)
	}
}

// shelf is what a replica knows of one repository's state.
type shelf struct {
	x       *shared
	t       *tenant
	flights flights

	mu      sync.Mutex
	state   state
	etag    string             // of the state, "" if there is none yet
	changes map[string]*change // the newest of each file

	queue   []*proposal
	leading bool // somebody writes what is in the queue
}

func newShelf(x *shared, t *tenant) *shelf {
	h := &shelf{x: x, t: t, changes: map[string]*change{}}
	h.flights.fly = h.refresh
	return h
}

// private is the key of an object of the repository that is no chart.
func (t *tenant) private(name string) string { return private + "/" + t.key("@"+name) }

const (
	stateName   = "state"
	segmentName = "segment-"
	stagedName  = "staged-"
)

// fresh makes the index what the state is now, or later.
func (h *shelf) fresh(ctx context.Context) error { return h.flights.join(ctx) }

// now is the newest change of a file that is known, nil if there is none.
func (h *shelf) now(file string) *change {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changes[file]
}

// all are the newest changes by file.
func (h *shelf) all() map[string]*change {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.changes)
}

// refresh reads the state if it has changed.
func (h *shelf) refresh(ctx context.Context) error {
	const maxTries = 5
	for range maxTries {
		h.mu.Lock()
		etag, known := h.etag, h.state.Generation
		h.mu.Unlock()
		data, o, err := h.x.b.get(ctx, h.t.private(stateName), etag, maxObject)
		switch {
		case errors.Is(err, errUnchanged), errors.Is(err, fs.ErrNotExist) && etag == "":
			return nil
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%w: the state of repository %q is not in the bucket any more; start anew to make another from what is there", errUnreachable, h.t.name)
		case err != nil:
			return err
		}
		s, err := parseState(data)
		if err != nil {
			return err
		}
		older, err := h.readSegments(ctx, s, known)
		if errors.Is(err, fs.ErrNotExist) { // merged into another meanwhile
			continue
		}
		if err != nil {
			return err
		}
		changes := append(older, s.Changes...)
		if len(s.Segments) > 0 && s.Segments[0].Upto > known { // all of it was read
			changes = append(changes, h.forgotten(s, changes)...)
		}
		return h.adopt(s, o.Version, changes)
	}
	return fmt.Errorf("%w: the state of repository %q changes faster than it can be read", errUnreachable, h.t.name)
}

// readSegments reads those with changes that are newer than a generation.
func (h *shelf) readSegments(ctx context.Context, s state, known int64) ([]*change, error) {
	const atATime = 8
	lists := make([][]*change, len(s.Segments))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atATime)
	for i, part := range s.Segments {
		if part.Upto <= known {
			continue
		}
		group.Go(func() error {
			data, _, err := h.x.b.get(ctx, h.t.private(segmentName+part.Name), "", maxObject)
			if err != nil {
				return err
			}
			lists[i], err = unpackChanges(data)
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(lists...), err
}

// forgotten are deletions of the files that are known here and not in the state,
// whose changes are given as a whole: it remembers no deletion for longer than keepGone.
func (h *shelf) forgotten(s state, changes []*change) (gone []*change) {
	left := h.all()
	for _, c := range changes {
		delete(left, c.File)
	}
	for file := range left {
		gone = append(gone, &change{File: file, Gen: s.Generation, Gone: deleted})
	}
	return gone
}

// adopt makes a state the known one, unless a newer one is. Changes are all that
// are newer than what was known, and perhaps others.
func (h *shelf) adopt(s state, etag string, changes []*change) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.Generation < h.state.Generation {
		return nil
	}
	fresh := map[string]*entry{}
	var objects int
	var bytes int64
	for _, c := range changes {
		if old := h.changes[c.File]; old.gen() >= c.Gen {
			continue
		}
		var e *entry
		if c.is() && (c.Signed || !h.x.s.o.Signatures.Required) {
			var err error
			if e, err = c.entry(h.t, h.x.s.baseURL(h.t.name)); err != nil {
				return err
			}
		}
		fresh[c.File] = e
		h.changes[c.File] = c
	}
	for file, e := range fresh {
		if old := h.t.find(file); old != nil {
			objects, bytes = objects-1, bytes-old.size()
		}
		if e != nil {
			objects, bytes = objects+1, bytes+e.size()
		}
	}
	h.t.apply(fresh, s.Modified)
	h.t.release(-objects, -bytes)
	h.state, h.etag = s, etag
	return nil
}

// since are the newest changes after a generation, in order, without deletions
// that nobody needs any more if it is the first.
func since(changes map[string]*change, from int64, s state) []*change {
	var list []*change
	for _, c := range changes {
		if c.Gen <= from || from == 0 && c.Gone == deleted && c.Time.Add(keepGone).Before(s.Modified) {
			continue
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *change) int {
		return cmp.Or(cmp.Compare(a.Gen, b.Gen), cmp.Compare(a.File, b.File))
	})
	return list
}
