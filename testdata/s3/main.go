// Command s3 is the S3 gateway versitygw over a local folder, with what the
// tests of package repo/server need of it: `s3 FOLDER ADDRESS` serves the
// folders in FOLDER as buckets, to the one user whose keys are in
// ROOT_ACCESS_KEY and ROOT_SECRET_KEY, until it is killed.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: s3 FOLDER ADDRESS")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(dir, address string) error {
	attributes := meta.XattrMeta{}
	if err := attributes.Test(dir); err != nil {
		return fmt.Errorf("the file system of %s has no extended attributes: %w", dir, err)
	}
	storage, err := posix.New(dir, attributes, posix.PosixOpts{})
	if err != nil {
		return err
	}
	return embedgw.RunVersityGW(context.Background(), storage, &embedgw.Config{
		RootUserAccess: os.Getenv("ROOT_ACCESS_KEY"), RootUserSecret: os.Getenv("ROOT_SECRET_KEY"), Region: "us-east-1",
		Ports: []string{address}, MaxConnections: 1000, MaxRequests: 1000, MultipartMaxParts: 10000, Quiet: true, KeepAlive: true, DisableACLs: true,
	})
}
