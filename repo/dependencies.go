package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/e6d26078/slipway/chart"
)

// Dependencies fetches what charts depend on into their charts/ folders.
type Dependencies struct {
	Source *Source
	// SkipRefresh uses the cached indexes as they are.
	SkipRefresh bool
	// Recursive also fetches what dependencies lack themselves. Build does so if
	// the lock was made so.
	Recursive bool
	// Now is the time that a lock gets.
	Now time.Time
	// Report, unless nil, is told of each step, in Helm's words, a line each.
	Report func(line string)
	// Verify, unless nil, is asked before a package is used.
	Verify func(ctx context.Context, p *Package) error

	reporting sync.Mutex
}

// MissingRepositoriesError says that repositories are not in repositories.yaml.
type MissingRepositoriesError struct{ Repositories []string }

// Error has Helm's wording.
func (e *MissingRepositoriesError) Error() string {
	return "no repository definition for " + strings.Join(e.Repositories, ", ")
}

// job is the work on the dependencies of one chart.
type job struct {
	*Dependencies
	dir     string
	chart   *chart.Chart
	wanted  []*chart.Dependency // with aliases of repositories resolved
	config  *Config
	indexes map[string]*Entry // by URL of the repository as it is in wanted
	tree    *treeState
	under   string   // NAME-VERSION/... of the charts that this one is a dependency of, and its own
	rule    *Rule    // under which the chart was fetched, which counts for what it needs
	path    []string // folders that this one is a dependency of
	fetched bool     // the chart comes from elsewhere: no files of this machine are for it
}

func (d *Dependencies) say(format string, args ...any) {
	if d.Report != nil {
		d.reporting.Lock()
		defer d.reporting.Unlock()
		d.Report(fmt.Sprintf(format, args...))
	}
}

// Update finds the versions that Chart.yaml of the chart in dir asks for, puts
// them into charts/ and writes the lock if it has changed. After an error
// charts/ and the lock are what they were. The digests of the archives are kept
// in slipway.lock, which Build holds them against.
func (d *Dependencies) Update(ctx context.Context, dir string) error {
	j, err := d.open(dir)
	if err != nil || len(j.wanted) == 0 {
		return err
	}
	return j.update(ctx)
}

func (j *job) update(ctx context.Context) error {
	before, err := readTreeLock(j.dir)
	if err != nil {
		return err
	}
	if err := j.resolveRepositories(); err != nil {
		return err
	}
	if err := j.refresh(ctx); err != nil {
		return err
	}
	locked, err := j.resolveVersions(ctx)
	if err != nil {
		return err
	}
	if err := j.install(ctx, locked); err != nil {
		return err
	}
	digest, err := LockDigest(j.wanted, locked)
	if err != nil {
		return err
	}
	if err := j.writeTreeLock(before, digest); err != nil {
		return err
	}
	if old := j.chart.Lock; old != nil && old.Digest == digest {
		return nil
	}
	return writeLock(j.dir, j.chart.Metadata, &chart.Lock{Generated: j.Now, Digest: digest, Dependencies: locked})
}

// Build puts the versions of the lock into charts/. Without a lock it is Update.
func (d *Dependencies) Build(ctx context.Context, dir string) error {
	j, err := d.open(dir)
	if err != nil {
		return err
	}
	lock := j.chart.Lock
	if lock == nil {
		if len(j.wanted) == 0 {
			return nil
		}
		return j.update(ctx)
	}
	original := cloned(j.wanted)
	if err := j.resolveRepositories(); err != nil {
		return err
	}
	if err := checkLock(j.chart.Metadata, lock, j.wanted, original); err != nil {
		return err
	}
	if err := j.hold(lock); err != nil {
		return err
	}
	if err := j.haveAll(lock.Dependencies); err != nil {
		return err
	}
	if err := j.refresh(ctx); err != nil {
		return err
	}
	return j.install(ctx, cloned(lock.Dependencies))
}

func (d *Dependencies) open(dir string) (*job, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("could not find %s: %w", dir, err)
	}
	if !info.IsDir() {
		return nil, errors.New("only unpacked charts can be updated")
	}
	c, err := chart.LoadDir(dir)
	if err != nil {
		return nil, err
	}
	config, err := LoadConfig(d.Source.Home.Config)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &job{Dependencies: d, dir: dir, chart: c, wanted: cloned(c.Metadata.Dependencies), config: config, indexes: map[string]*Entry{}, tree: &treeState{recursive: d.Recursive}}, nil
}

func cloned(list []*chart.Dependency) []*chart.Dependency {
	if list == nil {
		return nil
	}
	out := make([]*chart.Dependency, len(list))
	for i, one := range list {
		d := *one
		out[i] = &d
	}
	return out
}

func isLocal(d *chart.Dependency) bool {
	return d.Repository == "" || strings.HasPrefix(d.Repository, "file://")
}

// resolveRepositories replaces @NAME and alias:NAME by URLs, and finds out which
// index each dependency is in. Repositories that are not configured are used
// without credentials.
func (j *job) resolveRepositories() error {
	var missing []string
	for _, d := range j.wanted {
		switch {
		case strings.HasPrefix(d.Repository, "file://"):
			if j.fetched {
				return fmt.Errorf("dependency %s of a chart that was fetched is to come from %s on this machine", d.Name, d.Repository)
			}
			if _, err := localPath(d.Repository, j.dir); err != nil {
				return err
			}
			continue
		case isLocal(d) || IsOCI(d.Repository):
			continue
		}
		name, isAlias := strings.CutPrefix(d.Repository, "@")
		if !isAlias {
			name, isAlias = strings.CutPrefix(d.Repository, "alias:")
		}
		i := slices.IndexFunc(j.config.Entries, func(e *Entry) bool {
			return isAlias && e.Name == name || !isAlias && sameURL(e.URL, d.Repository)
		})
		switch {
		case i >= 0:
			if isAlias {
				d.Repository = j.config.Entries[i].URL
			}
			j.indexes[d.Repository] = j.config.Entries[i]
		case j.fetched && !strings.HasPrefix(d.Repository, "http://") && !strings.HasPrefix(d.Repository, "https://"):
			return fmt.Errorf("dependency %s of a chart that was fetched is to come from %s: add the repository if that is meant", d.Name, redacted(d.Repository))
		case isAbsolute(d.Repository):
			j.indexes[d.Repository] = &Entry{Name: unmanagedName(d.Repository), URL: d.Repository}
		default:
			missing = append(missing, d.Repository)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	text := fmt.Sprintf("no repository definition for %s. Please add them via 'slipway repo add'", strings.Join(missing, ", "))
	if slices.ContainsFunc(missing, func(r string) bool {
		return !strings.Contains(r, "//") && !strings.HasPrefix(r, "@") && !strings.HasPrefix(r, "alias:")
	}) {
		text += "\nNote that repositories must be URLs or aliases. For example, to refer to the \"example\"\n" +
			"repository, use \"https://charts.example.com/\" or \"@example\" instead of\n\"example\". Don't forget to add the repo, too ('slipway repo add')."
	}
	return errors.New(text)
}

func isAbsolute(text string) bool {
	_, err := url.ParseRequestURI(text)
	return err == nil
}

// haveAll wants the repositories of a lock to be configured.
func (j *job) haveAll(locked []*chart.Dependency) error {
	var missing []string
	for _, d := range locked {
		if isLocal(d) || IsOCI(d.Repository) {
			continue
		}
		i := slices.IndexFunc(j.config.Entries, func(e *Entry) bool { return sameURL(e.URL, strings.TrimSuffix(d.Repository, "/")) })
		if i < 0 {
			missing = append(missing, d.Repository)
			continue
		}
		j.indexes[d.Repository] = j.config.Entries[i]
	}
	if len(missing) > 0 {
		return &MissingRepositoriesError{missing}
	}
	return nil
}

// resolveVersions finds the newest version of each dependency that is allowed.
func (j *job) resolveVersions(ctx context.Context) ([]*chart.Dependency, error) {
	locked := make([]*chart.Dependency, len(j.wanted))
	var missing []string
	for i, d := range j.wanted {
		constraint, err := semver.NewConstraint(d.Version)
		if err != nil {
			return nil, fmt.Errorf("dependency %q has an invalid version/constraint format: %w", d.Name, err)
		}
		version, err := j.newest(ctx, d, constraint)
		if err != nil {
			return nil, err
		}
		if version == "" {
			missing = append(missing, fmt.Sprintf("%q (repository %q, version %q)", d.Name, d.Repository, d.Version))
		}
		locked[i] = &chart.Dependency{Name: d.Name, Repository: d.Repository, Version: version}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("can't get a valid version for %d subchart(s): %s. Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml", len(missing), strings.Join(missing, ", "))
	}
	return locked, nil
}

// newest gives a version, empty if none is allowed.
func (j *job) newest(ctx context.Context, d *chart.Dependency, constraint *semver.Constraints) (string, error) {
	var versions []string
	switch {
	case d.Repository == "":
		_, err := localPath(filepath.Join("charts", d.Name), j.dir)
		return d.Version, err
	case isLocal(d):
		folder, err := localPath(d.Repository, j.dir)
		if err != nil {
			return "", err
		}
		c, err := chart.LoadDir(folder)
		if err != nil {
			return "", err
		}
		versions = []string{c.Metadata.Version}
	case IsOCI(d.Repository):
		if strings.Contains(d.Repository, "@") {
			return j.versionOfDigest(ctx, d, constraint)
		}
		if _, err := semver.NewVersion(d.Version); err == nil {
			return d.Version, nil
		}
		tags, err := j.Source.tags(ctx, below(d.Repository, d.Name))
		if err != nil {
			return "", fmt.Errorf("could not retrieve list of tags for repository %s: %w", d.Repository, err)
		}
		versions = tags
	default:
		list, err := j.versions(d)
		if err != nil {
			return "", err
		}
		for _, v := range list {
			if len(v.URLs) > 0 {
				versions = append(versions, v.Version)
			}
		}
	}
	for _, text := range versions {
		if v, err := semver.NewVersion(text); err == nil && constraint.Check(v) {
			return text, nil
		}
	}
	return "", nil
}

// versionOfDigest finds out the version of a dependency that is named by digest.
func (j *job) versionOfDigest(ctx context.Context, d *chart.Dependency, constraint *semver.Constraints) (string, error) {
	p, err := j.Source.chart(ctx, Request{Ref: d.Name, Repo: d.Repository}, j.rule)
	if err != nil {
		return "", err
	}
	_, version, _ := splitReference(p.URL)
	if v, err := semver.NewVersion(version); err != nil || !constraint.Check(v) {
		return "", fmt.Errorf("dependency %s: %s is version %s, and wanted is %s", d.Name, d.Repository, version, d.Version)
	}
	return version, nil
}

// versions are those of a dependency in the cached index of its repository.
func (j *job) versions(d *chart.Dependency) (Versions, error) {
	e := j.indexes[d.Repository]
	c, err := OpenCatalog(j.Source.Home.IndexFile(e.Name), CatalogOptions{})
	if err != nil {
		return nil, fmt.Errorf("no cached repository for %s found. (try 'slipway repo update'): %w", redacted(d.Repository), err)
	}
	list, err := c.Versions(d.Name)
	if errors.Is(err, ErrNoChart) {
		return nil, fmt.Errorf("%s chart not found in repo %s", d.Name, redacted(d.Repository))
	}
	return list, err
}
