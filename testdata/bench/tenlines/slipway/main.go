// Command slipway renders a chart with slipway's library, in as few lines as it
// takes: the size of its binary is compared with that of ../helm.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/engine"
)

func main() {
	c, err := chart.Load(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	p, err := engine.Compile(c, engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	out, err := p.Render(context.Background(), engine.Input{Release: engine.Release{Name: "rel"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out.Files)
}
