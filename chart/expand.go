package chart

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"github.com/e6d26078/slipway/chart/yaml"
)

// Expand unpacks the packaged chart r into a new folder of dir that is named
// like the chart, and gives the folder's path. The archive is checked as a
// whole before anything is written; the folder appears complete or not at all,
// and no file is written outside it. It is an error if the folder exists.
func Expand(r io.Reader, dir string) (string, error) { return Loader{}.Expand(r, dir) }

// Expand is like the function Expand, with l's limits.
func (l Loader) Expand(r io.Reader, dir string) (string, error) {
	packed, err := l.readPacked(r, 0)
	if err != nil {
		return "", err
	}
	files, _, err := newLoading(l, false).unpack(packed)
	if err != nil {
		return "", err
	}
	if err := checkDuplicates(files); err != nil {
		return "", err
	}
	name, err := nameOf(files)
	if err != nil {
		return "", err
	}
	target := filepath.Join(dir, name)
	err = createFolder(target, func(root *os.Root) error { return writeFiles(root, files) })
	if err != nil {
		return "", fmt.Errorf("expand chart %s: %w", name, err)
	}
	return target, nil
}

// nameOf reads the chart's name, which becomes a folder's, from its Chart.yaml.
func nameOf(files []File) (string, error) {
	var m Metadata
	for _, f := range files {
		if f.Name == chartFile {
			if err := yaml.Unmarshal(f.Data, &m); err != nil {
				return "", fmt.Errorf("cannot load Chart.yaml: %w", err)
			}
		}
	}
	switch {
	case m.Name == "":
		return "", errors.New("chart name not specified")
	case m.Name == "." || m.Name == "..":
		return "", refused("chart name %q is not allowed", m.Name)
	case m.Name != filepath.Base(m.Name) || m.Name != path.Base(m.Name) || !filepath.IsLocal(m.Name):
		return "", refused("chart name %q must not contain path separators", m.Name)
	}
	return m.Name, nil
}

// createFolder makes the folder target, filled by fill, in one step: it works
// in a hidden folder beside it, which it renames at the end or removes.
func createFolder(target string, fill func(*os.Root) error) (err error) {
	if _, err := os.Lstat(target); err == nil {
		return fmt.Errorf("a file or directory with the name %s already exists", target)
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	work := beside(target)
	if err := os.Mkdir(work, 0o755); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(work))
		}
	}()
	root, err := os.OpenRoot(work)
	if err != nil {
		return err
	}
	if err := errors.Join(fill(root), root.Close()); err != nil {
		return err
	}
	return os.Rename(work, target)
}

// beside gives an unused hidden name in the folder of target.
func beside(target string) string {
	return filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+"."+strconv.FormatUint(rand.Uint64(), 36))
}

// writeFiles writes new files below root, and the folders they lie in.
func writeFiles(root *os.Root, files []File) error {
	for _, f := range files {
		if err := root.MkdirAll(path.Dir(f.Name), 0o755); err != nil {
			return fmt.Errorf("create folder of %s: %w", f.Name, err)
		}
		if err := writeNew(root, f.Name, f.Data); err != nil {
			return err
		}
	}
	return nil
}

func writeNew(root *os.Root, name string, data []byte) error {
	w, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return errors.Join(err, w.Close())
}
