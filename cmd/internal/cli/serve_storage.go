package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/cmd/internal/link"
)

// registerServeStorage has the flags of object storage and of retention. The
// credentials come from the environment alone.
func registerServeStorage(f *pflag.FlagSet, o *link.ServeStorage) {
	registerBucket(f, o)
	f.DurationVar(&o.ScanInterval, "scan-interval", 5*time.Minute, "how often a bucket is looked through for charts that others have put there")
	f.IntVar(&o.PerChart, "per-chart-limit", 0, "versions that a chart may have, 0 for any number; when another is uploaded, those go that were uploaded first")
	f.DurationVar(&o.Prerelease, "prerelease-limit", 0, "how long pre-releases are kept when another version of their chart is uploaded, 0 for ever")
}

func registerBucket(f *pflag.FlagSet, o *link.ServeStorage) {
	f.StringVar(&o.Endpoint, "s3-endpoint", "", "address of the object storage, if it is not AWS's; $AWS_ENDPOINT_URL_S3 or $AWS_ENDPOINT_URL")
	f.StringVar(&o.Region, "s3-region", "", "region of the bucket, us-east-1 if nothing says otherwise; $AWS_REGION or $AWS_DEFAULT_REGION")
	f.BoolVar(&o.PathStyle, "s3-path-style", false, "put the bucket into the path of addresses, as many servers other than AWS want it")
}

// checkDepth holds the number of names in front of a repository's paths.
func checkDepth(depth int, anyDepth bool) error {
	const most = 8
	switch {
	case anyDepth && depth != 0:
		return errors.New("--depth is one depth, and --depth-dynamic all of them; give one of the two")
	case depth < 0 || depth > most:
		return fmt.Errorf("a depth of %d is not possible; it is the number of names before /index.yaml, 0 to %d", depth, most)
	}
	return nil
}

// completeServeStorage reads what the flags mean together.
func completeServeStorage(o *link.ServeOptions, getenv func(string) string) error {
	if o.Where.PerChart < 0 || o.Where.Prerelease < 0 {
		return errors.New("--per-chart-limit and --prerelease-limit cannot be less than 0")
	}
	if err := completeBucket(o.Storage, &o.Where, getenv); err != nil {
		return fmt.Errorf("--storage %w", err)
	}
	if o.Where.Bucket != "" && o.Where.ScanInterval < time.Second {
		return fmt.Errorf("--scan-interval %s is too short; it has to be a second at least", o.Where.ScanInterval)
	}
	return nil
}

// completeBucket reads s3://BUCKET/PREFIX. What is a folder has no bucket.
func completeBucket(place string, o *link.ServeStorage, getenv func(string) string) error {
	rest, isBucket := strings.CutPrefix(place, "s3://")
	if !isBucket {
		if strings.Contains(place, "://") {
			return fmt.Errorf("%s: it has to be a folder or s3://BUCKET/PREFIX", withoutPassword(place))
		}
		return nil
	}
	o.Bucket, o.Prefix, _ = strings.Cut(rest, "/")
	if o.Bucket == "" {
		return fmt.Errorf("%s has no bucket; it has to be s3://BUCKET or s3://BUCKET/PREFIX", place)
	}
	if o.Endpoint == "" {
		o.Endpoint = cmp.Or(getenv("AWS_ENDPOINT_URL_S3"), getenv("AWS_ENDPOINT_URL"))
	}
	if o.Region == "" {
		o.Region = cmp.Or(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"))
	}
	o.AccessKey, o.SecretKey, o.SessionToken = getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN")
	return nil
}
