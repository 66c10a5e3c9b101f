package yaml

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// corpusDir returns the folder of real charts, or skips the test.
func corpusDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("SLIPWAY_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpus")
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no corpus")
	}
	return dir
}

// corpusDocument is a YAML file of a chart or a rendered manifest.
type corpusDocument struct {
	name string
	data []byte
}

// corpus reads the plain YAML files of the charts, and the manifests that Helm made of them.
func corpus(t testing.TB) (files, manifests []corpusDocument) {
	t.Helper()
	dir := corpusDir(t)
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no charts in %s: %v", dir, err)
	}
	for _, name := range archives {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = appendArchive(t, files, filepath.Base(name), data, isPlainYAML)
	}
	goldens, err := os.ReadFile(filepath.Join(dir, "goldens.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	split := regexp.MustCompile("(?:^|\\s*\n)---\\s*")
	for _, golden := range appendArchive(t, nil, "goldens", goldens, func(string) bool { return true }) {
		for _, doc := range split.Split(strings.TrimSpace(string(golden.data)), -1) {
			manifests = append(manifests, corpusDocument{golden.name, []byte(strings.TrimSpace(doc))})
		}
	}
	return files, manifests
}

func isPlainYAML(name string) bool {
	ext := filepath.Ext(name)
	return (ext == ".yaml" || ext == ".yml" || ext == ".lock") && !strings.Contains(name, "/templates/")
}

func appendArchive(t testing.TB, docs []corpusDocument, prefix string, data []byte, wanted func(string) bool) []corpusDocument {
	t.Helper()
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return docs
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		name := prefix + "/" + h.Name
		switch {
		case strings.HasSuffix(h.Name, ".tgz"):
			docs = appendArchive(t, docs, name, content, wanted)
		case wanted(h.Name):
			docs = append(docs, corpusDocument{name, content})
		}
	}
}

// maxFallback is the share of real documents that may take the library, in per cent.
const maxFallback = 3

func TestCorpusGivesTheLibrarysResult(t *testing.T) {
	files, manifests := corpus(t)
	seen := make(map[string]bool)
	count := func(what string, docs []corpusDocument, check func(corpusDocument) bool) {
		total, slow, bytes, slowBytes := 0, 0, 0, 0
		for _, doc := range docs {
			if seen[what+string(doc.data)] {
				continue
			}
			seen[what+string(doc.data)] = true
			known := check(doc)
			if _, err := Decode(doc.data); err != nil {
				continue // a template, no YAML
			}
			total++
			bytes += len(doc.data)
			if !known {
				slow++
				slowBytes += len(doc.data)
				t.Logf("%s takes the library: %s (%d bytes)", what, doc.name, len(doc.data))
			}
		}
		t.Logf("%s: the library for %d of %d documents, %d of %d bytes", what, slow, total, slowBytes, bytes)
		if slow*100 > maxFallback*total {
			t.Errorf("%s: the library for %d of %d documents", what, slow, total)
		}
	}
	tree := func(doc corpusDocument) bool {
		checkDecode(t, doc.data)
		_, ok := decode(doc.data)
		return ok
	}
	count("values and chart files", files, tree)
	count("manifests", manifests, tree)
	count("heads", manifests, func(doc corpusDocument) bool {
		checkHead(t, string(doc.data))
		text, ok := normalize(string(doc.data))
		if ok {
			p := parser{s: text}
			_, ok = p.document(toHead)
		}
		return ok
	})
}
