package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/e6d26078/slipway/repo/internal/parallel"
)

// tenant is one repository: its index in memory.
type tenant struct {
	name string // the folders with slashes between them, empty without tenants

	mu        sync.RWMutex
	files     map[string]*entry // by name of the archive
	charts    map[string]*block
	names     []string // of charts, in order
	objects   int      // archives, with those that are being uploaded
	bytes     int64
	orphans   map[string]bool // .prov files without an archive, as ChartMuseum leaves them
	generated time.Time       // of the last change
	current   *snapshot       // nil after a change, until somebody asks
}

func newTenant(name string) *tenant {
	return &tenant{name: name, files: map[string]*entry{}, charts: map[string]*block{}}
}

// snapshot is an index as a whole.
type snapshot struct {
	blocks []*block
	etag   string
	size   int
	zipped int
	tail   []byte // of the gzip file
}

var errQuota = errors.New("the quota of this repository is used up; delete versions that nobody needs")

// check holds more objects and bytes against a quota. What shrinks is always right.
func (q Quota) check(objects int, bytes int64, moreObjects int, moreBytes int64) error {
	if moreObjects > 0 && q.Objects > 0 && objects+moreObjects > q.Objects || moreBytes > 0 && q.Bytes > 0 && bytes+moreBytes > q.Bytes {
		return errQuota
	}
	return nil
}

// reserve takes room for an upload that changes the size and the number of
// archives by so much. What is not put must be released.
func (t *tenant) reserve(objects int, bytes int64, q Quota) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := q.check(t.objects, t.bytes, objects, bytes); err != nil {
		return err
	}
	t.objects += objects
	t.bytes += bytes
	return nil
}

func (t *tenant) release(objects int, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.objects -= objects
	t.bytes -= bytes
}

// find gives the entry of an archive, or nil.
func (t *tenant) find(file string) *entry {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.files[file]
}

// chart gives the versions of a chart, or nil.
func (t *tenant) chart(name string) *block {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.charts[name]
}

// version gives the entry of a version, or nil. "latest" is the newest that is
// no pre-release, or if there are no others, the newest.
func (t *tenant) version(name, version string) *entry {
	b := t.chart(name)
	if b == nil {
		return nil
	}
	for _, e := range b.entries {
		if e.version == version {
			return e
		}
	}
	if version == latest {
		return b.latest()
	}
	return nil
}

const latest = "latest"

// isOrphan reports whether there is a .prov file without this archive.
func (t *tenant) isOrphan(file string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.orphans[file]
}

// list gives all charts by name.
func (t *tenant) list() []*block {
	t.mu.RLock()
	defer t.mu.RUnlock()
	blocks := make([]*block, len(t.names))
	for i, name := range t.names {
		blocks[i] = t.charts[name]
	}
	return blocks
}

// set puts what is now known of an archive into the index: an entry, or nil if
// it is gone, at that time. Room is taken by reserve.
func (t *tenant) set(file string, e *entry, when time.Time) {
	t.apply(map[string]*entry{file: e}, when)
}

// apply does what set does for many archives at once.
func (t *tenant) apply(entries map[string]*entry, when time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current = nil
	if when.After(t.generated) {
		t.generated = when
	}
	old := map[*entry]bool{}
	lists := map[string][]*entry{} // of the charts that change, in the end
	for file := range entries {
		if before := t.files[file]; before != nil {
			old[before] = true
			lists[before.name] = nil
		}
	}
	for file, e := range entries {
		if e == nil {
			delete(t.files, file)
			continue
		}
		t.files[file] = e
		delete(t.orphans, file)
		lists[e.name] = append(lists[e.name], e)
	}
	t.rebuild(lists, old)
}

// rebuild encodes charts anew, by the entries that are added and those that are
// not there any more. The caller holds the lock.
func (t *tenant) rebuild(added map[string][]*entry, old map[*entry]bool) {
	names := slices.Collect(maps.Keys(added))
	blocks := make([]*block, len(names))
	parallel.Do(len(names), atOnce(), func(i int) {
		list := slices.Clone(added[names[i]])
		if b := t.charts[names[i]]; b != nil {
			for _, e := range b.entries {
				if !old[e] {
					list = append(list, e)
				}
			}
		}
		if len(list) > 0 {
			slices.SortFunc(list, (*entry).before)
			blocks[i] = newChartBlock(names[i], list)
		}
	})
	for i, name := range names {
		if blocks[i] == nil {
			delete(t.charts, name)
			continue
		}
		t.charts[name] = blocks[i]
	}
	const few = 8
	if len(names) > few {
		t.names = slices.Sorted(maps.Keys(t.charts))
		return
	}
	for _, name := range names {
		at, known := slices.BinarySearch(t.names, name)
		switch {
		case t.charts[name] == nil && known:
			t.names = slices.Delete(t.names, at, at+1)
		case t.charts[name] != nil && !known:
			t.names = slices.Insert(t.names, at, name)
		}
	}
}

// fill puts the first entries in.
func (t *tenant) fill(entries []*entry) {
	files := make(map[string]*entry, len(entries))
	var newest time.Time
	for _, e := range entries {
		files[e.file] = e
		t.objects++
		t.bytes += e.size()
		if e.object.Modified.After(newest) {
			newest = e.object.Modified
		}
	}
	t.apply(files, newest)
}

// snapshot gives the index as it is now.
func (t *tenant) snapshot() *snapshot {
	t.mu.RLock()
	current := t.current
	t.mu.RUnlock()
	if current != nil {
		return current
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == nil {
		t.current = t.build()
	}
	return t.current
}

func (t *tenant) build() *snapshot {
	head := indexHead
	if len(t.names) == 0 {
		head = "apiVersion: v1\nentries: {}\n"
	}
	s := &snapshot{blocks: make([]*block, 0, len(t.names)+2)}
	s.blocks = append(s.blocks, newBlock([]byte(head)))
	for _, name := range t.names {
		s.blocks = append(s.blocks, t.charts[name])
	}
	s.blocks = append(s.blocks, newBlock(indexTail(t.generated)))
	hash := sha256.New()
	var crc uint32
	for _, b := range s.blocks {
		hash.Write(b.sum[:])
		crc = combine(crc, b.crc, b.shift)
		s.size += len(b.raw)
		s.zipped += len(b.fragment)
	}
	s.tail = gzipTail(crc, s.size)
	s.zipped += len(gzipHead) + len(s.tail)
	s.etag = hex.EncodeToString(hash.Sum(nil)[:16])
	return s
}

func (t *tenant) count() (charts, versions int, bytes int64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.charts), len(t.files), t.bytes
}
