package server

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
)

// change is what a repository's state says of a file: that there is an archive,
// or that there is none any more. It is not changed any more.
type change struct {
	File string    `json:"file"`
	Gen  int64     `json:"gen"` // generation of the state that first said so
	ID   string    `json:"id"`  // which no other change has
	Time time.Time `json:"time"`

	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Text    string `json:"text,omitempty"` // the entry's lines, with the path of the archive relative to the index
	Archive stored `json:"archive,omitzero"`
	Prov    stored `json:"prov,omitzero"`
	// Signed says that the .prov file has a signature that counts.
	Signed bool `json:"signed,omitempty"`
	// Staged says that both lie under names with this id, and not yet where they belong.
	Staged string `json:"staged,omitempty"`
	// Found says that nobody got a 201 for it: a scan came across it.
	Found bool `json:"found,omitempty"`

	Gone gone `json:"gone,omitempty"`
}

// stored is an object that a change rests on.
type stored struct {
	ETag     string    `json:"etag,omitempty"` // where it belongs
	Digest   string    `json:"digest,omitempty"`
	Size     int64     `json:"size,omitempty"`
	Modified time.Time `json:"modified,omitzero"`
}

// gone says that a file is not in the index any more.
type gone string

const (
	deleting gone = "deleting" // it may still be in the bucket
	deleted  gone = "deleted"
)

// is reports whether there is an archive. c may be nil.
func (c *change) is() bool { return c != nil && c.Gone == "" }

// underWay reports whether the bucket is still being changed for it: nothing else
// is to be done with the file until it is done. c may be nil.
func (c *change) underWay() bool { return c != nil && (c.Staged != "" || c.Gone == deleting) }

// gen is the generation of a change, 0 of none.
func (c *change) gen() int64 {
	if c == nil {
		return 0
	}
	return c.Gen
}

// urlLine is the line of an entry with the path of its archive.
func urlLine(base, file string) string { return "\n    urls:\n    - " + base + "charts/" + file + "\n" }

// entry makes the entry of an archive.
func (c *change) entry(t *tenant, base string) (*entry, error) {
	order, err := semver.NewVersion(c.Version)
	if err == nil && (!strings.HasPrefix(c.Text, "  - ") || !strings.HasSuffix(c.Text, "\n") || !isSegment(c.Name) || !isSegment(c.File)) {
		err = errors.New("it is not as slipway writes it")
	}
	if err != nil {
		return nil, fmt.Errorf("the state of repository %q, file %q: %w", t.name, c.File, err)
	}
	text := c.Text
	if base != "" {
		text = strings.Replace(text, urlLine("", c.File), urlLine(base, c.File), 1)
	}
	e := &entry{file: c.File, name: c.Name, version: c.Version, order: order, digest: c.Archive.Digest, text: []byte(text), from: c}
	e.object = Object{Key: t.key(c.File), Version: c.Archive.Digest, Size: c.Archive.Size, Modified: c.Archive.Modified}
	if c.Prov.Digest != "" {
		e.prov = Object{Key: t.key(c.File) + ".prov", Version: c.Prov.Digest, Size: c.Prov.Size, Modified: c.Prov.Modified}
	}
	return e, nil
}

// state is the object that the replicas of a repository agree by.
type state struct {
	Format     int       `json:"format"`
	Generation int64     `json:"generation"`
	Modified   time.Time `json:"modified"` // a later one for each generation
	Segments   []segment `json:"segments,omitempty"`
	// Changes are those after the last segment, the newest of each file.
	Changes []*change `json:"changes,omitempty"`
}

// segment names an object with the changes after the segment before it, up to a generation.
type segment struct {
	Name    string `json:"name"`
	Upto    int64  `json:"upto"`
	Changes int    `json:"changes"`
}

const (
	stateFormat = 1
	// maxRecent is how many changes a state has before they become a segment.
	maxRecent = 64
	// keepGone is how long it is remembered that a file was deleted, if there is a choice.
	keepGone = 24 * time.Hour
)

func parseState(data []byte) (state, error) {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("read the state: %w", err)
	}
	if s.Format != stateFormat {
		return s, fmt.Errorf("the state has the format %d, of another slipway; this one knows %d", s.Format, stateFormat)
	}
	return s, nil
}

// next is the state after some changes, without segments for them.
func (s state) next(made []*change, now time.Time) state {
	n := s
	n.Format, n.Generation, n.Modified = stateFormat, s.Generation+1, now.UTC()
	if !n.Modified.After(s.Modified) {
		n.Modified = s.Modified.Add(time.Microsecond)
	}
	files := map[string]bool{}
	for _, c := range made {
		files[c.File] = true
	}
	n.Changes = slices.DeleteFunc(slices.Clone(s.Changes), func(c *change) bool { return files[c.File] })
	for _, c := range made {
		c.Gen, c.Time = n.Generation, n.Modified
		n.Changes = append(n.Changes, c)
	}
	return n
}

// mergeFrom is the generation after which the changes become one segment, and the
// segments before it: those are kept that are at least twice as large as what comes after.
func (s state) mergeFrom() (from int64, kept []segment) {
	size, n := len(s.Changes), len(s.Segments)
	for n > 0 && s.Segments[n-1].Changes < 2*size {
		n--
		size += s.Segments[n].Changes
	}
	if n == 0 {
		return 0, nil
	}
	return s.Segments[n-1].Upto, slices.Clone(s.Segments[:n])
}

// packChanges writes a segment: compressed lines of JSON.
func packChanges(changes []*change) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	encoder := json.NewEncoder(w)
	for _, c := range changes {
		if err := encoder.Encode(c); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}

func unpackChanges(data []byte) ([]*change, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read a segment: %w", err)
	}
	var changes []*change
	decoder := json.NewDecoder(io.LimitReader(r, maxObject))
	for {
		c := &change{}
		err := decoder.Decode(c)
		if err == io.EOF {
			return changes, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read a segment: %w", err)
		}
		changes = append(changes, c)
	}
}

func newID() string { return rand.Text() }
