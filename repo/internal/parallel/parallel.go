// Package parallel runs many pieces of work at a time.
package parallel

import (
	"sync"
	"sync/atomic"
)

// Do calls work for 0 to n-1, at most atOnce of them at a time, and returns when
// all have ended.
func Do(n, atOnce int, work func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(n, atOnce) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	group.Wait()
}
