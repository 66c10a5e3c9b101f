// Package seal encrypts the frozen target of a plan file to an OpenPGP key and
// decrypts it again (RFC 9580).
//
//	message, err := seal.Encrypt(target, publicKeys, now)
//	target, err := seal.Decrypt(message, privateKeys, passphrase, now)
//
// Both functions are safe for concurrent use.
package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// The limits on what is read.
const (
	maxPayload = 64 << 20
	maxMessage = 32 << 20
	maxKeys    = 4 << 20
)

// Errors to tell apart.
var (
	ErrNoKey      = errors.New("no key that fits")
	ErrPassphrase = errors.New("the passphrase does not open the private key")
	ErrDamaged    = errors.New("the message is damaged or no encrypted message")
)

const messageType = "PGP MESSAGE"

// Encrypt encrypts a payload, so that the owner of any of the public keys can
// read it, and returns an armoured message. It does not compress. Keys are armoured or binary. One
// that cannot encrypt at the time now, because it has expired, is an error.
func Encrypt(payload, publicKeys []byte, now time.Time) (string, error) {
	if len(payload) > maxPayload {
		return "", fmt.Errorf("encrypt: more than %d bytes", maxPayload)
	}
	keys, err := readKeys(publicKeys)
	if err != nil {
		return "", err
	}
	var message strings.Builder
	armoured, err := armor.Encode(&message, messageType, nil)
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	var plain io.WriteCloser
	err = guard(func() error {
		plain, err = openpgp.Encrypt(armoured, keys, nil, &openpgp.FileHints{IsBinary: true}, config(now))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	if _, err := plain.Write(payload); err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	if err := errors.Join(plain.Close(), armoured.Close()); err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	return message.String(), nil
}

// Decrypt returns the payload of an armoured message. The passphrase is that
// of the private keys, nil if they have none. Errors are ErrNoKey,
// ErrPassphrase and ErrDamaged, or about the keys.
func Decrypt(message string, privateKeys, passphrase []byte, now time.Time) ([]byte, error) {
	if len(message) > maxMessage {
		return nil, fmt.Errorf("decrypt: more than %d bytes", maxMessage)
	}
	keys, err := readKeys(privateKeys)
	if err != nil {
		return nil, err
	}
	block, err := armor.Decode(strings.NewReader(message))
	if err != nil || block.Type != messageType {
		return nil, ErrDamaged
	}
	opener := &opener{passphrase: passphrase}
	var details *openpgp.MessageDetails
	err = guard(func() error {
		details, err = openpgp.ReadMessage(block.Body, keys, opener.open, config(now))
		return err
	})
	switch {
	case opener.err != nil:
		return nil, opener.err
	case errors.Is(err, pgperrors.ErrKeyIncorrect) && !opener.tried:
		return nil, ErrNoKey
	case err != nil || !details.IsEncrypted:
		return nil, ErrDamaged
	}
	var payload []byte
	err = guard(func() error {
		payload, err = io.ReadAll(io.LimitReader(details.UnverifiedBody, maxPayload+1))
		return err
	})
	if err != nil {
		return nil, ErrDamaged // the check at the end of the message included
	}
	if len(payload) > maxPayload {
		return nil, fmt.Errorf("decrypt: more than %d bytes", maxPayload)
	}
	return payload, nil
}

// guard calls a function of the OpenPGP library and takes a panic of it for an
// error: it panics on some damaged packets, such as a signature with an empty subpacket.
func guard(call func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("it is damaged: %v", fault)
		}
	}()
	return call()
}

func config(now time.Time) *packet.Config {
	return &packet.Config{
		Time:          func() time.Time { return now },
		DefaultCipher: packet.CipherAES256,
	}
}

// readKeys reads a key ring, armoured or not.
func readKeys(data []byte) (openpgp.EntityList, error) {
	if len(data) > maxKeys {
		return nil, fmt.Errorf("read keys: more than %d bytes", maxKeys)
	}
	read := openpgp.ReadKeyRing
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN")) {
		read = openpgp.ReadArmoredKeyRing
	}
	var keys openpgp.EntityList
	err := guard(func() (err error) {
		keys, err = read(bytes.NewReader(data))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("read keys: %w", ErrNoKey)
	}
	return keys, nil
}

// opener unlocks private keys, once.
type opener struct {
	passphrase []byte
	tried      bool
	err        error
}

func (o *opener) open(keys []openpgp.Key, _ bool) ([]byte, error) {
	if o.tried || len(keys) == 0 {
		o.err = ErrPassphrase
		if len(keys) == 0 {
			o.err = ErrNoKey
		}
		return nil, o.err
	}
	o.tried = true
	for _, key := range keys {
		if key.PrivateKey == nil || !key.PrivateKey.Encrypted {
			continue
		}
		if err := key.PrivateKey.Decrypt(o.passphrase); err != nil {
			o.err = ErrPassphrase
			return nil, o.err
		}
	}
	return nil, nil
}
