// Package analysis takes the measurements of a rollout: from Prometheus, from
// a JSON document on the web, from a Job, a chart's tests or a program, and
// from the state of the canary's pods.
//
// Whether a result is good is said by conditions, which are expressions over
// it. They are compiled and type-checked by [Check] before a rollout starts,
// and cannot loop, tell the time or reach out of themselves.
//
// What a measurement says is meant for people and is stored: tokens, header
// values, user information of URLs and the environment of programs are taken
// out of it.
package analysis
