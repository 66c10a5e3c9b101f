package values

import "github.com/e6d26078/slipway/chart"

// Processed returns the tree of a chart whose dependencies have been processed
// already, by Helm's ProcessDependencies: every subchart that it holds takes
// part, under the name that it has.
func Processed(c *chart.Chart, d Dialect) *Node {
	root := newNode(c, nil, d)
	root.freeze()
	return root
}
