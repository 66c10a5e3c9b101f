package main

import (
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// reservePort finds a free port of 127.0.0.1 and keeps it from everyone else for as long as this process lives: it binds
// the port and never listens. A child that asks for a shared port (SO_REUSEPORT) can bind it as well and gets all
// connections. Without this, clusters that start side by side take each other's ports between the choice and the use.
func reservePort() (string, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return "", fmt.Errorf("reserve a port: %w", err)
	}
	syscall.CloseOnExec(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return "", fmt.Errorf("reserve a port: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return "", fmt.Errorf("reserve a port: %w", err)
	}
	address, err := unix.Getsockname(fd)
	if err != nil {
		return "", fmt.Errorf("reserve a port: %w", err)
	}
	inet, ok := address.(*unix.SockaddrInet4)
	if !ok {
		return "", fmt.Errorf("reserve a port: got an address of type %T", address)
	}
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(inet.Port)), nil
}
