// Package clustertest runs a Kubernetes control plane for tests: a real API server with its controllers, its scheduler
// and its store, and pods that play the part a test gives them by an annotation. testdata/cluster/README.md says which
// parts there are.
//
//	func TestInstall(t *testing.T) {
//		c := clustertest.Shared(t)
//		namespace := c.Namespace(t)
//		...
//	}
//
// The program is built by `make cluster`; the environment variable SLIPWAY_CLUSTER holds its absolute path. Without the
// variable the tests that need a cluster are skipped; with a path that does not work they fail.
package clustertest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// variable names the environment variable with the path of the control plane's program.
const variable = "SLIPWAY_CLUSTER"

const (
	startTimeout = 3 * time.Minute // it takes some seconds on an idle machine
	stopTimeout  = 10 * time.Second
)

// Cluster is a running control plane on 127.0.0.1. Its methods may be called at the same time.
type Cluster struct {
	kubeconfig string
	dir        string // removed by the program when it ends
	cmd        *exec.Cmd
	stdin      io.Closer // the program ends when this is closed, by whatever means
	stderr     *bytes.Buffer
	exited     chan struct{} // closed once err is set
	err        error         // how the program ended
}

// Start starts a cluster of the test's own, ready for use, and stops it at the end of the test. Any number of them can
// run at once; each takes some seconds to start and about 500 MB of memory.
func Start(tb testing.TB) *Cluster {
	tb.Helper()
	c, err := start(program(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.stop(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// Shared returns the cluster that all tests of this test process share; the first call starts it. It ends with the
// process, however that ends. Tests keep out of each other's way by a Namespace each.
func Shared(tb testing.TB) *Cluster {
	tb.Helper()
	c, err := shared(program(tb))
	if err != nil {
		tb.Fatal(err)
	}
	select {
	case <-c.exited:
		tb.Fatal(c.failure("the shared cluster has ended"))
	default:
	}
	return c
}

// shared starts a cluster at its first call and returns the same at each.
var shared = func() func(path string) (*Cluster, error) {
	var once sync.Once
	var c *Cluster
	var err error
	return func(path string) (*Cluster, error) {
		once.Do(func() { c, err = start(path) })
		return c, err
	}
}()

func program(tb testing.TB) string {
	tb.Helper()
	path := os.Getenv(variable)
	if path == "" {
		tb.Skipf("needs a cluster: run `make cluster` and set %s to the path of .cache/cluster", variable)
	}
	return path
}

func start(path string) (*Cluster, error) {
	dir, err := os.MkdirTemp("", "slipway-cluster-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{kubeconfig: filepath.Join(dir, "kubeconfig"), dir: dir, stderr: new(bytes.Buffer), exited: make(chan struct{})}
	c.cmd = exec.Command(path, "up", "--kubeconfig", c.kubeconfig, "--dir", dir, "--until-stdin-closes")
	c.cmd.Stderr = c.stderr
	c.cmd.WaitDelay = time.Second
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	c.stdin = stdin
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start a cluster: %w", err), os.RemoveAll(dir))
	}
	ready := make(chan struct{})
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		if line == "ready\n" {
			close(ready)
		}
		_, _ = io.Copy(io.Discard, stdout)
		c.err = c.cmd.Wait()
		close(c.exited)
	}()
	select {
	case <-ready:
		return c, nil
	case <-c.exited:
		return nil, errors.Join(c.failure("start a cluster"), os.RemoveAll(dir))
	case <-time.After(startTimeout):
		err := fmt.Errorf("start a cluster: not ready after %s", startTimeout)
		return nil, errors.Join(err, c.stop())
	}
}

// stop ends the cluster and removes all it has written.
func (c *Cluster) stop() error {
	select {
	case <-c.exited:
		return errors.Join(c.failure("the cluster has ended before the test"), os.RemoveAll(c.dir))
	default:
	}
	_ = c.stdin.Close()
	select {
	case <-c.exited:
	case <-time.After(stopTimeout):
		_ = c.cmd.Process.Kill()
		<-c.exited
		return errors.Join(fmt.Errorf("stop the cluster: still there after %s", stopTimeout), os.RemoveAll(c.dir))
	}
	if c.err != nil {
		return c.failure("stop the cluster")
	}
	return nil
}

// failure tells how the program has ended.
func (c *Cluster) failure(doing string) error {
	return fmt.Errorf("%s: %v\n%s", doing, c.err, c.stderr.Bytes())
}
