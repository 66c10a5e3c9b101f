package release

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// Memory is a store that keeps records of one namespace in memory, encoded as
// any other store would. The zero value is empty. It is safe for concurrent use.
type Memory struct {
	// Now, if not nil, says what CreatedAt and ModifiedAt are. It may not be
	// changed while the store is in use.
	Now func() time.Time

	mu      sync.Mutex
	records map[string]stored // by Key
	writes  int
}

type stored struct {
	data []byte
	meta Meta
}

// History lists the revisions of a release, oldest first.
func (s *Memory) History(_ context.Context, name string) ([]Meta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Meta
	for _, kept := range s.records {
		if kept.meta.Name == name {
			list = append(list, kept.read())
		}
	}
	SortMeta(list)
	return list, nil
}

// List returns revisions of all releases by namespace, name and revision.
func (s *Memory) List(_ context.Context, options ListOptions) ([]Meta, error) {
	match, err := options.Matcher()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Meta
	for _, kept := range s.records {
		if match(kept.meta) {
			list = append(list, kept.read())
		}
	}
	SortMeta(list)
	if options.Limit > 0 && len(list) > options.Limit {
		list = list[:options.Limit]
	}
	return list, nil
}

// Get reads a revision, or returns ErrNotFound.
func (s *Memory) Get(_ context.Context, name string, version int) (*Record, error) {
	s.mu.Lock()
	kept, ok := s.records[Key(name, version)]
	s.mu.Unlock()
	if !ok {
		return nil, NotFound(name, version)
	}
	r, err := Decode(kept.data)
	if err != nil {
		return nil, fmt.Errorf("read release %s revision %d: %w", name, version, err)
	}
	r.Attach(kept.read())
	return r, nil
}

// Create stores a new revision and sets its Token, or returns ErrExists.
func (s *Memory) Create(_ context.Context, r *Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.records[Key(r.Name, r.Version)]; ok {
		return fmt.Errorf("%w: release %s revision %d", ErrExists, r.Name, r.Version)
	}
	return s.put(r, s.now(), time.Time{})
}

// Update replaces a revision if its Token is still the same or r has none, and
// sets the new one. Else it returns ErrConflict or ErrNotFound.
func (s *Memory) Update(_ context.Context, r *Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, ok := s.records[Key(r.Name, r.Version)]
	if !ok {
		return NotFound(r.Name, r.Version)
	}
	if r.Token != "" && r.Token != kept.meta.Token {
		return fmt.Errorf("%w: release %s revision %d", ErrConflict, r.Name, r.Version)
	}
	return s.put(r, kept.meta.CreatedAt, s.now())
}

// Delete removes a revision, or returns ErrNotFound.
func (s *Memory) Delete(_ context.Context, name string, version int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.records[Key(name, version)]; !ok {
		return NotFound(name, version)
	}
	delete(s.records, Key(name, version))
	return nil
}

// put stores r with the next token. The lock is held.
func (s *Memory) put(r *Record, created, modified time.Time) error {
	data, err := r.Encode()
	if err != nil {
		return err
	}
	if s.records == nil {
		s.records = map[string]stored{}
	}
	s.writes++
	r.Token, r.CreatedAt, r.ModifiedAt = strconv.Itoa(s.writes), created, modified
	s.records[Key(r.Name, r.Version)] = stored{data, r.Meta()}
	return nil
}

func (s *Memory) now() time.Time {
	if s.Now == nil {
		return time.Time{}
	}
	return s.Now().UTC().Truncate(time.Second)
}

// read returns the metadata as a store gives it: the chart of a record without
// an Operation is not known, and nothing is shared.
func (kept stored) read() Meta {
	m := kept.meta
	m.Labels = customLabels(m.Labels)
	if m.Operation == nil {
		m.Chart, m.AppVersion = "", ""
		return m
	}
	op := *m.Operation
	m.Operation = &op
	return m
}
