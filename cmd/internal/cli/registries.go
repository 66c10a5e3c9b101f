package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/e6d26078/slipway/repo"
	"github.com/e6d26078/slipway/repo/oci"
)

// registries reaches charts in OCI registries for package repo.
type registries struct {
	*app
	unless repo.Access // what a request without an access of its own gets
	meter  *downloads  // is told how far downloads are
}

// anyRegistry is the part of the flags that may go to every registry that a
// chart names: no credentials and no certificates of the user (#DIFFERS Helm
// sends them to each).
func (o *accessFlags) anyRegistry() repo.Access {
	return repo.Access{CAFile: o.caFile, Insecure: o.insecure, PlainHTTP: o.plainHTTP}
}

func (a registries) client(access repo.Access) (*oci.Client, error) {
	if access == (repo.Access{}) {
		access = a.unless
	}
	o, err := a.registryOptions(access)
	if err != nil {
		return nil, err
	}
	o.Watch = func(p oci.Progress) {
		a.meter.watch(repo.Progress{ID: p.ID, URL: p.What, Got: p.Got, Total: p.Total, Done: p.Done})
	}
	return oci.New(o), nil
}

// Fetch pulls a chart, and its provenance file if it has one. It says on
// standard error what it was, as Helm does.
func (a registries) Fetch(ctx context.Context, reference, version string, access repo.Access) ([]byte, string, []byte, error) {
	ref, err := oci.Parse(reference)
	if err != nil {
		return nil, "", nil, err
	}
	c, err := a.client(access)
	if err != nil {
		return nil, "", nil, err
	}
	pulled, err := c.Pull(ctx, ref, oci.PullOptions{Version: version, Provenance: true})
	if err != nil {
		return nil, "", nil, registryFailed(err)
	}
	a.meter.aside(func() { a.toldOf("Pulled", pulled.Reference) })
	return pulled.Archive, pulled.Reference.String(), pulled.Provenance, nil
}

// Tags lists the versions of a chart.
func (a registries) Tags(ctx context.Context, reference string, access repo.Access) ([]string, error) {
	ref, err := oci.Parse(reference)
	if err != nil {
		return nil, err
	}
	c, err := a.client(access)
	if err != nil {
		return nil, err
	}
	versions, err := c.Versions(ctx, ref)
	return versions, registryFailed(err)
}

// toldOf prints what was pulled or pushed. (#DIFFERS Helm adds an essay about
// the _ that stands for +.)
func (a *app) toldOf(what string, ref oci.Reference) {
	digest := ref.Digest
	ref.Digest = ""
	a.warnf("%s: %s\nDigest: %s", what, ref.String()[len(oci.Scheme):], digest)
}

// registryClient is one with the credentials and certificates of the flags, or
// else with the credentials of the files.
func (a *app) registryClient(access repo.Access) (*oci.Client, error) {
	o, err := a.registryOptions(access)
	if err != nil {
		return nil, err
	}
	return oci.New(o), nil
}

func (a *app) registryOptions(access repo.Access) (oci.Options, error) {
	o := oci.Options{PlainHTTP: access.PlainHTTP, UserAgent: "slipway"}
	var err error
	if access.Username != "" && access.Password != "" {
		o.Credentials = oci.NewCredentials(access.Username, access.Password)
	} else if o.Credentials, err = a.registryCredentials(); err != nil {
		return o, err
	}
	o.TLS, err = access.TLS()
	return o, err
}

// registryCredentials are those in Helm's file, and then those in Docker's.
func (a *app) registryCredentials() (*oci.Credentials, error) {
	own := a.flags.registryConfig
	if own == "" {
		own = a.env.Getenv("HELM_REGISTRY_CONFIG")
	}
	if own == "" {
		dir, err := a.helmFolder("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config", "Library/Preferences", "APPDATA")
		if err != nil {
			return nil, err
		}
		own = filepath.Join(dir, "registry", "config.json")
	}
	dir := a.env.Getenv("DOCKER_CONFIG")
	if dir == "" {
		if home, err := os.UserHomeDir(); err == nil {
			dir = filepath.Join(home, ".docker")
		}
	}
	docker := ""
	if dir != "" {
		docker = filepath.Join(dir, "config.json")
	}
	return oci.OpenCredentials(own, docker)
}

// registryFailed adds advice to an error of a registry.
func registryFailed(err error) error {
	var unauthorized *oci.UnauthorizedError
	var digest *oci.DigestError
	var missing *oci.NotFoundError
	var other *oci.NotChartError
	switch {
	case errors.As(err, &unauthorized):
		return withHint(err, "log in with 'slipway registry login "+unauthorized.Host+" --username USER --password-stdin'; some registries say this also of what does not exist")
	case errors.As(err, &digest):
		return withHint(err, "nothing was stored; the registry has something else than it says, or than you ask for")
	case errors.As(err, &missing):
		return withHint(err, "'slipway search registry oci://HOST/PATH' lists the charts and versions of a repository")
	case errors.As(err, &other):
		return withHint(err, "the reference has to name a chart that was pushed by 'slipway push' or 'helm push'")
	}
	return err
}
