// Package derive turns two renders of a chart, that of the stable revision and
// that of the one to launch, into what a rollout makes live between them:
// second Deployments, copies of changed configuration, Services that select one
// side, autoscalers held where they have to be. It is pure.
//
//	p, err := derive.Compute(input)              // once, when the rollout is planned
//	objects, err := p.Objects(base, target, view, observed, routers)  // for each phase
package derive
