package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/provenance"
	"github.com/e6d26078/slipway/repo"
)

// accessFlags are Helm's flags about connections to chart repositories.
type accessFlags struct {
	username, password        string
	certFile, keyFile, caFile string
	insecure, passCredentials bool
	plainHTTP                 bool
}

func (o *accessFlags) register(f *pflag.FlagSet) {
	f.StringVar(&o.username, "username", "", "chart repository username where to locate the requested chart")
	f.StringVar(&o.password, "password", "", "chart repository password where to locate the requested chart")
	f.StringVar(&o.certFile, "cert-file", "", "identify HTTPS client using this SSL certificate file")
	f.StringVar(&o.keyFile, "key-file", "", "identify HTTPS client using this SSL key file")
	f.StringVar(&o.caFile, "ca-file", "", "verify certificates of HTTPS-enabled servers using this CA bundle")
	f.BoolVar(&o.insecure, "insecure-skip-tls-verify", false, "skip tls certificate checks for the chart download")
	f.BoolVar(&o.plainHTTP, "plain-http", false, "use insecure HTTP connections for the chart download")
}

func (o *accessFlags) access() repo.Access {
	return repo.Access{
		Username: o.username, Password: o.password, CertFile: o.certFile, KeyFile: o.keyFile, CAFile: o.caFile,
		Insecure: o.insecure, PassCredentials: o.passCredentials, PlainHTTP: o.plainHTTP,
	}
}

// addConnectionFlags adds the same flags to commands that they change nothing for.
func addConnectionFlags(f *pflag.FlagSet) {
	new(accessFlags).register(f)
	hide(f, "username", "password", "cert-file", "key-file", "insecure-skip-tls-verify", "plain-http", "ca-file")
}

// chartFlags are the flags of the commands that take a chart, wherever it is.
type chartFlags struct {
	accessFlags
	version string
	repo    string
	digest  string
	keyring string
	verify  bool
	devel   bool
	offline bool
}

func (c *chartFlags) register(f *pflag.FlagSet) {
	f.BoolVar(&c.devel, "devel", false, "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored")
	f.StringVar(&c.version, "version", "", "specify a version constraint for the chart version to use. This constraint can be a specific tag (e.g. 1.1.1) or it may reference a valid range (e.g. ^2.0.0). If this is not specified, the latest version is used")
	f.BoolVar(&c.verify, "verify", false, "verify the package before using it")
	f.StringVar(&c.keyring, "keyring", "", "location of public keys used for verification (default pubring.gpg or pubring.kbx in $GNUPGHOME or ~/.gnupg)")
	f.StringVar(&c.repo, "repo", "", "chart repository url where to locate the requested chart")
	f.BoolVar(&c.passCredentials, "pass-credentials", false, "pass credentials to all domains")
	f.StringVar(&c.digest, "digest", "", "digest that the archive of the chart must have, such as sha256:0123...")
	f.BoolVar(&c.offline, "offline", false, "use what is in the cache, and download nothing")
	c.accessFlags.register(f)
}

// request is what is asked of a repository for a chart.
func (c *chartFlags) request(name string) repo.Request {
	version := strings.TrimSpace(c.version)
	if version == "" && c.devel {
		version = ">0.0.0-0"
	}
	return repo.Request{Ref: name, Version: version, Repo: c.repo, Access: c.access(), Digest: c.digest}
}

// locate turns a chart argument into the path of a folder or an archive.
func (a *app) locate(ctx context.Context, name string, flags chartFlags) (string, error) {
	name = strings.TrimSpace(name)
	_, err := os.Stat(name)
	switch {
	case err == nil && flags.digest != "":
		return "", withHint(fmt.Errorf("--digest is for charts that are fetched, and %s is a local one", name), "leave --digest out, or give REPO/CHART or a URL")
	case err == nil:
		if flags.repo != "" {
			a.warnf("WARNING: local chart found in current working directory. repository url ignored: %s", name)
		}
		if flags.verify {
			if _, err := a.verifyChart(ctx, name, verifyOptions{keyring: flags.keyring}); err != nil {
				return "", err
			}
		}
		return filepath.Abs(name)
	case !errors.Is(err, os.ErrNotExist) && !isReference(name):
		return "", err
	case flags.repo == "" && !isReference(name):
		return "", withHint(fmt.Errorf("path %q not found", name), "give the path of a chart folder or of a .tgz, REPO/CHART, or a URL")
	case filepath.IsAbs(name) || strings.HasPrefix(name, "."):
		return "", fmt.Errorf("path %q not found", name)
	}
	p, err := a.fetchChart(ctx, name, flags)
	if err != nil {
		return "", err
	}
	return p.Path, nil
}

// fetchChart gets a chart into the cache, verified as the flags say.
func (a *app) fetchChart(ctx context.Context, name string, flags chartFlags) (*repo.Package, error) {
	s, err := a.source(flags.offline)
	if err != nil {
		return nil, err
	}
	p, err := s.Chart(ctx, flags.request(name))
	if err != nil {
		return nil, orOffline(err)
	}
	a.debugf("fetched %s, %s", p.URL, p.Digest)
	if flags.verify {
		if _, _, err := a.verifyPackage(ctx, s, p, verifyOptions{keyring: flags.keyring}); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// verifyPackage fetches the .prov file of a package and checks both.
func (a *app) verifyPackage(ctx context.Context, s *repo.Source, p *repo.Package, o verifyOptions) (*provenance.Verification, []byte, error) {
	prov, err := s.Provenance(ctx, p)
	if err != nil {
		return nil, nil, fmt.Errorf("failed to fetch provenance %q: %w", p.URL+".prov", err)
	}
	archive, err := readFile(p.Path)
	if err != nil {
		return nil, nil, err
	}
	v, err := a.verifyArchive(ctx, p.Name, archive, prov, o)
	return v, prov, err
}

// fetchFailed adds advice to an error of a repository.
func fetchFailed(err error) error {
	var status *repo.StatusError
	switch {
	case errors.As(err, &status) && (status.Code == 401 || status.Code == 403):
		return withHint(err, "give credentials: 'slipway repo add NAME URL --username USER --password-stdin', or --username and --password; they are sent to the repository's own host only")
	case errors.Is(err, repo.ErrDigest):
		return withHint(err, "nothing was stored; 'slipway repo update' gets the index anew, and if that does not help, the archive was changed after it was published")
	case errors.Is(err, repo.ErrNoChart), errors.Is(err, repo.ErrNoVersion):
		return withHint(err, "'slipway repo update' gets the index anew; 'slipway search repo -l NAME' lists versions, with --devel pre-releases too")
	}
	return err
}

// orOffline adds to an error of a server that is out that there is a cache. What
// is in it may be old, so it is not used unasked.
func orOffline(err error) error {
	if isTransient(err) {
		return withHint(fetchFailed(err), "--offline makes do with what is in the cache, which may be old")
	}
	return fetchFailed(err)
}

// isReference reports whether a name that is no file stands for a chart elsewhere.
func isReference(name string) bool {
	if strings.Contains(name, "://") {
		return true
	}
	return !filepath.IsAbs(name) && !strings.HasPrefix(name, ".") && strings.Count(name, "/") == 1 && !strings.HasSuffix(name, ".tgz")
}

// load locates and loads a chart.
func (a *app) load(ctx context.Context, name string, flags chartFlags) (*chart.Chart, error) {
	path, err := a.locate(ctx, name, flags)
	if err != nil {
		return nil, err
	}
	a.debugf("CHART PATH: %s", path)
	return chart.Loader{Warn: a.warn}.Load(path)
}

// source is where charts come from in this run.
func (a *app) source(offline bool) (*repo.Source, error) {
	home, err := a.home()
	if err != nil {
		return nil, err
	}
	trust, err := repo.LoadTrust(home.TrustFile())
	if err != nil {
		return nil, withHint(err, "it says which charts have to be signed, so nothing is fetched until it can be read")
	}
	meter := a.newDownloads()
	s := &repo.Source{Home: home, Client: a.httpClient(0), OCI: registries{app: a, meter: meter}, Offline: offline, Trust: trust}
	s.Client.Watch = meter.watch
	s.Verify = func(ctx context.Context, p *repo.Package, r *repo.Rule) error {
		_, _, err := a.verifyPackage(ctx, s, p, verifyOptions{keyring: trust.KeyringFile(r), fingerprints: r.Fingerprints, current: r.CurrentKey})
		return err
	}
	return s, nil
}

// home finds Helm's files by its rules: flag, variable, XDG's folders, the system's.
func (a *app) home() (repo.Home, error) {
	h := repo.Home{Config: a.flags.repositoryConfig, Cache: a.flags.repositoryCache}
	if h.Config == "" {
		h.Config = a.env.Getenv("HELM_REPOSITORY_CONFIG")
	}
	if h.Cache == "" {
		h.Cache = a.env.Getenv("HELM_REPOSITORY_CACHE")
	}
	var err error
	if h.Config == "" {
		h.Config, err = a.helmFolder("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config", "Library/Preferences", "APPDATA")
		h.Config = filepath.Join(h.Config, "repositories.yaml")
	}
	if h.Cache == "" && err == nil {
		h.Cache, err = a.helmFolder("HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache", "Library/Caches", "TEMP")
		h.Cache = filepath.Join(h.Cache, "repository")
	}
	return h, err
}

// helmFolder is one of Helm's folders, by its own variable or the default on each system.
func (a *app) helmFolder(own, xdg, unix, mac, windows string) (string, error) {
	if dir := a.env.Getenv(own); dir != "" {
		return dir, nil
	}
	if dir := a.env.Getenv(xdg); dir != "" {
		return filepath.Join(dir, "helm"), nil
	}
	if runtime.GOOS == "windows" {
		return filepath.Join(a.env.Getenv(windows), "helm"), nil
	}
	home := a.env.Getenv("HOME")
	if home == "" {
		return "", withHint(errors.New("the folder of repositories is not known: HOME is not set"), "set HELM_REPOSITORY_CONFIG and HELM_REPOSITORY_CACHE")
	}
	if runtime.GOOS == "darwin" {
		unix = mac
	}
	return filepath.Join(home, unix, "helm"), nil
}
