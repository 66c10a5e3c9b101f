package cluster

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/e6d26078/slipway/release/deploy"
)

// FieldManager owns the fields that a release sets: Helm's own, so that both
// may write the same release in turn.
const FieldManager = "helm"

// defaultConcurrency is what New takes for none.
const defaultConcurrency = 64

// Options change how a Client works. The zero value is fit for use.
type Options struct {
	// Version is named in the user agent: "slipway/VERSION". The zero value says "slipway/dev".
	Version string
	// Concurrency is how many requests Read has under way at once; 0 means 64.
	// How many objects are applied at once is for the caller to decide.
	Concurrency int
	// Patience is how long a request is repeated when an API server that has
	// answered before cannot be reached or is overloaded; 0 means 12 s. It should
	// be less than half the time of a lock, so that the lock outlasts it.
	Patience time.Duration
	// Warn is told what the API server warns of, such as deprecated API
	// versions. It is called from several goroutines at once. Nil drops it.
	Warn func(message string)
	// Now is the clock that Events are dated by. Nil leaves them without a date.
	Now func() time.Time
}

// Client is a connection to the API server of a cluster. All its methods are
// safe for concurrent use. It holds no resources that have to be closed.
type Client struct {
	config  *rest.Config
	options Options
	server  *server // what is known of it
	ahead   rulesAhead

	rest       rest.Interface // any path
	dynamic    dynamic.Interface
	kubernetes typedClients
	metadata   metadata.Interface
}

var (
	_ deploy.Discoverer = (*Client)(nil)
	_ deploy.Reader     = (*Client)(nil)
	_ deploy.Writer     = (*Client)(nil)
	_ deploy.Recorder   = (*Client)(nil)
)

// New makes a client from a configuration, which it does not change. It makes
// no request. The configuration's own rate limits are lifted: the API server's
// fairness is what limits a client.
func New(config *rest.Config, options Options) (*Client, error) {
	if options.Concurrency <= 0 {
		options.Concurrency = defaultConcurrency
	}
	if options.Patience <= 0 {
		options.Patience = defaultPatience
	}
	if options.Version == "" {
		options.Version = "dev"
	}
	config = rest.CopyConfig(config)
	config.QPS, config.Burst, config.RateLimiter = -1, 0, nil
	config.UserAgent = "slipway/" + options.Version
	config.WarningHandler = nil
	config.WarningHandlerWithContext = warnings{options.Warn}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		if config.ExecProvider == nil { // a program that gives credentials has to see the 401, to give new ones
			next = credentials{next}
		}
		return newPatient(next, options.Patience)
	})

	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to the API server: %w", err)
	}
	plain, err := plainClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to the API server: %w", err)
	}
	objects, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to the API server: %w", err)
	}
	partial, err := metadata.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to the API server: %w", err)
	}
	discoverer, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to the API server: %w", err)
	}
	kinds, err := newTyped(config, client)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to the API server: %w", err)
	}
	return &Client{
		config: config, rest: plain, options: options,
		dynamic: objects, metadata: partial, kubernetes: kinds,
		server: newServer(discoverer, plain),
	}, nil
}

// plainClient makes requests to any path and leaves the answers' bodies alone.
func plainClient(config *rest.Config, client *http.Client) (rest.Interface, error) {
	config = rest.CopyConfig(config)
	config.GroupVersion = &schema.GroupVersion{}
	config.ContentType = runtime.ContentTypeJSON
	config.AcceptContentTypes = runtime.ContentTypeJSON
	config.NegotiatedSerializer = serializer.NewCodecFactory(runtime.NewScheme()).WithoutConversion()
	return rest.UnversionedRESTClientForConfigAndClient(config, client)
}

// Server is the address of the API server.
func (c *Client) Server() string { return c.config.Host }

// Config is the configuration that the client was made from, a copy. Its
// transport has no rate limit.
func (c *Client) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Kubernetes is a client of types that Kubernetes has built in, on the same
// connections.
func (c *Client) Kubernetes() Typed { return c.kubernetes }

// Metadata is a client that reads the metadata of objects of any kind, on the
// same connections.
func (c *Client) Metadata() metadata.Interface { return c.metadata }

// Dynamic is a client of objects of any kind, on the same connections.
func (c *Client) Dynamic() dynamic.Interface { return c.dynamic }

// warnings hands on what the API server warns of.
type warnings struct{ warn func(string) }

// HandleWarningHeaderWithContext is called for each Warning header. Only code
// 299 is used by Kubernetes.
func (w warnings) HandleWarningHeaderWithContext(_ context.Context, code int, _, message string) {
	if w.warn != nil && code == 299 && message != "" {
		w.warn(message)
	}
}
