package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/cmd/internal/cli"
)

func TestPagesAreUpToDate(t *testing.T) {
	const folder = "../../../docs/cli"
	found, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, name := range found {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		have[filepath.Base(name)] = string(data)
	}
	if diff := cmp.Diff(pages(cli.Command()), have); diff != "" {
		t.Errorf("docs/cli is out of date, run: make docs (- generated, + found)\n%s", diff)
	}
}

func TestWriteReplacesOldPages(t *testing.T) {
	folder := t.TempDir()
	stale := filepath.Join(folder, "slipway_gone.md")
	if err := os.WriteFile(stale, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write(folder); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", stale, err)
	}
	for _, name := range []string{"slipway.md", "slipway_template.md", "slipway_show_values.md"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
}
