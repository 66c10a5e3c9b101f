// Package plan tells what an operation on a release will change in a cluster.
//
//	p := plan.Compute(plan.Input{
//		Release: "web", Namespace: "prod", Revision: 4, Operation: plan.Upgrade,
//		Last: last, Wanted: wanted, Live: live, Applied: dryRun,
//	})
//	err := p.Text(os.Stdout, plan.TextOptions{})
//
// [Compute] compares the objects of the last revision, those that are wanted
// and those that live in the cluster. [Drift] compares a stored manifest with
// the cluster. [Holds], [Diff], [Immutable], [Own] and [OwnerOf] are the parts
// they are made of. A [File] keeps a plan until it is approved.
//
// Everything here is a pure function of its arguments, safe for concurrent use
// and deterministic. Objects are JSON values as [manifest.Object] has them.
// The content of Secrets is in no result: it is replaced by its length.
package plan
