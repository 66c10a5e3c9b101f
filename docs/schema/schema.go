// Package schema holds the JSON Schemas of the files that slipway reads.
package schema

import _ "embed"

//go:embed rollout.v1.json
var rollout string

//go:embed auth-policy.v1.json
var authPolicy string

//go:embed webhooks.v1.json
var webhooks string

//go:embed webhook-message.v1.json
var webhookMessage string

// Rollout is the schema of rollout.yaml, version slipway.dev/rollout/v1.
func Rollout() string { return rollout }

// AuthPolicy is the schema of the file of `slipway serve --auth-policy`, version
// slipway.dev/auth-policy/v1.
func AuthPolicy() string { return authPolicy }

// Webhooks is the schema of the file of `slipway serve --webhooks`, version
// slipway.dev/webhooks/v1.
func Webhooks() string { return webhooks }

// WebhookMessage is the schema of what webhooks of `slipway serve` are sent,
// version slipway.dev/webhook-message/v1.
func WebhookMessage() string { return webhookMessage }
