package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/repo"
)

func TestALongDownloadIsToldOfWhereNobodyWatches(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	a := &app{env: Env{Stderr: &out, Now: func() time.Time { return now }, Getenv: func(string) string { return "" }}}
	d := a.newDownloads()
	large, small := new(int), new(int)
	for range 25 {
		now = now.Add(time.Second)
		d.watch(repo.Progress{ID: large, URL: "https://charts.example.com/x/large-1.0.0.tgz", Got: now.Unix() * 1e6, Total: 30e6})
		d.watch(repo.Progress{ID: small, URL: "https://charts.example.com/index.yaml", Got: 1})
		d.watch(repo.Progress{ID: small, Done: true})
	}
	d.watch(repo.Progress{ID: large, Done: true})
	want := "downloading large-1.0.0.tgz from charts.example.com: 11.0 of 30.0 MB\ndownloading large-1.0.0.tgz from charts.example.com: 21.0 of 30.0 MB\n"
	if out.String() != want {
		t.Errorf("got %q", out.String())
	}
	if len(d.list) > 0 {
		t.Errorf("left: %v", d.list)
	}
}

func TestABarIsAsLongAsItIs(t *testing.T) {
	for _, test := range []struct {
		got, total int64
		full       int
	}{{0, 100, 0}, {50, 100, 10}, {100, 100, 20}, {300, 100, 20}, {5, 0, 0}} {
		bar := (&download{Progress: repo.Progress{Got: test.got, Total: test.total}}).bar()
		if strings.Count(bar, "#") != test.full || len(bar) != 22 {
			t.Errorf("%d of %d: %s", test.got, test.total, bar)
		}
	}
}
