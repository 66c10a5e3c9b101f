package repo

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const small = "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n  b:\n  - name: b\n    version: 1.0.0\n"

func openCatalog(t *testing.T, path string) *Catalog {
	t.Helper()
	c, err := OpenCatalog(path, CatalogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wantVersion(t *testing.T, c *Catalog, name, version string) {
	t.Helper()
	v, err := c.Get(name, "")
	if err != nil || v.Version != version {
		t.Errorf("%s is %+v, want %s: %v", name, v, version, err)
	}
}

func TestACatalogFollowsItsIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.yaml")
	write(t, path, []byte(small))
	wantVersion(t, openCatalog(t, path), "b", "1.0.0")
	if _, err := os.Stat(placesFile(path)); err != nil {
		t.Fatal(err)
	}
	if _, err := openCatalog(t, path).Get("c", ""); !errors.Is(err, ErrNoChart) {
		t.Errorf("no such chart: %v", err)
	}

	// As many bytes at the same time: only the checksum tells.
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, []byte("apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n  b:\n  - name: b\n    version: 7.0.0\n"))
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	wantVersion(t, openCatalog(t, path), "b", "7.0.0")

	// Changed while a catalog is open.
	open := openCatalog(t, path)
	write(t, path, []byte("{\"apiVersion\":\"v1\",\"entries\":{\"b\":[{\"name\":\"b\",\"version\":\"8.0.0\"}]}}"))
	wantVersion(t, open, "b", "8.0.0")
}

func TestADamagedFileBesideTheIndexIsMadeAnew(t *testing.T) {
	for name, index := range map[string]string{"YAML": small, "JSON": `{"apiVersion":"v1","entries":{"a":[{"name":"a","version":"1.0.0"}],"b":[{"name":"b","version":"1.0.0"}]}}`} {
		path := filepath.Join(t.TempDir(), "index.yaml")
		write(t, path, []byte(index))
		wantVersion(t, openCatalog(t, path), "b", "1.0.0")
		whole, err := os.ReadFile(placesFile(path))
		if err != nil {
			t.Fatal(err)
		}
		for i := range whole {
			broken := append([]byte(nil), whole...)
			broken[i] ^= 0x55
			write(t, placesFile(path), broken)
			wantVersion(t, openCatalog(t, path), "b", "1.0.0")
			write(t, placesFile(path), whole[:i])
			wantVersion(t, openCatalog(t, path), "a", "1.0.0")
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestACatalogOfABadIndexIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.yaml")
	for _, index := range []string{"", "<html>", "entries:\n  a:\n  - name: a\n", "apiVersion: v1\nentries:\n  a:\n  - name: a\n    x: y\n"} {
		write(t, path, []byte(index))
		c, err := OpenCatalog(path, CatalogOptions{})
		if err == nil {
			_, err = c.Get("a", "")
		}
		if err == nil {
			t.Errorf("accepted: %q", index)
		}
	}
}

// FuzzPlaces reads files beside an index that others wrote.
func FuzzPlaces(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "index.yaml")
	if err := os.WriteFile(path, []byte(small), 0o600); err != nil {
		f.Fatal(err)
	}
	if _, err := OpenCatalog(path, CatalogOptions{}); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(placesFile(path))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(placesFile(path), data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := OpenCatalog(path, CatalogOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := c.Get("b", ""); err == nil && v.Version != "1.0.0" {
			t.Fatalf("%+v", v)
		}
	})
}
