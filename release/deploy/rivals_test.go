package deploy_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
)

// TestOneOfTwoWins has two processes of different owners upgrade one release
// at the same time.
func TestOneOfTwoWins(t *testing.T) {
	api := clustertest.Start(t)
	s := newSweep(t, api, "upgrade")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	type process struct {
		cmd    *exec.Cmd
		proxy  *killer
		output strings.Builder
	}
	processes := make([]*process, 2)
	for i, owner := range []string{"build-1", "build-2"} {
		p := &process{proxy: newKiller(t, api.RESTConfig(t))}
		p.cmd = exec.Command(self)
		p.cmd.Env = append(os.Environ(), childVariable+"=upgrade", "SLIPWAY_TEST_SERVER="+p.proxy.URL,
			"SLIPWAY_TEST_NAMESPACE="+s.namespace, "SLIPWAY_TEST_OWNER="+owner)
		p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
		p.proxy.aim(p.cmd, 0, false)
		processes[i] = p
		if err := p.proxy.start(p.cmd); err != nil {
			t.Fatal(err)
		}
	}
	var codes []int
	for _, p := range processes {
		_ = p.cmd.Wait()
		code := p.cmd.ProcessState.ExitCode()
		codes = append(codes, code)
		changes, _ := p.proxy.result()
		if code == 0 {
			continue
		}
		if code != lockedCode {
			t.Errorf("exit code %d\n%s", code, &p.output)
		}
		if !strings.Contains(p.output.String(), "is locked by build-") {
			t.Errorf("the loser does not name the owner: %s", &p.output)
		}
		// One attempt to take the lock may have reached the server and been turned down.
		if changes > 1 {
			t.Errorf("the loser made %d changes", changes)
		}
	}
	slices.Sort(codes)
	if !slices.Equal(codes, []int{0, lockedCode}) {
		t.Fatalf("exit codes %v: one is to win and one to be turned away", codes)
	}
	past, err := s.direct.Store.History(background, "shop")
	if err != nil || len(past) != 2 {
		t.Fatalf("there are %d revisions (%v), and one upgrade won", len(past), err)
	}
	if jobs := s.jobs(); jobs["shop-pre-upgrade"] != 1 || jobs["shop-post-upgrade"] != 1 {
		t.Errorf("hooks ran %v times", jobs)
	}
}
