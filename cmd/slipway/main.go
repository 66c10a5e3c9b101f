// Command slipway renders, checks and packages Helm charts. Run "slipway help"
// for its commands; docs/cli describes them.
package main

import (
	"os"

	"github.com/e6d26078/slipway/cmd/internal/cli"
)

func main() { os.Exit(cli.Main()) }
