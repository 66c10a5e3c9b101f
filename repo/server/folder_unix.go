//go:build unix

package server

import (
	"errors"
	"os"
	"syscall"
)

const canSyncFolders = true

// noRoom are the errors of a system without room.
var noRoom = []error{syscall.ENOSPC, syscall.EDQUOT}

// lockFile opens a file that no other process may have open so.
func lockFile(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errors.New("another process serves this folder; stop it first, or serve another folder")
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
