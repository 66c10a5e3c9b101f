package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/cmd/internal/cli"
)

const helpHead = `Launches Helm charts with slipway. Each method runs one command to its end and
returns its result as a map: exitCode, state, message, next, revision, rollout and
what else docs/schema/result.v1.json names.

  slipway(cfg) { checkout scm }   the whole launch, with an input at each gate
  slipway.plan(cfg)               what a launch would do; its digest is in 'plan'
  slipway.start(cfg)              begins; state 'paused' at the first gate
  slipway.promote(cfg)            goes on; give fromStep and approver
  slipway.undo(cfg)               one step back
  slipway.abort(cfg)              takes back what this build has started
  slipway.status(cfg)             where the rollout is
  slipway.guard(cfg)              takes back what fails or is overdue
  slipway.upgrade(cfg)            without steps; install and rollback likewise
  slipway.approve(cfg, result)    asks at a gate, and returns who has answered
  slipway.check(result)           fails the build if the command went wrong

Of the library itself are

  agent          label of the agents that slipway(cfg) runs commands on
  binary         path of slipway (default: slipway, from PATH)
  credentials    id of a credential with a kubeconfig file
  ask            text of the question at gates
  askTimeout     minutes that a question waits (default: 60)
  approvers      list of those who may answer; also enforced by promote
  keepOnFailure  true leaves a rollout as it is when the build fails
  retries        how often a command that ended with 75, nothing changed, is run
                 again (default: 3)
  retryPause     seconds before the first of these; each pause is twice the one
                 before, 300 at most (default: 10)
  digests        SHA-256 digests of the executables that may run, lines of
                 "DIGEST  NAME": slipway_VERSION_digests.txt of a release, which
                 the library of that release has itself; 'none' checks nothing

All others are parameters of the command, by the names of its flags:

`

// helpText is the help that Jenkins shows of the library, with the parameters of
// the commands that it runs.
func helpText(all []cli.Param) string {
	var out strings.Builder
	out.WriteString(helpHead)
	width := 0
	for _, p := range all {
		width = max(width, len(p.Name))
	}
	for _, p := range all {
		used := slices.DeleteFunc(slices.Clone(p.Commands), func(c string) bool { return !slices.Contains(methods, c) })
		if len(used) == 0 {
			continue
		}
		kind := strings.Join(p.Types, " or ")
		if p.Words != nil {
			kind = strings.Join(p.Words, ", ")
		}
		fmt.Fprintf(&out, "  %-*s  %s\n  %*s  (%s", width, p.Name, p.Usage, width, "", kind)
		if len(used) < len(methods) {
			fmt.Fprintf(&out, "; %s", strings.Join(used, ", "))
		}
		out.WriteString(")\n")
	}
	return out.String()
}

// methods are the commands that the library runs.
var methods = []string{
	"install", "rollback", "rollout abort", "rollout guard", "rollout plan", "rollout promote", "rollout start", "rollout status", "rollout undo", "upgrade",
}
