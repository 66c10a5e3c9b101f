package provenance

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Signer makes cleartext signatures.
type Signer interface {
	// ClearSign returns text as an OpenPGP message with a cleartext signature.
	ClearSign(ctx context.Context, text []byte) ([]byte, error)
}

// SignerFunc is a function that signs elsewhere, such as by running gpg with
// [GPGArguments].
type SignerFunc func(ctx context.Context, text []byte) ([]byte, error)

// ClearSign calls the function.
func (f SignerFunc) ClearSign(ctx context.Context, text []byte) ([]byte, error) { return f(ctx, text) }

// GPGArguments are those with which gpg signs what it reads from its standard
// input in the way of Helm. It finds the key, of any name that gpg understands,
// in its own keyring, and asks for passphrases by its agent.
func GPGArguments(key string) []string {
	return []string{"--local-user", key, "--digest-algo", "SHA512", "--armor", "--output", "-", "--clearsign"}
}

// Sign makes the content of the .prov file for a packaged chart, whose file
// name is the last part of name. What is signed are the metadata and the
// digest of the archive, in the bytes that Helm signs.
func Sign(ctx context.Context, name string, archive []byte, signer Signer) ([]byte, error) {
	p, err := readArchive(archive)
	if err != nil {
		return nil, err
	}
	text, err := signedText(name, archive, p.metadata)
	if err != nil {
		return nil, err
	}
	prov, err := signer.ClearSign(ctx, []byte(text))
	if err != nil {
		return nil, err
	}
	m, err := parseMessage(prov)
	if err != nil {
		return nil, fmt.Errorf("read the signer's answer: %w", err)
	}
	if strings.TrimRight(m.text(), "\n") != strings.TrimRight(text, "\n") {
		return nil, errors.New("the signer has changed the text that it signed")
	}
	return prov, nil
}

// KeySigner signs with a key of a keyring.
type KeySigner struct {
	key openpgp.Key
	now time.Time
}

// Name is the user id of the key.
func (s *KeySigner) Name() string { return primaryName(s.key.Entity) }

// Fingerprint is that of the key that signs, which may be a subkey.
func (s *KeySigner) Fingerprint() string { return fingerprint(s.key.PublicKey) }

// Locked reports whether the key needs a passphrase.
func (s *KeySigner) Locked() bool { return s.key.PrivateKey.Encrypted }

// ErrPassphrase says that a passphrase does not open a key.
var ErrPassphrase = errors.New("the passphrase does not open the key")

// Unlock opens the key with its passphrase. A key that is open stays so.
func (s *KeySigner) Unlock(passphrase []byte) error {
	if !s.Locked() {
		return nil
	}
	if err := s.key.PrivateKey.Decrypt(passphrase); err != nil {
		return fmt.Errorf("key %s of %q: %w", s.Fingerprint(), s.Name(), ErrPassphrase)
	}
	return nil
}

// ClearSign signs a text with SHA-512.
func (s *KeySigner) ClearSign(_ context.Context, text []byte) ([]byte, error) {
	if s.Locked() {
		return nil, fmt.Errorf("key %s of %q needs a passphrase", s.Fingerprint(), s.Name())
	}
	config := &packet.Config{DefaultHash: crypto.SHA512, Time: func() time.Time { return s.now }}
	var out bytes.Buffer
	w, err := clearsign.Encode(&out, s.key.PrivateKey, config)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return addChecksum(out.Bytes())
}

// addChecksum writes the armor of a cleartext signature again, with the
// checksum that is optional by now: GnuPG 2.2 fails without it when the
// signature's base64 needs no padding.
func addChecksum(signed []byte) ([]byte, error) {
	at := bytes.LastIndex(signed, []byte(beginSignature)) // the signed text may have it too
	block, err := armor.Decode(bytes.NewReader(signed[at:]))
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	out := bytes.NewBuffer(slices.Clone(signed[:at]))
	w, err := armor.EncodeWithChecksumOption(out, openpgp.SignatureType, nil, true)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if _, err := io.Copy(w, block.Body); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
