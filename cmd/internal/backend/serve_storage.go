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
	bucket, err := server.OpenS3(ctx, bucketOptions(o.Where))
	return bucket, func() error { return nil }, err
}

func depthOf(depth int, anyDepth bool) int {
	if anyDepth {
		return server.AnyDepth
	}
	return depth
}

func bucketOptions(o link.ServeStorage) server.S3Options {
	return server.S3Options{
		Bucket: o.Bucket, Prefix: o.Prefix, Endpoint: o.Endpoint, Region: o.Region, PathStyle: o.PathStyle,
		AccessKey: o.AccessKey, SecretKey: o.SecretKey, SessionToken: o.SessionToken, ScanInterval: o.ScanInterval,
	}
}
