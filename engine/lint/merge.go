package lint

import (
	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
)

// mergeForLint lays the user's values over the chart's once before the render
// does so again. Helm's lint does the same, and it shows: a default that the
// user removes by null comes back.
func mergeForLint(c *chart.Chart, vals map[string]any, options *Options) (map[string]any, error) {
	node, err := values.Resolve(c, vals, values.ResolveOptions{})
	if err != nil {
		return nil, err
	}
	return node.Coalesce(vals, values.CoalesceOptions{})
}
