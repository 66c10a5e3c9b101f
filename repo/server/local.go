package server

import (
	"context"
	"fmt"
)

// local is the changer of a folder, which one process has for itself: a change
// is a commit of the folder and then one of the index in memory, which is
// always fresh.
type local struct {
	s      *Server
	folder *Folder
	known  *known
}

func (f *Folder) changes(s *Server) changer { return &local{s: s, folder: f, known: &known{}} }

func (l *local) close() error { return l.known.close() }

func (l *local) check(context.Context) error { return nil }

func (l *local) fresh(_ context.Context, name string) (*tenant, error) { return l.s.tenant(name), nil }

func (l *local) open(ctx context.Context, _ *tenant, e *entry, prov bool) (Content, Object, error) {
	if prov {
		return l.folder.Open(ctx, e.prov.Key)
	}
	return l.folder.Open(ctx, e.object.Key)
}

// add stores the files first. The caller holds the lock of the file, so nobody
// else sees one without the other.
func (l *local) add(ctx context.Context, t *tenant, a addition) error {
	old := t.find(a.file)
	if old != nil && !a.overwrite {
		return fmt.Errorf("%s: %w", a.file, errExists)
	}
	objects, bytes := 1, int64(len(a.upload.chart)+len(a.upload.prov))
	if old != nil {
		objects, bytes = 0, bytes-old.size()
	}
	if err := t.reserve(objects, bytes, l.s.o.Quota); err != nil {
		return err
	}
	stored, err := l.put(ctx, t, a.file, a.upload, old)
	if err != nil {
		t.release(objects, bytes)
		return err
	}
	e, err := newEntry(a.meta, a.digest, stored.object, stored.prov, l.s.baseURL(t.name))
	if err != nil {
		return err
	}
	t.set(a.file, e, e.object.Modified) // as the next start does
	l.known.add(e)
	return nil
}

// put stores the files of an upload in one step. Of the entry that it returns
// only the objects are set.
func (l *local) put(ctx context.Context, t *tenant, file string, u upload, old *entry) (entry, error) {
	key := t.key(file)
	var writes []Write
	switch {
	case len(u.prov) > 0:
		writes = append(writes, Write{Key: key + ".prov", Data: u.prov})
	case old != nil && old.prov.Key != "", t.isOrphan(file):
		writes = append(writes, Write{Key: key + ".prov", Delete: true})
	}
	archive := Write{Key: key, Data: u.chart, Modified: u.created}
	if old == nil {
		archive.If = IfAbsent
	}
	objects, err := l.folder.Commit(ctx, append(writes, archive)...)
	if err != nil {
		return entry{}, err
	}
	e := entry{object: objects[len(objects)-1]}
	if len(objects) == 2 {
		e.prov = objects[0]
	}
	return e, nil
}

func (l *local) addProv(ctx context.Context, t *tenant, e *entry, _, prov []byte, _ bool) error {
	bytes := int64(len(prov)) - e.prov.Size
	if err := t.reserve(0, bytes, l.s.o.Quota); err != nil {
		return err
	}
	objects, err := l.folder.Commit(ctx, Write{Key: t.key(e.file) + ".prov", Data: prov})
	if err != nil {
		t.release(0, bytes)
		return err
	}
	changed := *e
	changed.prov = objects[0]
	t.set(e.file, &changed, e.object.Modified)
	return nil
}

func (l *local) remove(ctx context.Context, t *tenant, e *entry) error {
	writes := []Write{{Key: e.object.Key, Delete: true}}
	if e.prov.Key != "" {
		writes = append(writes, Write{Key: e.prov.Key, Delete: true})
	}
	if _, err := l.folder.Commit(ctx, writes...); err != nil {
		return err
	}
	t.set(e.file, nil, l.s.o.Now())
	t.release(1, e.size())
	return nil
}
