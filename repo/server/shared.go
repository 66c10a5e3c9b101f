package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"
)

// shared is the changer of a bucket that several replicas serve. docs/design/0006-server.md has the protocol.
type shared struct {
	s      *Server
	b      *S3
	health flights
	scans  chan struct{} // wakes the scanner
	end    context.CancelFunc
	ended  sync.WaitGroup

	mu      sync.Mutex
	shelves map[string]*shelf
	useless map[string]string // versions of objects that are no charts or .prov files, by key
}

func (b *S3) changes(s *Server) changer {
	x := &shared{s: s, b: b, scans: make(chan struct{}, 1), end: func() {}, shelves: map[string]*shelf{}, useless: map[string]string{}}
	x.health.fly = x.reach
	return x
}

// load looks through the bucket, and again whenever it is time.
func (x *shared) load(ctx context.Context) error {
	if err := x.scan(ctx); err != nil {
		return fmt.Errorf("read the storage: %w", err)
	}
	ctx, x.end = context.WithCancel(context.WithoutCancel(ctx))
	x.ended.Go(func() { x.scanAgain(ctx) })
	return nil
}

func (x *shared) close() error {
	x.end()
	x.ended.Wait()
	return nil
}

func (x *shared) check(ctx context.Context) error { return x.health.join(ctx) }

// reach finds out whether the bucket can be read.
func (x *shared) reach(ctx context.Context) error {
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := x.b.head(ctx, private+"/@probe")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// shelf gives that of a repository, which it makes.
func (x *shared) shelf(name string) *shelf {
	x.mu.Lock()
	defer x.mu.Unlock()
	if h := x.shelves[name]; h != nil {
		return h
	}
	x.s.mu.Lock()
	t := x.s.tenants[name]
	if t == nil {
		t = newTenant(name)
		x.s.tenants[name] = t
	}
	x.s.mu.Unlock()
	h := newShelf(x, t)
	x.shelves[name] = h
	return h
}

func (x *shared) known(name string) *shelf {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.shelves[name]
}

// fresh asks for a repository that is not known too: another replica may have made it.
func (x *shared) fresh(ctx context.Context, name string) (*tenant, error) {
	h := x.known(name)
	if h == nil {
		switch _, err := x.b.head(ctx, newTenant(name).private(stateName)); {
		case errors.Is(err, fs.ErrNotExist):
			return x.s.tenant(name), nil
		case err != nil:
			return nil, err
		}
		h = x.shelf(name)
	}
	return h.t, h.fresh(ctx)
}

// add puts an archive where it belongs, and then into the state. One with a
// .prov file, or in place of another, is staged.
func (x *shared) add(ctx context.Context, t *tenant, a addition) error {
	h := x.shelf(t.name)
	const maxTries = 3
	for range maxTries {
		if err := h.add(ctx, a); !errors.Is(err, errMoved) {
			return err
		}
	}
	return errBusy
}

// matches reports whether an upload is what a scan has found. Who sends it gets a 201 for it.
func (c *change) matches(a addition) bool { return c.is() && c.Found && c.Archive.Digest == a.digest }

// add tries to. errMoved says that something has changed meanwhile.
func (h *shelf) add(ctx context.Context, a addition) error {
	if err := h.fresh(ctx); err != nil {
		return err
	}
	now := h.now(a.file)
	switch {
	case now.is() && !a.overwrite && !now.matches(a):
		return fmt.Errorf("%s: %w", a.file, errExists)
	case now.underWay():
		return h.goOnWith(ctx, now)
	case now.is() && (a.overwrite || len(a.upload.prov) > 0):
		return h.stage(ctx, a, a.mayReplace)
	}
	made, err := h.newChange(a)
	if err != nil {
		return err
	}
	if !now.is() {
		_, objects, bytes := h.t.count()
		if err := h.x.s.o.Quota.check(objects, bytes, 1, made.Archive.Size+made.Prov.Size); err != nil {
			return err
		}
		if len(a.upload.prov) > 0 {
			if err := h.mayAdd(ctx, a); err != nil {
				return err
			}
			return h.stage(ctx, a, a.mayReplace)
		}
		if made.Archive.ETag, err = h.x.b.put(ctx, h.t.key(a.file), a.upload.chart, IfAbsent); errors.Is(err, ErrConflict) {
			made.Archive.ETag, err = h.sameArchive(ctx, a)
		}
		if errors.Is(err, errExists) && a.overwrite {
			return h.stage(ctx, a, a.mayReplace)
		}
		if err != nil {
			return err
		}
	}
	_, err = h.commit(ctx, a.file, func(then *change) (*change, error) {
		c := *made
		switch {
		case then.matches(a):
			c = *then
			c.Found = false
			if !a.upload.created.IsZero() {
				c.Text, c.Archive.Modified = made.Text, made.Archive.Modified
			}
		case then.is() && !a.overwrite:
			return nil, fmt.Errorf("%s: %w", a.file, errExists)
		case then.is(), then.gen() != now.gen(): // a deletion would have taken what was put
			return nil, errMoved
		}
		return &c, nil
	})
	if errors.Is(err, errQuota) { // another upload was faster
		return errors.Join(err, h.bury(ctx, a.file, made.Archive))
	}
	return err
}

// newChange is what the state will say of an upload.
func (h *shelf) newChange(a addition) (*change, error) {
	now := h.x.s.o.Now().UTC()
	created := now
	if !a.upload.created.IsZero() {
		created = a.upload.created.UTC()
	}
	e, err := newEntry(a.meta, a.digest, Object{Key: h.t.key(a.file), Modified: created}, Object{}, "")
	if err != nil {
		return nil, &inputError{err}
	}
	c := &change{Name: e.name, Version: e.version, Text: string(e.text), Archive: stored{Digest: a.digest, Size: int64(len(a.upload.chart)), Modified: created}}
	if len(a.upload.prov) > 0 {
		c.Prov = stored{Digest: digestOf(a.upload.prov), Size: int64(len(a.upload.prov)), Modified: now}
		c.Signed = h.x.s.o.Signatures.Keyring != nil // then what does not count was refused
	}
	return c, nil
}

// sameArchive gives the version of an archive that is in the bucket already and
// is the one of an upload, as one that was interrupted leaves it.
func (h *shelf) sameArchive(ctx context.Context, a addition) (string, error) {
	data, o, err := h.x.b.get(ctx, h.t.key(a.file), "", h.x.s.o.MaxUpload)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errMoved
	case errors.As(err, new(*inputError)) || err == nil && !bytes.Equal(data, a.upload.chart):
		return "", fmt.Errorf("%s: %w", a.file, errExists)
	}
	return o.Version, err
}

// mayAdd finds out whether there is an archive that no state has.
func (h *shelf) mayAdd(ctx context.Context, a addition) error {
	_, err := h.x.b.head(ctx, h.t.key(a.file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !a.overwrite {
		_, err = h.sameArchive(ctx, a)
	}
	return err
}

// addProv stores the pair anew: both change at once.
func (x *shared) addProv(ctx context.Context, t *tenant, e *entry, archive, prov []byte, overwrite bool) error {
	h := x.shelf(t.name)
	c := *e.from
	c.Staged, c.Found = "", false
	c.Prov = stored{Digest: digestOf(prov), Size: int64(len(prov)), Modified: x.s.o.Now().UTC()}
	c.Signed = x.s.o.Signatures.Keyring != nil // then what does not count was refused
	return h.stageAs(ctx, e.file, upload{chart: archive, prov: prov}, c, func(now *change) error {
		switch {
		case now.underWay() || !now.is() || now.Archive.Digest != e.digest:
			return errBusy
		case now.Prov.Digest != "" && !overwrite:
			return fmt.Errorf("%s.prov: %w", e.file, errExists)
		}
		return nil
	})
}

// remove takes an archive out of the state, then out of the bucket.
func (x *shared) remove(ctx context.Context, t *tenant, e *entry) error {
	h := x.shelf(t.name)
	c, err := h.commit(ctx, e.file, func(now *change) (*change, error) {
		switch {
		case !now.is():
			return nil, errMissing
		case now.underWay() || now.Archive.Digest != e.digest || !now.Archive.Modified.Equal(e.object.Modified):
			return nil, errBusy
		}
		return &change{Archive: now.Archive, Gone: deleting}, nil
	})
	if now := h.now(e.file); errors.Is(err, errBusy) && now.underWay() {
		err = errors.Join(errBusy, h.goOnWith(ctx, now)) // for who tries again
	}
	if err == nil && c != nil {
		h.finish(ctx, c)
	}
	return err
}

// bury deletes an archive that was put into the bucket and is not to be in the state.
func (h *shelf) bury(ctx context.Context, file string, archive stored) error {
	c, err := h.commit(ctx, file, func(now *change) (*change, error) {
		if now != nil && (now.is() || now.Gone == deleting) {
			return nil, nil
		}
		return &change{Archive: archive, Gone: deleting}, nil
	})
	if err == nil && c != nil {
		h.finish(ctx, c)
	}
	return err
}

// finish deletes what a deletion has taken out of the state. If it cannot, a scan will.
func (h *shelf) finish(ctx context.Context, c *change) {
	key := h.t.key(c.File)
	err := errors.Join(h.x.b.delete(ctx, key), h.x.b.delete(ctx, key+".prov"))
	if err == nil {
		_, err = h.commit(ctx, c.File, func(now *change) (*change, error) {
			if now == nil || now.ID != c.ID {
				return nil, nil
			}
			return &change{Archive: c.Archive, Gone: deleted}, nil
		})
	}
	if err != nil {
		h.x.s.log.Warn("a deletion is left for a scan to complete", "file", h.t.key(c.File), "error", err.Error())
	}
}

// open reads an archive or a .prov file and holds it against the digest in the state.
func (x *shared) open(ctx context.Context, t *tenant, e *entry, prov bool) (Content, Object, error) {
	h, wanted := x.shelf(t.name), e.object
	if prov {
		wanted = e.prov
	}
	key := wanted.Key
	if e.from.Staged != "" {
		key = h.stagedKey(e.from, prov)
	}
	if wanted.Size > maxInMemory {
		return nil, Object{}, fmt.Errorf("%s has %d bytes, which is too large to be served", key, wanted.Size)
	}
	const patience = 10 * time.Second
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := x.b.memory.Acquire(waiting, wanted.Size); err != nil {
		return nil, Object{}, fmt.Errorf("%w: too many archives are being answered: %w", errUnreachable, err)
	}
	release := sync.OnceFunc(func() { x.b.memory.Release(wanted.Size) })
	data, _, err := x.b.get(ctx, key, "", wanted.Size)
	if err == nil && digestOf(data) != wanted.Version || errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*inputError)) {
		x.wake()
		err = fmt.Errorf("%s in the bucket is not what the index has: %w", key, errMoved)
	}
	if err != nil {
		release()
		return nil, Object{}, err
	}
	return inMemory{Reader: bytes.NewReader(data), release: release}, wanted, nil
}
