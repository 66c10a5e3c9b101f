package server

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestACopyDoesNotStandInForItsChart has copies of an archive in the storage, beside
// the one that has the name of its chart.
func TestACopyDoesNotStandInForItsChart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	web := archive(t, "web", "1.0.0")
	for i := range 20 { // folders are not in the order of names
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("copy%d.tgz", i)), web, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "web-1.0.0.tgz"), web, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start knows them
		url, stop := start(t, dir, Options{AllowOverwrite: true})
		if list := index(t, url).Entries["web"]; len(list) != 1 || list[0].URLs[0] != "charts/web-1.0.0.tgz" {
			t.Errorf("the index has %+v", list)
		}
		want(t, 201, "POST", url+"/api/charts", web)
		stop()
	}
}

func TestACopyInABucketDoesNotStandInForItsChart(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	b, err := newS3(o)
	if err != nil {
		t.Fatal(err)
	}
	web := archive(t, "web", "1.0.0")
	for _, key := range []string{"copy.tgz", "web-1.0.0.tgz", "web-2.tgz"} {
		if _, err := b.put(t.Context(), key, web, IfAbsent); err != nil {
			t.Fatal(err)
		}
	}
	url, _ := replica(t, o, Options{AllowOverwrite: true})
	if list := index(t, url).Entries["web"]; len(list) != 1 || list[0].URLs[0] != "charts/web-1.0.0.tgz" {
		t.Errorf("the index has %+v", list)
	}
	want(t, 201, "POST", url+"/api/charts", web)
}
