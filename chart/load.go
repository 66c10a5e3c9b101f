package chart

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The sizes up to which Helm loads a chart.
const (
	// DefaultMaxFile is the size of the largest file that is loaded, in bytes.
	DefaultMaxFile = 5 << 20
	// DefaultMaxArchive is the size of all files of one archive, unpacked, in bytes.
	DefaultMaxArchive = 100 << 20
	// DefaultMaxTotal is the size of everything that one call loads, in bytes:
	// the files and what the archives among them unpack to.
	DefaultMaxTotal = 256 << 20
	// DefaultMaxFiles is the number of files that one call loads.
	DefaultMaxFiles = 100_000
)

// maxDepth is how deep charts may lie inside charts, and how deep folders may
// lie inside a chart's folder.
const maxDepth = 100

// A Loader reads charts. The zero Loader has Helm's limits and drops warnings.
// A Loader may be used by several goroutines; Warn is called by the one that
// called the Loader.
type Loader struct {
	// MaxFile limits each file, in bytes; 0 means DefaultMaxFile.
	MaxFile int64
	// MaxArchive limits the unpacked files of each archive, in bytes; 0 means DefaultMaxArchive.
	MaxArchive int64
	// MaxTotal limits what one call loads, over all nested archives, in bytes; 0 means DefaultMaxTotal.
	MaxTotal int64
	// MaxFiles limits the number of files and folders that one call loads; 0 means DefaultMaxFiles.
	MaxFiles int
	// Warn, unless nil, receives what a user should know though the chart
	// loads: links that were followed, deprecated files. One call is one
	// warning, without a newline; they come in the same order each time.
	Warn func(message string)
}

// Load reads the chart at path: a folder, or else an archive made by Save or
// `helm package`. A folder's .helmignore applies, an archive's does not.
func Load(path string) (*Chart, error) { return Loader{}.Load(path) }

// LoadArchive reads a packaged chart (.tgz) from r. It reads r to the end.
func LoadArchive(r io.Reader) (*Chart, error) { return Loader{}.LoadArchive(r) }

// LoadDir reads the chart in the folder dir. Symbolic links are followed.
func LoadDir(dir string) (*Chart, error) { return Loader{}.LoadDir(dir) }

// LoadFS reads the chart whose Chart.yaml is at the root of fsys, by the rules
// of LoadDir.
func LoadFS(fsys fs.FS) (*Chart, error) { return Loader{}.LoadFS(fsys) }

// LoadFiles makes a chart of files in memory. Their names are slash-separated
// and relative to the chart's root. The chart shares the files' data.
func LoadFiles(files []*File) (*Chart, error) { return Loader{}.LoadFiles(files) }

// Load is like the function Load, with l's limits.
func (l Loader) Load(path string) (*Chart, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return l.LoadDir(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	packed, err := l.readPacked(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if err := checkGzip(path, packed); err != nil {
		return nil, err
	}
	c, err := l.loadPacked(packed)
	if errors.Is(err, errNoGzip) {
		return nil, fmt.Errorf("file '%s' does not appear to be a valid chart file (details: %w)", path, err)
	}
	return c, err
}

// LoadArchive is like the function LoadArchive, with l's limits.
func (l Loader) LoadArchive(r io.Reader) (*Chart, error) {
	size := int64(0)
	if sized, ok := r.(interface{ Len() int }); ok {
		size = int64(sized.Len())
	}
	packed, err := l.readPacked(r, size)
	if err != nil {
		return nil, err
	}
	return l.loadPacked(packed)
}

// LoadFiles is like the function LoadFiles, with l's limits.
func (l Loader) LoadFiles(files []*File) (*Chart, error) {
	list := make([]File, len(files))
	for i, f := range files {
		list[i] = File{Name: f.Name, Data: f.Data}
		if list[i].Data == nil {
			list[i].Data = []byte{}
		}
	}
	return l.run(func(ld *loading) (*Chart, error) {
		for _, f := range list {
			if err := ld.checkFile(f.Name, int64(len(f.Data))); err != nil {
				return nil, err
			}
		}
		return ld.buildRoot(list)
	})
}

func (l Loader) loadPacked(packed []byte) (*Chart, error) {
	return l.run(func(ld *loading) (*Chart, error) {
		files, warnings, err := ld.unpack(packed)
		if err != nil {
			return nil, err
		}
		ld.warnings = warnings
		return ld.buildRoot(files)
	})
}

// run calls load, and reports the warnings of the last try. When subcharts
// were read in parallel and one failed, everything is read again in order, so
// that a chart with two faults gives the same error each time.
func (l Loader) run(load func(*loading) (*Chart, error)) (*Chart, error) {
	ld := newLoading(l, true)
	c, err := load(ld)
	if err != nil && ld.forked.Load() {
		ld = newLoading(l, false)
		c, err = load(ld)
	}
	if l.Warn != nil {
		for _, w := range ld.warnings {
			l.Warn(w)
		}
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// readPacked reads a compressed archive. A compressed file that is larger than
// all it may unpack to holds nothing worth reading.
func (l Loader) readPacked(r io.Reader, size int64) ([]byte, error) {
	limit := orDefault(l.MaxArchive, DefaultMaxArchive) + slackPerArchive
	if size > limit {
		return nil, tooLarge("compressed chart is larger than %d bytes, the most that its contents may have", limit)
	}
	buf := make([]byte, 0, size+512) // some room for the decompressor, which reads ahead
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
		if int64(len(buf)) > limit {
			return nil, tooLarge("compressed chart is larger than %d bytes, the most that its contents may have", limit)
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// checkGzip tells a user who passed some other file what it is.
func checkGzip(path string, data []byte) error {
	if isGzip(data) {
		return nil
	}
	switch filepath.Ext(path) {
	case ".yml", ".yaml":
		return fmt.Errorf("file '%s' seems to be a YAML file, but expected a gzipped archive", path)
	}
	return fmt.Errorf("file '%s' does not appear to be a gzipped archive; got '%s'", path, kindOf(data))
}

// kindOf names what a file that is no gzip seems to be.
func kindOf(data []byte) string {
	head := string(data[:min(len(data), 512)])
	switch {
	case len(head) == 0:
		return "an empty file"
	case strings.HasPrefix(head, "PK\x03\x04"):
		return "application/zip"
	case strings.HasPrefix(head, "BZh"):
		return "application/x-bzip2"
	case strings.HasPrefix(head, "\xfd7zXZ\x00"):
		return "application/x-xz"
	case strings.HasPrefix(head, "\x28\xb5\x2f\xfd"):
		return "application/zstd"
	case len(head) > 262 && head[257:262] == "ustar":
		return "application/x-tar"
	case strings.HasPrefix(strings.TrimLeft(head, " \t\r\n"), "<"):
		return "text/html; charset=utf-8"
	case strings.ContainsRune(head, 0):
		return "application/octet-stream"
	}
	return "text/plain; charset=utf-8"
}

func orDefault[T int | int64](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}
