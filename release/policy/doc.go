// Package policy looks at everything that a release would have in a cluster,
// before anything of it is there, for what operators find out too late: two
// Ingresses for one address, Services whose pods are never ready or do not
// exist, pods that stop in the middle of requests, budgets that block the
// draining of nodes.
//
//	config, err := policy.ParseConfig(data, "policy.yaml", now)   // or the zero Config
//	report := policy.Check(set, config)
//	if report.Denied() > 0 { ... }
//
// Each [Finding] names the object and the field, says why it matters and how to
// mend it. Package origin tells which line of a template wrote the field, and
// package rego adds the findings of policies that an organisation has written
// itself.
//
// Everything here is a pure function of its arguments and safe for concurrent
// use. Nothing that a Secret holds is in a finding.
package policy
