package chart

import (
	"runtime"
	"sync/atomic"
)

// loading is one call of a Loader: its limits, what is left of them, and the
// warnings so far.
type loading struct {
	maxFile, maxArchive, maxTotal int64
	maxFiles                      int64

	bytes  atomic.Int64  // loaded so far, over all archives
	files  atomic.Int64  // files and folders seen so far, over all archives
	spare  chan struct{} // a token for each goroutine that may still be started; nil: none
	forked atomic.Bool

	warnings []string
}

func newLoading(l Loader, parallel bool) *loading {
	ld := &loading{
		maxFile:    orDefault(l.MaxFile, DefaultMaxFile),
		maxArchive: orDefault(l.MaxArchive, DefaultMaxArchive),
		maxTotal:   orDefault(l.MaxTotal, DefaultMaxTotal),
		maxFiles:   int64(orDefault(l.MaxFiles, DefaultMaxFiles)),
	}
	if workers := runtime.GOMAXPROCS(0) - 1; parallel && workers > 0 {
		ld.spare = make(chan struct{}, workers)
	}
	return ld
}

// checkFile counts a file of the given size.
func (ld *loading) checkFile(name string, size int64) error {
	if size > ld.maxFile {
		return tooLarge("chart file %q is larger than the maximum file size %d", name, ld.maxFile)
	}
	if err := ld.countFile(); err != nil {
		return err
	}
	return ld.countBytes(size)
}

func (ld *loading) countFile() error {
	if ld.files.Add(1) > ld.maxFiles {
		return tooLarge("chart has more than %d files", ld.maxFiles)
	}
	return nil
}

func (ld *loading) countBytes(n int64) error {
	if ld.bytes.Add(n) > ld.maxTotal {
		return tooLarge("chart and the archives in it are larger than %d bytes", ld.maxTotal)
	}
	return nil
}
