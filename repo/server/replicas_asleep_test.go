package server

import (
	"fmt"
	"testing"
	"time"
)

// TestAReplicaThatSleptForgetsWhatWasDeleted lets a replica hear nothing for as long
// as deletions are remembered. What it knew is gone then, also for the others, whom it
// writes for.
func TestAReplicaThatSleptForgetsWhatWasDeleted(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	later := func() time.Time { return time.Now().Add(2 * keepGone) }
	awake, stop := replica(t, o, Options{})
	asleep, _ := replica(t, o, Options{Now: later})
	has := func(url string, wanted int) {
		t.Helper()
		if got := len(index(t, url).Entries["old"]); got != wanted {
			t.Errorf("the index has %d versions of the chart old, want %d", got, wanted)
		}
	}
	want(t, 201, "POST", awake+"/api/charts", archive(t, "old", "1.0.0"))
	has(asleep, 1)
	want(t, 200, "DELETE", awake+"/api/charts/old/1.0.0", nil)
	stop()
	awake, _ = replica(t, o, Options{Now: later})
	for i := range maxRecent { // so that all becomes a segment
		want(t, 201, "POST", awake+"/api/charts", archive(t, "web", fmt.Sprintf("1.0.%d", i)))
	}
	has(asleep, 0)
	for i := range maxRecent + 1 { // again
		want(t, 201, "POST", asleep+"/api/charts", archive(t, "web", fmt.Sprintf("2.0.%d", i)))
	}
	fresh, _ := replica(t, o, Options{Now: later})
	has(fresh, 0)
	if n := len(index(t, fresh).Entries["web"]); n != 2*maxRecent+1 {
		t.Errorf("%d versions of web, want %d", n, 2*maxRecent+1)
	}
	checkBucket(t, asleep, o)
}
