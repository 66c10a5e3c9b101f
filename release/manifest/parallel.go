package manifest

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parallelBytes is the amount of text from which reading documents in more
// than one goroutine pays.
const parallelBytes = 128 << 10

// inParallel calls read for each of n documents of size bytes in all, in
// several goroutines if that pays. It returns the first document, in their
// order, that could not be read, and why.
func inParallel(n, size int, read func(i int) error) (first int, err error) {
	failures := make([]error, n)
	workers := min(runtime.GOMAXPROCS(0), n, size/parallelBytes+1)
	var next atomic.Int64
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			if failures[i] = read(i); failures[i] != nil {
				return // later documents no longer matter; earlier ones are taken already
			}
		}
	}
	var group sync.WaitGroup
	for range workers - 1 {
		group.Go(work)
	}
	if workers > 0 {
		work()
	}
	group.Wait()
	for i, err := range failures {
		if err != nil {
			return i, err
		}
	}
	return 0, nil
}
