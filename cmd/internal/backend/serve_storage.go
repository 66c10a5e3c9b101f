package backend

import (
	"context"

	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/repo/server"
)

// openStorage opens what a server's charts are in. Close it by the function.
func openStorage(ctx context.Context, o link.ServeOptions, options *server.Options) (server.Storage, func() error, error) {
	options.Retention = server.Retention{PerChart: o.Where.PerChart, Prerelease: o.Where.Prerelease}
	if o.Where.Bucket == "" {
		folder, err := server.OpenFolder(o.Storage, o.Now)
		if err != nil {
			return nil, nil, err
		}
		options.Cache = folder.CachePath()
		return folder, folder.Close, nil
	}
	bucket, err := server.OpenS3(ctx, server.S3Options{
		Bucket: o.Where.Bucket, Prefix: o.Where.Prefix, Endpoint: o.Where.Endpoint, Region: o.Where.Region, PathStyle: o.Where.PathStyle,
		AccessKey: o.Where.AccessKey, SecretKey: o.Where.SecretKey, SessionToken: o.Where.SessionToken, ScanInterval: o.Where.ScanInterval,
	})
	return bucket, func() error { return nil }, err
}
