package link

import "time"

// ServeStorage says where a server's charts are, and which are kept.
type ServeStorage struct {
	// Bucket is that of an object storage, "" for a folder. The others are about it.
	Bucket, Prefix, Endpoint, Region   string
	PathStyle                          bool
	AccessKey, SecretKey, SessionToken string
	ScanInterval                       time.Duration

	PerChart   int           // versions that a chart may have, 0 for any number
	Prerelease time.Duration // how long pre-releases are kept, 0 for ever
}
