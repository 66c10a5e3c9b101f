// Command slipway renders, checks, packages and deploys Helm charts. Run
// "slipway help" for its commands; docs/cli describes them. For those that need
// a cluster, slipway-cluster has to be beside it or in PATH.
package main

import (
	"os"

	"github.com/e6d26078/slipway/cmd/internal/cli"
)

func main() { os.Exit(cli.Main(nil)) }
