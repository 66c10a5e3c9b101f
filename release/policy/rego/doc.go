// Package rego checks releases by policies in Rego, the language of Open Policy
// Agent, that are written as conftest has them: rules named deny, violation and
// warn, or with such a prefix, in package main; their messages as text or as
// objects with msg; exceptions by rules named exception.
//
//	policies, err := rego.Compile(modules, data, policy.RegoOptions{})
//	checks, findings, err := policies.Evaluate(ctx, set)
//
// A policy sees the objects and the data it is given, and nothing else: no
// network, no files, no environment, no clock and no chance, so that equal
// releases have equal findings.
package rego
