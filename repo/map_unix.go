//go:build unix

package repo

import (
	"fmt"
	"os"
	"syscall"
)

// mapIndexFile gives the content of a file without copying it. It may be used
// until release is called; where the file is cut off meanwhile, reading faults.
func mapIndexFile(path string) (data []byte, release func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	switch size := info.Size(); {
	case !info.Mode().IsRegular():
		return nil, nil, fmt.Errorf("%s is not a regular file", path)
	case size > DefaultMaxIndex:
		return nil, nil, fmt.Errorf("%s is larger than %d bytes", path, DefaultMaxIndex)
	case size == 0:
		return nil, func() {}, nil
	default:
		data, err = syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_PRIVATE)
		if err != nil {
			return nil, nil, fmt.Errorf("map %s: %w", path, err)
		}
		return data, func() { _ = syscall.Munmap(data) }, nil
	}
}
