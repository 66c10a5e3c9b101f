package oci

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/retry"

	"github.com/e6d26078/slipway/chart"
)

// The sizes of what registries hold, in bytes.
const (
	maxManifest   = 4 << 20
	maxConfig     = 8 << 20 // Chart.yaml as JSON; Helm reads 5 MiB of YAML
	maxProvenance = 8 << 20
	maxArchive    = chart.DefaultMaxArchive
	maxNames      = 200_000 // tags or repositories
	maxPages      = 2_000
)

// longestWait is the longest time between two tries.
const longestWait = 10 * time.Second

// Options are what a Client may be told. The zero Options are anonymous, by
// HTTPS with the certificates of the system.
type Options struct {
	// Credentials are asked for those of a host; nil means none.
	Credentials *Credentials
	// PlainHTTP does without TLS. Nothing else does: a registry that does not
	// speak TLS is an error otherwise (#DIFFERS Helm 3 goes on without).
	PlainHTTP bool
	// TLS is for the registry. Client certificates in it are not shown to
	// hosts to which the registry redirects.
	TLS *tls.Config
	// UserAgent is the header of that name.
	UserAgent string
	// MaxArchive limits a packaged chart, in bytes; 0 means 100 MiB.
	MaxArchive int64
	// Tries is how often a request is sent until it succeeds; 0 means 5.
	Tries int
	// Wait is the time before the second try, doubled before each further one,
	// up to 10 s; 0 means 250 ms.
	Wait time.Duration
	// Stall is how long nothing may arrive of a download, 0 means a minute.
	Stall time.Duration
	// Watch, unless nil, is told how far downloads are, by several goroutines at once.
	Watch func(Progress)
}

// Progress says how far a download is.
type Progress struct {
	ID         any    // which download it is, to compare
	What       string // such as the archive of a reference
	Got, Total int64  // bytes; Total is 0 if it is not known
	Done       bool   // it has ended, in one way or another
}

// Client pulls from and pushes to registries. It may be used by several
// goroutines.
type Client struct {
	options Options
	own     http.RoundTripper // to the registry
	other   http.RoundTripper // to hosts that it redirects to
	tokens  auth.Cache
}

// New gives a Client.
func New(o Options) *Client {
	o.MaxArchive = orDefault(o.MaxArchive, maxArchive)
	o.Tries = orDefault(o.Tries, 5)
	o.Wait = orDefault(o.Wait, 250*time.Millisecond)
	o.Stall = orDefault(o.Stall, time.Minute)
	c := &Client{options: o, tokens: auth.NewCache()}
	c.own = newTransport(o.TLS)
	c.other = c.own
	if o.TLS != nil && (len(o.TLS.Certificates) > 0 || o.TLS.GetClientCertificate != nil) {
		nameless := o.TLS.Clone()
		nameless.Certificates, nameless.GetClientCertificate = nil, nil
		c.other = newTransport(nameless)
	}
	return c
}

func orDefault[T int | int64 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

func newTransport(config *tls.Config) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.ResponseHeaderTimeout = 5 * time.Minute // a registry may move a blob before it answers
	t.MaxResponseHeaderBytes = 256 << 10
	t.DisableCompression = true // sizes and digests are of what is sent
	if config != nil {
		t.TLSClientConfig = config.Clone()
	}
	return t
}

// remoteRepository is a repository, and what one call needs to speak to it.
type remoteRepository struct {
	*Client
	ref  Reference
	http *auth.Client
	keys *hostKeys
}

func (c *Client) open(ref Reference) *remoteRepository {
	host := ref.remote().Host()
	keys := &hostKeys{from: c.options.Credentials, host: host}
	transport := &retry.Transport{Base: &byHost{host: host, own: c.own, other: c.other}, Policy: c.policy}
	client := &auth.Client{
		Client: &http.Client{Transport: transport, CheckRedirect: checkRedirect},
		Cache:  c.tokens, Credential: keys.get,
	}
	if c.options.UserAgent != "" {
		client.SetUserAgent(c.options.UserAgent)
	}
	return &remoteRepository{Client: c, ref: ref, http: client, keys: keys}
}

func (c *Client) policy() retry.Policy {
	return &retry.GenericPolicy{
		Retryable: func(response *http.Response, err error) (bool, error) {
			if err != nil && isCutOff(err) {
				return true, nil
			}
			return retry.DefaultPredicate(response, err)
		}, Backoff: retry.ExponentialBackoff(c.options.Wait, 2, 0.1),
		MinWait: c.options.Wait / 2, MaxWait: longestWait, MaxRetry: c.options.Tries - 1,
	}
}

// repository is the library's view.
func (r *remoteRepository) repository() *remote.Repository {
	return &remote.Repository{
		Client: r.http, Reference: r.ref.remote(), PlainHTTP: r.options.PlainHTTP,
		MaxMetadataBytes: maxManifest, TagListMaxPages: maxPages, SkipReferrersGC: true,
	}
}

func (r *remoteRepository) url(parts ...string) string {
	scheme := "https"
	if r.options.PlainHTTP {
		scheme = "http"
	}
	return scheme + "://" + r.ref.remote().Host() + "/v2/" + r.ref.Repository + "/" + strings.Join(parts, "/")
}

// byHost shows client certificates to the registry alone.
type byHost struct {
	host       string
	own, other http.RoundTripper
}

func (t *byHost) RoundTrip(request *http.Request) (*http.Response, error) {
	if strings.EqualFold(withPort(request.URL), withPort(&url.URL{Scheme: request.URL.Scheme, Host: t.host})) {
		return t.own.RoundTrip(request)
	}
	return t.other.RoundTrip(request)
}

func withPort(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Host
	case u.Scheme == "http":
		return u.Host + ":80"
	}
	return u.Host + ":443"
}

func checkRedirect(request *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("more than 10 redirects")
	}
	if via[0].URL.Scheme == "https" && request.URL.Scheme != "https" {
		return fmt.Errorf("redirected to %s, which is not by TLS", request.URL.Host)
	}
	return nil
}

// hostKeys gives out the credentials of one host. A source that does not work
// does not stand in the way of anonymous access; it is told if that fails.
type hostKeys struct {
	from *Credentials
	host string

	mu     sync.Mutex
	failed string
}

func (k *hostKeys) get(ctx context.Context, host string) (auth.Credential, error) {
	if k.from == nil || host != k.host {
		return auth.EmptyCredential, nil
	}
	found, err := k.from.get(ctx, host)
	if err != nil {
		if ctx.Err() != nil {
			return auth.EmptyCredential, context.Cause(ctx)
		}
		k.mu.Lock()
		k.failed = err.Error()
		k.mu.Unlock()
	}
	return found, nil
}

func (k *hostKeys) complaint() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}
