package cli

import "syscall"

// asNobody changes nothing: nobody is root here.
func asNobody(string) (*syscall.SysProcAttr, error) { return &syscall.SysProcAttr{}, nil }
