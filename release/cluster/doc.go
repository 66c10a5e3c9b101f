// Package cluster connects operations on releases to a Kubernetes cluster.
//
// A [Client] made by [Connect] (from a kubeconfig and what command line flags
// override in it) or [New] (from a ready rest.Config) reads, applies and
// deletes objects, and is what package deploy calls a cluster:
//
//	client, err := cluster.Connect(cluster.ConnectOptions{Namespace: "shop"}, cluster.Options{Version: "1.0.0"})
//	if err != nil {
//		return err
//	}
//	capabilities, err := client.Capabilities(ctx)
//
// Objects are written by server-side apply, always with the field manager
// [FieldManager]; what Helm 3 left in the managed fields of an object is handed
// over to it first. Nothing is throttled on this side: the API server's own
// fairness decides.
//
// What the API server serves is asked once and kept until [Client.Refresh]. A
// Client is cheap, so a program that runs for long makes one for each
// operation.
//
// Errors are those that package deploy declares: see its file errors.go. An
// error of a request that may succeed if it is only tried again is a
// [*RetryableError].
package cluster
