package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/provenance"
)

const verifyLong = `Verify that a packaged chart is what was signed in the .prov file beside it.

The signature has to be by a key of the keyring that was valid at the time of
the signature, and the archive has to have the signed name, digest and
metadata. A key that was superseded or has expired since counts for what it
signed before; one that was revoked as compromised, or without a reason, does not.

A keyring is a file with public keys: binary, armored, or GnuPG's pubring.kbx.`

// verifyOptions are the flags about which signatures count.
type verifyOptions struct {
	keyring      string
	fingerprints []string
	current      bool
}

func (o *verifyOptions) register(f *pflag.FlagSet) {
	f.StringVar(&o.keyring, "keyring", "", "keyring containing public keys: binary, armored or keybox (default pubring.gpg or pubring.kbx in $GNUPGHOME or ~/.gnupg)")
	f.StringSliceVar(&o.fingerprints, "fingerprint", nil, "fingerprint of a key that counts, if not all of the keyring do (can specify multiple)")
	f.BoolVar(&o.current, "require-current-key", false, "want the key to be valid now as well: neither expired nor revoked for any reason")
}

func newVerify(a *app) *cobra.Command {
	var o verifyOptions
	var format outputFormat
	cmd := &cobra.Command{
		Use:   "verify PATH",
		Short: "verify that a chart at the given path has been signed and is valid",
		Long:  verifyLong,
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := a.verifyChart(cmd.Context(), args[0], o)
			if err != nil {
				return err
			}
			return a.printAs(format, newVerified(v), func() (string, error) { return verificationText(v), nil })
		},
	}
	o.register(cmd.Flags())
	format.register(cmd.Flags())
	return cmd
}

// verifyChart verifies the packaged chart at a path by the .prov file beside it.
func (a *app) verifyChart(ctx context.Context, path string, o verifyOptions) (*provenance.Verification, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, withHint(errors.New("unpacked charts cannot be verified"), "give the path of the .tgz, with its .prov file beside it")
	case !strings.EqualFold(filepath.Ext(path), ".tgz"):
		return nil, withHint(errors.New("chart must be a tgz file"), "give the path of the .tgz, with its .prov file beside it")
	}
	prov, err := readFile(path + ".prov")
	if err != nil {
		return nil, fmt.Errorf("could not load provenance file %s: %w", path+".prov", err)
	}
	archive, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return a.verifyArchive(ctx, path, archive, prov, o)
}

// verifyArchive verifies an archive, whose file name is the last part of path.
func (a *app) verifyArchive(ctx context.Context, path string, archive, prov []byte, o verifyOptions) (*provenance.Verification, error) {
	keys, err := a.readKeyring(o.keyring)
	if err != nil {
		return nil, err
	}
	policy := provenance.Policy{Now: a.env.Now(), Current: o.current, Fingerprints: o.fingerprints}
	v, err := provenance.Verify(ctx, path, archive, prov, keys, policy)
	if err != nil {
		return nil, withHint(fmt.Errorf("verify %s: %w", path, err), verifyHints(err)...)
	}
	return v, nil
}

func verifyHints(err error) []string {
	var key *provenance.KeyError
	var digest *provenance.DigestError
	var format *provenance.FormatError
	switch {
	case errors.As(err, &key) && key.Reason == provenance.Unknown:
		return []string{"if you trust the signer, get the public key from a place that you trust, and give the file as --keyring"}
	case errors.As(err, &key) && key.Reason == provenance.Expired:
		return []string{"if the signer has prolonged the key, get it again"}
	case errors.As(err, &digest) && digest.Signed != "":
		return []string{"the archive is not the one that was signed; fetch it and its .prov file again from their source"}
	case errors.As(err, &digest):
		return []string{"an archive has to keep the name under which it was signed"}
	case errors.As(err, &format):
		return []string{"a .prov file is one OpenPGP cleartext signature and nothing else; fetch it again"}
	}
	return nil
}

// readKeyring reads a keyring, by default the one of GnuPG.
func (a *app) readKeyring(path string) (*provenance.Keyring, error) {
	if path == "" {
		var err error
		if path, err = a.defaultKeyring(); err != nil {
			return nil, err
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, withHint(fmt.Errorf("failed to load keyring: %w", err), "give a file with keys as --keyring; 'gpg --export > FILE' makes one")
	}
	defer file.Close()
	keys, err := provenance.ReadKeyring(file)
	if err != nil {
		return nil, fmt.Errorf("failed to load keyring: %s: %w", path, err)
	}
	for _, skipped := range keys.Skipped() {
		a.debugf("keyring %s: key %s is left out: %v", path, skipped.KeyID, skipped.Err)
	}
	return keys, nil
}

// defaultKeyring is Helm's, or the keybox of newer versions of GnuPG if that is missing.
func (a *app) defaultKeyring() (string, error) {
	folder := a.env.Getenv("GNUPGHOME")
	if folder == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", withHint(fmt.Errorf("the default keyring: %w", err), "give a file with keys as --keyring")
		}
		folder = filepath.Join(home, ".gnupg")
	}
	path := filepath.Join(folder, "pubring.gpg")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		keybox := filepath.Join(folder, "pubring.kbx")
		if _, err := os.Stat(keybox); err == nil {
			return keybox, nil
		}
	}
	return path, nil
}

// verified is a verification as data.
type verified struct {
	File               string     `json:"file"`
	Digest             string     `json:"digest"`
	Chart              string     `json:"chart"`
	Version            string     `json:"version"`
	SignedBy           []string   `json:"signedBy"`
	Fingerprint        string     `json:"fingerprint"`
	SigningFingerprint string     `json:"signingFingerprint"`
	SignedAt           time.Time  `json:"signedAt"`
	KeyCreated         time.Time  `json:"keyCreated"`
	KeyExpires         *time.Time `json:"keyExpires,omitempty"`
	KeyRevoked         *time.Time `json:"keyRevoked,omitempty"`
}

func newVerified(v *provenance.Verification) verified {
	unlessZero := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	return verified{
		File: v.FileName, Digest: v.FileHash, Chart: v.Metadata.Name, Version: v.Metadata.Version,
		SignedBy: v.SignedBy, Fingerprint: v.Fingerprint, SigningFingerprint: v.SigningFingerprint,
		SignedAt: v.SignedAt.UTC(), KeyCreated: v.KeyCreated.UTC(), KeyExpires: unlessZero(v.KeyExpires), KeyRevoked: unlessZero(v.RevokedAt),
	}
}

// verificationText is Helm's text, and what else a signature tells.
func verificationText(v *provenance.Verification) string {
	var out strings.Builder
	line := func(name, value string) { fmt.Fprintf(&out, "%s: %s\n", name, value) }
	moment := func(name string, t time.Time) {
		if !t.IsZero() {
			line(name, t.UTC().Format(time.RFC3339))
		}
	}
	for _, name := range v.SignedBy {
		line("Signed by", printable(name))
	}
	line("Using Key With Fingerprint", v.Fingerprint)
	line("Chart Hash Verified", v.FileHash)
	// #DIFFERS Helm's text ends here.
	if v.SigningFingerprint != v.Fingerprint {
		line("Signed With Subkey", v.SigningFingerprint)
	}
	moment("Signed At", v.SignedAt)
	moment("Key Created", v.KeyCreated)
	moment("Key Expires", v.KeyExpires)
	moment("Key Revoked", v.RevokedAt)
	return out.String()
}
