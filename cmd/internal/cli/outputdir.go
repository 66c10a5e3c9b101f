package cli

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// writeFolder writes the documents of each template to a file of its own and
// says so. Files that were there are replaced (#DIFFERS: Helm appends hooks
// to what an earlier run has written). No file lands outside the folder,
// whatever the chart calls it and whatever links the folder holds.
func (a *app) writeFolder(r *rendering, crds []manifest.File, set *manifest.Set) error {
	w := folderWriter{files: map[string][]byte{}}
	for _, crd := range crds {
		w.add(r.options.outputDir, crd.Name, crd.Content)
	}
	for _, doc := range set.Docs {
		w.add(r.folderOf(), doc.Name, doc.Content)
	}
	for i := range set.Hooks {
		hook := &set.Hooks[i]
		if r.options.noHooks || r.options.skipTests && hook.RunsAt(manifest.Test) {
			continue
		}
		w.add(r.folderOf(), hook.Path, hook.Manifest)
	}
	err := w.write()
	if printErr := a.print(w.wrote.String()); err == nil {
		err = printErr
	}
	return err
}

// folderWriter collects entries of files and writes each file once.
type folderWriter struct {
	entries []folderEntry
	files   map[string][]byte // by folder and name
	wrote   strings.Builder   // what Helm prints, a line for each entry
}

type folderEntry struct{ folder, name string }

func (e folderEntry) key() string { return e.folder + string(filepath.Separator) + e.name }

func (w *folderWriter) add(folder, name, content string) {
	e := folderEntry{folder, name}
	w.entries = append(w.entries, e)
	w.files[e.key()] = manifest.AppendEntry(w.files[e.key()], name, content)
}

func (w *folderWriter) write() error {
	roots := map[string]*os.Root{}
	defer func() {
		for _, root := range roots {
			root.Close()
		}
	}()
	for _, e := range w.entries {
		root, ok := roots[e.folder]
		if !ok {
			var err error
			if root, err = openFolder(e.folder); err != nil {
				return machineFault(fmt.Errorf("create folder: %w", err))
			}
			roots[e.folder] = root
		}
		if data, todo := w.files[e.key()]; todo {
			if err := writeIn(root, e.name, data); err != nil {
				return machineFault(fmt.Errorf("write %s: %w", e.key(), err))
			}
			delete(w.files, e.key())
		}
		fmt.Fprintf(&w.wrote, "wrote %s\n", e.key())
	}
	return nil
}

func openFolder(name string) (*os.Root, error) {
	if err := os.MkdirAll(name, 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(name)
}

func writeIn(root *os.Root, name string, data []byte) error {
	if err := root.MkdirAll(filepath.FromSlash(path.Dir(name)), 0o755); err != nil {
		return err
	}
	f, err := root.Create(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
