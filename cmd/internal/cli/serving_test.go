package cli

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
)

// TestServing runs testdata/serving: clients of `slipway serve` that install on a
// real control plane. Beside the commands of TestDeploying there is
//
//	serve ARGS...   runs slipway serve ARGS until the end of the script; $URL is its address
//	keys            makes an OpenPGP key pair in the files public and private, and public.gpg and private.gpg without armor
func TestServing(t *testing.T) {
	runOnCluster(t, "testdata/serving", clusterScripts{
		commands: func(scriptObjects) scriptCommands { return scriptCommands{"serve": serveForScript, "keys": keys} },
		setup: func(env *testscript.Env, _ *clustertest.Cluster) error {
			for _, helm := range []string{"3", "4"} {
				env.Setenv("HOME"+helm, filepath.Join(env.WorkDir, "home"+helm))
			}
			return nil
		},
	})
}

// serveForScript waits until the server says where it is.
func serveForScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve ARGS...")
	}
	cmd := exec.Command("slipway-cluster", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), append(os.Environ(), "HOME="+ts.Getenv("HOME"))
	log, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	address := regexp.MustCompile(` at (http://\S+)$`)
	found := make(chan string, 1)
	go func() {
		defer close(found)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if m := address.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
	}()
	select {
	case url := <-found:
		if url == "" {
			ts.Fatalf("the server has ended")
		}
		ts.Setenv("URL", url)
	case <-time.After(time.Minute):
		ts.Fatalf("the server does not begin")
	}
}
