// Package rollouttest judges rollouts by what happened in the cluster. A
// [Recorder] notes every change of the objects of a namespace in the order in
// which the API server made them; the checks are pure functions over such a
// [Trace], each named after its invariant in docs/design/0003-rollouts.md. A
// [Plane] plays the proxies and clients of Services over a trace: it is a
// simulated data plane, no request leaves the process.
//
// The package is for tests only.
package rollouttest
