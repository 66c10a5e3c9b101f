package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"
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

// reserve takes room for an upload that changes the size and the number of
// archives by so much. What is not put must be released.
func (t *tenant) reserve(objects int, bytes int64, q Quota) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if objects > 0 && q.Objects > 0 && t.objects+objects > q.Objects || bytes > 0 && q.Bytes > 0 && t.bytes+bytes > q.Bytes {
		return errQuota
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
		if e.version == version || version == latest && e.order.Prerelease() == "" {
			return e
		}
	}
	if version == latest {
		return b.entries[0]
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
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current = nil
	if when.After(t.generated) {
		t.generated = when
	}
	old := t.files[file]
	switch {
	case e == nil && old == nil:
		return
	case e == nil:
		delete(t.files, file)
	default:
		t.files[file] = e
	}
	if old != nil && (e == nil || old.name != e.name) {
		t.rebuild(old.name, slices.DeleteFunc(slices.Clone(t.charts[old.name].entries), func(x *entry) bool { return x == old }))
	}
	if e == nil {
		return
	}
	delete(t.orphans, file)
	var list []*entry
	if b := t.charts[e.name]; b != nil {
		list = slices.DeleteFunc(slices.Clone(b.entries), func(x *entry) bool { return x == old })
	}
	at, _ := slices.BinarySearchFunc(list, e, (*entry).before)
	t.rebuild(e.name, slices.Insert(list, at, e))
}

// rebuild encodes a chart anew. The caller holds the lock.
func (t *tenant) rebuild(name string, list []*entry) {
	at, known := slices.BinarySearch(t.names, name)
	if len(list) == 0 {
		delete(t.charts, name)
		if known {
			t.names = slices.Delete(t.names, at, at+1)
		}
		return
	}
	if !known {
		t.names = slices.Insert(t.names, at, name)
	}
	t.charts[name] = newChartBlock(name, list)
}

// fill puts the first entries in. Nobody else uses the tenant yet.
func (t *tenant) fill(entries []*entry) {
	lists := map[string][]*entry{}
	for _, e := range entries {
		t.files[e.file] = e
		lists[e.name] = append(lists[e.name], e)
		t.objects++
		t.bytes += e.size()
		if e.object.Modified.After(t.generated) {
			t.generated = e.object.Modified
		}
	}
	for name, list := range lists {
		slices.SortFunc(list, (*entry).before)
		t.names = append(t.names, name)
		t.charts[name] = nil
	}
	slices.Sort(t.names)
	blocks := make([]*block, len(t.names))
	inParallel(len(t.names), func(i int) { blocks[i] = newChartBlock(t.names[i], lists[t.names[i]]) })
	for i, name := range t.names {
		t.charts[name] = blocks[i]
	}
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
