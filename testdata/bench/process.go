package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// runProcess returns how long a command takes, in seconds.
func runProcess(name string, args ...string) (float64, error) {
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("%s %v: %w: %s", name, args, err, stderr.String())
	}
	return wall.Seconds(), nil
}

// peakMemory returns the most memory that a command has resident, in MiB.
func (o options) peakMemory(name string, args ...string) (float64, error) {
	out, err := exec.Command(o.peak, append([]string{name}, args...)...).Output()
	if err != nil {
		return 0, fmt.Errorf("%s %v: %w", name, args, err)
	}
	resident, _, _ := strings.Cut(string(out), " ")
	kib, err := strconv.ParseFloat(resident, 64)
	return kib / 1024, err
}
