package repo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/repo/internal/parallel"
)

// knownFile, in an indexed folder, has the metadata and digests of its archives
// by size and time of change, as an index.
const knownFile = ".slipway-index.yaml"

// maxHead is the size up to which Chart.yaml and requirements.yaml are read, in bytes.
const maxHead = chart.DefaultMaxFile

// GenerateOptions say how a folder is indexed.
type GenerateOptions struct {
	// URL stands before the names of the archives.
	URL string
	// Now is the time that the index and what is new in it get.
	Now time.Time
	// Forget makes that every archive is read, also those that have not changed.
	Forget bool
}

// Generate makes an index of the packaged charts in dir and in its folders, as
// `helm repo index` does. What is no chart is left out. Each archive is read
// once and unpacked only up to its Chart.yaml; one that has the size and time of
// the last call, which are kept in the folder, is not read.
//
// #DIFFERS: Helm unpacks each archive to its end, and so leaves out those that
// are damaged behind Chart.yaml.
func Generate(dir string, o GenerateOptions) (*Index, error) {
	files, err := archives(dir)
	if err != nil {
		return nil, err
	}
	known := map[string]*Version{}
	if !o.Forget {
		known = loadKnown(dir)
	}
	found := make([]*Version, len(files))
	errs := make([]error, len(files))
	parallel.Do(len(files), runtime.GOMAXPROCS(0), func(i int) { found[i], errs[i] = describe(dir, files[i], known[files[i]]) })
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	saveKnown(dir, found, o.Now)
	x := &Index{APIVersion: "v1", Generated: o.Now, Entries: map[string]Versions{}}
	for i, v := range found {
		if v == nil || v.Metadata == nil {
			continue
		}
		entry := *v
		entry.URLs, entry.Created = []string{archiveURL(o.URL, files[i])}, o.Now
		x.Entries[v.Name] = append(x.Entries[v.Name], &entry)
	}
	return x, nil
}

// archives lists the .tgz files of dir, then those of its folders.
func archives(dir string) ([]string, error) {
	var files []string
	for _, pattern := range []string{"*.tgz", "*/*.tgz"} {
		list, err := filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range list {
			relative, err := filepath.Rel(dir, name)
			if err != nil {
				return nil, err
			}
			files = append(files, relative)
		}
	}
	return files, nil
}

func escapeGlob(dir string) string {
	if runtime.GOOS == "windows" {
		return dir
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

// archiveURL is Helm's: the base's path joined with the file's.
func archiveURL(base, file string) string {
	folder, name := filepath.Split(file)
	parent := joinURL(base, strings.TrimSuffix(filepath.ToSlash(folder), "/"))
	if parent == "" {
		return name
	}
	return joinURL(parent, name)
}

func joinURL(base, element string) string {
	u, err := url.Parse(base)
	if err != nil {
		return path.Join(base, element)
	}
	u.Path = path.Join(u.Path, element)
	return u.String()
}

// describe gives the metadata and the digest of an archive, without metadata if
// it is no chart. Its URLs are the file, and its size and time.
func describe(dir, file string, known *Version) (*Version, error) {
	name := filepath.Join(dir, file)
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	stamp := strconv.FormatInt(info.Size(), 10) + " " + strconv.FormatInt(info.ModTime().UnixNano(), 10)
	if known != nil && known.TillerVersion == stamp {
		v := *known
		v.URLs, v.TillerVersion = []string{file, stamp}, ""
		return &v, nil
	}
	v := &Version{URLs: []string{file, stamp}}
	f, err := os.Open(name)
	if err != nil {
		return v, nil // as Helm: no chart
	}
	defer f.Close()
	hash := sha256.New()
	m, _ := readHead(io.TeeReader(f, hash))
	if m == nil {
		return v, nil
	}
	if m.APIVersion == "" {
		m.APIVersion = "v1"
	}
	if m.Validate() != nil {
		return v, nil
	}
	if _, err := io.Copy(hash, f); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	v.Metadata, v.Digest = m, hex.EncodeToString(hash.Sum(nil))
	return v, nil
}

// readHead unpacks an archive up to Chart.yaml, and one of a chart of the first
// kind up to requirements.yaml, which has its dependencies.
func readHead(r io.Reader) (*chart.Metadata, error) {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	var m *chart.Metadata
	var requirements []byte
	for files, n := tar.NewReader(unzipped), 0; n < chart.DefaultMaxFiles; n++ {
		h, err := files.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		_, name, _ := strings.Cut(h.Name, "/")
		if name = path.Clean(name); name != "Chart.yaml" && name != "requirements.yaml" || h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(files, maxHead+1))
		if err != nil || len(data) > maxHead {
			return nil, fmt.Errorf("%s cannot be read: %w", name, err)
		}
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
		if name == "requirements.yaml" {
			requirements = data
		} else {
			m = &chart.Metadata{}
			if err := yaml.Unmarshal(data, m); err != nil {
				return nil, err
			}
		}
		if m != nil && (m.APIVersion == "v2" || requirements != nil) {
			break
		}
	}
	if m != nil && requirements != nil {
		if err := yaml.Unmarshal(requirements, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// loadKnown reads what is known of a folder's archives, by file. TillerVersion
// has the size and the time.
func loadKnown(dir string) map[string]*Version {
	known := map[string]*Version{}
	x, err := LoadIndex(filepath.Join(dir, knownFile))
	if err != nil {
		return known
	}
	for _, list := range x.Entries {
		for _, v := range list {
			if len(v.URLs) == 2 {
				v.TillerVersion = v.URLs[1]
				known[v.URLs[0]] = v
			}
		}
	}
	return known
}

// saveKnown keeps what was found, if the folder can be written to. A file that
// has only just changed might change again within the same tick: it is left out.
func saveKnown(dir string, found []*Version, now time.Time) {
	x := &Index{APIVersion: "v1", Entries: map[string]Versions{}}
	for _, v := range found {
		if v == nil || v.Metadata == nil || len(v.URLs) != 2 {
			continue
		}
		_, tick, _ := strings.Cut(v.URLs[1], " ")
		if ns, err := strconv.ParseInt(tick, 10, 64); err != nil || now.Sub(time.Unix(0, ns)) < 2*time.Second {
			continue
		}
		x.Entries[v.Name] = append(x.Entries[v.Name], v)
	}
	if text, err := x.AppendYAML(nil); err == nil {
		_ = WriteFile(filepath.Join(dir, knownFile), text, 0o644)
	}
}

// Merge adds the versions of other that x does not have. What x has, by Helm's
// rules of [Index.Get], stays.
func (x *Index) Merge(other *Index) {
	has := map[string]map[string]bool{}
	for name, list := range x.Entries {
		has[name] = make(map[string]bool, len(list))
		for _, v := range list {
			has[name][v.Version] = true
		}
	}
	for _, list := range other.Entries {
		for _, v := range list {
			if has[v.Name][v.Version] {
				continue
			}
			if _, err := x.Get(v.Name, v.Version); err != nil {
				x.Entries[v.Name] = append(x.Entries[v.Name], v)
			}
		}
	}
}

// Sort puts the versions of every chart in descending order.
func (x *Index) Sort() {
	for _, list := range x.Entries {
		sortVersions(list)
	}
}

// WriteFile writes the index so that it appears complete or not at all, as JSON
// if asJSON is set.
func (x *Index) WriteFile(name string, asJSON bool) error {
	write := x.AppendYAML
	if asJSON {
		write = x.AppendJSON
	}
	text, err := write(nil)
	if err != nil {
		return err
	}
	return WriteFile(name, text, 0o644)
}
