package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/e6d26078/slipway/chart"
)

// archive is a dependency that is ready to be put into charts/.
type archive struct {
	name string
	data []byte
}

// install fetches the locked dependencies, all at the same time, and replaces
// what is in charts/ when it has all of them. Versions of folders may be changed
// to those that are there.
func (j *job) install(ctx context.Context, locked []*chart.Dependency) error {
	charts := filepath.Join(j.dir, "charts")
	if info, err := os.Stat(charts); err == nil && !info.IsDir() {
		return fmt.Errorf("%q is not a directory", charts)
	}
	j.say("Saving %d charts", len(locked))
	archives, errs := make([]*archive, len(locked)), make([]error, len(locked))
	first := map[string]bool{}
	for _, d := range locked {
		key := d.Repository + "\x00" + d.Name + "\x00" + d.Version
		switch {
		case d.Repository == "":
			j.say("Dependency %s did not declare a repository. Assuming it exists in the charts directory", d.Name)
		case isLocal(d):
		case first[key]:
			j.say("Already downloaded %s from repo %s", d.Name, redacted(d.Repository))
		default:
			first[key] = true
			j.say("Downloading %s from repo %s", d.Name, redacted(d.Repository))
		}
	}
	together(len(locked), func(i int) { archives[i], errs[i] = j.obtain(ctx, locked[i]) })
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return j.replace(charts, slices.DeleteFunc(archives, func(a *archive) bool { return a == nil }), locked)
}

// obtain gets one dependency; nil is one that is in charts/ already.
func (j *job) obtain(ctx context.Context, d *chart.Dependency) (*archive, error) {
	switch {
	case d.Repository == "":
		return nil, j.checkPresent(d)
	case isLocal(d):
		return j.pack(ctx, d)
	}
	p, err := j.download(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("could not download %s from %s: %w", d.Name, redacted(d.Repository), err)
	}
	if j.Verify != nil {
		if err := j.Verify(ctx, p); err != nil {
			return nil, err
		}
	}
	data, err := os.ReadFile(p.Path)
	if err != nil {
		return nil, err
	}
	c, err := chart.LoadArchive(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	if c.Name() != d.Name {
		return nil, fmt.Errorf("%s holds the chart %q, wanted is %q", redacted(p.URL), c.Name(), d.Name)
	}
	return j.complete(ctx, &archive{p.Name, data}, c)
}

// download gets the locked version of a dependency.
func (j *job) download(ctx context.Context, d *chart.Dependency) (*Package, error) {
	if IsOCI(d.Repository) {
		return j.Source.Chart(ctx, Request{Ref: d.Name, Repo: d.Repository, Version: d.Version})
	}
	list, err := j.versions(d)
	if err != nil {
		return nil, err
	}
	v := sameVersion(list, d.Version)
	if v == nil {
		return nil, fmt.Errorf("chart %s not found in %s: no matching version", d.Name, redacted(d.Repository))
	}
	at, err := locate(v, d.Repository, j.indexes[d.Repository].Access(), d.Name)
	if err != nil {
		return nil, err
	}
	digest, err := parseDigest(v.Digest)
	if err != nil {
		return nil, err
	}
	return j.Source.fetch(ctx, at, digest)
}

// sameVersion finds a version that is equal to the wanted one, exactly or as versions are.
func sameVersion(list Versions, wanted string) *Version {
	parsed, err := semver.NewVersion(wanted)
	for _, v := range list {
		if len(v.URLs) == 0 {
			continue
		}
		if v.Version == wanted || wanted == "" {
			return v
		}
		if other, bad := semver.NewVersion(v.Version); err == nil && bad == nil && parsed.Equal(other) {
			return v
		}
	}
	return nil
}

// checkPresent wants a dependency without a repository to be in charts/.
func (j *job) checkPresent(d *chart.Dependency) error {
	folder := filepath.Join(j.dir, "charts", d.Name)
	c, err := chart.LoadDir(folder)
	if err != nil {
		return fmt.Errorf("unable to load chart '%s': %w", folder, err)
	}
	ok, err := allows(d, c.Metadata.Version)
	if err == nil && !ok {
		err = fmt.Errorf("dependency %s at version %s does not satisfy the constraint %s", d.Name, c.Metadata.Version, d.Version)
	}
	return err
}

func allows(d *chart.Dependency, version string) (bool, error) {
	constraint, err := semver.NewConstraint(d.Version)
	if err != nil {
		return false, fmt.Errorf("dependency %s has an invalid version/constraint format: %w", d.Name, err)
	}
	v, err := semver.NewVersion(version)
	if err != nil {
		return false, fmt.Errorf("invalid version %s for dependency %s: %w", version, d.Name, err)
	}
	return constraint.Check(v), nil
}

// pack packages the chart of a folder, and puts its version into the lock.
func (j *job) pack(ctx context.Context, d *chart.Dependency) (*archive, error) {
	folder, err := localPath(d.Repository, j.dir)
	if err != nil {
		return nil, err
	}
	c, err := chart.LoadDir(folder)
	if err != nil {
		return nil, err
	}
	ok, err := allows(d, c.Metadata.Version)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("can't get a valid version for dependency %s", d.Name)
	}
	d.Version = c.Metadata.Version
	if j.Recursive {
		if err := j.below(ctx, folder, c, false); err != nil {
			return nil, err
		}
	}
	return packed(c)
}

func packed(c *chart.Chart) (*archive, error) {
	var out bytes.Buffer
	if err := chart.Save(c, &out, chart.SaveOptions{}); err != nil {
		return nil, err
	}
	return &archive{c.Name() + "-" + c.Metadata.Version + ".tgz", out.Bytes()}, nil
}

// complete adds to a fetched chart what it lacks itself.
func (j *job) complete(ctx context.Context, a *archive, c *chart.Chart) (*archive, error) {
	if !j.Recursive || chart.CheckDependencies(c) == nil {
		return a, nil
	}
	if err := j.below(ctx, c.Name()+"-"+c.Metadata.Version, c, true); err != nil {
		return nil, err
	}
	full, err := packed(c)
	if err != nil {
		return nil, err
	}
	full.name = a.name
	return full, nil
}

// below fetches the dependencies of a dependency into it. place says which chart
// it is: its folder, or name and version; one that is below itself is a cycle.
func (j *job) below(ctx context.Context, place string, c *chart.Chart, fetched bool) error {
	if chart.CheckDependencies(c) == nil {
		return nil
	}
	self, err := filepath.Abs(place)
	if err != nil {
		return err
	}
	top, err := filepath.Abs(j.dir)
	if err != nil {
		return err
	}
	path := append(slices.Clone(j.path), top)
	if slices.Contains(path, self) {
		return fmt.Errorf("dependencies form a cycle: %s", strings.Join(append(path, self), " -> "))
	}
	sub := &job{Dependencies: j.Dependencies, dir: place, chart: c, wanted: cloned(c.Metadata.Dependencies), config: j.config, indexes: map[string]*Entry{}, path: path, fetched: fetched || j.fetched}
	if err := sub.resolveRepositories(); err != nil {
		return fmt.Errorf("%s: %w", c.Name(), err)
	}
	if err := sub.refresh(ctx); err != nil {
		return err
	}
	locked, err := sub.resolveVersions(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Name(), err)
	}
	for _, d := range locked {
		if slices.ContainsFunc(c.Dependencies(), func(have *chart.Chart) bool { return have.Name() == d.Name }) {
			continue
		}
		a, err := sub.obtain(ctx, d)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name(), err)
		}
		if a == nil {
			continue
		}
		dep, err := chart.LoadArchive(bytes.NewReader(a.data))
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		c.AddDependency(dep)
	}
	return nil
}

// replace puts archives into charts/ and removes those that are outdated. They
// are written beside it first, so that what can go wrong does so before.
func (j *job) replace(charts string, archives []*archive, locked []*chart.Dependency) error {
	staging, err := os.MkdirTemp(j.dir, "tmpcharts-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(staging)
	names := map[string]bool{}
	for _, a := range archives {
		names[a.name] = true
		if err := os.WriteFile(filepath.Join(staging, a.name), a.data, 0o644); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(charts, 0o755); err != nil {
		return err
	}
	before, err := os.ReadDir(charts)
	if err != nil {
		return err
	}
	for name := range names {
		if err := os.Rename(filepath.Join(staging, name), filepath.Join(charts, name)); err != nil {
			return err
		}
	}
	j.say("Deleting outdated charts")
	for _, file := range before {
		if file.IsDir() || names[file.Name()] {
			continue
		}
		path := filepath.Join(charts, file.Name())
		c, err := loadArchive(path)
		if err != nil {
			j.say("Could not verify %s for deletion: %s (Skipping)", path, err)
			continue
		}
		if slices.ContainsFunc(locked, func(d *chart.Dependency) bool { return d.Repository == "" && d.Name == c.Name() }) {
			continue
		}
		if err := os.Remove(path); err != nil {
			j.say("Could not delete %s: %s (Skipping)", path, err)
		}
	}
	return nil
}

func loadArchive(path string) (*chart.Chart, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return chart.LoadArchive(f)
}
