// Package own runs a measurement in a process of its own.
package own

import (
	"fmt"
	"syscall"
	"time"
)

// Measurements run on a file or folder and one more word, such as a chart's name.
type Measurements map[string]func(path, word string) error

// Run makes a measurement and prints the CPU time that it took, user and system,
// in nanoseconds: without the start of the process, which takes more than some do.
func (m Measurements) Run(name, path, word string) error {
	measurement, ok := m[name]
	if !ok {
		return fmt.Errorf("there is no measurement %q", name)
	}
	before, err := computed()
	if err != nil {
		return err
	}
	if err := measurement(path, word); err != nil {
		return err
	}
	after, err := computed()
	fmt.Print(int64(after - before))
	return err
}

// computed is the CPU time of this process so far.
func computed() (time.Duration, error) {
	var usage syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), err
}
