//go:build unix

package chart_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/e6d26078/slipway/chart"
)

func TestAFifoInAFolderIsRefusedAndNotOpened(t *testing.T) {
	dir := folderOf(t, nil)
	if err := syscall.Mkfifo(filepath.Join(dir, "x"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := chart.Load(dir)
	if err == nil || !strings.Contains(err.Error(), "cannot load irregular file x as it has file mode type bits set") {
		t.Errorf("%v", err)
	}
}
