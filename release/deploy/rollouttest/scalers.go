package rollouttest

import "fmt"

// ScalersName names the rule about autoscalers in docs/design/0003-rollouts.md.
const ScalersName = "the side that serves scales"

const kindScaler = "HorizontalPodAutoscaler"

// Scalers holds what a HorizontalPodAutoscaler has to do whenever a step is
// reported as reached: while Services are pinned to other pods than those of the
// Deployment that it scales, it scales the owner of these; else it keeps at
// least the pods that the share was worked out for.
func (t *Trace) Scalers() []Violation {
	start := t.Start()
	v := &verdicts{name: ScalersName}
	t.Replay(func(w *World, e Event) {
		for name, before := range start.objects[kindScaler] {
			scaler := w.Get(kindScaler, name)
			deployment := text(before, "spec", "scaleTargetRef", "name")
			if !reached(w.state) || scaler == nil {
				continue
			}
			if serving := w.pinnedOwner(start.Get(kindDeploy, deployment)); serving != "" {
				if target := text(scaler, "spec", "scaleTargetRef", "name"); target != serving {
					v.sayOf(e, fmt.Sprintf("autoscaler %s scales %s, and %s serves", name, target, serving), name)
				}
				continue
			}
			if least, want := number(scaler, "spec", "minReplicas"), number(start.Get(kindDeploy, deployment), "spec", "replicas"); least < want {
				v.sayOf(e, fmt.Sprintf("autoscaler %s may go down to %d pods, the share was worked out for %d", name, least, want), name)
			}
		}
		v.next()
	})
	return v.found
}

// pinnedOwner is the Deployment to whose pods a Service of another one is
// pinned, "" if none is.
func (w *World) pinnedOwner(deployment Fields) string {
	labels := table(deployment, "spec", "template", "metadata", "labels")
	for _, service := range w.objects[kindService] {
		selector := table(service, "spec", "selector")
		hash, _ := selector[podHash].(string)
		if hash == "" || !selects(withoutHash(selector), labels) {
			continue
		}
		for _, set := range w.objects[kindReplicas] {
			if _, by := owner(set); text(set, "metadata", "labels", podHash) == hash {
				return by
			}
		}
	}
	return ""
}
