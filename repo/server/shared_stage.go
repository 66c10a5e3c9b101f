package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// stagedKey is where a staged archive is, or its .prov file.
func (h *shelf) stagedKey(c *change, prov bool) string {
	key := h.t.private(stagedName + c.Staged)
	if prov {
		key += ".prov"
	}
	return key
}

// mayReplace holds an upload against what is there.
func (a addition) mayReplace(now *change) error {
	switch {
	case now.is() && !a.overwrite && !now.matches(a):
		return fmt.Errorf("%s: %w", a.file, errExists)
	case now.underWay():
		return errBusy
	}
	return nil
}

// goOnWith completes a change that is under way, if its replica has left it. It
// gives errMoved then, and errBusy if it may still be at it.
func (h *shelf) goOnWith(ctx context.Context, c *change) error {
	if !c.is() || h.x.s.o.Now().Before(c.Time.Add(h.x.b.patience.settle)) {
		return errBusy
	}
	if err := h.settle(ctx, c); err != nil {
		return err
	}
	return errMoved
}

// stage stores an upload so that its files count at once.
func (h *shelf) stage(ctx context.Context, a addition, may func(now *change) error) error {
	c, err := h.newChange(a)
	if err != nil {
		return err
	}
	return h.stageAs(ctx, a.file, a.upload, *c, may)
}

// stageAs puts the files under names of their own, then into the state if they
// may be, then where they belong.
func (h *shelf) stageAs(ctx context.Context, file string, u upload, c change, may func(now *change) error) error {
	c.Staged = newID()
	_, err := h.x.b.put(ctx, h.stagedKey(&c, false), u.chart, IfAbsent)
	if err == nil && len(u.prov) > 0 {
		_, err = h.x.b.put(ctx, h.stagedKey(&c, true), u.prov, IfAbsent)
	}
	var made *change
	if err == nil {
		made, err = h.commit(ctx, file, func(now *change) (*change, error) {
			next := c
			return &next, may(now)
		})
	}
	switch {
	case errors.Is(err, errUnreachable): // it may be in the state
		return err
	case err != nil:
		h.unstage(ctx, &c)
		return err
	case made != nil:
		if err := h.settleFiles(ctx, made, u); err != nil {
			h.x.s.log.Warn("an upload is left for a scan to put where it belongs", "file", h.t.key(file), "error", err.Error())
		}
	}
	return nil
}

// unstage deletes staged files. If it cannot, a scan will.
func (h *shelf) unstage(ctx context.Context, c *change) {
	err := errors.Join(h.x.b.delete(ctx, h.stagedKey(c, false)), h.x.b.delete(ctx, h.stagedKey(c, true)))
	if err != nil {
		h.x.s.log.Warn("what was staged is left for a scan", "error", err.Error())
	}
}

// settle puts where they belong what somebody else has staged.
func (h *shelf) settle(ctx context.Context, c *change) error {
	var u upload
	var err error
	if u.chart, _, err = h.x.b.get(ctx, h.stagedKey(c, false), "", c.Archive.Size); err == nil && c.Prov.Digest != "" {
		u.prov, _, err = h.x.b.get(ctx, h.stagedKey(c, true), "", c.Prov.Size)
	}
	if errors.Is(err, fs.ErrNotExist) && h.stale(ctx, c) == errMoved {
		return nil // somebody was faster
	}
	if err != nil {
		return err
	}
	return h.settleFiles(ctx, c, u)
}

// settleFiles copies the files to where they belong, as long as the state names
// them, and lets the state say so.
func (h *shelf) settleFiles(ctx context.Context, c *change, u upload) error {
	key := h.t.key(c.File)
	var prov string
	var err error
	if c.Prov.Digest == "" {
		err = h.displace(ctx, c, key+".prov")
	} else {
		prov, err = h.place(ctx, c, key+".prov", u.prov)
	}
	var archive string
	if err == nil {
		archive, err = h.place(ctx, c, key, u.chart)
	}
	if err == nil {
		_, err = h.commit(ctx, c.File, func(now *change) (*change, error) {
			if now == nil || now.ID != c.ID {
				return nil, nil
			}
			next := *now
			next.Staged, next.Archive.ETag, next.Prov.ETag = "", archive, prov
			return &next, nil
		})
	}
	if err == nil || errors.Is(err, errMoved) {
		h.unstage(ctx, c)
		return nil
	}
	return err
}

// place writes an object over whatever is there, if the state still names it
// after that was looked at.
func (h *shelf) place(ctx context.Context, c *change, key string, data []byte) (string, error) {
	const maxTries = 5
	condition := IfAbsent
	for range maxTries {
		etag, err := h.x.b.put(ctx, key, data, condition)
		if !errors.Is(err, ErrConflict) {
			return etag, err
		}
		switch o, err := h.x.b.head(ctx, key); {
		case err == nil:
			condition = o.Version
		case errors.Is(err, fs.ErrNotExist):
			condition = IfAbsent
		default:
			return "", err
		}
		if err := h.stale(ctx, c); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%s changes faster than it can be written", key)
}

// displace deletes a .prov file that belonged to what was there before.
func (h *shelf) displace(ctx context.Context, c *change, key string) error {
	if _, err := h.x.b.head(ctx, key); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if err := h.stale(ctx, c); err != nil {
		return err
	}
	return h.x.b.delete(ctx, key)
}

// stale gives errMoved if a change is not the newest of its file any more.
func (h *shelf) stale(ctx context.Context, c *change) error {
	if err := h.fresh(ctx); err != nil {
		return err
	}
	if now := h.now(c.File); now == nil || now.ID != c.ID {
		return errMoved
	}
	return nil
}
