package repo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ErrDigest is wrapped by the errors about an archive whose digest is not the wanted one.
var ErrDigest = errors.New("digest does not match")

// Registry reaches charts in OCI registries; package repo/oci has one.
type Registry interface {
	// Fetch gives the archive that reference (oci://host/path/chart, perhaps with
	// a tag or digest) and version stand for, its digest checked, the reference
	// with tag and digest, and the provenance file or nil.
	Fetch(ctx context.Context, reference, version string, access Access) (archive []byte, resolved string, provenance []byte, err error)
	// Tags lists the versions below reference, newest first.
	Tags(ctx context.Context, reference string, access Access) ([]string, error)
}

// Source fetches charts from wherever they are.
type Source struct {
	Home   Home
	Client *Client
	// OCI reaches registries; without it references with oci:// are refused.
	OCI Registry
	// Offline makes do with what is in the cache.
	Offline bool
	// Trust says which repositories have only charts that verify, and Verify finds
	// out whether one does; without it charts of such repositories are refused.
	Trust  *Trust
	Verify func(ctx context.Context, p *Package, rule *Rule) error
}

// Request says which chart is wanted.
type Request struct {
	Ref     string // REPO/CHART, a URL, oci://..., or with Repo the name of a chart
	Version string // exact or a constraint; empty is the newest that is no pre-release
	Repo    string // the URL of a repository that need not be in repositories.yaml
	Access  Access // beside what repositories.yaml says
	Digest  string // sha256:HEX, unless empty: what the archive must have
}

// Package is a fetched chart.
type Package struct {
	Path   string // of the archive in the cache
	Name   string // the archive's own file name
	URL    string
	Digest string // sha256:HEX of the archive, computed

	access     Access
	prov       []byte
	repository string // its name in repositories.yaml, or empty
	asked      string // the reference to a registry
	rule       *Rule  // under which it was verified, or nil
}

// found is where a chart is.
type found struct {
	url        string
	digest     string // HEX, as the index has it
	access     Access
	repository string // its name in repositories.yaml, or empty
}

// IsOCI reports whether a reference is one to a registry.
func IsOCI(reference string) bool { return strings.HasPrefix(reference, "oci://") }

// Chart fetches a chart into the cache. What the index, or the request, says of
// its digest is checked before it is stored; its name there is the digest. A
// chart of a repository with a rule has to verify.
func (s *Source) Chart(ctx context.Context, r Request) (*Package, error) {
	return s.chart(ctx, r, nil)
}

// chart fetches a chart, under a rule that counts if it has none of its own.
func (s *Source) chart(ctx context.Context, r Request, inherited *Rule) (*Package, error) {
	want, err := parseDigest(r.Digest)
	if err != nil {
		return nil, err
	}
	if IsOCI(r.Ref) || IsOCI(r.Repo) {
		return s.chartOfRegistry(ctx, r, want, inherited)
	}
	at, err := s.find(ctx, r)
	if err != nil {
		return nil, err
	}
	claimed, err := parseDigest(at.digest)
	if err != nil {
		return nil, fmt.Errorf("index entry of %s: %w", redacted(at.url), err)
	}
	if claimed != "" {
		if want != "" && claimed != want {
			return nil, fmt.Errorf("%s: %w: the index has sha256:%s, wanted is sha256:%s", redacted(at.url), ErrDigest, claimed, want)
		}
		want = claimed
	}
	return s.fetch(ctx, at, want, inherited)
}

// parseDigest gives the digits of a SHA-256, with or without its prefix.
func parseDigest(text string) (string, error) {
	digits := strings.ToLower(strings.TrimPrefix(text, "sha256:"))
	if digits == "" {
		return "", nil
	}
	if raw, err := hex.DecodeString(digits); err != nil || len(raw) != sha256.Size {
		return "", fmt.Errorf("%q is no digest: give sha256: and 64 hexadecimal digits", text)
	}
	return digits, nil
}

// fetch takes a chart from the cache or downloads it.
func (s *Source) fetch(ctx context.Context, at *found, want string, inherited *Rule) (*Package, error) {
	p, err := s.get(ctx, at, want)
	if err == nil {
		err = s.admit(ctx, p, inherited)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (s *Source) get(ctx context.Context, at *found, want string) (*Package, error) {
	if IsOCI(at.url) {
		return s.getOfRegistry(ctx, at, want)
	}
	u, err := url.Parse(at.url)
	if err != nil {
		return nil, fmt.Errorf("cannot fetch %s: it is no URL", redacted(at.url))
	}
	// An index says where charts are, and not which programs of this machine run.
	if own, err := url.Parse(at.access.URL); u.Scheme != "http" && u.Scheme != "https" && (err != nil || own.Scheme != u.Scheme) {
		return nil, fmt.Errorf("cannot fetch %s: only http, https and oci are known here, and the scheme of the repository", redacted(at.url))
	}
	name := path.Base(u.Path)
	if !isFileName(name) {
		return nil, fmt.Errorf("%s names no file", redacted(at.url))
	}
	p := &Package{Name: name, URL: at.url, access: at.access, repository: at.repository}
	if want != "" {
		if cached := s.cached(want); cached != nil {
			p.Path, p.Digest = s.cacheFile(want), "sha256:"+want
			return p, nil
		}
	}
	if s.Offline {
		return nil, fmt.Errorf("%s is not in the cache, and --offline is set", redacted(at.url))
	}
	answer, err := s.client().Do(ctx, at.access, Download{URL: at.url, Accept: "application/gzip,application/octet-stream", Max: MaxChart})
	if err != nil {
		return nil, err
	}
	return p, s.store(p, answer.Body, want)
}

// store puts an archive into the cache under its digest, which must be the
// wanted one unless that is empty.
func (s *Source) store(p *Package, archive []byte, want string) error {
	sum := sha256.Sum256(archive)
	digest := hex.EncodeToString(sum[:])
	if want != "" && digest != want {
		return fmt.Errorf("%s: %w: downloaded was sha256:%s, wanted is sha256:%s", redacted(p.URL), ErrDigest, digest, want)
	}
	p.Path, p.Digest = s.cacheFile(digest), "sha256:"+digest
	if err := os.MkdirAll(filepath.Dir(p.Path), 0o755); err != nil {
		return err
	}
	return WriteFile(p.Path, archive, 0o644)
}

// cacheFile is where the archive with a digest is kept.
func (s *Source) cacheFile(digest string) string {
	return filepath.Join(s.Home.Cache, "sha256", digest+".tgz")
}

// cached gives an archive of the cache if it still has its digest.
func (s *Source) cached(digest string) []byte {
	info, err := os.Stat(s.cacheFile(digest))
	if err != nil || info.Size() > MaxChart {
		return nil
	}
	data, err := os.ReadFile(s.cacheFile(digest))
	if err != nil {
		return nil
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != digest {
		return nil
	}
	return data
}

func isFileName(name string) bool {
	return name != "" && name != "." && name != ".." && name == filepath.Base(name) && !strings.ContainsAny(name, "/\\\x00") && !strings.HasPrefix(name, "-")
}

func (s *Source) client() *Client {
	if s.Client == nil {
		return &Client{}
	}
	return s.Client
}

// find looks a chart up in an index, or takes a URL as it is.
func (s *Source) find(ctx context.Context, r Request) (*found, error) {
	if r.Repo != "" {
		return s.findIn(ctx, r)
	}
	config, err := LoadConfig(s.Home.Config)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if u, err := url.Parse(r.Ref); err == nil && u.IsAbs() && u.Host != "" {
		return s.findURL(r, config), nil
	}
	name, chartName, ok := strings.Cut(r.Ref, "/")
	if !ok {
		return nil, fmt.Errorf("non-absolute URLs should be in form of repo_name/path_to_chart, got: %s", r.Ref)
	}
	e := config.Get(name)
	if e == nil {
		return nil, fmt.Errorf("repo %s not found", name)
	}
	if e.URL == "" {
		return nil, fmt.Errorf("no URL found for repository %s", name)
	}
	if err := CheckName(name); err != nil {
		return nil, err
	}
	c, err := OpenCatalog(s.Home.IndexFile(name), CatalogOptions{})
	if err != nil {
		return nil, fmt.Errorf("no cached repo found. (try 'helm repo update'): %w", err)
	}
	v, err := c.Get(chartName, r.Version)
	if err != nil {
		return nil, fmt.Errorf("chart %q matching %s not found in %s index. (try 'helm repo update'): %w", chartName, r.Version, name, err)
	}
	at, err := locate(v, e.URL, e.Access().with(r.Access), r.Ref)
	if err == nil {
		at.repository = name
	}
	return at, err
}

// locate makes the URL of a version absolute.
func locate(v *Version, base string, access Access, reference string) (*found, error) {
	if len(v.URLs) == 0 {
		return nil, fmt.Errorf("chart %q has no downloadable URLs", reference)
	}
	absolute, err := ResolveURL(base, v.URLs[0])
	if err != nil {
		return nil, fmt.Errorf("failed to make chart URL absolute: %w", err)
	}
	return &found{url: absolute, digest: v.Digest, access: access}, nil
}

// with adds what the command line says to what repositories.yaml says.
func (a Access) with(o Access) Access {
	if o.Username != "" || o.Password != "" {
		a.Username, a.Password = o.Username, o.Password
	}
	if o.CertFile != "" || o.KeyFile != "" {
		a.CertFile, a.KeyFile = o.CertFile, o.KeyFile
	}
	if o.CAFile != "" {
		a.CAFile = o.CAFile
	}
	a.Insecure = a.Insecure || o.Insecure
	a.PassCredentials = a.PassCredentials || o.PassCredentials
	a.PlainHTTP = a.PlainHTTP || o.PlainHTTP
	return a
}

// findURL gives a URL the access of the repository below whose URL it is.
//
// #DIFFERS: Helm looks through all cached indexes for the URL.
func (s *Source) findURL(r Request, config *Config) *found {
	at := &found{url: r.Ref, access: r.Access}
	at.access.URL = r.Ref
	for _, e := range config.Entries {
		if base := strings.TrimSuffix(e.URL, "/") + "/"; e.URL != "" && strings.HasPrefix(r.Ref, base) {
			at.access, at.repository = e.Access().with(r.Access), e.Name
			break
		}
	}
	return at
}

// findIn looks into the index of a repository that need not be configured.
func (s *Source) findIn(ctx context.Context, r Request) (*found, error) {
	x, err := s.index(ctx, r.Repo, r.Access)
	if err != nil {
		return nil, fmt.Errorf("looks like %q is not a valid chart repository or cannot be reached: %w", redacted(r.Repo), err)
	}
	what := fmt.Sprintf("chart %q", r.Ref)
	if r.Version != "" {
		what += fmt.Sprintf(" version %q", r.Version)
	}
	v, err := x.Get(r.Ref, r.Version)
	if err != nil {
		return nil, fmt.Errorf("%s not found in %s repository", what, redacted(r.Repo))
	}
	access := r.Access
	access.URL = r.Repo
	return locate(v, r.Repo, access, what)
}

// index keeps the index of a repository in the cache under a name made of its URL.
func (s *Source) index(ctx context.Context, repository string, access Access) (*Catalog, error) {
	e := &Entry{
		Name: unmanagedName(repository), URL: repository, Username: access.Username, Password: access.Password, CertFile: access.CertFile,
		KeyFile: access.KeyFile, CAFile: access.CAFile, InsecureSkipTLSVerify: access.Insecure, PassCredentialsAll: access.PassCredentials,
	}
	if !s.Offline {
		if _, err := s.Home.Update(ctx, s.client(), e); err != nil {
			return nil, err
		}
	}
	return OpenCatalog(s.Home.IndexFile(e.Name), CatalogOptions{})
}

// unmanagedName is the name under which Helm caches the index of a repository
// that repositories.yaml does not have.
func unmanagedName(repository string) string {
	sum := sha256.Sum256([]byte(repository))
	return "helm-manager-" + hex.EncodeToString(sum[:])
}
