package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/e6d26078/slipway/repo"
)

const repoAddLong = `Add a chart repository under a name of your choice.

Its index is downloaded and checked first. A password is stored in
repositories.yaml, which its owner alone can read; it is sent to the
repository's own scheme, host and port, unless --pass-credentials is given.

With --verify require every chart that comes from it has to have a .prov file by
a key of --keyring: for all commands, as a dependency too, and so have the
charts that those charts need. That is kept in slipway's own file beside
repositories.yaml, NAME.slipway.yaml; Helm does not know of it. For registries
URL is oci://HOST or oci://HOST/PATH; nothing is added to repositories.yaml then.

    slipway repo add example https://charts.example.com --verify require --keyring keys.asc
    slipway repo add ours oci://registry.example.com/charts --verify require --keyring keys.asc`

// goneRepositories were deleted for good; their charts are elsewhere.
func goneRepositories() map[string]string {
	return map[string]string{
		"//kubernetes-charts.storage.googleapis.com":           "https://charts.helm.sh/stable",
		"//kubernetes-charts-incubator.storage.googleapis.com": "https://charts.helm.sh/incubator",
	}
}

type repoAddOptions struct {
	entry         repo.Entry
	verify        *choice
	trust         verifyOptions
	passwordStdin bool
	force         bool
	allowGone     bool
	timeout       time.Duration
}

func newRepoAdd(a *app) *cobra.Command {
	o := &repoAddOptions{verify: newChoice("", repo.VerifyRequire)}
	cmd := &cobra.Command{
		Use:               "add [NAME] [URL]",
		Short:             "add a chart repository",
		Long:              repoAddLong,
		Args:              exactArgs(2),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.entry.Name, o.entry.URL = args[0], args[1]
			return a.runRepoAdd(cmd.Context(), o)
		},
	}
	o.register(cmd.Flags())
	return cmd
}

func (o *repoAddOptions) register(f *pflag.FlagSet) {
	f.StringVar(&o.entry.Username, "username", "", "chart repository username")
	f.StringVar(&o.entry.Password, "password", "", "chart repository password; others can see it in the list of processes")
	f.BoolVar(&o.passwordStdin, "password-stdin", false, "read chart repository password from stdin")
	f.BoolVar(&o.force, "force-update", false, "replace (overwrite) the repo if it already exists")
	f.Bool("no-update", false, "has no effect")
	f.StringVar(&o.entry.CertFile, "cert-file", "", "identify HTTPS client using this SSL certificate file")
	f.StringVar(&o.entry.KeyFile, "key-file", "", "identify HTTPS client using this SSL key file")
	f.StringVar(&o.entry.CAFile, "ca-file", "", "verify certificates of HTTPS-enabled servers using this CA bundle")
	f.BoolVar(&o.entry.InsecureSkipTLSVerify, "insecure-skip-tls-verify", false, "skip tls certificate checks for the repository")
	f.BoolVar(&o.allowGone, "allow-deprecated-repos", false, "by default, this command will not allow adding official repos that have been permanently deleted. This disables that behavior")
	f.BoolVar(&o.entry.PassCredentialsAll, "pass-credentials", false, "pass credentials to all domains")
	f.DurationVar(&o.timeout, "timeout", repo.DefaultTimeout, "time to wait for the index file download to complete")
	f.Var(o.verify, "verify", "require: charts of this repository have to be signed by a key of --keyring")
	f.StringVar(&o.trust.keyring, "keyring", "", "keyring with the public keys that count, with --verify (default pubring.gpg or pubring.kbx in $GNUPGHOME or ~/.gnupg)")
	f.StringSliceVar(&o.trust.fingerprints, "fingerprint", nil, "fingerprint of a key that counts, if not all of the keyring do (can specify multiple)")
	f.BoolVar(&o.trust.current, "require-current-key", false, "want the key to be valid now as well: neither expired nor revoked for any reason")
	hide(f, "no-update")
}

func (a *app) runRepoAdd(ctx context.Context, o *repoAddOptions) error {
	e := &o.entry
	if !o.allowGone {
		for old, now := range goneRepositories() {
			if strings.Contains(e.URL, old) {
				return fmt.Errorf("repo %q is no longer available; try %q instead", e.URL, now)
			}
		}
	}
	if err := repo.CheckName(e.Name); err != nil {
		return err
	}
	rule, err := a.newRule(o)
	if err != nil {
		return err
	}
	if repo.IsOCI(e.URL) {
		if rule == nil {
			return withHint(fmt.Errorf("%s is a registry, not a chart repository", e.URL), "registries need not be added: use oci://... as the name of a chart; with --verify require only signed charts are taken from it")
		}
		return a.addRule(rule, o.force)
	}
	if err := a.readPassword(ctx, o); err != nil {
		return err
	}
	home, config, err := a.repositories()
	if err != nil {
		return err
	}
	if old := config.Get(e.Name); old != nil && !o.force {
		if *old == *e {
			if rule != nil {
				return a.addRule(rule, o.force)
			}
			return a.print(fmt.Sprintf("%q already exists with the same configuration, skipping\n", e.Name))
		}
		return withHint(fmt.Errorf("repository name (%s) already exists, please specify a different name", e.Name), "--force-update replaces it")
	}
	skipped, err := home.Update(ctx, a.httpClient(o.timeout), e)
	if err != nil {
		return fetchFailed(fmt.Errorf("looks like %q is not a valid chart repository or cannot be reached: %w", withoutPassword(e.URL), err))
	}
	a.warnSkipped(e.Name, skipped)
	// The rule stands before the repository can be used.
	if rule != nil {
		if err := a.addRule(rule, o.force); err != nil {
			return err
		}
	}
	err = repo.ChangeConfig(home.Config, func(c *repo.Config) error {
		if old := c.Get(e.Name); old != nil && *old != *e && !o.force {
			return fmt.Errorf("repository name (%s) already exists, please specify a different name", e.Name)
		}
		c.Put(e)
		return nil
	})
	if err != nil {
		return err
	}
	return a.print(fmt.Sprintf("%q has been added to your repositories\n", e.Name))
}

// warnSkipped tells of entries of an index that are invalid, and of a few only.
func (a *app) warnSkipped(name string, skipped []string) {
	const most = 5
	for i, why := range skipped {
		if i == most {
			a.warnf("WARNING: repository %s: %d more invalid entries are left out", name, len(skipped)-most)
			return
		}
		a.warnf("WARNING: repository %s: an invalid entry is left out: %s", name, why)
	}
}

// readPassword gets the password that belongs to a user's name.
func (a *app) readPassword(ctx context.Context, o *repoAddOptions) error {
	e := &o.entry
	switch {
	case e.Password != "":
		a.warnf("WARNING: --password can be seen by others on this machine; use --password-stdin")
		return nil
	case e.Username == "":
		return nil
	case o.passwordStdin:
		text, err := readLimited(&stdin{ctx: ctx, from: a.env.Stdin}, "standard input")
		if err != nil {
			return err
		}
		e.Password = strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
		return nil
	}
	terminal, ok := a.env.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return withHint(errors.New("--username needs a password"), "give it with --password-stdin")
	}
	if err := a.print("Password: "); err != nil {
		return err
	}
	text, err := term.ReadPassword(int(terminal.Fd()))
	_ = a.print("\n")
	e.Password = string(text)
	return err
}
