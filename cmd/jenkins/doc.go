// Package jenkins holds the shared library for Jenkins, vars/slipway.groovy, its
// example pipelines and snippets for other servers. There is no Go in it but the
// test that runs them: docs/jenkins.md is for their users.
package jenkins
