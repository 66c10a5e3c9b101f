//go:build unix

package cli

import (
	"os"
	"syscall"
)

// asNobody has a process run as nobody, who then owns its folder, if the tests
// run as root, which PostgreSQL refuses to do.
func asNobody(dir string) (*syscall.SysProcAttr, error) {
	const nobody = 65534
	attr := &syscall.SysProcAttr{}
	if os.Getuid() != 0 {
		return attr, nil
	}
	attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	return attr, os.Chown(dir, nobody, nobody)
}
