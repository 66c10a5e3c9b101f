package cluster

import (
	"slices"

	"github.com/e6d26078/slipway/release/deploy"
)

// Migrates reports whether Apply would first hand over fields of a live object
// that a client-side Helm manages. Until that is done, server-side apply
// removes none of those fields. It implements [deploy.Writer].
func (c *Client) Migrates(live deploy.Live) bool {
	return slices.ContainsFunc(managedFields(live), managed.isClientSideHelm)
}
