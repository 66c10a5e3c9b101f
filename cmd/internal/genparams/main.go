// Command genparams writes what is made from the parameters of pipelines: the
// schema of params.json, and the help of the Jenkins library.
//
//	go run ./cmd/internal/genparams docs/schema/params.v1.json cmd/jenkins/vars/slipway.txt
//
// Tests fail when they are out of date.
package main

import (
	"fmt"
	"os"

	"github.com/e6d26078/slipway/cmd/internal/cli"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: genparams SCHEMA HELP")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "genparams:", err)
		os.Exit(1)
	}
}

func write(schema, help string) error {
	data, err := cli.ParamsSchema()
	if err != nil {
		return err
	}
	if err := os.WriteFile(schema, data, 0o644); err != nil {
		return err
	}
	return os.WriteFile(help, []byte(helpText(cli.Params())), 0o644)
}
