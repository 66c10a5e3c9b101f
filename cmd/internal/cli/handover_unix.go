//go:build unix

package cli

import "syscall"

// become replaces this process, which keeps its id, by a program.
func become(path string, args, env []string) error { return syscall.Exec(path, args, env) }
