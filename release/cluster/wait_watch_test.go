package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/release/deploy"
)

func TestWhoWatchesSeesPodsEventsAndLogs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	release := r.install(t,
		"{apiVersion: v1, kind: Secret, metadata: {name: login}, stringData: {password: correct-horse}}",
		playing("web", "crash-loop", 1, `slipway.dev/logs: "starting\nno login with correct-horse"`),
		playing("slow", "slow", 2))
	var seen []string
	err := r.Wait(r.ctx, release, deploy.WaitOptions{Settle: 3 * settle, Watch: func(s deploy.Sight) {
		for _, pod := range s.Pods {
			seen = append(seen, fmt.Sprintf("%s: pod %s: %t, %s", s.Ref.Name, pod.Name, pod.Ready, pod.State))
		}
		for _, line := range s.Detail {
			seen = append(seen, s.Ref.Name+": "+line)
		}
	}})
	wantNotReady(t, err, false, "CrashLoopBackOff")
	all := strings.Join(seen, "\n")
	for _, want := range []string{
		": false, container main: CrashLoopBackOff: exit code 1",
		"web: event of Pod web-", ": Warning BackOff: ",
		": starting\n", ": no login with ***",
		"slow: pod slow-", ": false, it runs but is not ready",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in\n%s", want, all)
		}
	}
	if strings.Contains(all, "correct-horse") {
		t.Errorf("the password is in\n%s", all)
	}
}

func TestPodsOfAHookAreSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hook := r.install(t, jobOf("migrate", "slow", ", slipway.dev/delay: 500ms"))[0]
	var seen []string
	err := r.WaitHook(r.ctx, hook, func(s deploy.Sight) {
		for _, pod := range s.Pods {
			seen = append(seen, pod.State)
		}
	})
	if err != nil || !strings.Contains(strings.Join(seen, "\n"), "it runs") {
		t.Errorf("%v, seen: %q", err, seen)
	}
}

func TestPodsInWords(t *testing.T) {
	for status, want := range map[string]deploy.PodState{
		"{phase: Pending}": {State: "it has not started"},
		"{phase: Running}": {State: "it runs but is not ready"},
		"{phase: Running, conditions: [{type: Ready, status: 'True'}]}": {State: "ready", Ready: true},
		"{phase: Succeeded}": {State: "completed", Ready: true},
		"{phase: Failed, reason: Evicted, message: no disk}":                                                                             {State: "no disk"},
		"{phase: Pending, containerStatuses: [{name: main, state: {waiting: {reason: ImagePullBackOff, message: not found}}}]}":          {State: "container main: ImagePullBackOff: not found"},
		"{phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: 0/1 nodes are available}]}": {State: "0/1 nodes are available"},
	} {
		pod, err := asPod(object(t, "{apiVersion: v1, kind: Pod, metadata: {name: p}, status: "+status+"}"))
		if err != nil {
			t.Fatal(err)
		}
		want.Name = "p"
		if got := podState(pod, findTrouble(pod)); got != want {
			t.Errorf("%s: got %+v, want %+v", status, got, want)
		}
	}
}
