package oci_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo/oci"
	"github.com/e6d26078/slipway/repo/oci/registrytest"
)

// TestDownloadsAreToldOf pulls a chart and looks at what was told of its archive.
func TestDownloadsAreToldOf(t *testing.T) {
	host := registrytest.Start(t, registrytest.Options{})
	var mu sync.Mutex
	got, done := map[string]int64{}, map[any]string{}
	o := oci.Options{PlainHTTP: true, Watch: func(p oci.Progress) {
		mu.Lock()
		defer mu.Unlock()
		if got[p.What] = p.Got; p.Done {
			done[p.ID] = p.What
		}
	}}
	c := oci.New(o)
	archive := read(t, packaged(t, chart.Metadata{APIVersion: "v2", Name: "web", Version: "1.0.0"}, false))
	ref := oci.Reference{Host: host, Repository: "watched"}
	if _, err := c.Push(context.Background(), ref, archive, oci.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	ref.Repository, ref.Version = "watched/web", "1.0.0"
	if _, err := c.Pull(context.Background(), ref, oci.PullOptions{}); err != nil {
		t.Fatal(err)
	}
	found := false
	for what, size := range got {
		found = found || strings.HasPrefix(what, "the archive of "+ref.String()) && size == int64(len(archive))
	}
	if !found {
		t.Errorf("told of %v, and the archive has %d bytes", got, len(archive))
	}
	if len(done) != len(got) {
		t.Errorf("of %v these have ended: %v", got, done)
	}
}
