package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/release"
)

// connection is a cluster as the flags and the environment name it, with the
// records of the releases in one namespace.
type connection struct {
	client    link.Client
	store     link.Records
	namespace string
	limit     int // as deploy.Config.RecordLimit
	close     func() error
}

const clusterHint = "--kubeconfig, --kube-context and KUBECONFIG say which cluster is meant"

// connect makes a connection for the namespace that the flags or the kubeconfig
// name. It is to be closed. Nothing is asked of the cluster yet.
func (a *app) connect(ctx context.Context) (*connection, error) {
	if !isTunedByUser(a.env.Getenv) {
		collectAt(clusterPercent)
	}
	options := link.Options{Version: readBuildInfo().Version, Warn: a.clusterWarning, Now: a.env.Now, Concurrency: a.flags.concurrency, Patience: a.patience}
	if !a.knowsCluster() {
		return nil, withHint(errors.New("no cluster is configured: there is no kubeconfig"), clusterHint)
	}
	client, err := a.env.Backend.Connect(a.connectOptions(), options)
	if err != nil {
		return nil, withHint(err, clusterHint)
	}
	c := &connection{client: client, namespace: a.namespace(), close: func() error { return nil }}
	return c, a.openStore(ctx, c)
}

// knowsCluster reports whether anything says which cluster is meant. (#DIFFERS:
// Helm tries port 8080 of the machine that it runs on if nothing does.)
func (a *app) knowsCluster() bool {
	if a.flags.apiServer != "" || a.flags.kubeconfig != "" || a.env.Getenv("KUBERNETES_MASTER") != "" || a.inCluster() {
		return true
	}
	return slices.ContainsFunc(a.kubeconfigs(), func(name string) bool {
		_, err := os.Stat(name)
		return err == nil
	})
}

// clusterWarning hands on what the API server warns of.
func (a *app) clusterWarning(message string) {
	if a.onWarning != nil {
		a.onWarning(message)
		return
	}
	a.warnf("slipway: warning: %s", printable(message))
}

// connectOptions are Helm's flags and environment variables.
func (a *app) connectOptions() link.ConnectOptions {
	g := &a.flags
	o := link.ConnectOptions{
		Kubeconfig: g.kubeconfig, Context: g.kubeContext, Namespace: g.namespace,
		Token: g.token, AsUser: g.asUser, AsGroups: g.asGroups, APIServer: g.apiServer,
		CAFile: g.caFile, TLSServerName: g.tlsServerName, InsecureSkipTLSVerify: g.insecure,
	}
	if o.Token == "" {
		o.Token = a.env.Getenv("HELM_KUBETOKEN") // not the flag's default: that stands in the help
	}
	return o
}

// openStore opens the store of records that HELM_DRIVER names.
func (a *app) openStore(ctx context.Context, c *connection) (err error) {
	switch name := strings.ToLower(a.env.Getenv("HELM_DRIVER")); name {
	case "", "secret", "secrets":
		c.store, err = c.client.Secrets(c.namespace)
	case "configmap", "configmaps":
		c.store, err = c.client.ConfigMaps(c.namespace)
	case "memory":
		c.limit = -1
		c.store = &release.Memory{Now: a.env.Now}
	case "sql":
		err = a.openDatabase(ctx, c)
	default:
		err = withHint(fmt.Errorf("unknown driver in %q: HELM_DRIVER", name), "allowed are secret, configmap, memory and sql")
	}
	return err
}

func (a *app) openDatabase(ctx context.Context, c *connection) error {
	const variable = "HELM_DRIVER_SQL_CONNECTION_STRING"
	where := a.env.Getenv(variable)
	if where == "" {
		return errors.New("HELM_DRIVER is sql, and " + variable + " is not set")
	}
	store, err := a.env.Backend.OpenDatabase(ctx, where, c.namespace, a.env.Now)
	if err != nil {
		return err
	}
	c.store, c.close, c.limit = store, store.Close, -1
	return nil
}
