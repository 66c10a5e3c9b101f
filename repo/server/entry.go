package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo"
)

// entry is one version of a chart in the index. It is not changed any more.
type entry struct {
	file    string // NAME-VERSION.tgz
	name    string
	version string
	order   *semver.Version
	digest  string
	object  Object
	prov    Object  // of the .prov file, with an empty key if there is none
	text    []byte  // the item of the index's list
	from    *change // that it was made of, nil in a folder
}

// size is what the entry takes of a tenant's quota.
func (e *entry) size() int64 { return e.object.Size + e.prov.Size }

// before is the order of an index: newer versions first, and some fixed order among equals.
func (e *entry) before(other *entry) int {
	if c := other.order.Compare(e.order); c != 0 {
		return c
	}
	return strings.Compare(other.version, e.version)
}

// inputError is an error about what a client has sent.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

func badInput(format string, args ...any) error { return &inputError{fmt.Errorf(format, args...)} }

// readChart checks a packaged chart as a whole.
func readChart(loader chart.Loader, archive []byte) (*chart.Chart, error) {
	c, err := loader.LoadArchive(bytes.NewReader(archive)) // validates it
	if err != nil {
		return nil, &inputError{err}
	}
	if !isSegment(c.Name()) || !isSegment(fileName(c.Metadata)) || len(fileName(c.Metadata)) > maxSegment {
		return nil, badInput("chart %.100q version %.100q: a name or version has to be of letters, digits and ._-, begin with a letter or a digit, and be shorter", c.Name(), c.Metadata.Version)
	}
	return c, nil
}

// checkReadable refuses metadata that are written so that nobody can read them, as
// those with a key << are: they would make a whole index unreadable.
func checkReadable(m *chart.Metadata, text []byte) error {
	versions, err := repo.ParseVersions(text)
	if err == nil && (len(versions) != 1 || versions[0] == nil || versions[0].Metadata == nil || versions[0].Name != m.Name || versions[0].Version != m.Version) {
		err = errors.New("other metadata are read")
	}
	if err != nil {
		return badInput("chart %s version %s: its metadata cannot be read in an index: %w", m.Name, m.Version, err)
	}
	return nil
}

func fileName(m *chart.Metadata) string { return m.Name + "-" + m.Version + ".tgz" }

// newEntry makes the entry of an archive whose metadata were checked.
func newEntry(m *chart.Metadata, digest string, archive, prov Object, baseURL string) (*entry, error) {
	order, err := semver.NewVersion(m.Version)
	if err != nil {
		return nil, err
	}
	file := archive.Key[strings.LastIndexByte(archive.Key, '/')+1:]
	v := &repo.Version{Metadata: m, URLs: []string{baseURL + "charts/" + file}, Created: archive.Modified.UTC(), Digest: digest}
	text, err := v.AppendYAML(nil)
	if err != nil {
		return nil, &inputError{err}
	}
	if err := checkReadable(m, text); err != nil {
		return nil, err
	}
	return &entry{file: file, name: m.Name, version: m.Version, order: order, digest: digest, object: archive, prov: prov, text: text}, nil
}

func digestOf(archive []byte) string {
	sum := sha256.Sum256(archive)
	return hex.EncodeToString(sum[:])
}

const indexHead = "apiVersion: v1\nentries:\n"

// entryKey is the line above the versions of a chart. The name is of letters,
// digits and ._+-; in quotes it is never taken for a number or a date.
func entryKey(name string) string { return "  \"" + name + "\":\n" }

// indexTail ends an index.
func indexTail(generated time.Time) []byte {
	return []byte("generated: \"" + generated.UTC().Format(time.RFC3339Nano) + "\"\nserverInfo: {}\n")
}

// decode reads the lines that newEntry made, of one or more versions of a chart.
func decode(name string, entries ...*entry) (repo.Versions, error) {
	text := []byte(indexHead + entryKey(name))
	for _, e := range entries {
		text = append(text, e.text...)
	}
	x, err := repo.ParseIndex(text)
	if err != nil {
		return nil, err
	}
	return x.Entries[name], nil
}
