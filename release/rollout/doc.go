// Package rollout decides how a release is launched by canary or blue-green.
//
// It is a pure state machine: [Next] takes a [State] and an [Event] and returns
// the next state and the [Action]s that bring the cluster there. It has no
// clock, does no input or output, and needs nothing but the standard library.
// A driver stores each state before it acts; every action can be repeated, so
// that a process may be killed at any time and the next one goes on.
package rollout
