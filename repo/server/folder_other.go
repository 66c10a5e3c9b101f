//go:build !unix

package server

import (
	"os"
	"syscall"
)

const canSyncFolders = false

// noRoom are the errors of a system without room: ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL.
var noRoom = []error{syscall.Errno(112), syscall.Errno(39)}

// lockFile opens a file. That no other process does is up to the user.
func lockFile(name string) (unlock func() error, err error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	return file.Close, nil
}
