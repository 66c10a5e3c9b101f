package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// ImportFolder is a folder of ChartMuseum's, which is only read. ChartMuseum may
// be running on it.
type ImportFolder struct{ folder *Folder }

// OpenImportFolder opens the folder dir. Close it.
func OpenImportFolder(dir string) (*ImportFolder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &ImportFolder{&Folder{dir: dir, root: root}}, nil
}

// Close closes the folder.
func (f *ImportFolder) Close() error { return f.folder.root.Close() }

// Open opens a file.
func (f *ImportFolder) Open(ctx context.Context, key string) (Content, Object, error) {
	return f.folder.Open(ctx, key)
}

// List visits all files, also those whose names no chart can have, but those
// that are hidden. Links count if they stay inside.
func (f *ImportFolder) List(ctx context.Context, visit func(Object) error) error {
	return f.list(ctx, ".", visit)
}

func (f *ImportFolder) list(ctx context.Context, dir string, visit func(Object) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	entries, err := fs.ReadDir(f.folder.root.FS(), dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case e.Name()[0] == '.':
			continue
		case e.IsDir():
			if err := f.list(ctx, name, visit); err != nil {
				return err
			}
			continue
		}
		info, err := f.folder.root.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			info, err = e.Info() // opening it will say why it cannot be read
		}
		if err != nil { // just deleted
			continue
		}
		if err := visit(object(name, info)); err != nil {
			return err
		}
	}
	return nil
}

// ImportBucket is a bucket of ChartMuseum's, which is only read. ChartMuseum may be
// running on it.
type ImportBucket struct{ b *S3 }

// OpenImportBucket finds out whether the options are right. Whether there is such
// a bucket shows when it is read.
func OpenImportBucket(o S3Options) (*ImportBucket, error) {
	b, err := newS3(o)
	if err != nil {
		return nil, err
	}
	return &ImportBucket{b}, nil
}

// Close does nothing.
func (*ImportBucket) Close() error { return nil }

// Open reads an object of any size.
func (i *ImportBucket) Open(ctx context.Context, key string) (Content, Object, error) {
	data, o, err := i.b.get(ctx, key, "", maxObject)
	if err != nil {
		return nil, Object{}, err
	}
	return inMemory{Reader: bytes.NewReader(data)}, o, nil
}

// List visits all objects, also those whose names no chart can have, but those
// that are hidden.
func (i *ImportBucket) List(ctx context.Context, visit func(Object) error) error {
	return i.b.list(ctx, "", func(o Object) error {
		if o.Key == "" || strings.HasSuffix(o.Key, "/") || strings.HasPrefix(o.Key, ".") || strings.Contains(o.Key, "/.") {
			return nil
		}
		return visit(o)
	})
}

// serverTarget imports into the storage of a server that listens to nobody.
type serverTarget struct {
	s       *Server
	storage Storage
}

func (t *serverTarget) find(ctx context.Context, tenant, file string) (digest string, signed bool, err error) {
	repository, err := t.s.changes.fresh(ctx, tenant)
	if err != nil {
		return "", false, err
	}
	e := repository.find(file)
	if e == nil || e.from != nil && e.from.Found {
		return "", false, nil // what a scan has found may be of an import that was killed
	}
	return e.digest, e.prov.Key != "", nil
}

func (t *serverTarget) put(ctx context.Context, tenant string, u upload) error {
	return t.s.store(ctx, tenant, u, false, &event{})
}

func (t *serverTarget) putProv(ctx context.Context, tenant string, prov []byte) error {
	return t.s.storeProv(ctx, tenant, prov, false, &event{})
}

func (t *serverTarget) copy(ctx context.Context, key string, data []byte) error {
	var err error
	switch storage := t.storage.(type) {
	case *Folder:
		_, err = storage.Commit(ctx, Write{Key: key, Data: data, If: IfAbsent})
	case *S3:
		_, err = storage.put(ctx, key, data, IfAbsent)
	}
	if errors.Is(err, ErrConflict) {
		return isThere(ctx, t.storage, key, data)
	}
	return err
}

// dryTarget is a storage, or nil, that is only read.
type dryTarget struct{ storage Source }

func (t dryTarget) find(ctx context.Context, tenant, file string) (digest string, signed bool, err error) {
	if t.storage == nil {
		return "", false, nil
	}
	key := path.Join(tenant, file)
	archive, err := readAll(ctx, t.storage, key)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	content, _, err := t.storage.Open(ctx, key+".prov")
	if err == nil {
		err = content.Close()
		signed = true
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return digestOf(archive), signed, err
}

func (dryTarget) put(context.Context, string, upload) error     { return nil }
func (dryTarget) putProv(context.Context, string, []byte) error { return nil }

func (t dryTarget) copy(ctx context.Context, key string, data []byte) error {
	if t.storage == nil {
		return nil
	}
	if err := isThere(ctx, t.storage, key, data); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// isThere returns nil if the object has these bytes.
func isThere(ctx context.Context, from Source, key string, data []byte) error {
	there, err := readAll(ctx, from, key)
	if err == nil && !bytes.Equal(there, data) {
		err = badInput("the target has another file by this name; it was not replaced")
	}
	return err
}

func readAll(ctx context.Context, from Source, key string) ([]byte, error) {
	content, _, err := from.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return nil, fmt.Errorf("read %s of the target: %w", key, err)
	}
	return data, nil
}
