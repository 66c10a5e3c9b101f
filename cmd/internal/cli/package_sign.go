package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/provenance"
)

// The words of --signer.
const (
	signerKeyring = "keyring"
	signerGPG     = "gpg"
)

// signOptions are the flags of "package" about signing.
type signOptions struct {
	sign           bool
	key            string
	keyring        string
	passphraseFile string
	signer         *choice
}

func (o *signOptions) register(f *pflag.FlagSet) {
	o.signer = newChoice(signerKeyring, signerGPG)
	f.BoolVar(&o.sign, "sign", false, "use a PGP private key to sign this package")
	f.StringVar(&o.key, "key", "", "name of the key to use when signing: fingerprint, key id, e-mail address or user id. Used if --sign is true")
	f.StringVar(&o.keyring, "keyring", "", "location of a keyring with the secret key: binary, armored or keybox (default pubring.gpg or pubring.kbx in $GNUPGHOME or ~/.gnupg)")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", `location of a file which contains the passphrase for the signing key. Use "-" in order to read from stdin`)
	f.Var(o.signer, "signer", "what signs: a key of the keyring, or the program gpg with its own keys, agent and smart cards")
}

// newSigner finds and opens the key, before anything is written. Without
// --sign it gives nil.
func (a *app) newSigner(ctx context.Context, o *signOptions) (provenance.Signer, error) {
	if !o.sign {
		return nil, nil
	}
	if o.key == "" {
		return nil, withHint(errors.New("--key is required for signing a package"), "name the key by its fingerprint or e-mail address, such as --key release@example.com")
	}
	if o.signer.word == signerGPG {
		return a.gpgSigner(o)
	}
	keys, err := a.readKeyring(o.keyring)
	if err != nil {
		return nil, err
	}
	signer, err := keys.Signer(o.key, a.env.Now())
	if err != nil {
		return nil, withHint(err, "a keyring with secret keys is made by 'gpg --export-secret-keys NAME > FILE'; --signer gpg uses those of gpg itself")
	}
	return signer, a.unlock(ctx, signer, o.passphraseFile)
}

// unlock opens a key by the passphrase from a file, or asks for it.
func (a *app) unlock(ctx context.Context, signer *provenance.KeySigner, file string) error {
	const attempts = 3
	if !signer.Locked() {
		return nil
	}
	if file != "" {
		passphrase, err := a.readPassphrase(ctx, file)
		if err != nil {
			return fmt.Errorf("--passphrase-file: %w", err)
		}
		return signer.Unlock(passphrase)
	}
	for attempt := 1; ; attempt++ {
		passphrase, err := a.askPassphrase(ctx, signer.Name())
		if err != nil {
			return err
		}
		err = signer.Unlock(passphrase)
		if err == nil || attempt == attempts {
			return err
		}
		a.warnf("slipway: %v; once more", err)
	}
}

// readPassphrase gives the first line of a file, or of standard input.
func (a *app) readPassphrase(ctx context.Context, file string) ([]byte, error) {
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(&stdin{ctx: ctx, from: a.env.Stdin})
	} else {
		text, err = readFile(file)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return trimLineEnd(line), err
}

// askPassphrase asks the person at the terminal. The terminal shows what is
// typed again when the context ends.
func (a *app) askPassphrase(ctx context.Context, name string) ([]byte, error) {
	terminal, ok := a.env.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return nil, withHint(fmt.Errorf("the key of %q needs a passphrase", name), "give it with --passphrase-file FILE, or '-' for standard input; at a terminal it is asked for")
	}
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, machineFault(fmt.Errorf("read the terminal: %w", err))
	}
	fmt.Fprintf(a.env.Stderr, "Password for key %q >  ", name)
	type answer struct {
		passphrase []byte
		err        error
	}
	answers := make(chan answer, 1)
	go func() {
		passphrase, err := term.ReadPassword(fd)
		answers <- answer{passphrase, err}
	}()
	select {
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		a.warnf("")
		return nil, context.Cause(ctx)
	case got := <-answers:
		a.warnf("")
		return got.passphrase, got.err
	}
}

// gpgSigner signs by the program gpg. Its own words go to standard error.
func (a *app) gpgSigner(o *signOptions) (provenance.Signer, error) {
	program, err := exec.LookPath("gpg")
	if err != nil {
		return nil, withHint(fmt.Errorf("--signer gpg: %w", err), "install GnuPG, or sign with a key of a --keyring")
	}
	var before []string
	switch o.passphraseFile {
	case "": // its agent asks
	case "-":
		return nil, withHint(errors.New("--signer gpg: gpg reads the text to sign from standard input, so --passphrase-file - is not possible"), "name a file, or leave it to gpg's agent to ask")
	default:
		before = []string{"--batch", "--pinentry-mode", "loopback", "--passphrase-file", o.passphraseFile}
	}
	if o.keyring != "" {
		a.warnf("slipway: warning: --keyring is not used with --signer gpg, which has its own")
	}
	return provenance.SignerFunc(func(ctx context.Context, text []byte) ([]byte, error) {
		cmd := exec.CommandContext(ctx, program, append(before, provenance.GPGArguments(o.key)...)...)
		cmd.Stdin, cmd.Stderr = bytes.NewReader(text), a.env.Stderr
		prov, err := cmd.Output()
		if err != nil {
			return nil, withHint(fmt.Errorf("gpg cannot sign with the key %q: %w", o.key, err), "its message is above; 'gpg --list-secret-keys' lists its keys")
		}
		return prov, nil
	}), nil
}

// saveSigned saves a chart and its .prov file in a folder; both appear, or
// neither does.
func saveSigned(ctx context.Context, c *chart.Chart, folder string, o chart.SaveOptions, signer provenance.Signer) (string, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	hidden, err := os.MkdirTemp(folder, ".slipway-package-")
	if err != nil {
		return "", machineFault(err)
	}
	defer os.RemoveAll(hidden)
	path, err := chart.SaveFile(c, hidden, o)
	if err != nil {
		return "", fmt.Errorf("failed to save: %w", err)
	}
	archive, err := readFile(path)
	if err != nil {
		return "", machineFault(err)
	}
	prov, err := provenance.Sign(ctx, path, archive, signer)
	if err != nil {
		return "", fmt.Errorf("sign %s: %w", filepath.Base(path), err)
	}
	if err := os.WriteFile(path+".prov", prov, 0o644); err != nil {
		return "", machineFault(err)
	}
	target := filepath.Join(folder, filepath.Base(path))
	for _, suffix := range []string{"", ".prov"} { // an old .prov beside the new archive does not verify, so it is safe
		if err := os.Rename(path+suffix, target+suffix); err != nil {
			return "", machineFault(err)
		}
	}
	return target, nil
}
