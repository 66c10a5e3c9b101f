package oci

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"golang.org/x/sync/errgroup"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// Versions lists the versions of a repository, the newest first. Tags that are
// no versions are left out.
func (c *Client) Versions(ctx context.Context, ref Reference) ([]string, error) {
	if ref.Repository == "" {
		return nil, fmt.Errorf("versions of %s: it names no repository", ref)
	}
	r := c.open(ref)
	what := "tags of " + Reference{Host: ref.Host, Repository: ref.Repository}.String()
	var found []*semver.Version
	seen := 0
	err := r.repository().Tags(ctx, "", func(tags []string) error {
		if seen += len(tags); seen > maxNames {
			return &TooLargeError{What: what, Limit: maxNames}
		}
		for _, tag := range tags {
			if v, err := semver.StrictNewVersion(strings.ReplaceAll(tag, "_", "+")); err == nil {
				found = append(found, v)
			}
		}
		return nil
	})
	if errors.Is(err, errdef.ErrTooManyPages) {
		err = &TooLargeError{What: what, Limit: maxNames}
	}
	if err != nil {
		return nil, r.fault(err, what)
	}
	slices.SortStableFunc(found, func(a, b *semver.Version) int { return b.Compare(a) }) // 1.0.0 and 1.0.0+a as the registry has them
	names := make([]string, len(found))
	for i, v := range found {
		names[i] = v.String()
	}
	return slices.Compact(names), nil
}

// Resolve finds the version that a reference and a constraint mean, as Helm
// does: what is a version is not looked for, a constraint is among the tags,
// and without one the newest is taken that is no prerelease. A reference with a
// digest stays as it is.
func (c *Client) Resolve(ctx context.Context, ref Reference, constraint string) (Reference, error) {
	switch {
	case ref.Repository == "":
		return ref, fmt.Errorf("%s names no chart", ref)
	case constraint != "" && ref.Version != "" && constraint != ref.Version:
		return ref, fmt.Errorf("chart reference and version mismatch: %s is not %s", constraint, ref.Version)
	case constraint == "":
		constraint = ref.Version
	}
	if ref.Digest != "" || constraint != "" && isVersion(constraint) {
		if constraint != "" {
			ref.Version = constraint
		}
		return ref, ref.check()
	}
	versions, err := c.Versions(ctx, ref)
	if err != nil {
		return ref, err
	}
	if len(versions) == 0 {
		return ref, &NotFoundError{What: "versions of " + ref.String()}
	}
	ref.Version, err = choose(versions, constraint)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		missing.What = fmt.Sprintf("a version of %s that matches %q", Reference{Host: ref.Host, Repository: ref.Repository}, constraint)
	}
	return ref, err
}

// isVersion is Helm's test for what needs no list of tags.
func isVersion(text string) bool {
	_, err := semver.NewVersion(text)
	return err == nil
}

func choose(versions []string, constraint string) (string, error) {
	if slices.Contains(versions, constraint) {
		return constraint, nil
	}
	fits, err := semver.NewConstraint(cmp.Or(constraint, "*"))
	if err != nil {
		return "", fmt.Errorf("version %q: %w", constraint, err)
	}
	for _, name := range versions {
		if v, err := semver.NewVersion(name); err == nil && fits.Check(v) {
			return name, nil
		}
	}
	return "", &NotFoundError{}
}

// ListOptions limit what List reads.
type ListOptions struct {
	// Version is a constraint; "" means all, prereleases too.
	Version string
	// Most is the number of versions that are read, the newest; 0 means 100.
	Most int
}

// List describes the charts of a repository, the newest version first. It reads
// the metadata of each. What is no chart is left out.
func (c *Client) List(ctx context.Context, ref Reference, o ListOptions) ([]*Described, error) {
	versions, err := c.Versions(ctx, ref)
	if err != nil {
		return nil, err
	}
	if o.Version != "" {
		fits, err := semver.NewConstraint(o.Version)
		if err != nil {
			return nil, fmt.Errorf("version %q: %w", o.Version, err)
		}
		versions = slices.DeleteFunc(versions, func(name string) bool {
			v, err := semver.NewVersion(name)
			return err != nil || !fits.Check(v)
		})
	}
	versions = versions[:min(len(versions), orDefault(o.Most, 100))]
	found := make([]*Described, len(versions))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, version := range versions {
		group.Go(func() error {
			d, err := c.Describe(ctx, Reference{Host: ref.Host, Repository: ref.Repository, Version: version}, "")
			var other *NotChartError
			var gone *NotFoundError
			if errors.As(err, &other) || errors.As(err, &gone) {
				return nil
			}
			found[i] = d
			return err
		})
	}
	err = group.Wait()
	return slices.DeleteFunc(found, func(d *Described) bool { return d == nil }), err
}

// Repositories lists the repositories at and below a reference, by name. Many
// registries do not offer that, which is a *NotFoundError or *UnauthorizedError.
func (c *Client) Repositories(ctx context.Context, ref Reference) ([]Reference, error) {
	r := c.open(Reference{Host: ref.Host})
	what := "the catalog of " + ref.Host
	library := &remote.Registry{RepositoryOptions: remote.RepositoryOptions{
		Client: r.http, Reference: registry.Reference{Registry: ref.Host}, PlainHTTP: c.options.PlainHTTP, MaxMetadataBytes: maxManifest,
	}}
	var found []Reference
	seen, pages := 0, 0
	err := library.Repositories(ctx, "", func(names []string) error {
		seen, pages = seen+len(names), pages+1
		if seen > maxNames || pages > maxPages {
			return &TooLargeError{What: what, Limit: maxNames}
		}
		for _, name := range names {
			one := Reference{Host: ref.Host, Repository: name}
			below := ref.Repository == "" || name == ref.Repository || strings.HasPrefix(name, ref.Repository+"/")
			if name != "" && below && one.check() == nil {
				found = append(found, one)
			}
		}
		return nil
	})
	var response *errcode.ErrorResponse
	if errors.As(err, &response) && (response.StatusCode == http.StatusMethodNotAllowed || response.StatusCode == http.StatusNotImplemented) {
		return nil, &NotFoundError{What: what, Why: "the registry does not offer one"}
	}
	if err != nil {
		return nil, r.fault(err, what)
	}
	slices.SortFunc(found, func(a, b Reference) int { return strings.Compare(a.Repository, b.Repository) })
	return slices.Compact(found), nil
}
