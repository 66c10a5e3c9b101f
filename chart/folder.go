package chart

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// LoadDir is like the function LoadDir, with l's limits.
func (l Loader) LoadDir(dir string) (*Chart, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, err
	}
	return l.run(func(ld *loading) (*Chart, error) {
		return loadFolder(ld, &folder{fsys: os.DirFS(root), root: root})
	})
}

// LoadFS is like the function LoadFS, with l's limits.
func (l Loader) LoadFS(fsys fs.FS) (*Chart, error) {
	return l.run(func(ld *loading) (*Chart, error) {
		return loadFolder(ld, &folder{fsys: fsys})
	})
}

// folder is a chart's folder while it is read.
type folder struct {
	fsys  fs.FS
	root  string // the folder's real path on disk; empty for other file systems
	rules ignoreRules
	files []File
	open  []string // the real paths of the folders that are being read, to notice links that lead back
}

func loadFolder(ld *loading, d *folder) (*Chart, error) {
	if err := d.readRules(ld); err != nil {
		return nil, err
	}
	d.open = []string{d.root}
	if err := d.walk(ld, "."); err != nil {
		return nil, err
	}
	return ld.buildRoot(d.files)
}

func (d *folder) readRules(ld *loading) error {
	info, err := fs.Stat(d.fsys, ignoreFile)
	if err == nil {
		data, err := d.read(ld, ignoreFile, info)
		if err != nil {
			return err
		}
		if d.rules, err = parseIgnore(data); err != nil {
			return err
		}
	}
	always, _, err := parseIgnoreRule(templatesDotFiles)
	d.rules = append(d.rules, always)
	return err
}

// walk collects the files below the folder dir, in the order of their names.
func (d *folder) walk(ld *loading, dir string) error {
	if len(d.open) > maxDepth {
		return tooLarge("folders lie in each other more than %d deep: %s", maxDepth, dir)
	}
	list, err := fs.ReadDir(d.fsys, dir)
	if err != nil {
		return fmt.Errorf("read folder %s: %w", dir, err)
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range list {
		if err := d.visit(ld, path.Join(dir, e.Name()), e); err != nil {
			return err
		}
	}
	return nil
}

// visit takes in one file, or the files of one folder.
func (d *folder) visit(ld *loading, name string, e fs.DirEntry) error {
	if !utf8.ValidString(name) {
		return fmt.Errorf("chart contains illegally named files: %q is not UTF-8", name)
	}
	real := filepath.Join(d.open[len(d.open)-1], e.Name())
	if e.Type()&fs.ModeSymlink != 0 && d.root != "" {
		resolved, err := filepath.EvalSymlinks(real)
		if err != nil {
			return fmt.Errorf("error evaluating symlink %s: %w", name, err)
		}
		ld.warnings = append(ld.warnings, fmt.Sprintf("found symbolic link in path: %s resolves to %s. Contents of linked file included and used", filepath.Join(d.root, name), resolved))
		real = resolved
	}
	info, err := fs.Stat(d.fsys, name)
	if err != nil {
		return err
	}
	if d.rules.ignores(name, info.IsDir()) {
		return nil
	}
	if info.IsDir() {
		return d.enter(ld, name, real)
	}
	data, err := d.read(ld, name, info)
	if err != nil {
		return err
	}
	if err := ld.checkFile(name, int64(len(data))); err != nil {
		return err
	}
	d.files = append(d.files, File{Name: name, Data: bytes.TrimPrefix(data, utf8BOM)})
	return nil
}

func (d *folder) enter(ld *loading, name, real string) error {
	if err := ld.countFile(); err != nil {
		return err
	}
	if d.root != "" && slices.Contains(d.open, real) {
		return fmt.Errorf("symbolic link %s leads back to a folder that it lies in: %s", name, real)
	}
	d.open = append(d.open, real)
	defer func() { d.open = d.open[:len(d.open)-1] }()
	return d.walk(ld, name)
}

// read gives a file's bytes, never nil.
func (d *folder) read(ld *loading, name string, info fs.FileInfo) ([]byte, error) {
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot load irregular file %s as it has file mode type bits set", name)
	}
	if info.Size() > ld.maxFile {
		return nil, tooLarge("chart file %q is larger than the maximum file size %d", name, ld.maxFile)
	}
	f, err := d.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("error reading %s: %w", name, err)
	}
	defer f.Close()
	data := make([]byte, 0, info.Size()+1)
	for {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return nil, fmt.Errorf("error reading %s: %w", name, err)
		}
		if int64(len(data)) > ld.maxFile {
			return nil, tooLarge("chart file %q is larger than the maximum file size %d", name, ld.maxFile)
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
	}
}
