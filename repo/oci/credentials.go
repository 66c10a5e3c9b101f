package oci

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// Credentials finds the credentials of registries in Docker's format of files,
// and in the programs that such a file names (docker-credential-...).
type Credentials struct {
	fixed   auth.Credential
	sources []source // the first is written to
}

type source struct {
	file  string
	store credentials.Store
	err   error // in place of the store
}

// NewCredentials gives credentials for the registry that a Client is used with.
func NewCredentials(username, password string) *Credentials {
	return &Credentials{fixed: auth.Credential{Username: username, Password: password}}
}

// OpenCredentials reads Helm's file (registry/config.json), and then Docker's
// (config.json), in which credentials are looked for after it. The latter is
// never written to, and may be "". Neither has to exist.
func OpenCredentials(helm, docker string) (*Credentials, error) {
	own, err := openStore(helm)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", helm, err)
	}
	c := &Credentials{sources: []source{{file: helm, store: own}}}
	if docker != "" && docker != helm {
		store, err := openStore(docker)
		c.sources = append(c.sources, source{file: docker, store: store, err: err})
	}
	return c, nil
}

func openStore(file string) (credentials.Store, error) {
	// As Helm does: the system's keychain, if its helper is there and nothing
	// else is set up, and otherwise the file itself.
	return credentials.NewStore(file, credentials.StoreOptions{AllowPlaintextPut: true, DetectDefaultNativeStore: true})
}

// get looks for the credentials of a host. It goes on behind a source that
// does not work, and gives its error if no other has any.
func (c *Credentials) get(ctx context.Context, host string) (auth.Credential, error) {
	if c.fixed != auth.EmptyCredential {
		return c.fixed, nil
	}
	address := credentials.ServerAddressFromHostname(host)
	var failed error
	for _, s := range c.sources {
		if s.err != nil {
			failed = errors.Join(failed, fmt.Errorf("read %s: %w", s.file, s.err))
			continue
		}
		found, err := s.store.Get(ctx, address)
		if err == nil && found != auth.EmptyCredential {
			return found, nil
		}
		if err != nil {
			failed = errors.Join(failed, s.fault(host, err))
		}
	}
	return auth.EmptyCredential, failed
}

// fault leaves out the text of errors that may repeat what is in the file.
func (s *source) fault(host string, err error) error {
	if strings.Contains(err.Error(), "invalid config format") { // the library does not export that error
		return fmt.Errorf("the entry for %s in %s cannot be read; log in again", host, s.file)
	}
	return fmt.Errorf("the credential helper for %s that %s names: %s", host, s.file, printable(err.Error()))
}

// Login checks credentials at a registry and stores them. Without a helper that
// is in the file, readable for its owner alone. A registry that lets anybody in
// takes any.
func (c *Client) Login(ctx context.Context, host, username, password string) error {
	store, err := c.writable()
	if err != nil {
		return err
	}
	ref, err := parseHost(host)
	if err != nil {
		return err
	}
	given := New(c.options)
	given.options.Credentials = NewCredentials(username, password)
	r := given.open(ref)
	if err := r.ping(ctx); err != nil {
		return err
	}
	address := credentials.ServerAddressFromHostname(credentials.ServerAddressFromRegistry(ref.Host))
	if err := store.store.Put(ctx, address, auth.Credential{Username: username, Password: password}); err != nil {
		return fmt.Errorf("store the credentials for %s in %s: %w", ref.Host, store.file, err)
	}
	return nil
}

// Logout forgets what Login has stored.
func (c *Client) Logout(ctx context.Context, host string) error {
	store, err := c.writable()
	if err != nil {
		return err
	}
	ref, err := parseHost(host)
	if err != nil {
		return err
	}
	if err := store.store.Delete(ctx, credentials.ServerAddressFromRegistry(ref.Host)); err != nil {
		return fmt.Errorf("remove the credentials for %s from %s: %w", ref.Host, store.file, err)
	}
	return nil
}

func (c *Client) writable() (*source, error) {
	if c.options.Credentials == nil || len(c.options.Credentials.sources) == 0 {
		return nil, errors.New("there is no file to store credentials in")
	}
	return &c.options.Credentials.sources[0], nil
}

// parseHost takes the name of a registry, with or without oci://.
func parseHost(host string) (Reference, error) {
	if !Is(host) {
		host = Scheme + host
	}
	ref, err := Parse(host)
	return Reference{Host: ref.Host}, err
}

func (r *remoteRepository) ping(ctx context.Context) error {
	library := &remote.Registry{RepositoryOptions: remote.RepositoryOptions{
		Client: r.http, Reference: registry.Reference{Registry: r.ref.Host}, PlainHTTP: r.options.PlainHTTP,
	}}
	err := library.Ping(ctx)
	if errors.Is(err, errdef.ErrNotFound) {
		return fmt.Errorf("%s is no OCI registry: it has no /v2/", r.ref.Host)
	}
	return r.fault(err, "log in to "+r.ref.Host)
}
