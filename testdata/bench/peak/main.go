// Command peak runs a command and prints the most memory that it had resident,
// and the most of it that was its own rather than pages of files, such as the
// program's, which the system shares and can drop: "RESIDENT OWN", in KiB. The
// second is looked at every few milliseconds. It exists because the system counts
// the memory of the process that starts another as that one's, until the new
// program runs: the starter must be small.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

const interval = 5 * time.Millisecond

func main() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		fail(err)
	}
	ended, own := make(chan struct{}), make(chan int)
	go func() { own <- watch(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	close(ended)
	if err != nil {
		fail(err)
	}
	fmt.Println(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss, <-own)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "peak:", err)
	os.Exit(1)
}

// watch gives the most anonymous memory that a process has until it has ended.
func watch(pid int, ended <-chan struct{}) int {
	most := 0
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		most = max(most, anonymous(pid))
		select {
		case <-ended:
			return most
		case <-tick.C:
		}
	}
}

// anonymous is the resident memory of a process that belongs to no file, 0 if
// the process has ended.
func anonymous(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("\nRssAnon:"))
	fields := bytes.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.Atoi(string(fields[0]))
	return kib
}
