// Package rollouttest runs scripts against the machine of package rollout.
//
// A script is text. A line that begins with "> " is a command, lines that are
// indented are what it printed: the phases that were entered, what else the
// state has come to, what the journal got, and the actions. Other lines are
// comments. Time stands still but for the command tick.
//
//	> start strategy=canary steps=10,50:5m gate=auto pods=9 metrics=errors,latency
//	                   plans a rollout and begins it; further words: pinned, total, abort (on
//	                   failure), hooks=at-start, settle=30s, gateFor=1h
//	> did              the actions were carried out
//	> run              did, until something else has to happen
//	> reach PHASE STEP the same without printing, through good measurements and gates, until there
//	> kill             another process goes on; it has to be given the same
//	> failed REASON    an action failed
//	> measured VERDICT every run of measurements has this verdict
//	> promote [full]
//	> abort [REASON]
//	> undo
//	> guard [VERDICT]  a guard came by, and measured
//	> tick 5m
//	> journal          prints it
package rollouttest
