package manifest

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/releaseutil"
)

// goldens reads Helm's output for real charts: name of the golden to text.
func goldens(tb testing.TB) map[string]string {
	tb.Helper()
	folder := os.Getenv("SLIPWAY_CORPUS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "corpus")
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			tb.Skip("no corpus")
		}
	}
	archive, err := os.Open(filepath.Join(folder, "goldens.tar.gz"))
	if err != nil {
		tb.Fatal(err)
	}
	defer archive.Close()
	plain, err := gzip.NewReader(archive)
	if err != nil {
		tb.Fatal(err)
	}
	texts := map[string]string{}
	for reader := tar.NewReader(plain); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			tb.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			tb.Fatal(err)
		}
		if header.Typeflag == tar.TypeReg {
			texts[header.Name] = string(content)
		}
	}
}

// sourceFiles puts the documents of a golden back into the files that their
// source comments name.
func sourceFiles(text string) []File {
	var files []File
	place := map[string]int{}
	for _, doc := range Split(text, Helm3) {
		first, _, _ := strings.Cut(doc, "\n")
		name, found := strings.CutPrefix(first, "# Source: ")
		if !found {
			name = "other.yaml"
		}
		if _, known := place[name]; !known {
			place[name] = len(files)
			files = append(files, File{Name: name})
		}
		files[place[name]].Content += "---\n" + doc + "\n"
	}
	return files
}

func TestRealOutputIsSplitAndSortedAsHelmDoes(t *testing.T) {
	for name, text := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			compareSort(t, sourceFiles(text))
			compareSort(t, []File{{"whole", text}})
			compareShowOnly(t, text, []string{"templates/*.yaml"})
		})
	}
}

// BenchmarkSort runs both sorters over all real output, one golden after the
// other.
func BenchmarkSort(b *testing.B) {
	var charts [][]File
	var maps []map[string]string
	var size int64
	for _, text := range goldens(b) {
		files := sourceFiles(text)
		byName := map[string]string{}
		for _, file := range files {
			byName[file.Name] = file.Content
			size += int64(len(file.Content))
		}
		charts, maps = append(charts, files), append(maps, byName)
	}
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			for _, files := range charts {
				if _, err := Sort(files, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("Helm", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			for _, files := range maps {
				if _, _, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
