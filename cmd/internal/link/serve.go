package link

import (
	"io"
	"time"
)

// ServeOptions are those of a chart repository server, by the flags of `slipway serve`.
type ServeOptions struct {
	Listen  string // address and port
	Open    bool   // also without credentials on addresses that others reach
	Storage string // folder, or s3://BUCKET/PREFIX
	Where   ServeStorage

	Depth                 int
	AnyDepth              bool // instead
	ContextPath, ChartURL string
	AllowOverwrite        bool
	AllowForce            bool
	NoDelete, NoAPI       bool
	MaxUpload             int64
	MaxObjects            int
	MaxBytes              int64
	Rate                  float64
	ReadTimeout           time.Duration
	Origin                string

	Users            map[string]string
	AnonymousGet     bool
	Keys             []byte // PEM
	Realm, Service   string
	Issuer, Audience string

	CertFile, KeyFile, ClientCAFile string

	Teams ServeTeams

	Version string
	Log     io.Writer
	JSON    bool      // of the log
	Audit   io.Writer // may be nil
	Now     func() time.Time
	Ready   func(url string) // called when requests are answered
}
