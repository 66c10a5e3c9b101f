package server

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

// archiveWith packages a chart whose Chart.yaml is this text.
func archiveWith(t testing.TB, name, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	if err := files.WriteHeader(&tar.Header{Name: name + "/Chart.yaml", Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	_, err := files.Write([]byte(text))
	for _, err := range []error{err, files.Close(), zipped.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// TestNoChartMakesTheIndexUnreadable has metadata that Helm's writer of YAML writes so
// that nobody can read them.
func TestNoChartMakesTheIndexUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url, stop := start(t, dir, Options{})
	want(t, 201, "POST", url+"/api/charts", archive(t, "good", "1.0.0"))
	bad := archiveWith(t, "bad", "apiVersion: v2\nname: bad\nversion: 1.0.0\nannotations: {\"<<\": x}\n")
	want(t, 400, "POST", url+"/api/charts", bad)
	if x := index(t, url); len(x.Entries) != 1 || len(x.Entries["good"]) != 1 {
		t.Errorf("the index has %v", x.Entries)
	}
	stop()
	if err := os.WriteFile(filepath.Join(dir, "bad-1.0.0.tgz"), bad, 0o644); err != nil { // as others may put it there
		t.Fatal(err)
	}
	url, _ = start(t, dir, Options{})
	if x := index(t, url); len(x.Entries) != 1 || len(x.Entries["good"]) != 1 {
		t.Errorf("the index has %v", x.Entries)
	}
}
