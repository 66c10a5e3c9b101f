package deploy_test

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/deploy/rollouttest"
	"github.com/e6d26078/slipway/release/rollout"
)

// TestAGuardLooksAfterAGate has the process of a pipeline end at a gate, and a
// guard come by: a healthy canary stays, a failing one and an overdue one are taken back.
func TestAGuardLooksAfterAGate(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	c := courses()[0]
	guard := func(r *run) error {
		_, err := deploy.GuardRollout(background, r.launch.config, "fleet", deploy.AbortOptions{Timeout: time.Minute})
		return err
	}
	takenBack := func(t *testing.T, r *run, before map[string]any) {
		t.Helper()
		var failure *deploy.Error
		if err := guard(r); !errors.As(err, &failure) || failure.Outcome != deploy.RolledBack {
			t.Fatalf("guard: %v", err)
		}
		r.settle(t)
		for _, v := range rollouttest.Untouched(before, r.mendable(t)) {
			t.Error(v)
		}
		r.judge(t, r.recorder.Cut(t), []string{"fleet-pre-upgrade"})
		if past := r.history(t); !slices.Equal(past, []release.Status{release.StatusDeployed, release.StatusFailed}) {
			t.Errorf("history %v", past)
		}
	}
	t.Run("failing", func(t *testing.T) {
		t.Parallel()
		r := newRun(t, api, c)
		before := r.mendable(t)
		r.command(t, "start", 0, false)
		if err := guard(r); err != nil {
			t.Fatalf("a guard of a healthy canary: %v", err)
		}
		if s, err := r.launch.config.Rollouts.State(background, "fleet"); err != nil || s.State.Phase != rollout.Gate {
			t.Fatalf("a guard of a healthy canary: %+v, %v", s, err)
		}
		r.crash(t, "app-2")
		takenBack(t, r, before)
	})
	t.Run("overdue", func(t *testing.T) {
		t.Parallel()
		r := newRun(t, api, c)
		before := r.mendable(t)
		options := c.options()
		options.GateFor = time.Millisecond
		if _, err := deploy.StartRollout(background, r.launch.config, "fleet", r.chart, r.scenario.target, options); err != nil {
			t.Fatal(err)
		}
		takenBack(t, r, before)
	})
}

// crash has the pods with an image fail from now on.
func (r *run) crash(t *testing.T, image string) {
	t.Helper()
	pods := r.client.CoreV1().Pods(r.launch.namespace)
	patch := []byte(`{"metadata": {"annotations": {"slipway.dev/stage": "crash-loop"}}}`)
	var crashing []string
	for name, runs := range r.pods(t) {
		if strings.Contains(runs, image) {
			crashing = append(crashing, name)
			if _, err := pods.Patch(background, name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.await(t, "the pods crash", func() bool {
		return !slices.ContainsFunc(crashing, func(name string) bool {
			pod, err := pods.Get(background, name, metav1.GetOptions{})
			return err != nil || len(pod.Status.ContainerStatuses) == 0 || pod.Status.ContainerStatuses[0].State.Waiting == nil
		})
	})
}

// TestOneOfTwoPromotes has two processes of different owners promote at the
// same time.
func TestOneOfTwoPromotes(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	c := courses()[0]
	r := newRun(t, api, c)
	r.directly(t, "start")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	outputs := make([]strings.Builder, 2)
	var processes []*exec.Cmd
	var proxies []*killer
	for i, owner := range []string{"build-1", "build-2"} {
		cmd, proxy := exec.Command(self), newKiller(t, api.RESTConfig(t))
		cmd.Env = append(os.Environ(), childVariable+"="+rolloutPrefix+c.name+"/promote", "SLIPWAY_TEST_SERVER="+proxy.URL,
			"SLIPWAY_TEST_NAMESPACE="+r.launch.namespace, "SLIPWAY_TEST_OWNER="+owner)
		cmd.Stdout, cmd.Stderr = &outputs[i], &outputs[i]
		proxy.aim(cmd, 0, false)
		if err := proxy.start(cmd); err != nil {
			t.Fatal(err)
		}
		processes, proxies = append(processes, cmd), append(proxies, proxy)
	}
	var codes []int
	for i, cmd := range processes {
		_ = cmd.Wait()
		codes = append(codes, cmd.ProcessState.ExitCode())
		if changes, _ := proxies[i].result(); codes[i] != 0 && changes > 1 { // one attempt to take the lock may have been turned down
			t.Errorf("the loser made %d changes\n%s", changes, &outputs[i])
		}
	}
	slices.Sort(codes)
	if !slices.Equal(codes, []int{0, lockedCode}) {
		t.Errorf("exit codes %v: one is to win and one to be turned away\n%s\n%s", codes, &outputs[0], &outputs[1])
	}
	r.settle(t)
	r.judge(t, r.recorder.Cut(t), c.hooks)
	r.finished(t)
}
