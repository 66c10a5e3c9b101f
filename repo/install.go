package repo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo/internal/parallel"
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
	parallel.Do(len(locked), downloads, func(i int) { archives[i], errs[i] = j.obtain(ctx, locked[i]) })
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
	j.tree.add(treeLocked{Name: d.Name, Version: d.Version, Repository: d.Repository, Digest: p.Digest, Under: j.under})
	return j.complete(ctx, &archive{p.Name, data}, c, p.rule)
}

// download gets the locked version of a dependency.
func (j *job) download(ctx context.Context, d *chart.Dependency) (*Package, error) {
	held, err := j.heldDigest(d)
	if err != nil {
		return nil, err
	}
	if IsOCI(d.Repository) {
		return j.pull(ctx, d, held)
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
	if held != "" && digest != "" && held != digest {
		return nil, fmt.Errorf("%w: the index has sha256:%s, %s has sha256:%s", ErrDigest, digest, TreeLockName, held)
	}
	if e := j.indexes[d.Repository]; j.config.Get(e.Name) == e {
		at.repository = e.Name
	}
	return j.Source.fetch(ctx, at, cmp.Or(held, digest), j.rule)
}

// pull gets a dependency from a registry. If it is named by digest, its version
// has to be the wanted one, whatever the tag of that is by now.
func (j *job) pull(ctx context.Context, d *chart.Dependency, held string) (*Package, error) {
	r := Request{Ref: d.Name, Repo: d.Repository, Version: d.Version, Digest: held}
	pinned := strings.Contains(d.Repository, "@")
	if pinned {
		r.Version = ""
	}
	p, err := j.Source.chart(ctx, r, j.rule)
	if err != nil || !pinned {
		return p, err
	}
	if _, version, _ := splitReference(p.URL); version != d.Version {
		return nil, fmt.Errorf("it is version %s, and wanted is %s", version, d.Version)
	}
	return p, nil
}

// sameVersion finds a version that is equal to the wanted one: exactly, or else as
// versions are, which do not count what is behind a +.
//
// #DIFFERS: Helm takes the first that is equal, whatever build is locked.
func sameVersion(list Versions, wanted string) *Version {
	parsed, err := semver.NewVersion(wanted)
	var equal *Version
	for _, v := range list {
		if len(v.URLs) == 0 {
			continue
		}
		if v.Version == wanted || wanted == "" {
			return v
		}
		if equal != nil || err != nil {
			continue
		}
		if other, bad := semver.NewVersion(v.Version); bad == nil && parsed.Equal(other) {
			equal = v
		}
	}
	return equal
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
	if j.tree.recursive {
		if err := j.below(ctx, folder, c, false, j.rule); err != nil {
			return nil, err
		}
	}
	return packed(c)
}

func packed(c *chart.Chart) (*archive, error) {
	var out bytes.Buffer
	WithoutTreeLock(c)
	if err := chart.Save(c, &out, chart.SaveOptions{}); err != nil {
		return nil, err
	}
	return &archive{c.Name() + "-" + c.Metadata.Version + ".tgz", out.Bytes()}, nil
}

// complete adds to a fetched chart what it lacks itself.
func (j *job) complete(ctx context.Context, a *archive, c *chart.Chart, rule *Rule) (*archive, error) {
	if !j.tree.recursive || chart.CheckDependencies(c) == nil {
		return a, nil
	}
	if err := j.below(ctx, c.Name()+"-"+c.Metadata.Version, c, true, rule); err != nil {
		return nil, err
	}
	full, err := packed(c)
	if err != nil {
		return nil, err
	}
	full.name = a.name
	return full, nil
}

const maxDepth = 32 // of charts in charts

// below fetches the dependencies of a dependency into it. place says which chart
// it is: its folder, or name and version; one that is below itself is a cycle.
func (j *job) below(ctx context.Context, place string, c *chart.Chart, fetched bool, rule *Rule) error {
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
	if len(path) > maxDepth {
		return fmt.Errorf("dependencies are nested more than %d deep: %s", maxDepth, strings.Join(append(path, self), " -> "))
	}
	lacking := slices.DeleteFunc(cloned(c.Metadata.Dependencies), func(d *chart.Dependency) bool {
		return slices.ContainsFunc(c.Dependencies(), func(have *chart.Chart) bool { return have.Name() == d.Name })
	})
	sub := &job{
		Dependencies: j.Dependencies, dir: place, chart: c, wanted: lacking, config: j.config, indexes: map[string]*Entry{}, tree: j.tree,
		path: path, fetched: fetched || j.fetched, rule: rule, under: strings.TrimPrefix(j.under+"/"+c.Name()+"-"+c.Metadata.Version, "/"),
	}
	if err := sub.resolveRepositories(); err != nil {
		return fmt.Errorf("%s: %w", c.Name(), err)
	}
	if err := sub.refresh(ctx); err != nil {
		return err
	}
	locked, err := sub.lockedVersions(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Name(), err)
	}
	for _, d := range locked {
		if slices.ContainsFunc(c.Dependencies(), func(have *chart.Chart) bool { return have.Name() == d.Name && have.Metadata.Version == d.Version }) {
			continue // under another alias
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

// lockedVersions are the versions of what a dependency needs: as slipway.lock has
// them, or else the newest.
func (j *job) lockedVersions(ctx context.Context) ([]*chart.Dependency, error) {
	if j.tree.held != nil {
		return j.heldVersions()
	}
	return j.resolveVersions(ctx)
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
