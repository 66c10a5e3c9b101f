package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"

	"github.com/e6d26078/slipway/repo/internal/parallel"
)

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
	parallel.Do(len(lines), atOnce(), func(i int) {
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
