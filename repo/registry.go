package repo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart"
)

// chartOfRegistry fetches by oci://.
func (s *Source) chartOfRegistry(ctx context.Context, r Request, want string, inherited *Rule) (*Package, error) {
	reference := r.Ref
	if IsOCI(r.Repo) {
		reference = below(r.Repo, r.Ref)
	}
	p, err := s.pull(ctx, reference, r, want)
	if err != nil {
		return nil, err
	}
	p.asked = reference
	if err := s.admit(ctx, p, inherited); err != nil {
		return nil, err
	}
	return p, nil
}

// getOfRegistry pulls what an index has in a registry. The credentials of the
// repository are not for it.
func (s *Source) getOfRegistry(ctx context.Context, at *found, want string) (*Package, error) {
	if _, version, digest := splitReference(at.url); version == "" && digest == "" {
		return nil, fmt.Errorf("cannot fetch %s: the index names neither a version nor a digest of it", redacted(at.url))
	}
	access := Access{CAFile: at.access.CAFile, Insecure: at.access.Insecure, PlainHTTP: at.access.PlainHTTP}
	p, err := s.pull(ctx, at.url, Request{Access: access}, want)
	if err != nil {
		return nil, err
	}
	p.access, p.repository, p.asked = at.access, at.repository, at.url
	return p, nil
}

// below is the reference of a chart below another one. A digest of that is the
// chart's: oci://HOST/charts@sha256:... and web are oci://HOST/charts/web@sha256:...
func below(repository, name string) string {
	repository, digest, pinned := strings.Cut(repository, "@")
	reference := strings.TrimSuffix(repository, "/") + "/" + name
	if pinned {
		reference += "@" + digest
	}
	return reference
}

func (s *Source) pull(ctx context.Context, reference string, r Request, want string) (*Package, error) {
	if s.Offline {
		return s.pulled(reference, r.Version, want)
	}
	if s.OCI == nil {
		return nil, errors.New("references with oci:// are not supported here")
	}
	archive, resolved, prov, err := s.OCI.Fetch(ctx, reference, r.Version, r.Access)
	if err != nil {
		return nil, err
	}
	name, err := archiveName(resolved)
	if err != nil {
		return nil, err
	}
	p := &Package{Name: name, URL: resolved, prov: prov}
	if err := s.store(p, archive, want); err != nil {
		return nil, err
	}
	if prov != nil {
		if err := WriteFile(strings.TrimSuffix(p.Path, ".tgz")+".prov", prov, 0o644); err != nil {
			return nil, err
		}
	}
	return p, s.remember(resolved, p.Digest)
}

// splitReference takes a reference apart; version has + and not _.
func splitReference(reference string) (repository, version, digest string) {
	repository, digest, _ = strings.Cut(reference, "@")
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository, version = repository[:i], strings.ReplaceAll(repository[i+1:], "_", "+")
	}
	return strings.TrimSuffix(repository, "/"), version, digest
}

// archiveName is the file name of the archive that a resolved reference stands for.
func archiveName(resolved string) (string, error) {
	repository, version, _ := splitReference(resolved)
	name := path.Base(strings.TrimPrefix(repository, "oci://"))
	if version != "" {
		name += "-" + version
	}
	if !isFileName(name) {
		return "", fmt.Errorf("%s names no file", resolved)
	}
	return name + ".tgz", nil
}

// ErrNotCached is wrapped by the errors about what a run that is offline has not got.
var ErrNotCached = errors.New("not in the cache, and --offline is set")

// pulledCharts is what the cache knows of a repository of a registry: a file for
// each, so that what a version was is found again without the registry.
type pulledCharts struct {
	Version    int           `json:"version"`
	Repository string        `json:"repository"`
	Charts     []pulledChart `json:"charts"` // the last one pulled stands last
}

type pulledChart struct {
	Version  string `json:"version"`
	Manifest string `json:"manifest"` // its digest
	Archive  string `json:"archive"`  // its digest
}

const maxPulled = 1000 // of a repository

func (s *Source) pulledFile(repository string) string {
	sum := sha256.Sum256([]byte(repository))
	return filepath.Join(s.Home.Cache, "oci", hex.EncodeToString(sum[:])+".json")
}

// readPulled gives what is known, nothing if the file is not there or damaged.
func (s *Source) readPulled(repository string) *pulledCharts {
	empty := &pulledCharts{Version: 1, Repository: repository}
	file := s.pulledFile(repository)
	info, err := os.Stat(file)
	if err != nil || info.Size() > 1<<20 {
		return empty
	}
	data, err := os.ReadFile(file)
	known := &pulledCharts{}
	if err != nil || json.Unmarshal(data, known) != nil || known.Version != 1 || known.Repository != repository {
		return empty
	}
	return known
}

// remember keeps which archive a reference was.
func (s *Source) remember(resolved, archive string) error {
	repository, version, digest := splitReference(resolved)
	if version == "" || digest == "" {
		return nil
	}
	file := s.pulledFile(repository)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	unlock, err := lockFile(filepath.Join(filepath.Dir(file), "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	known := s.readPulled(repository)
	one := pulledChart{version, digest, archive}
	known.Charts = slices.DeleteFunc(known.Charts, func(c pulledChart) bool { return c == one })
	known.Charts = append(known.Charts, one)
	known.Charts = known.Charts[max(0, len(known.Charts)-maxPulled):]
	data, err := json.Marshal(known)
	if err != nil {
		return err
	}
	return WriteFile(file, data, 0o644)
}

// pulled finds a chart that was pulled before.
func (s *Source) pulled(reference, version, want string) (*Package, error) {
	repository, tag, manifest := splitReference(reference)
	if version == "" {
		version = tag
	}
	one, err := s.readPulled(repository).find(version, manifest)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", reference, err)
	}
	digest, err := parseDigest(one.Archive)
	if err != nil || digest == "" || s.cached(digest) == nil {
		return nil, fmt.Errorf("%s: %w", reference, ErrNotCached)
	}
	if want != "" && digest != want {
		return nil, fmt.Errorf("%s: %w: the cache has sha256:%s, wanted is sha256:%s", reference, ErrDigest, digest, want)
	}
	resolved := repository + ":" + one.Version + "@" + one.Manifest
	name, err := archiveName(resolved)
	if err != nil {
		return nil, err
	}
	return &Package{Name: name, URL: resolved, Path: s.cacheFile(digest), Digest: "sha256:" + digest}, nil
}

// find gives the chart with the manifest, or else what the version means among
// those that were pulled; of one version the last.
func (k *pulledCharts) find(version, manifest string) (pulledChart, error) {
	last := map[string]pulledChart{}
	var list Versions
	for _, c := range k.Charts {
		if manifest != "" && c.Manifest == manifest {
			return c, nil
		}
		if _, seen := last[c.Version]; !seen {
			list = append(list, &Version{Metadata: &chart.Metadata{Version: c.Version}})
		}
		last[c.Version] = c
	}
	if manifest != "" || len(list) == 0 {
		return pulledChart{}, ErrNotCached
	}
	sortVersions(list)
	v, err := list.Get(k.Repository, version)
	if errors.Is(err, ErrNoVersion) {
		return pulledChart{}, ErrNotCached
	}
	if err != nil {
		return pulledChart{}, err
	}
	return last[v.Version], nil
}

// tags lists the versions of a chart in a registry, the newest first; offline
// those that were pulled.
func (s *Source) tags(ctx context.Context, reference string) ([]string, error) {
	if s.Offline {
		var list Versions
		for _, c := range s.readPulled(reference).Charts {
			list = append(list, &Version{Metadata: &chart.Metadata{Version: c.Version}})
		}
		sortVersions(list)
		names := make([]string, len(list))
		for i, v := range list {
			names[i] = v.Version
		}
		return slices.Compact(names), nil
	}
	if s.OCI == nil {
		return nil, errors.New("references with oci:// are not supported here")
	}
	return s.OCI.Tags(ctx, reference, Access{})
}
