package server

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
)

// TestAFullDiskIsAnsweredWith507 needs the right to mount.
func TestAFullDiskIsAnsweredWith507(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	url, stop := start(t, dir, Options{})
	defer stop()
	stored := 0
	for n := 0; ; n++ {
		name := fmt.Sprintf("c%d", n)
		packed := archive(t, name, "1.0.0")
		body, kind := form(t, "chart", packed, "prov", sign(t, name+"-1.0.0.tgz", packed))
		if a := do(t, "POST", url+"/api/charts", body, "Content-Type", kind); a.status != 201 {
			if a.status != 507 {
				t.Fatalf("status %d: %s", a.status, a.body)
			}
			break
		}
		stored++
	}
	if x := index(t, url); stored == 0 || len(x.Entries) != stored {
		t.Errorf("%d charts in the index, %d were stored", len(x.Entries), stored)
	}
	files, err := filepath.Glob(filepath.Join(dir, "c*"))
	left, _ := filepath.Glob(filepath.Join(dir, private, "*", "*"))
	if err != nil || len(files) != 2*stored || len(left) > 0 {
		t.Errorf("%d files of %d charts, and %v", len(files), stored, left)
	}
	want(t, 200, "DELETE", url+"/api/charts/c0/1.0.0", nil)
	want(t, 201, "POST", url+"/api/charts", archive(t, "c0", "2.0.0"))
}
