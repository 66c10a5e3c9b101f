package chart

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/e6d26078/slipway/chart/yaml"
)

// SaveOptions say how a chart is packaged. The zero value is right.
type SaveOptions struct {
	// ModTime is the time of change that every file in the package gets, in
	// whole seconds. Zero means 1980-01-01 00:00:00 UTC, so that the same chart
	// gives the same bytes.
	ModTime time.Time
}

// defaultModTime is the earliest time that every archive format can state.
var defaultModTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// The marks by which Helm's packages are known, in the gzip header.
const (
	gzipExtra   = "+aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo="
	gzipComment = "Helm"
)

// Save validates c and writes it as a packaged chart (.tgz). The bytes depend
// on the chart and the options only; subcharts are written as folders below
// charts/, ordered by name and version. Helm reads the result, and loading it
// gives the chart again. c is not changed.
func Save(c *Chart, w io.Writer, o SaveOptions) error {
	zw := gzip.NewWriter(w)
	zw.Extra = []byte(gzipExtra)
	zw.Comment = gzipComment
	zw.ModTime = time.Unix(0, 0) // which means none
	s := saver{tar: tar.NewWriter(zw), modTime: o.ModTime, seen: make(map[string]bool)}
	if s.modTime.IsZero() {
		s.modTime = defaultModTime
	}
	if err := s.chart(c, ""); err != nil {
		return err
	}
	if err := s.tar.Close(); err != nil {
		return err
	}
	return zw.Close()
}

// SaveFile saves c as NAME-VERSION.tgz in the folder dir, which is made if it
// is missing, and gives the file's path. The file appears complete or not at
// all; one that was there before is replaced.
func SaveFile(c *Chart, dir string, o SaveOptions) (string, error) {
	m, err := validCopy(c)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	target := filepath.Join(dir, m.Name+"-"+m.Version+".tgz")
	if err := writeAtomic(target, func(w io.Writer) error { return Save(c, w, o) }); err != nil {
		return "", fmt.Errorf("save %s: %w", target, err)
	}
	return target, nil
}

// writeAtomic writes the file target by way of a hidden one beside it. After
// an error nothing is left.
func writeAtomic(target string, write func(io.Writer) error) (err error) {
	work := beside(target)
	f, err := os.OpenFile(work, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(work))
		}
	}()
	if err := write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(work, target)
}

// saver writes the files of one package.
type saver struct {
	tar     *tar.Writer
	modTime time.Time
	seen    map[string]bool
}

// chart writes c and its subcharts as the folder that is named base, or like c
// if base is empty.
func (s *saver) chart(c *Chart, base string) error {
	m, err := validCopy(c)
	if err != nil {
		return err
	}
	if base == "" {
		base = m.Name
	}
	data, err := marshalMetadata(m)
	if err != nil {
		return err
	}
	if err := s.file(base, chartFile, data); err != nil {
		return err
	}
	if m.APIVersion == apiVersionV2 && c.Lock != nil {
		data, err := yaml.Append(nil, c.Lock)
		if err != nil {
			return fmt.Errorf("write Chart.lock: %w", err)
		}
		if err := s.file(base, lockFile, data); err != nil {
			return err
		}
	}
	if err := s.ownFiles(c, base); err != nil {
		return err
	}
	return s.subcharts(c, base)
}

func (s *saver) ownFiles(c *Chart, base string) error {
	for _, f := range c.Raw {
		if f.Name == valuesFile {
			if err := s.file(base, valuesFile, f.Data); err != nil {
				return err
			}
		}
	}
	if c.Schema != nil {
		if !json.Valid(c.Schema) {
			return fmt.Errorf("Invalid JSON in %s of chart %s", schemaFile, c.Name())
		}
		if err := s.file(base, schemaFile, c.Schema); err != nil {
			return err
		}
	}
	for _, list := range [][]*File{c.Templates, c.Files} {
		for _, f := range list {
			if err := s.file(base, f.Name, f.Data); err != nil {
				return err
			}
		}
	}
	return nil
}

// subcharts writes the charts that c depends on. Two of the same name, which
// differ in version, get folders of different names.
func (s *saver) subcharts(c *Chart, base string) error {
	deps := slices.Clone(c.Dependencies())
	slices.SortStableFunc(deps, func(a, b *Chart) int {
		if n := strings.Compare(a.Name(), b.Name()); n != 0 {
			return n
		}
		return strings.Compare(a.Metadata.Version, b.Metadata.Version)
	})
	used := make(map[string]bool, len(deps))
	for _, d := range deps {
		name := folderName(d)
		for n := 2; used[name]; n++ {
			name = fmt.Sprintf("%s-%s-%d", d.Name(), d.Metadata.Version, n)
		}
		used[name] = true
		if err := s.chart(d, path.Join(base, chartsDir, name)); err != nil {
			return fmt.Errorf("saving %s: %w", d.ChartFullPath(), err)
		}
	}
	return nil
}

// folderName is the name of d's folder in charts/. A loader would skip or
// misread some names.
func folderName(d *Chart) string {
	name := d.Name()
	if name != "" && (name[0] == '_' || name[0] == '.') || path.Ext(name) == ".tgz" {
		return "chart-" + strings.TrimSuffix(name, ".tgz")
	}
	return name
}

// file writes one file of the chart whose folder is base.
func (s *saver) file(base, name string, data []byte) error {
	if clean := path.Clean(name); clean != name || !filepath.IsLocal(name) || strings.ContainsAny(name, "\\\x00") {
		return refused("chart %s has a file with the unsafe path %q", path.Base(base), name)
	}
	full := path.Join(base, name)
	if s.seen[full] {
		return refused("chart contains two files named %q; remove one of them", name)
	}
	s.seen[full] = true
	h := &tar.Header{Name: full, Mode: 0o644, Size: int64(len(data)), ModTime: s.modTime.Truncate(time.Second)}
	if err := s.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("pack %s: %w", full, err)
	}
	if _, err := s.tar.Write(data); err != nil {
		return fmt.Errorf("pack %s: %w", full, err)
	}
	return nil
}

// validCopy gives c's metadata, validated and with its texts cleaned, without
// changing c.
func validCopy(c *Chart) (*Metadata, error) {
	if c == nil || c.Metadata == nil {
		return nil, fmt.Errorf("chart validation: %w", (*Metadata)(nil).Validate())
	}
	m := *c.Metadata
	m.Sources = slices.Clone(m.Sources)
	m.Keywords = slices.Clone(m.Keywords)
	m.Maintainers = cloneAll(m.Maintainers)
	m.Dependencies = cloneAll(m.Dependencies)
	for _, d := range m.Dependencies {
		if d != nil {
			d.Tags = slices.Clone(d.Tags)
		}
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("chart validation: %w", err)
	}
	return &m, nil
}

func cloneAll[T any](list []*T) []*T {
	list = slices.Clone(list)
	for i, p := range list {
		if p != nil {
			v := *p
			list[i] = &v
		}
	}
	return list
}

// marshalMetadata writes Chart.yaml. The dependencies of a chart of apiVersion
// v1 stand in its requirements.yaml instead.
func marshalMetadata(m *Metadata) ([]byte, error) {
	if m.APIVersion == apiVersionV1 {
		m.Dependencies = nil
	}
	data, err := yaml.Append(nil, m)
	if err != nil {
		return nil, fmt.Errorf("write Chart.yaml: %w", err)
	}
	return data, nil
}
