//go:build unix

package analysis

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

// shell is a metric of a shell script.
func shell(script string) rollout.Metric {
	return rollout.Metric{Name: "m", Provider: rollout.Provider{Exec: &rollout.Exec{Command: []string{"/bin/sh", "-c", script}}}}
}

func TestExec(t *testing.T) {
	t.Setenv("SLIPWAY_TEST_OF_OURS", "leaked")
	s := New(Options{Now: time.Now, Run: RunProgram, Env: []string{"PATH=" + os.Getenv("PATH"), "GIVEN=yes"}})
	subject := deploy.Subject{Release: "web", Namespace: "shop", Revision: 3, Step: 1, Weight: 25, Canary: pods("a", "b"), Stable: pods("c")}
	for _, tt := range []struct {
		name, script, condition string
		want                    rollout.Verdict
		value, message          string
	}{
		{"exit 0", "exit 0", "", rollout.Successful, "", ""},
		{"another exit code", "echo one >&2; echo two >&2; exit 3", "", rollout.Bad, "", "/bin/sh ends with exit code 3: two"},
		{"it fails whatever the condition says", "echo 5; exit 3", "result == 5", rollout.Bad, "", "exit code 3"},
		{"JSON", `echo '{"rate": 0.5}'`, "result.rate < 0.1", rollout.Bad, `{"rate":0.5}`, "does not hold"},
		{"a text", "echo pong", "result == 'pong'", rollout.Successful, `"pong"`, ""},
		{"only the environment that is given", `echo "$GIVEN/$SLIPWAY_TEST_OF_OURS/$SLIPWAY_RELEASE/$SLIPWAY_NAMESPACE/$SLIPWAY_REVISION/$SLIPWAY_STEP/$SLIPWAY_WEIGHT/$SLIPWAY_CANARY_PODS/$SLIPWAY_STABLE_PODS"`, "",
			rollout.Successful, `"yes//web/shop/3/2/25/a,b/c"`, ""},
		{"too much", "head -c 70000 /dev/zero", "", rollout.Erroneous, "", "writes more than 64 KiB"},
		{"killed", "kill -9 $$", "", rollout.Erroneous, "", "signal: killed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := shell(tt.script)
			m.SuccessCondition = tt.condition
			expect(t, s.Sample(t.Context(), m, subject), tt.want, tt.value, tt.message)
		})
	}
	m := rollout.Metric{Name: "m", Provider: rollout.Provider{Exec: &rollout.Exec{Command: []string{"/no/such/program"}}}}
	expect(t, s.Sample(t.Context(), m, subject), rollout.Erroneous, "", "no such file")
}

// TestExecKillsWithItsChildren lets a program start a child that holds its
// output open and a lock; the lock is free when the child is gone.
func TestExecKillsWithItsChildren(t *testing.T) {
	if _, err := exec.LookPath("flock"); err != nil {
		t.Skip("needs flock (Debian's package util-linux)")
	}
	for name, end := range map[string]string{"at the timeout": "wait", "when it ends": "exit 0"} {
		t.Run(name, func(t *testing.T) {
			lock := filepath.Join(t.TempDir(), "lock")
			started := filepath.Join(filepath.Dir(lock), "started")
			script := fmt.Sprintf("flock %s sh -c 'touch %s; sleep 1000' & while [ ! -e %s ]; do :; done; %s", lock, started, started, end)
			m := shell(script)
			m.Provider.Exec.Timeout = 2 * time.Second
			s := New(Options{Now: time.Now, Run: RunProgram, Env: []string{"PATH=" + os.Getenv("PATH")}})
			got := s.Sample(t.Context(), m, deploy.Subject{})
			if end == "wait" {
				expect(t, got, rollout.Erroneous, "", "/bin/sh was killed: it took longer than 2s")
			} else {
				expect(t, got, rollout.Successful, "", "")
			}
			f, err := os.Open(lock)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil { // waits for ever if the child lives
				t.Error(err)
			}
		})
	}
}
