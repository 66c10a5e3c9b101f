package cli

import (
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

func TestALiveTreeHasPodsEventsAndLogs(t *testing.T) {
	a := &app{env: Env{Getenv: func(string) string { return "" }, Stderr: io.Discard}}
	web := manifest.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "prod", Name: "web"}
	sight := deploy.Sight{Ref: web, Detail: []string{"event of Pod web-1: Warning BackOff: Back-off", "log of container main in Pod web-1: no\rlogin\x1b[2J"}}
	for i := range 7 {
		sight.Pods = append(sight.Pods, deploy.PodState{Name: fmt.Sprintf("web-%d", i+1), State: "it has not\nstarted", Ready: i == 1})
	}
	p := &progress{app: a, colour: true, waiting: map[manifest.Ref]string{}, sights: map[manifest.Ref]deploy.Sight{}}
	if p.watch() != nil {
		t.Error("pods are asked for where nobody watches")
	}
	p.screen = newScreen(nil)
	p.watch()(sight)
	if len(p.tree()) != 0 {
		t.Errorf("what is not waited for is shown: %q", p.tree())
	}
	p.track(deploy.Notice{Step: deploy.StepWait, Ref: web, Action: "waiting", Message: "1 of 7 replicas are ready"})
	want := []string{
		"\x1b[90mDeployment\x1b[0m",
		"  prod/web  \x1b[33m1 of 7 replicas are ready\x1b[0m",
		"    web-1  \x1b[33mit has not started\x1b[0m",
		"    web-2  \x1b[32mit has not started\x1b[0m",
		"    web-3  \x1b[33mit has not started\x1b[0m",
		"    web-4  \x1b[33mit has not started\x1b[0m",
		"    web-5  \x1b[33mit has not started\x1b[0m",
		"\x1b[90m    2 more pods\x1b[0m",
		"\x1b[90m    event of Pod web-1: Warning BackOff: Back-off\x1b[0m",
		"\x1b[90m    log of container main in Pod web-1: nologin[2J\x1b[0m",
	}
	if diff := cmp.Diff(want, p.tree()); diff != "" {
		t.Error(diff)
	}
	p.track(deploy.Notice{Step: deploy.StepWait, Ref: web, Action: "ready"})
	if len(p.tree()) != 0 || len(p.sights) != 0 {
		t.Errorf("what is ready is shown: %q", p.tree())
	}
}
