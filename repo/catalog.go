package repo

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

// Catalog finds single charts in an index file without reading all of it.
//
// Where each chart stands is kept in a file beside the index, NAME.slipway. It
// is used only if it belongs to the index by size, time of change and, for each
// chart that is read, by checksum; otherwise it is made anew. A catalog may be
// used by several goroutines.
type Catalog struct {
	path   string
	places *places
	full   *Index // set where the index had to be decoded as a whole
}

// CatalogOptions say how a catalog is opened. The zero value is right.
type CatalogOptions struct {
	// NoCache leaves the file beside the index alone.
	NoCache bool
}

// OpenCatalog opens the index in the file path. If the file beside it is of no
// use, the index is read once and the file written; that it cannot be written is
// no error.
func OpenCatalog(path string, o CatalogOptions) (*Catalog, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	c := &Catalog{path: path}
	if !o.NoCache {
		if c.places = readPlaces(placesFile(path), info); c.places != nil {
			return c, nil
		}
	}
	return c, c.build(o)
}

// build reads the index. In Helm's layout it is walked over and not decoded.
func (c *Catalog) build(o CatalogOptions) (err error) {
	info, err := os.Stat(c.path)
	if err != nil {
		return err
	}
	data, release, err := mapIndexFile(c.path)
	if err != nil {
		return err
	}
	defer release()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }: // memory of the file that is no more
			c.places, err = nil, fmt.Errorf("%s is being written by another process; try again: %v", c.path, fault)
		default:
			panic(fault)
		}
	}()
	if l, ok := findEntries(source(text(data))); ok && strings.Contains(l.head, "apiVersion:") {
		c.places = placesOf(data, l, info)
	} else {
		if c.full, err = ParseIndex(data); err != nil {
			return fmt.Errorf("read %s: %w", c.path, err)
		}
		if c.places, err = placesOfIndex(c.full, info); err != nil {
			return fmt.Errorf("read %s: %w", c.path, err)
		}
	}
	if after, err := os.Stat(c.path); !o.NoCache && err == nil && after.Size() == info.Size() && after.ModTime().Equal(info.ModTime()) {
		_ = WriteFile(placesFile(c.path), c.places.encode(), 0o644)
	}
	return nil
}

// Names lists the charts in alphabetical order.
func (c *Catalog) Names() []string {
	names := make([]string, len(c.places.charts))
	for i, at := range c.places.charts {
		names[i] = at.name
	}
	slices.Sort(names)
	return names
}

// Get finds a version of a chart by the rules of [Versions.Get].
func (c *Catalog) Get(name, version string) (*Version, error) {
	list, err := c.Versions(name)
	if err != nil {
		return nil, err
	}
	return list.Get(name, version)
}

// Versions gives the valid versions of a chart, newest first.
func (c *Catalog) Versions(name string) (Versions, error) {
	if c.full != nil {
		if list, ok := c.full.Entries[name]; ok {
			return list, nil
		}
		return nil, fmt.Errorf("chart %q: %w", name, ErrNoChart)
	}
	at, ok := c.places.find(name)
	if !ok {
		return nil, fmt.Errorf("chart %q: %w", name, ErrNoChart)
	}
	region, err := c.region(at)
	own := c.places.own
	if errors.Is(err, errStale) {
		fresh := &Catalog{path: c.path}
		if err := fresh.build(CatalogOptions{}); err != nil {
			return nil, err
		}
		if fresh.full != nil {
			return fresh.Versions(name)
		}
		if at, ok = fresh.places.find(name); !ok {
			return nil, fmt.Errorf("chart %q: %w", name, ErrNoChart)
		}
		region, err = fresh.region(at)
		own = false
	}
	if err != nil {
		return nil, err
	}
	list, err := decodeRegion(region, own)
	if err != nil {
		return nil, fmt.Errorf("read chart %q in %s: %w", name, c.path, err)
	}
	list, _ = cleanVersions(name, list)
	return list, nil
}

// errStale says that the file beside an index does not belong to it.
var errStale = errors.New("the index has changed")

// region reads the lines of one chart.
func (c *Catalog) region(at chartPlace) ([]byte, error) {
	name := c.path
	if c.places.own {
		name = placesFile(c.path)
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) && c.places.own {
		return nil, errStale
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	region := make([]byte, at.size)
	if _, err := f.ReadAt(region, at.start); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if crc32.Checksum(region, castagnoli()) != at.sum {
		return nil, errStale
	}
	return region, nil
}

// decodeRegion decodes the versions in the lines of one chart, or if they are our own, in JSON.
func decodeRegion(region []byte, own bool) (Versions, error) {
	if len(region) == 0 {
		return Versions{}, nil
	}
	if own {
		var list Versions
		err := json.Unmarshal(region, &list)
		return list, err
	}
	return ParseVersions(region)
}

// ParseVersions reads the lines of versions of one chart, as [Version.AppendYAML]
// writes them. They are not checked.
func ParseVersions(lines []byte) (Versions, error) {
	const before = "entries:\n  x:\n"
	whole := append([]byte(before), lines...)
	if l, ok := findEntries(source(text(whole))); ok && len(l.charts) == 1 {
		if lists := decodeAll(source(text(whole)), l); lists != nil {
			return lists[0], nil
		}
	}
	x, err := parseFully(whole)
	if err != nil {
		return nil, err
	}
	return x.Entries["x"], nil
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }
