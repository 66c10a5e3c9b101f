// Command slipway-cluster is slipway with a client of Kubernetes. Slipway
// becomes it for the commands that need a cluster; it has all the others too.
package main

import (
	"os"

	"github.com/e6d26078/slipway/cmd/internal/backend"
	"github.com/e6d26078/slipway/cmd/internal/cli"
)

func main() {
	backend.Silence()
	os.Exit(cli.Main(backend.Kubernetes{}))
}
