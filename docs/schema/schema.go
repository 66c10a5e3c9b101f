// Package schema holds the JSON Schemas of the files that slipway reads.
package schema

import _ "embed"

//go:embed rollout.v1.json
var rollout string

// Rollout is the schema of rollout.yaml, version slipway.dev/rollout/v1.
func Rollout() string { return rollout }
