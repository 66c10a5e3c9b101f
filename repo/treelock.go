package repo

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/Masterminds/semver/v3"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
)

// TreeLockName is slipway's own file beside Chart.lock: the digests of all
// archives that charts/ was made of. Helm takes it for one of the chart's files.
const TreeLockName = "slipway.lock"

const maxTreeLock = 4 << 20 // bytes

// treeLock is the content of that file.
type treeLock struct {
	Version   int          `json:"version"`
	Lock      string       `json:"lock"` // the digest in the Chart.lock that it belongs to
	Recursive bool         `json:"recursive"`
	Charts    []treeLocked `json:"charts"`
}

// treeLocked is an archive that was fetched.
type treeLocked struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	Repository string `json:"repository"`
	Digest     string `json:"digest"`          // sha256:HEX of the archive
	Under      string `json:"under,omitempty"` // NAME-VERSION/... of the charts that lacked it
}

func (t treeLocked) compare(o treeLocked) int {
	return cmp.Or(cmp.Compare(t.Under, o.Under), cmp.Compare(t.Name, o.Name), cmp.Compare(t.Version, o.Version), cmp.Compare(t.Repository, o.Repository), cmp.Compare(t.Digest, o.Digest))
}

// treeState is what the jobs on the charts of one tree share.
type treeState struct {
	recursive bool
	held      *treeLock // what everything has to be, nil to find out

	mu     sync.Mutex
	charts []treeLocked
}

func (t *treeState) add(one treeLocked) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.charts = append(t.charts, one)
}

// readTreeLock reads the file of the chart in dir; nil if there is none.
func readTreeLock(dir string) (*treeLock, error) {
	path := filepath.Join(dir, TreeLockName)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && info.Size() > maxTreeLock {
		err = fmt.Errorf("read %s: larger than %d bytes", path, maxTreeLock)
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := parseTreeLock(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return t, nil
}

func parseTreeLock(text []byte) (*treeLock, error) {
	fields, err := yaml.DecodeMap(text)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	t := &treeLock{}
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(t); err != nil {
		return nil, err
	}
	if t.Version != 1 {
		return nil, fmt.Errorf("version %d is not known here, only 1 is", t.Version)
	}
	for i, one := range t.Charts {
		if digits, err := parseDigest(one.Digest); err != nil || digits == "" {
			return nil, fmt.Errorf("charts[%d]: %q is no digest", i, one.Digest)
		}
	}
	return t, nil
}

// writeTreeLock writes what was fetched, if it has changed. Without anything the
// file is removed. It tells of versions whose content was another one before.
func (j *job) writeTreeLock(before *treeLock, lock string) error {
	path := filepath.Join(j.dir, TreeLockName)
	charts := slices.Clone(j.tree.charts)
	slices.SortFunc(charts, treeLocked.compare)
	charts = slices.Compact(charts)
	if len(charts) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	now := &treeLock{Version: 1, Lock: lock, Recursive: j.tree.recursive, Charts: charts}
	if before != nil {
		if before.Lock == now.Lock && before.Recursive == now.Recursive && slices.Equal(before.Charts, now.Charts) {
			return nil
		}
		before.changed(now, j.say)
	}
	text, err := yaml.Append([]byte("# Written by 'slipway dependency update': the archives that charts/ was made of.\n"), now)
	if err != nil {
		return err
	}
	return WriteFile(path, text, 0o644)
}

func (t *treeLock) changed(now *treeLock, say func(string, ...any)) {
	for _, a := range t.Charts {
		for _, b := range now.Charts {
			if a.Name == b.Name && a.Version == b.Version && a.Repository == b.Repository && a.Under == b.Under && a.Digest != b.Digest {
				say("WARNING: %s %s of %s has other content than before: %s was %s", b.Name, b.Version, redacted(b.Repository), b.Digest, a.Digest)
			}
		}
	}
}

// hold makes a build keep to slipway.lock, if there is one.
func (j *job) hold(lock *chart.Lock) error {
	held, err := readTreeLock(j.dir)
	if err != nil || held == nil {
		return err
	}
	if held.Lock != lock.Digest {
		return fmt.Errorf("%s belongs to another %s: update the dependencies with slipway, or remove it", filepath.Join(j.dir, TreeLockName), lockName(j.chart.Metadata))
	}
	if j.tree.recursive && !held.Recursive {
		return fmt.Errorf("%s was made without the dependencies of dependencies: update them with --recursive", filepath.Join(j.dir, TreeLockName))
	}
	j.tree.recursive, j.tree.held = held.Recursive, held
	return nil
}

// heldDigest is the digest that an archive has to have, empty if nothing is held.
func (j *job) heldDigest(d *chart.Dependency) (string, error) {
	if j.tree.held == nil {
		return "", nil
	}
	for _, one := range j.tree.held.Charts {
		if one.Under == j.under && one.Name == d.Name && one.Repository == d.Repository && one.Version == d.Version {
			return parseDigest(one.Digest)
		}
	}
	return "", fmt.Errorf("%s has no %s %s of %s: update the dependencies", TreeLockName, d.Name, d.Version, redacted(d.Repository))
}

// heldVersions are those of the wanted dependencies in slipway.lock.
func (j *job) heldVersions() ([]*chart.Dependency, error) {
	list := cloned(j.wanted)
	for _, d := range list {
		if isLocal(d) {
			continue
		}
		constraint, err := semver.NewConstraint(d.Version)
		if err != nil {
			return nil, fmt.Errorf("dependency %q has an invalid version/constraint format: %w", d.Name, err)
		}
		held := j.heldVersion(d, constraint)
		if held == "" {
			return nil, fmt.Errorf("%s has no %s of %s below %s: update the dependencies", TreeLockName, d.Name, redacted(d.Repository), j.under)
		}
		d.Version = held
	}
	return list, nil
}

// heldVersion is the newest version in slipway.lock that a dependency may have, as
// that was when it was locked; empty if there is none.
func (j *job) heldVersion(d *chart.Dependency, constraint *semver.Constraints) string {
	held, newest := "", (*semver.Version)(nil)
	for _, one := range j.tree.held.Charts {
		if one.Under != j.under || one.Name != d.Name || one.Repository != d.Repository {
			continue
		}
		if one.Version == d.Version {
			return one.Version
		}
		if v, err := semver.NewVersion(one.Version); err == nil && constraint.Check(v) && (newest == nil || newest.LessThan(v)) {
			held, newest = one.Version, v
		}
	}
	return held
}

// WithoutTreeLock takes slipway.lock out of a chart's files: it is for those who
// have the folder, and a packaged chart has what it locks.
func WithoutTreeLock(c *chart.Chart) {
	is := func(f *chart.File) bool { return f.Name == TreeLockName }
	c.Files, c.Raw = slices.DeleteFunc(c.Files, is), slices.DeleteFunc(c.Raw, is)
}
