package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
)

// addValueFlags adds the flags that give values.
func addValueFlags(f *pflag.FlagSet, o *values.Options) {
	f.StringSliceVarP(&o.ValueFiles, "values", "f", nil, "specify values in a YAML file or - for standard input (can specify multiple)")
	f.StringArrayVar(&o.Values, "set", nil, "set values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)")
	f.StringArrayVar(&o.StringValues, "set-string", nil, "set STRING values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)")
	f.StringArrayVar(&o.FileValues, "set-file", nil, "set values from respective files specified via the command line (can specify multiple or separate values with commas: key1=path1,key2=path2)")
	f.StringArrayVar(&o.JSONValues, "set-json", nil, "set JSON values on the command line (can specify multiple or separate values with commas: key1=jsonval1,key2=jsonval2)")
	f.StringArrayVar(&o.LiteralValues, "set-literal", nil, "set a literal STRING value on the command line")
}

// chartFlags say where a chart comes from. All but repo and verify belong to
// downloads, which no command of this release does; they are accepted since
// they change nothing for a chart on disk.
type chartFlags struct {
	version string
	repo    string
	verify  bool
	devel   bool
}

func (c *chartFlags) register(f *pflag.FlagSet) {
	f.BoolVar(&c.devel, "devel", false, "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored")
	f.StringVar(&c.version, "version", "", "version constraint for a chart from a repository; without effect on a chart on disk")
	f.BoolVar(&c.verify, "verify", false, "verify the package before using it (comes with a later release)")
	f.StringVar(&c.repo, "repo", "", "chart repository URL where to locate the requested chart (comes with a later release)")
	addConnectionFlags(f)
	f.String("keyring", "", "location of public keys used for verification")
	f.Bool("pass-credentials", false, "pass credentials to all domains")
	hide(f, "keyring", "pass-credentials")
}

// addConnectionFlags adds the flags about connections to chart repositories.
func addConnectionFlags(f *pflag.FlagSet) {
	f.String("username", "", "chart repository username where to locate the requested chart")
	f.String("password", "", "chart repository password where to locate the requested chart")
	f.String("cert-file", "", "identify HTTPS client using this SSL certificate file")
	f.String("key-file", "", "identify HTTPS client using this SSL key file")
	f.Bool("insecure-skip-tls-verify", false, "skip tls certificate checks for the chart download")
	f.Bool("plain-http", false, "use insecure HTTP connections for the chart download")
	f.String("ca-file", "", "verify certificates of HTTPS-enabled servers using this CA bundle")
	hide(f, "username", "password", "cert-file", "key-file", "insecure-skip-tls-verify", "plain-http", "ca-file")
}

// hide keeps flags that have no effect out of the help text.
func hide(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		f.Lookup(name).Hidden = true
	}
}

const laterRepositories = "repositories, oci:// and URLs come with a later release; give the path of a chart folder or of a .tgz"

// locate turns a chart argument into the path of a folder or an archive.
func (a *app) locate(name string, flags chartFlags) (string, error) {
	name = strings.TrimSpace(name)
	_, err := os.Stat(name)
	switch {
	case err == nil && flags.verify:
		return "", withHint(errors.New("--verify: this release cannot verify provenance files"), "run without --verify; provenance comes with a later release")
	case err == nil:
		if flags.repo != "" {
			a.warnf("WARNING: local chart found in current working directory. repository url ignored: %s", name)
		}
		return filepath.Abs(name)
	case !errors.Is(err, os.ErrNotExist) && !isReference(name):
		return "", err
	case flags.repo != "":
		return "", withHint(fmt.Errorf("--repo: chart %q cannot be fetched from %s", name, flags.repo), laterRepositories)
	case isReference(name):
		return "", withHint(fmt.Errorf("chart %q cannot be fetched", name), laterRepositories)
	}
	return "", withHint(fmt.Errorf("path %q not found", name), "give the path of a chart folder or of a .tgz")
}

// isReference reports whether a name that is no file stands for a chart elsewhere.
func isReference(name string) bool {
	if strings.Contains(name, "://") {
		return true
	}
	return !filepath.IsAbs(name) && !strings.HasPrefix(name, ".") && strings.Count(name, "/") == 1 && !strings.HasSuffix(name, ".tgz")
}

// load locates and loads a chart.
func (a *app) load(name string, flags chartFlags) (*chart.Chart, error) {
	path, err := a.locate(name, flags)
	if err != nil {
		return nil, err
	}
	a.debugf("CHART PATH: %s", path)
	return chart.Loader{Warn: a.warn}.Load(path)
}

// checkDependencies makes sure that charts/ has what Chart.yaml lists.
func checkDependencies(c *chart.Chart) error {
	err := chart.CheckDependencies(c)
	if err == nil {
		return nil
	}
	return withHint(err, "fetch them with 'helm dependency build'; slipway fetches dependencies in a later release")
}

// compatValue is the flag --compat.
type compatValue struct{ compat *engine.Compat }

func (v compatValue) String() string {
	if v.compat == nil {
		return engine.Helm3.String()
	}
	return v.compat.String()
}

func (v compatValue) Type() string { return "helm3|helm4" }

func (v compatValue) Set(s string) error {
	for _, c := range []engine.Compat{engine.Helm3, engine.Helm4} {
		if s == c.String() {
			*v.compat = c
			return nil
		}
	}
	return errors.New("allowed are helm3 and helm4")
}

func addCompatFlag(f *pflag.FlagSet, c *engine.Compat) {
	f.Var(compatValue{c}, "compat", "the Helm whose results to reproduce")
}

// choice is a flag that takes one of a few words; the first is the default.
type choice struct {
	words []string
	word  string
}

func newChoice(words ...string) *choice { return &choice{words: words, word: words[0]} }

func (c *choice) String() string { return c.word }
func (c *choice) Type() string   { return strings.Join(c.words, "|") }

func (c *choice) Set(s string) error {
	for _, w := range c.words {
		if s == w {
			c.word = w
			return nil
		}
	}
	return errors.New("allowed are " + strings.Join(c.words, " and "))
}
