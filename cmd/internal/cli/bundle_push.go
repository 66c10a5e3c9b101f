package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/e6d26078/slipway/repo"
	"github.com/e6d26078/slipway/repo/oci"
)

// pushChart pushes a chart and says what was done.
type pushChart func(ctx context.Context, c *repo.BundledChart, archive, prov []byte) (string, error)

// bundleTarget finds out where a bundle goes.
func (a *app) bundleTarget(o *bundlePush, target string) (pushChart, error) {
	if oci.Is(target) {
		return a.pushToRegistry(o, target)
	}
	access, err := a.uploadAccess(&o.access, target)
	if err != nil {
		return nil, err
	}
	client := a.httpClient(o.timeout)
	return func(ctx context.Context, c *repo.BundledChart, archive, prov []byte) (string, error) {
		there, err := client.Upload(ctx, access, repo.Upload{
			ContextPath: o.contextPath, Name: c.Name + "-" + c.Version + ".tgz", Archive: archive, Provenance: prov,
		})
		switch {
		case err != nil:
			return "", fetchFailed(err)
		case there:
			return "is there already", nil
		}
		return "pushed", nil
	}, nil
}

var errNoRepository = errors.New("there is no repository")

// uploadAccess is the way to a repository, by its URL or its name.
func (a *app) uploadAccess(o *accessFlags, target string) (repo.Access, error) {
	access := o.access()
	if access.URL = target; strings.Contains(target, "://") {
		return access, nil
	}
	_, config, err := a.repositories()
	if err != nil {
		return access, err
	}
	e := config.Get(target)
	if e == nil {
		return access, withHint(fmt.Errorf("%w named %q", errNoRepository, target), "give oci://HOST/PATH, the URL of a repository, or a name of 'slipway repo list'")
	}
	access = e.Access()
	if o.username != "" {
		access.Username, access.Password = o.username, o.password
	}
	return access, nil
}

func (a *app) pushToRegistry(o *bundlePush, target string) (pushChart, error) {
	ref, err := oci.Parse(target)
	if err != nil {
		return nil, err
	}
	client, err := a.registryClient(o.access.access())
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, c *repo.BundledChart, archive, prov []byte) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		at := ref
		at.Repository, at.Version = strings.TrimPrefix(ref.Repository+"/"+c.Name, "/"), c.Version
		there, err := client.Pull(ctx, at, oci.PullOptions{})
		var missing *oci.NotFoundError
		switch {
		case err == nil && there.ArchiveDigest == sha256Of(archive):
			return "is there already", nil
		case err == nil:
			return "", fmt.Errorf("there is another archive of this version, %s", there.ArchiveDigest)
		case !errors.As(err, &missing):
			return "", registryFailed(err)
		}
		pushed, err := client.Push(ctx, ref, archive, oci.PushOptions{Provenance: prov})
		if err != nil {
			return "", registryFailed(err)
		}
		return "pushed, " + pushed.Reference.Digest, nil
	}, nil
}

func sha256Of(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
