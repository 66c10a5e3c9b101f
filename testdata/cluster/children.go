package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// children are the components that run as child processes of this one.
type children struct {
	dir     string // of their logs
	exe     string // this program
	running []*child
	ended   chan *child // one for each child that has ended
}

type child struct {
	name     string
	log      string
	cmd      *exec.Cmd
	lifeline io.Closer
	err      error
	done     chan struct{}
}

func newChildren(dir string) (*children, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &children{dir: dir, exe: exe, ended: make(chan *child, 16)}, nil
}

// start runs a component in a process group of its own, so that a ^C at the terminal reaches this process alone.
func (c *children) start(name string, args ...string) error {
	log, err := os.Create(filepath.Join(c.dir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(c.exe, append([]string{name}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "HOME="+c.dir) // no settings of the user's
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	p := &child{name: name, log: log.Name(), cmd: cmd, lifeline: lifeline, done: make(chan struct{})}
	c.running = append(c.running, p)
	go func() {
		p.err = cmd.Wait()
		close(p.done)
		c.ended <- p
	}()
	return nil
}

// stop kills all components and waits until they are gone. There is nothing to save: the store goes with them.
func (c *children) stop() {
	for _, p := range c.running {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
	for _, p := range c.running {
		<-p.done
		_ = p.lifeline.Close()
	}
}

// endedError says that a component has ended, and how.
type endedError struct {
	component string
	status    error  // of the process; nil if it ended without an error
	log       string // the end of its log
}

func (e *endedError) Error() string {
	return fmt.Sprintf("%s ended: %v\n%s", e.component, e.status, e.log)
}

func (p *child) ended() *endedError {
	const last = 4000
	log, err := os.ReadFile(p.log)
	if err != nil {
		log = []byte(err.Error())
	}
	if len(log) > last {
		log = log[len(log)-last:]
	}
	return &endedError{component: p.name, status: p.err, log: string(bytes.TrimSpace(log))}
}
