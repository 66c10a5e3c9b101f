package repo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
)

// LockDigest is the digest in Chart.lock: Helm's, over the dependencies of
// Chart.yaml (with aliases of repositories resolved) and those of the lock.
func LockDigest(wanted, locked []*chart.Dependency) (string, error) {
	return jsonDigest([2][]*chart.Dependency{wanted, locked})
}

// legacyLockDigest is that of Helm 2.
func legacyLockDigest(wanted []*chart.Dependency) (string, error) {
	return jsonDigest(map[string][]*chart.Dependency{"dependencies": wanted})
}

func jsonDigest(v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// lockName is the file that has the lock of a chart.
func lockName(m *chart.Metadata) string {
	if m.APIVersion == "v1" {
		return "requirements.lock"
	}
	return "Chart.lock"
}

// writeLock writes the lock as Helm does. It is not written through a link.
func writeLock(dir string, m *chart.Metadata, lock *chart.Lock) error {
	list := make([]any, len(lock.Dependencies))
	for i, d := range lock.Dependencies {
		fields := map[string]any{"name": d.Name, "repository": d.Repository}
		if d.Version != "" {
			fields["version"] = d.Version
		}
		list[i] = fields
	}
	text, err := yaml.Append(nil, map[string]any{
		"dependencies": list, "digest": lock.Digest, "generated": lock.Generated.Format(time.RFC3339Nano),
	})
	if err != nil {
		return err
	}
	path := filepath.Join(dir, lockName(m))
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
		link, _ := os.Readlink(path)
		return fmt.Errorf("the %s file is a symlink to %q", lockName(m), link)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return WriteFile(path, text, 0o644)
}

// checkLock holds a lock against the dependencies of Chart.yaml. original are
// these before aliases of repositories were resolved, which Helm 2 took.
func checkLock(m *chart.Metadata, lock *chart.Lock, wanted, original []*chart.Dependency) error {
	if slices.Contains(lock.Dependencies, nil) {
		return fmt.Errorf("the lock file (%s) has a dependency that is null. Please update the dependencies", lockName(m))
	}
	digest, err := LockDigest(wanted, lock.Dependencies)
	if err == nil && digest == lock.Digest {
		return nil
	}
	if m.APIVersion == "v1" {
		if old, err := legacyLockDigest(original); err == nil && old == lock.Digest {
			return nil
		}
		return errors.New("the lock file (requirements.lock) is out of sync with the dependencies file (requirements.yaml). Please update the dependencies")
	}
	return errors.New("the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies")
}

// sameURL compares URLs as Helm does: a missing path is /, and paths are cleaned.
func sameURL(a, b string) bool {
	x, err := url.Parse(a)
	if err != nil {
		return filepath.Clean(a) == filepath.Clean(b)
	}
	y, err := url.Parse(b)
	if err != nil {
		return false
	}
	for _, u := range []*url.URL{x, y} {
		if u.Path == "" {
			u.Path = "/"
		}
		u.Path = filepath.Clean(u.Path)
	}
	return x.String() == y.String()
}

// localPath is the folder that file:// and a path stand for, below dir unless it is absolute.
func localPath(reference, dir string) (string, error) {
	path := strings.TrimPrefix(reference, "file://")
	if !strings.HasPrefix(path, "/") {
		path = filepath.Join(dir, path)
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("directory %s not found", path)
	} else if err != nil {
		return "", err
	}
	return path, nil
}
