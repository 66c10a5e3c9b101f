package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// private is the folder for what is no chart. No key can name it.
const private = ".slipway"

// Folder is a Storage in a local folder, in ChartMuseum's layout. One process
// at a time can have it open.
type Folder struct {
	dir  string
	root *os.Root
	now  func() time.Time

	unlock func() error

	next   atomic.Int64 // number of temporary files
	mu     sync.Mutex   // held while conditions are checked and names change
	broken error        // why nothing can be written until the folder is opened again

	clock sync.Mutex
	last  time.Time // the newest time of change that was given
}

// OpenFolder opens the folder dir, which is made if it is missing, and completes
// the commits that an earlier process has decided on. Close it.
func OpenFolder(dir string, now func() time.Time) (*Folder, error) {
	for _, part := range []string{"tmp", "journal"} {
		if err := os.MkdirAll(filepath.Join(dir, private, part), 0o755); err != nil {
			return nil, fmt.Errorf("open storage: %w", err)
		}
	}
	unlock, err := lockFile(filepath.Join(dir, private, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open storage %s: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		_ = unlock()
		return nil, fmt.Errorf("open storage: %w", err)
	}
	f := &Folder{dir: dir, root: root, now: now, unlock: unlock}
	if err := f.recover(); err != nil {
		f.Close()
		return nil, fmt.Errorf("open storage %s: complete what was begun: %w", dir, err)
	}
	return f, nil
}

// Close lets others open the folder.
func (f *Folder) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = fs.ErrClosed
	return errors.Join(f.root.Close(), f.unlock())
}

// CachePath is a file in the folder for [Options.Cache].
func (f *Folder) CachePath() string { return filepath.Join(f.dir, private, "known") }

// List visits all files but those whose names no chart can have.
func (f *Folder) List(ctx context.Context, visit func(Object) error) error {
	return f.list(ctx, ".", visit)
}

func (f *Folder) list(ctx context.Context, dir string, visit func(Object) error) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	open, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	entries, err := open.ReadDir(-1)
	open.Close()
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if !isSegment(e.Name()) {
			continue
		}
		if e.IsDir() {
			if err := f.list(ctx, name, visit); err != nil {
				return err
			}
			continue
		}
		info, err := f.root.Stat(name) // a link counts if it stays inside
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := visit(object(name, info)); err != nil {
			return err
		}
	}
	return nil
}

// Open opens a file.
func (f *Folder) Open(_ context.Context, key string) (Content, Object, error) {
	if !isKey(key) {
		return nil, Object{}, fmt.Errorf("%q: %w", key, fs.ErrNotExist)
	}
	file, err := f.root.Open(key)
	if err != nil {
		return nil, Object{}, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file: %w", key, fs.ErrNotExist)
	}
	if err != nil {
		file.Close()
		return nil, Object{}, err
	}
	return file, object(key, info), nil
}

func object(key string, info fs.FileInfo) Object {
	stamp := strconv.FormatInt(info.ModTime().UnixNano(), 36) + "-" + strconv.FormatInt(info.Size(), 36)
	return Object{Key: key, Version: stamp, Size: info.Size(), Modified: info.ModTime()}
}

// maxSegment leaves room in a file name for ".prov" and the like.
const maxSegment = 200

// isSegment reports whether name can be one part of a key. It never names
// another folder, nor what slipway keeps for itself.
func isSegment(name string) bool {
	if name == "" || len(name) > maxSegment+len(".prov") || !isLetterOrDigit(name[0]) && name[0] != '_' {
		return false
	}
	for i := 1; i < len(name); i++ {
		if !isLetterOrDigit(name[i]) && !strings.ContainsRune("._+-", rune(name[i])) {
			return false
		}
	}
	return true
}

func isLetterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func isKey(key string) bool {
	for part := range strings.SplitSeq(key, "/") {
		if !isSegment(part) {
			return false
		}
	}
	return true
}
