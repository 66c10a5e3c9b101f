package chart_test

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/e6d26078/slipway/chart"
)

// corpus lists the packaged charts that other people wrote.
func corpus(t testing.TB) []string {
	t.Helper()
	dir := os.Getenv("SLIPWAY_CORPUS")
	if dir == "" {
		dir = "../../shared/corpus"
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no corpus")
	}
	var list []string
	for _, pattern := range []string{"*.tgz", "neg/*.tgz"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	if len(list) == 0 {
		t.Fatalf("no charts in %s", dir)
	}
	return list
}

// inOrder sorts the subcharts of c, at every level, so that Helm's random
// order compares equal to ours.
func inOrder(c *chart.Chart) *chart.Chart {
	deps := slices.Clone(c.Dependencies())
	slices.SortStableFunc(deps, func(a, b *chart.Chart) int {
		return cmp.Or(strings.Compare(a.Name(), b.Name()), strings.Compare(a.Metadata.Version, b.Metadata.Version), compareRaw(a, b))
	})
	c.SetDependencies(deps...)
	for _, d := range deps {
		inOrder(d)
	}
	return c
}

func compareRaw(a, b *chart.Chart) int {
	return slices.CompareFunc(a.Raw, b.Raw, func(x, y *chart.File) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), bytes.Compare(x.Data, y.Data))
	})
}

// mustEqual fails the test at the first difference between two charts.
func mustEqual(t testing.TB, ours, helms *chart.Chart) {
	t.Helper()
	if diff := difference(inOrder(ours), inOrder(helms)); diff != "" {
		t.Fatalf("ours differs from Helm's: %s", diff)
	}
}

func TestArchivesOfTheCorpusLoadAsHelmLoadsThem(t *testing.T) {
	for _, path := range corpus(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			helms, helmErr := loader.LoadArchive(bytes.NewReader(data))
			ours, err := chart.LoadArchive(bytes.NewReader(data))
			if (err == nil) != (helmErr == nil) {
				t.Fatalf("ours: %v\nHelm: %v", err, helmErr)
			}
			if err == nil {
				mustEqual(t, ours, helms)
			}
		})
	}
}

func TestFoldersOfTheCorpusLoadAsHelmLoadsThem(t *testing.T) {
	for i, path := range corpus(t) {
		if i%4 != 0 {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			dir := t.TempDir()
			folder, err := chart.Expand(bytes.NewReader(data), dir)
			if err != nil {
				t.Fatal(err)
			}
			helms, helmErr := loader.LoadDir(folder)
			ours, err := chart.Load(folder)
			if (err == nil) != (helmErr == nil) {
				t.Fatalf("ours: %v\nHelm: %v", err, helmErr)
			}
			if err != nil {
				return
			}
			mustEqual(t, ours, helms)
			fromFS, err := chart.LoadFS(os.DirFS(folder))
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, fromFS, helms)
		})
	}
}

// BenchmarkLoad loads every eighth chart of the corpus with each loader; the
// geometric mean of the ratios is what counts, so it is reported too.
func BenchmarkLoad(b *testing.B) {
	var some []string
	for i, path := range corpus(b) {
		if i%8 == 0 && !strings.Contains(path, "/neg/") {
			some = append(some, path)
		}
	}
	benchmarkRatio(b, some,
		func(data []byte) error { _, err := loader.LoadArchive(bytes.NewReader(data)); return err },
		func(data []byte) error { _, err := chart.LoadArchive(bytes.NewReader(data)); return err })
}
