// Package deploy installs, upgrades, rolls back, tests and removes releases.
//
// An operation needs a [Config]: a cluster, a store of records and a locker, as
// package cluster has them, and a clock. Then
//
//	c, err := chart.Load("mychart")
//	result, err := deploy.Upgrade(ctx, config, "web", c, values, deploy.UpgradeOptions{Install: true})
//
// renders the chart, finds out what has to change, refuses what cannot go well
// before it touches anything, and applies the rest. The record of a revision is
// written before the cluster is changed and is a write-ahead log: an operation
// that was killed, at whatever moment, is continued by the next call with the
// same inputs. docs/design/0002-releases.md has the protocol.
//
// Every error of an operation is an *[Error], whose Kind says in which state
// the release is. When the context ends the operation stops at the next
// request, records that it was interrupted and gives up the lock; nothing is
// rolled back then.
package deploy
