package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// usage is what one process took.
type usage struct {
	wall time.Duration
	rss  float64 // peak resident memory, MiB
}

// runProcess runs a command and reads the operating system's account of it.
func runProcess(name string, args ...string) (usage, error) {
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return usage{}, fmt.Errorf("%s %v: %w: %s", name, args, err, stderr.String())
	}
	ru := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return usage{wall: wall, rss: float64(ru.Maxrss) / 1024}, nil
}
