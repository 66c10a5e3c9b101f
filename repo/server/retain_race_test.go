package server

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// pausedLog is an audit log whose first line is not written until it may be.
type pausedLog struct {
	once           sync.Once
	began, goAhead chan struct{}
}

func (l *pausedLog) Write(p []byte) (int, error) {
	l.once.Do(func() {
		close(l.began)
		<-l.goAhead
	})
	return len(p), nil
}

// TestOfUploadsAtOnceTheLastStays lets the removal that belongs to an upload begin
// when a later upload is there.
func TestOfUploadsAtOnceTheLastStays(t *testing.T) {
	t.Parallel()
	log := &pausedLog{began: make(chan struct{}), goAhead: make(chan struct{})}
	url, _ := start(t, t.TempDir(), Options{Retention: Retention{PerChart: 1}, Audit: log})
	has := func() (versions []string) {
		for _, v := range index(t, url).Entries["web"] {
			versions = append(versions, v.Version)
		}
		return versions
	}
	var group sync.WaitGroup
	group.Go(func() { want(t, 201, "POST", url+"/api/charts", archive(t, "web", "1.0.0")) })
	<-log.began
	group.Go(func() { want(t, 201, "POST", url+"/api/charts", archive(t, "web", "2.0.0")) })
	for !slices.Contains(has(), "2.0.0") {
		time.Sleep(time.Millisecond)
	}
	close(log.goAhead)
	group.Wait()
	if got := has(); !slices.Equal(got, []string{"2.0.0"}) {
		t.Errorf("the index has %v, want the version that was uploaded last", got)
	}
}

// TestWhatIsRemovedForOthersIsRemovedAsItIs decides that a version is to go, and
// changes it before it does.
func TestWhatIsRemovedForOthersIsRemovedAsItIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder, err := OpenFolder(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	h, s := serveStorage(t, folder, Options{AllowOverwrite: true})
	defer h.Close()
	web := archive(t, "web", "1.0.0")
	want(t, 201, "POST", h.URL+"/api/charts", web)
	repository := s.tenant("")
	decided := repository.find("web-1.0.0.tgz")
	want(t, 201, "POST", h.URL+"/api/prov", sign(t, "web-1.0.0.tgz", web))
	if err := s.removeEntry(t.Context(), repository, decided); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "web-1.0.0.tgz.prov")); err == nil {
		t.Error("the .prov file that came in between is left behind")
	}
	if _, _, bytes := repository.count(); bytes != 0 {
		t.Errorf("%d bytes of the quota are taken by nothing", bytes)
	}
	want(t, 201, "POST", h.URL+"/api/charts", web)
	decided = repository.find("web-1.0.0.tgz")
	want(t, 201, "POST", h.URL+"/api/charts", web) // is the newest upload now
	if err := s.removeEntry(t.Context(), repository, decided); err == nil {
		t.Error("a version was removed that has just been uploaded again")
	}
}
