package rollouttest

import (
	"maps"
	"time"

	"github.com/e6d26078/slipway/release/rollout"
)

// script writes a trace by hand.
type script struct {
	Trace
	begun   bool
	version int64
}

func (s *script) put(kind, name string, object Fields) {
	s.add(Event{Kind: kind, Name: name, Object: object})
}

func (s *script) gone(kind, name string) { s.add(Event{Kind: kind, Name: name}) }

func (s *script) add(e Event) {
	s.version++
	e.Version, e.At = s.version, time.Unix(s.version, 0)
	if !s.begun {
		s.Before = append(s.Before, e)
		return
	}
	s.Events = append(s.Events, e)
}

func (s *script) state(state rollout.State) {
	state.Steps = []rollout.Step{{Weight: 50}, {Weight: 100}}
	s.add(Event{Kind: kindSecret, Name: "slipway.rollout.rel", Object: Fields{}, State: &state})
}

// lease says who holds the lock.
func (s *script) lease(holder string, fence int) {
	s.put(kindLease, "slipway-rel", Fields{"spec": Fields{"holderIdentity": holder, "leaseTransitions": int64(fence)}})
}

func labels(version string) Fields {
	return Fields{"app": "web", podHash: "h" + version}
}

func template(version string) Fields {
	return Fields{"metadata": Fields{"labels": Fields{"app": "web"}}, "spec": Fields{"image": version}}
}

// deployment has a template of a version; ready are its pods of it.
func (s *script) deployment(name, version string, replicas, ready int, paused bool) {
	s.put(kindDeploy, name, Fields{
		"metadata": Fields{"name": name, "generation": int64(1)},
		"spec": Fields{
			"replicas": int64(replicas), "paused": paused, "template": template(version),
			"selector": Fields{"matchLabels": Fields{"app": "web"}},
		},
		"status": Fields{"observedGeneration": int64(1), "updatedReplicas": int64(ready), "readyReplicas": int64(ready)},
	})
}

// set is a ReplicaSet of a Deployment.
func (s *script) set(version, by string) {
	t := template(version)
	t["metadata"] = Fields{"labels": labels(version)}
	object := Fields{"metadata": Fields{"name": "set-" + version, "labels": labels(version)}, "spec": Fields{"template": t}}
	if by != "" {
		object["metadata"].(Fields)["ownerReferences"] = []any{Fields{"kind": kindDeploy, "name": by, "controller": true}}
	}
	s.put(kindReplicas, "set-"+version, object)
}

func (s *script) pod(name, version string, more Fields) {
	meta := Fields{"name": name, "labels": labels(version)}
	maps.Copy(meta, more)
	s.put(kindPod, name, Fields{"metadata": meta, "status": Fields{"conditions": []any{Fields{"type": "Ready", "status": "True"}}}})
}

func (s *script) unready(name, version string) {
	s.put(kindPod, name, Fields{"metadata": Fields{"name": name, "labels": labels(version)}})
}

func (s *script) service(hash string) {
	selector := Fields{"app": "web"}
	if hash != "" {
		selector[podHash] = hash
	}
	s.put(kindService, "web", Fields{"spec": Fields{"selector": selector}})
}

func (s *script) slice(pods ...string) {
	var endpoints []any
	for _, pod := range pods {
		endpoints = append(endpoints, Fields{
			"targetRef": Fields{"name": pod}, "conditions": Fields{"ready": true, "serving": true, "terminating": false},
		})
	}
	s.put(kindSlice, "web-1", Fields{"metadata": Fields{"labels": Fields{serviceLabel: "web"}}, "endpoints": endpoints})
}

// running is a release with two pods, of which two more are a canary.
func running() *script {
	s := &script{}
	s.deployment("web", "1", 2, 2, false)
	s.set("1", "web")
	s.pod("a", "1", nil)
	s.pod("b", "1", nil)
	s.service("")
	s.slice("a", "b")
	s.begun = true
	s.lease("build-1", 1)
	s.state(rollout.State{Phase: rollout.Scaling})
	s.deployment("web-r2", "2", 2, 2, false)
	s.set("2", "web-r2")
	s.pod("c", "2", nil)
	s.pod("d", "2", nil)
	s.slice("a", "b", "c", "d")
	s.state(rollout.State{Phase: rollout.Gate})
	return s
}

// scaled is the same with an autoscaler that keeps some pods.
func scaled(least int) *script {
	s := running()
	s.begun = false
	s.autoscaler("web", least)
	s.begun = true
	return s
}

func (s *script) autoscaler(target string, least int) {
	s.put(kindScaler, "web", Fields{"spec": Fields{"minReplicas": int64(least), "scaleTargetRef": Fields{"kind": kindDeploy, "name": target}}})
}

// committed is the same some time later.
func committed() *script {
	s := running()
	s.state(rollout.State{Phase: rollout.Shifting, Step: 1})
	s.deployment("web", "1", 2, 2, true)
	s.deployment("web-r2", "2", 2, 2, true)
	s.service("h2")
	s.slice("c", "d")
	s.state(rollout.State{Phase: rollout.Templating, Step: 1, Committed: true})
	s.deployment("web", "2", 2, 0, true)
	s.gone(kindDeploy, "web-r2")
	s.set("2", "")
	s.set("2", "web")
	s.deployment("web", "2", 2, 2, false)
	s.service("")
	s.slice("c", "d")
	return s
}
