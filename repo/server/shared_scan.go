package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	readAtATime = 16 // of archives
	scanTimeout = time.Hour
)

// wake lets a scan begin.
func (x *shared) wake() {
	select {
	case x.scans <- struct{}{}:
	default:
	}
}

// scanAgain scans when it is time or somebody has found something odd, at most every second.
func (x *shared) scanAgain(ctx context.Context) {
	var tick <-chan time.Time
	if x.b.o.ScanInterval > 0 {
		ticker := time.NewTicker(x.b.o.ScanInterval)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		case <-x.scans:
		}
		if err := x.scan(ctx); err != nil && ctx.Err() == nil {
			x.s.log.Error("look for what others have put into the bucket", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// listing is what a bucket has of one repository.
type listing struct {
	archives map[string]Object // by file
	provs    map[string]Object // by file of the archive
	private  []Object          // our own
	seen     map[string]*change
}

// scan looks through the bucket: it adds to the states what others have put
// there, and completes what killed replicas have left. A repository where that
// cannot be done is left out, and said in the log; it is an error if all are.
func (x *shared) scan(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, scanTimeout)
	defer cancel()
	// The states are read before the objects are listed: what comes meanwhile is not taken for missing.
	err := x.b.list(ctx, private+"/", func(o Object) error {
		if name, is := x.tenantOf(o.Key, stateName); is {
			x.shelf(name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	x.mu.Lock()
	shelves := maps.Clone(x.shelves)
	x.mu.Unlock()
	lists, failed := map[string]*listing{}, map[string]error{}
	for name, h := range shelves {
		failed[name] = h.fresh(ctx)
		lists[name] = newListing(h.all())
	}
	if err := x.b.list(ctx, "", func(o Object) error { x.sort(o, lists); return nil }); err != nil {
		return err
	}
	var all []error
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		err := failed[name]
		if err == nil {
			err = x.shelf(name).reconcile(ctx, lists[name])
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			x.s.log.Error("look through a repository", "repository", name, "error", err.Error())
			all = append(all, err)
		}
	}
	if len(all) < len(lists) {
		return nil
	}
	return errors.Join(all...)
}

func newListing(seen map[string]*change) *listing {
	return &listing{archives: map[string]Object{}, provs: map[string]Object{}, seen: seen}
}

// tenantOf gives the repository of an object of ours whose name begins so.
func (x *shared) tenantOf(key, name string) (string, bool) {
	dir, file := path.Split(strings.TrimPrefix(key, private+"/"))
	dir = strings.TrimSuffix(dir, "/")
	return dir, strings.HasPrefix(file, "@"+name) && isRepository(dir, x.s.o.Depth) && (dir == "" || isKey(dir))
}

// sort notes an object in the listing of its repository.
func (x *shared) sort(o Object, lists map[string]*listing) {
	if strings.HasPrefix(o.Key, private+"/") {
		for _, kind := range []string{segmentName, stagedName} {
			if name, is := x.tenantOf(o.Key, kind); is && lists[name] != nil {
				lists[name].private = append(lists[name].private, o)
			}
		}
		return
	}
	if !isRepository(tenantOfKey(o.Key), x.s.o.Depth) || !isKey(o.Key) {
		return
	}
	dir, file := path.Split(o.Key)
	name := strings.TrimSuffix(dir, "/")
	archive, isProv := strings.CutSuffix(file, ".prov")
	if !strings.HasSuffix(archive, ".tgz") {
		return
	}
	if lists[name] == nil {
		lists[name] = newListing(map[string]*change{})
	}
	if isProv {
		lists[name].provs[archive] = o
	} else {
		lists[name].archives[file] = o
	}
}

// reconcile makes a repository's state agree with what was listed.
func (h *shelf) reconcile(ctx context.Context, l *listing) error {
	if err := h.fresh(ctx); err != nil {
		return err
	}
	proposals, err := h.found(ctx, l)
	if err != nil {
		return err
	}
	for file, c := range l.seen {
		if _, there := l.archives[file]; !there && c.is() && c.Staged == "" {
			proposals = append(proposals, h.propose(file, c, &change{Archive: c.Archive, Gone: deleted}))
			h.x.s.log.Warn("taken out of the index", "file", h.t.key(file), "reason", "it is not in the bucket any more")
		}
	}
	h.commitAll(ctx, proposals)
	for _, p := range proposals {
		if p.err != nil {
			return p.err
		}
	}
	return h.goOn(ctx, l)
}

// propose makes a proposal that counts if nothing has become of the file since it was seen.
func (h *shelf) propose(file string, seen, c *change) *proposal {
	return &proposal{file: file, free: true, decide: func(now *change) (*change, error) {
		if now.gen() != seen.gen() {
			return nil, nil
		}
		next := *c
		return &next, nil
	}}
}

// found reads what is not in the state as it is in the bucket.
func (h *shelf) found(ctx context.Context, l *listing) ([]*proposal, error) {
	var files []string
	for file, o := range l.archives {
		if !h.agrees(l.seen[file], o, l.provs[file]) {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	changes := make([]*change, len(files))
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(readAtATime)
	for i, file := range files {
		group.Go(func() (err error) {
			changes[i], err = h.read(limited, l.seen[file], l.archives[file], l.provs[file])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	order := make([]int, len(changes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { // a file that has the name of its chart comes before copies of it
		return cmp.Compare(changes[a].rank(), changes[b].rank())
	})
	var proposals []*proposal
	versions := map[string]string{}
	for _, i := range order {
		c := changes[i]
		if c == nil {
			continue
		}
		if c.is() {
			id := c.Name + " " + c.Version
			other := versions[id]
			if e := h.t.version(c.Name, c.Version); other == "" && e != nil && e.version == c.Version && e.file != files[i] {
				other = e.file
			}
			if other != "" {
				h.skip(pair(l.archives[files[i]], l.provs[files[i]]), "the same version is in "+other)
				continue
			}
			versions[id] = files[i]
		}
		proposals = append(proposals, h.propose(files[i], l.seen[files[i]], c))
	}
	return proposals, nil
}

// rank is 0 if a file has the name of its chart, otherwise 1. c may be nil.
func (c *change) rank() int {
	if c != nil && c.File == c.Name+"-"+c.Version+".tgz" {
		return 0
	}
	return 1
}

// agrees reports whether there is nothing to find out about an archive.
func (h *shelf) agrees(c *change, archive, prov Object) bool {
	switch {
	case c.underWay():
		return true // goOn looks after it
	case c != nil && c.Gone == deleted && c.Archive.ETag == archive.Version:
		return archive.Modified.Before(c.Time.Add(h.x.b.patience.delete)) // a write that came late, or what others have put there again
	case !c.is(), !c.Signed && h.x.s.o.Signatures.Required:
		return h.isUseless(pair(archive, prov))
	}
	wanted := prov.Version
	if h.isUseless(prov) {
		wanted = ""
	}
	return c.Archive.ETag == archive.Version && c.Prov.ETag == wanted
}

func (h *shelf) isUseless(o Object) bool {
	h.x.mu.Lock()
	defer h.x.mu.Unlock()
	version, is := h.x.useless[o.Key]
	return is && version == o.Version
}

// pair stands for an archive with the .prov file beside it.
func pair(archive, prov Object) Object {
	archive.Version += " " + prov.Version
	return archive
}

// skip remembers that an object is of no use as it is.
func (h *shelf) skip(o Object, reason string) {
	h.x.s.log.Warn("left out of the index", "file", o.Key, "reason", reason)
	h.x.mu.Lock()
	defer h.x.mu.Unlock()
	h.x.useless[o.Key] = o.Version
}

// read gives what the state should say of an archive, nil if nothing.
func (h *shelf) read(ctx context.Context, seen *change, archive, prov Object) (*change, error) {
	c, data, err := h.readFound(ctx, archive)
	if errors.As(err, new(*inputError)) {
		h.skip(pair(archive, prov), err.Error())
		if seen.is() {
			return &change{Archive: stored{ETag: archive.Version}, Gone: deleted}, nil
		}
		return nil, nil
	}
	if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.Found = true
	if seen.is() && seen.Archive.Digest == c.Archive.Digest {
		c.Found, c.Text, c.Archive.Modified = seen.Found, seen.Text, seen.Archive.Modified
	}
	var text []byte
	if prov.Key != "" && !h.isUseless(prov) {
		var o Object
		if text, o, err = h.x.b.get(ctx, prov.Key, "", maxProv); err == nil {
			c.Prov = stored{ETag: o.Version, Digest: digestOf(text), Size: o.Size, Modified: o.Modified.UTC()}
		}
		if err == nil {
			err = checkProv(c.File, data, text)
		}
		if errors.As(err, new(*inputError)) {
			h.skip(prov, err.Error())
			text, c.Prov = nil, stored{}
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	sig, err := h.x.s.checkSignature(ctx, c.File, data, text)
	if err != nil && h.x.s.o.Signatures.Required {
		h.skip(pair(archive, prov), err.Error())
		return nil, nil
	}
	c.Signed = sig.State == signatureVerified
	return c, nil
}

func (h *shelf) readFound(ctx context.Context, archive Object) (*change, []byte, error) {
	data, o, err := h.x.b.get(ctx, archive.Key, "", max(h.x.s.o.MaxUpload, DefaultMaxUpload))
	if err != nil {
		return nil, nil, err
	}
	loaded, err := readChart(h.x.s.o.Loader, data)
	if err != nil {
		return nil, nil, err
	}
	e, err := newEntry(loaded.Metadata, digestOf(data), o, Object{}, "")
	if err != nil {
		return nil, nil, &inputError{err}
	}
	return &change{
		File: e.file, Name: e.name, Version: e.version, Text: string(e.text),
		Archive: stored{ETag: o.Version, Digest: e.digest, Size: o.Size, Modified: o.Modified.UTC()},
	}, data, nil
}

// goOn does what a replica has left half done.
func (h *shelf) goOn(ctx context.Context, l *listing) error {
	now := h.x.s.o.Now()
	named := map[string]bool{}
	h.mu.Lock()
	for _, part := range h.state.Segments {
		named[h.t.private(segmentName+part.Name)] = true
	}
	h.mu.Unlock()
	for file, c := range h.all() {
		switch {
		case c.Gone == deleting && now.After(c.Time.Add(h.x.b.patience.delete)):
			again, err := h.commit(ctx, file, func(then *change) (*change, error) {
				if then.gen() != c.gen() {
					return nil, nil
				}
				next := *c
				return &next, nil // with the time of now
			})
			if err != nil {
				return err
			}
			if again != nil {
				h.finish(ctx, again)
			}
		case c.Staged != "":
			named[h.stagedKey(c, false)], named[h.stagedKey(c, true)] = true, true
			if now.After(c.Time.Add(h.x.b.patience.settle)) {
				if err := h.settle(ctx, c); err != nil {
					return fmt.Errorf("put %s where it belongs: %w", h.t.key(file), err)
				}
			}
		}
	}
	for _, o := range l.private {
		if !named[o.Key] && now.After(o.Modified.Add(h.x.b.patience.tidy)) {
			if err := h.x.b.delete(ctx, o.Key); err != nil {
				return err
			}
		}
	}
	return nil
}
