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

// lockFile takes a lock on a file that no other process can have, too.
func lockFile(name string) (unlock func() error, err error) {
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
	return func() error {
		// Closed alone, it would be locked as long as a process that is being
		// started has a copy of it.
		return errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_UN), file.Close())
	}, nil
}
