package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/Masterminds/semver/v3"
)

// inParallel calls work for 0 to n-1.
func inParallel(n int, work func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	group.Wait()
}

// load reads what the storage has. Archives that have not changed since the last
// time are not read. What is no chart is left out, and logged.
func (s *Server) load(ctx context.Context) error {
	var archives []Object
	provs := map[string]Object{}
	err := s.storage.List(ctx, func(o Object) error {
		switch {
		case strings.Count(o.Key, "/") != s.o.Depth:
		case strings.HasSuffix(o.Key, ".tgz"):
			archives = append(archives, o)
		case strings.HasSuffix(o.Key, ".tgz.prov"):
			provs[o.Key] = o
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the storage: %w", err)
	}
	records := readKnown(s.o.Cache, s.o.ChartURL)
	entries := make([]*entry, len(archives))
	errs := make([]error, len(archives))
	inParallel(len(archives), func(i int) {
		o := archives[i]
		if e := records[o.Key].entry(o); e != nil {
			e.prov = provs[o.Key+".prov"]
			entries[i] = e
			return
		}
		if entries[i], errs[i] = s.readEntry(ctx, o); errs[i] == nil {
			entries[i].prov = provs[o.Key+".prov"]
		}
	})
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	byTenant, err := s.group(archives, entries, errs)
	if err != nil {
		return err
	}
	for name, list := range byTenant {
		t := newTenant(name)
		t.fill(list)
		s.tenants[name] = t
	}
	s.findOrphans(provs)
	s.known, err = newKnown(s.o.Cache, s.o.ChartURL, byTenant)
	if err != nil {
		s.log.Warn("the next start will read every archive", "reason", err.Error())
	}
	return nil
}

// group sorts what was read of the archives by repository. What is no chart, and
// a version that another file has too, is left out.
func (s *Server) group(archives []Object, entries []*entry, errs []error) (map[string][]*entry, error) {
	byTenant := map[string][]*entry{}
	seen := map[string]string{}
	for i, e := range entries {
		key := archives[i].Key
		if errs[i] != nil {
			var input *inputError
			if !errors.As(errs[i], &input) {
				return nil, fmt.Errorf("read %s: %w", key, errs[i])
			}
			s.log.Warn("left out of the index", "file", key, "reason", errs[i].Error())
			continue
		}
		name, _ := path.Split(key)
		name = strings.TrimSuffix(name, "/")
		id := name + "/" + e.name + "/" + e.version
		if other, double := seen[id]; double {
			s.log.Warn("left out of the index", "file", key, "reason", "the same version is in "+other)
			continue
		}
		seen[id] = key
		byTenant[name] = append(byTenant[name], e)
	}
	return byTenant, nil
}

// findOrphans notes the .prov files whose archives are not in the index.
func (s *Server) findOrphans(provs map[string]Object) {
	for key := range provs {
		dir, file := path.Split(strings.TrimSuffix(key, ".prov"))
		name := strings.TrimSuffix(dir, "/")
		t := s.tenants[name]
		if t == nil {
			t = newTenant(name)
			s.tenants[name] = t
		}
		if t.files[file] == nil {
			if t.orphans == nil {
				t.orphans = map[string]bool{}
			}
			t.orphans[file] = true
		}
	}
}

// readEntry reads an archive that nothing is known of.
func (s *Server) readEntry(ctx context.Context, o Object) (*entry, error) {
	content, opened, err := s.storage.Open(ctx, o.Key)
	if err != nil {
		return nil, &inputError{err}
	}
	defer content.Close()
	archive, err := io.ReadAll(io.LimitReader(content, max(s.o.MaxUpload, DefaultMaxUpload)+1))
	if err != nil {
		return nil, err
	}
	if int64(len(archive)) != opened.Size {
		return nil, badInput("it is larger than %d bytes, or is being written", max(s.o.MaxUpload, DefaultMaxUpload))
	}
	c, err := readChart(s.o.Loader, archive)
	if err != nil {
		return nil, err
	}
	tenant, _ := path.Split(o.Key)
	return newEntry(c.Metadata, digestOf(archive), opened, Object{}, s.baseURL(strings.TrimSuffix(tenant, "/")))
}

// known is the file with what is known of the archives: a line of JSON each,
// the last one of a key counts. A line that is cut off does not.
type known struct {
	mu   sync.Mutex
	file *os.File
}

type record struct {
	Format  int    `json:"format,omitempty"` // in the first line alone
	Base    string `json:"base,omitempty"`
	Key     string `json:"key,omitempty"`
	Stamp   string `json:"stamp,omitempty"`
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Digest  string `json:"digest,omitempty"`
	Text    string `json:"text,omitempty"`
}

const knownFormat = 1

func recordOf(e *entry) record {
	return record{Key: e.object.Key, Stamp: e.object.Version, Name: e.name, Version: e.version, Digest: e.digest, Text: string(e.text)}
}

// entry gives what is known of an object, or nil if it has changed.
func (r record) entry(o Object) *entry {
	if r.Key != o.Key || r.Stamp != o.Version {
		return nil
	}
	order, err := semver.NewVersion(r.Version)
	if err != nil || !strings.HasPrefix(r.Text, "  - ") || !strings.HasSuffix(r.Text, "\n") {
		return nil
	}
	return &entry{file: path.Base(o.Key), name: r.Name, version: r.Version, order: order, digest: r.Digest, object: o, text: []byte(r.Text)}
}

// readKnown reads what is known, by key. That there is nothing is no error.
func readKnown(name, base string) map[string]record {
	if name == "" {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	lines := bytes.Split(data, []byte("\n"))
	records := make([]record, len(lines))
	inParallel(len(lines), func(i int) {
		if json.Unmarshal(lines[i], &records[i]) != nil {
			records[i] = record{}
		}
	})
	if records[0].Format != knownFormat || records[0].Base != base {
		return nil
	}
	byKey := make(map[string]record, len(records))
	for _, r := range records[1:] {
		if r.Key != "" {
			byKey[r.Key] = r
		}
	}
	return byKey
}

// newKnown writes the file anew and leaves it open for more.
func newKnown(name, base string, entries map[string][]*entry) (*known, error) {
	k := &known{}
	if name == "" {
		return k, nil
	}
	tmp := name + ".new"
	file, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o644)
	if err != nil {
		return k, err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	encoder := json.NewEncoder(out)
	err = encoder.Encode(record{Format: knownFormat, Base: base})
	for _, list := range entries {
		for _, e := range list {
			err = errors.Join(err, encoder.Encode(recordOf(e)))
		}
	}
	if err = errors.Join(err, out.Flush()); err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil {
		return k, errors.Join(err, file.Close(), os.Remove(tmp))
	}
	k.file = file
	return k, nil
}

// add notes an entry. That it cannot be noted costs time at the next start.
func (k *known) add(e *entry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file == nil {
		return
	}
	if line, err := json.Marshal(recordOf(e)); err == nil {
		_, _ = k.file.Write(append(line, '\n'))
	}
}

func (k *known) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file == nil {
		return nil
	}
	err := k.file.Close()
	k.file = nil
	return err
}
