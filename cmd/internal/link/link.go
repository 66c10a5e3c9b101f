// Package link says what commands ask of a cluster, in terms that need no
// client of Kubernetes. The commands are linked into two executables: slipway,
// which starts fast and small since it has no such client, and slipway-cluster,
// whose client is package backend's. A program that has one hands a [Backend]
// to the commands:
//
//	os.Exit(cli.Main(backend.Kubernetes{}))
package link

import (
	"context"
	"errors"
	"time"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/policy"
	"github.com/e6d26078/slipway/release/rollout"
)

// FieldManager owns the fields that a release sets, as release/cluster has it.
const FieldManager = "helm"

// ErrNoPlan says that a frozen plan is not there: it was carried out, or its time has passed.
var ErrNoPlan = errors.New("the frozen plan is not in the cluster any more")

// ConnectOptions say which cluster is meant and as whom, in the way Helm's
// flags and environment variables do. The zero value is the current context of
// the default kubeconfig.
type ConnectOptions struct {
	Kubeconfig            string // path; "" for the usual places
	Context               string
	Namespace             string
	Token                 string
	AsUser                string
	AsGroups              []string
	APIServer             string
	CAFile                string
	TLSServerName         string
	InsecureSkipTLSVerify bool
}

// Options change how a connection works. The zero value is fit for use.
type Options struct {
	Version     string               // named in the user agent
	Concurrency int                  // how many requests a read has under way at once
	Patience    time.Duration        // how long an API server is waited for that has gone away; 0 is the usual
	Warn        func(message string) // told what the API server warns of, from several goroutines at once; may be nil
	Now         func() time.Time     // the clock of records, plans and Events
}

// Permission is one thing that a caller may or may not do.
type Permission struct {
	Verb        string
	Group       string // "" for the core group
	Resource    string
	Subresource string
	Namespace   string // "" for resources outside namespaces, and for all namespaces
	Name        string // "" for any
}

// Backend reaches clusters and databases. Its methods may be called
// concurrently, as may those of all that it returns.
type Backend interface {
	// Connect makes a connection. Nothing is asked of the cluster yet.
	Connect(ConnectOptions, Options) (Client, error)
	// OpenDatabase opens the records of a namespace in a Postgres database.
	OpenDatabase(ctx context.Context, where, namespace string, now func() time.Time) (Database, error)
	// Metrics reads and checks the metrics in a file of the operator's, as
	// analysis.ParseMetrics does. Without a file they are the usual ones.
	Metrics(data []byte, file string, read func(name string) ([]byte, error)) ([]rollout.Metric, error)
	// Policies compiles policies in Rego.
	Policies(modules, data []policy.File, o policy.RegoOptions) (policy.Evaluator, error)
	// Serve is a chart repository server until ctx ends.
	Serve(ctx context.Context, o ServeOptions) error
	// ImportCharts copies charts into the storage of a server. It gives what it
	// has done also with an error, unless nothing was begun.
	ImportCharts(ctx context.Context, o ImportOptions) (*ImportReport, error)
	// IsNamespaceMissing reports whether an error is the API server's answer
	// that there is no such namespace.
	IsNamespaceMissing(error) bool
}

// Client is a connection to the API server of a cluster. There is nothing to close.
type Client interface {
	deploy.Cluster
	deploy.Lister

	// Secrets are the records that Secrets of a namespace hold.
	Secrets(namespace string) (Records, error)
	// ConfigMaps are the records that ConfigMaps of a namespace hold.
	ConfigMaps(namespace string) (Records, error)
	// Locks are those of the releases in a namespace. A lock that is not renewed
	// lasts for the given time, in whole seconds; 0 is the usual.
	Locks(namespace string, lasting time.Duration) (deploy.Locker, error)
	// Plans are the frozen plans of a namespace.
	Plans(namespace string) Plans
	// Rollouts are the states of the rollouts in a namespace.
	Rollouts(namespace string) Rollouts
	// Routers can divide traffic.
	Routers() []derive.Router
	// Sampler takes measurements. Programs that it runs have the environment env.
	Sampler(env []string) deploy.Sampler

	// Readiness tells in a word or two whether an object is ready, and why not.
	// Nil is an object that is not there. It asks nobody.
	Readiness(live deploy.Live) (state, message string)
	// Pods is the list of the pods with the labels, as the API server gives it.
	Pods(ctx context.Context, namespace string, labels map[string]string) (map[string]any, error)
	// Resources returns a function that corrects the name of a resource that
	// was guessed from its kind, or reports that none like it is served.
	Resources(ctx context.Context) (func(group, guess string) (resource string, served bool), error)
	// CanI returns those of the permissions that the caller does not have.
	CanI(context.Context, []Permission) ([]Permission, error)
}

// Records is a store of records that can be listed.
type Records interface {
	deploy.Store
	// List returns revisions by namespace, name and revision, from metadata alone.
	List(ctx context.Context, options release.ListOptions) ([]release.Meta, error)
}

// Database is a store of records that has to be closed.
type Database interface {
	Records
	Close() error
}

// Plans keeps frozen plans until their time has passed.
type Plans interface {
	// Save keeps a plan for a time and returns the name of its Secret.
	Save(ctx context.Context, release, id string, data []byte, keep time.Duration) (string, error)
	// Load reads the plan in a Secret, or returns ErrNoPlan.
	Load(ctx context.Context, name string) ([]byte, error)
	// Delete removes a plan. That it is gone is no error.
	Delete(ctx context.Context, name string) error
}

// Rollouts keeps the states of rollouts.
type Rollouts interface {
	deploy.RolloutStore
	// Orphans lists the Secrets of rollouts and frozen plans in a namespace, ""
	// for all namespaces, that nobody needs any more. exists tells of a release
	// whether there is any revision of it.
	Orphans(ctx context.Context, namespace string, exists func(ctx context.Context, namespace, name string) (bool, error)) ([]Orphan, error)
	// RemoveOrphan deletes one. It returns release.ErrConflict if the Secret was
	// changed since it was listed. That it is gone is no error.
	RemoveOrphan(ctx context.Context, o Orphan) error
}

// Orphan is a Secret that nobody needs any more.
type Orphan struct {
	Namespace, Name string
	Release         string
	Why             string // for people

	UID, Version string // of the Secret when it was listed
}
