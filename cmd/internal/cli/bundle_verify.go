package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/provenance"
	"github.com/e6d26078/slipway/repo"
)

const bundleVerifyLong = `Check a bundle: every file in it has the digest that its manifest gives, every
archive is the chart that it should be, and nothing else is in it.

Whoever changes a bundle can change its manifest too. So compare the digest that
'slipway bundle' has printed, with --digest; or have the charts signed: with
--signed every chart but the dependencies, which are in the others, has to have a
signature by a key of --keyring. --keyring and --fingerprint imply that.`

// bundleChecks are the flags about what a bundle has to be.
type bundleChecks struct {
	verifyOptions
	signed bool
	digest string
}

func (o *bundleChecks) register(f *pflag.FlagSet) {
	o.verifyOptions.register(f)
	f.BoolVar(&o.signed, "signed", false, "want every chart to be signed by a key of --keyring")
	f.StringVar(&o.digest, "digest", "", "digest that the bundle must have, such as sha256:0123...")
}

func (o *bundleChecks) wantsSignatures() bool {
	return o.signed || o.keyring != "" || len(o.fingerprints) > 0 || o.current
}

// bundleDoc is a bundle as data.
type bundleDoc struct {
	*repo.Bundle
	Digest     string              `json:"digest"`
	Signatures map[string]verified `json:"signatures"` // by path of the archive
}

func newBundleVerify(a *app) *cobra.Command {
	var o bundleChecks
	var format outputFormat
	cmd := &cobra.Command{
		Use:   "verify BUNDLE",
		Short: "check that a bundle is complete and unchanged, and its signatures",
		Long:  bundleVerifyLong,
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, digest, signed, err := a.checkBundle(cmd.Context(), args[0], &o)
			if err != nil {
				return err
			}
			doc := bundleDoc{Bundle: b, Digest: digest, Signatures: map[string]verified{}}
			for path, v := range signed {
				doc.Signatures[path] = newVerified(v)
			}
			return a.printAs(format, doc, func() (string, error) { return bundleText(b, signed) + digest + "\n", nil })
		},
	}
	o.register(cmd.Flags())
	format.register(cmd.Flags())
	return cmd
}

// checkBundle reads a bundle from its beginning to its end. It gives the digest
// of the file and the signatures, if they were wanted.
func (a *app) checkBundle(ctx context.Context, path string, o *bundleChecks) (*repo.Bundle, string, map[string]*provenance.Verification, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, "", nil, err
	}
	defer f.Close()
	signed := map[string]*provenance.Verification{}
	sum := sha256.New()
	whole := io.TeeReader(f, sum)
	b, err := repo.ReadBundle(whole, func(c *repo.BundledChart, archive, prov []byte) error {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if !o.wantsSignatures() || prov == nil && c.Dependency {
			return nil
		}
		if prov == nil {
			return withHint(fmt.Errorf("%s is not signed", c.Archive.Path), "the bundle was made from a chart without a .prov file")
		}
		v, err := a.verifyArchive(ctx, c.Archive.Path, archive, prov, o.verifyOptions)
		signed[c.Archive.Path] = v
		return err
	})
	if err != nil {
		return nil, "", nil, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := io.Copy(io.Discard, whole); err != nil {
		return nil, "", nil, err
	}
	digest := "sha256:" + hex.EncodeToString(sum.Sum(nil))
	if o.digest != "" && o.digest != digest {
		return nil, "", nil, withHint(fmt.Errorf("%s: %w: it is %s, wanted is %s", path, repo.ErrDigest, digest, o.digest), "it is not the bundle that was meant; fetch it again")
	}
	return b, digest, signed, nil
}

const bundlePushLong = `Push the charts of a bundle, with their provenance files, to a registry (oci://...)
or to a repository with ChartMuseum's routes, such as that of 'slipway serve': its
URL, or its name in repositories.yaml.

The bundle is checked as by 'slipway bundle verify' before anything is pushed. What
is there already is left as it is: another archive of the same version is an
error. So the command can be run again after a fault.`

// bundlePush are the flags of "bundle push".
type bundlePush struct {
	bundleChecks
	access      accessFlags
	contextPath string
	timeout     time.Duration
}

func newBundlePush(a *app) *cobra.Command {
	var o bundlePush
	cmd := &cobra.Command{
		Use:   "push BUNDLE TARGET",
		Short: "push the charts of a bundle to a registry or repository",
		Long:  bundlePushLong,
		Args:  exactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runBundlePush(cmd.Context(), &o, args[0], args[1])
		},
	}
	f := cmd.Flags()
	o.register(f)
	o.access.register(f)
	f.StringVar(&o.contextPath, "context-path", "", "part of the repository's path that stands before /api")
	f.DurationVar(&o.timeout, "timeout", repo.DefaultTimeout, "time that pushing one chart may take")
	return cmd
}

func (a *app) runBundlePush(ctx context.Context, o *bundlePush, path, target string) error {
	push, err := a.bundleTarget(o, target)
	if err != nil {
		return err
	}
	before, _, _, err := a.checkBundle(ctx, path, &o.bundleChecks)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	n := 0
	_, err = repo.ReadBundle(f, func(c *repo.BundledChart, archive, prov []byte) error {
		if n >= len(before.Charts) || before.Charts[n].Archive != c.Archive {
			return errors.New("the bundle was changed while it was read")
		}
		n++
		did, err := push(ctx, c, archive, prov)
		if err != nil {
			return fmt.Errorf("push %s %s: %w", c.Name, c.Version, err)
		}
		return a.print(fmt.Sprintf("%s %s: %s\n", c.Name, c.Version, did))
	})
	return err
}
