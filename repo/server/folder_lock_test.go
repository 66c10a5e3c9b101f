package server

import (
	"os/exec"
	"sync"
	"testing"
	"time"
)

// TestAClosedFolderCanBeOpenedAtOnce has processes been started all the time,
// each of which shares the open files of this one for a moment.
func TestAClosedFolderCanBeOpenedAtOnce(t *testing.T) {
	dir := t.TempDir()
	ended := make(chan struct{})
	var starting sync.WaitGroup
	for range 4 {
		starting.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					_ = exec.Command("true").Run()
				}
			}
		})
	}
	defer starting.Wait()
	defer close(ended)
	for range 300 {
		folder, err := OpenFolder(dir, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if err := folder.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
