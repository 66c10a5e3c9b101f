// Package derive turns two renders of a chart, that of the stable revision and
// that of the one to launch, into what a rollout makes live between them:
// second Deployments, copies of changed configuration, Services that select one
// side, autoscalers held where they have to be. It is pure.
//
//	p, err := derive.Compute(input)              // once, when the rollout is planned
//	objects, err := p.Objects(base, target, view, observed, routers)  // for each phase
//	restore, remove := p.Leftovers(newest, live) // if somebody else went on meanwhile
//
// [Compute] refuses a release with every obstacle at once, each with what to do
// about it. A [Plan] holds names and numbers only; what objects contain comes from
// the two manifests each time. What a rollout makes beside the chart's objects
// has the annotation [RolloutAnnotation], and none of the chart's annotations.
package derive
