package rollouttest

import (
	"strings"
	"testing"

	"github.com/e6d26078/slipway/release/rollout"
)

var judgement = Judgement{Release: "rel", Tolerance: 5, Hooks: []string{}}

func TestAGoodTraceIsNotBlamed(t *testing.T) {
	for name, s := range map[string]*script{"at a gate": running(), "promoted": committed()} {
		if found := s.Judge(judgement); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestEachViolationIsFound(t *testing.T) {
	deleted := Fields{"deletionTimestamp": "2026-01-01T00:00:00Z"}
	for _, test := range []struct {
		name, invariant, words string
		script                 *script
		break_                 func(s *script)
	}{
		{"an endpoint too few", CapacityName, "1 ready endpoints, not 2", running(), func(s *script) { s.slice("a") }},
		{"the last EndpointSlice goes", CapacityName, "0 ready endpoints", running(), func(s *script) { s.gone(kindSlice, "web-1") }},
		{"an endpoint too few for a moment", CapacityName, "1 ready endpoints", running(), func(s *script) { s.slice("a"); s.slice("a", "c") }},
		{"too much on the canary", ExposureName, "2 of 3", running(), func(s *script) { s.slice("a", "c", "d") }},
		{"pinned to pods of a Deployment that runs", PinsName, "web is not paused", running(), func(s *script) { s.service("h1") }},
		{"unpaused while pinned", PinsName, "web is not paused", running(), func(s *script) {
			s.deployment("web", "1", 2, 2, true)
			s.service("h1")
			s.deployment("web", "1", 2, 2, false)
		}},
		{"pinned to nothing", PinsName, "no ReplicaSet", running(), func(s *script) { s.service("h3") }},
		{"an orphan that nobody adopts", PinsName, "adopted by nobody", running(), func(s *script) {
			s.service("h2")
			s.gone(kindDeploy, "web-r2")
			s.set("2", "")
		}},
		{"the owner takes another template", PinsName, "not paused", running(), func(s *script) {
			s.service("h2")
			s.deployment("web-r2", "3", 2, 2, false)
		}},
		{"the canary is deleted after the commit", CanaryName, "pod c", running(), func(s *script) {
			s.state(rollout.State{Phase: rollout.Templating, Committed: true})
			s.pod("c", "2", deleted)
		}},
		{"the canary goes while stable has the old template", CanaryName, "pod c", running(), func(s *script) {
			s.state(rollout.State{Phase: rollout.Templating, Committed: true})
			s.deployment("web", "1", 2, 2, false)
			s.gone(kindPod, "c")
		}},
		{"the canary goes while stable rolls", CanaryName, "pod c", running(), func(s *script) {
			s.state(rollout.State{Phase: rollout.Templating, Committed: true})
			s.deployment("web", "2", 2, 1, false)
			s.gone(kindPod, "c")
		}},
		{"the state is written without the lock", WriterName, "nobody held", running(), func(s *script) {
			s.lease("", 1)
			s.state(rollout.State{Phase: rollout.Gate})
		}},
		{"the record is written without the lock", WriterName, "nobody held", running(), func(s *script) {
			s.lease("", 1)
			s.put(kindSecret, "sh.helm.release.v1.rel.v2", Fields{})
		}},
		{"two under one fence", WriterName, "build-2", running(), func(s *script) { s.lease("build-2", 1) }},
		{"an older fence comes back", WriterName, "back to 1", running(), func(s *script) { s.lease("build-2", 2); s.lease("build-1", 1) }},
		{"the autoscaler is left behind", ScalersName, "scales web, and web-r2 serves", scaled(2), func(s *script) {
			s.deployment("web-r2", "2", 2, 2, true)
			s.service("h2")
			s.state(rollout.State{Phase: rollout.Gate, Step: 1})
		}},
		{"the autoscaler may shrink the stable side", ScalersName, "down to 1 pods", scaled(2), func(s *script) { s.autoscaler("web", 1) }},
		{"a hook that nobody knows", HooksName, "rel-hook", running(), func(s *script) {
			s.put(kindJob, "rel-hook", Fields{"metadata": Fields{"uid": "1"}})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.break_(test.script)
			found := test.script.Judge(judgement)
			if len(found) == 0 {
				t.Fatal("not found")
			}
			for _, v := range found {
				if v.Invariant != test.invariant {
					t.Errorf("blamed on the wrong invariant: %s", v)
				}
			}
			if !strings.Contains(found[0].What, test.words) {
				t.Errorf("%q does not say %q", found[0], test.words)
			}
		})
	}
}

func TestHooksRunOnce(t *testing.T) {
	j := judgement
	j.Hooks = []string{"hook"}
	for times, want := range []int{1, 0, 1} {
		s := running()
		for i := range times {
			uid := Fields{"metadata": Fields{"uid": string(rune('a' + i))}}
			s.put(kindJob, "hook", uid)
			s.put(kindJob, "hook", uid) // its status changes
			s.gone(kindJob, "hook")
		}
		if found := s.Judge(j); len(found) != want {
			t.Errorf("run %d times: %v", times, found)
		}
	}
}

func TestAStatefulSetMayLackOne(t *testing.T) {
	for ready, want := range map[int]int{2: 0, 1: 1} {
		s := &script{}
		s.put(kindStateful, "web", Fields{"spec": Fields{"replicas": int64(3), "template": template("1")}})
		s.service("")
		s.slice("a", "b", "c")
		s.begun = true
		s.slice([]string{"a", "b"}[:ready]...)
		s.slice("a", "b", "c")
		if found := s.Judge(judgement); len(found) != want {
			t.Errorf("%d of 3 ready: %v", ready, found)
		}
	}
}

func TestRepeatAndUntouched(t *testing.T) {
	if found := Repeat(nil); len(found) > 0 {
		t.Error(found)
	}
	if found := Repeat([]string{"PATCH /api"}); len(found) != 1 {
		t.Error(found)
	}
	if found := Untouched(map[string]any{"a": 1}, map[string]any{"a": 1}); len(found) > 0 {
		t.Error(found)
	}
	if found := Untouched(map[string]any{"a": 1}, map[string]any{"a": 2}); len(found) != 1 {
		t.Error(found)
	}
}
