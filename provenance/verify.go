package provenance

import (
	"context"
	"errors"
	"time"

	helmchart "helm.sh/helm/v3/pkg/chart"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Verification is what a signature proves.
type Verification struct {
	// SignedBy are the user ids of the key, the primary one first, without those
	// that are revoked. They are the key's own words; who is meant by it is for
	// the owner of the keyring to know.
	SignedBy []string
	// Fingerprint is that of the primary key, SigningFingerprint that of the key
	// which made the signature, the same or a subkey; in upper case hexadecimal digits.
	Fingerprint        string
	SigningFingerprint string
	// SignedAt is the time in the signature.
	SignedAt time.Time
	// KeyCreated and KeyExpires are those of the signing key; KeyExpires is zero
	// if it does not expire. RevokedAt is not zero if the key was superseded or retired.
	KeyCreated time.Time
	KeyExpires time.Time
	RevokedAt  time.Time
	// FileName and FileHash (sha256:HEX) are those of the archive.
	FileName string
	FileHash string
	// Metadata are those of the archive as Helm loads them, which are those that were signed.
	Metadata *helmchart.Metadata
}

// Verify finds that prov is a valid .prov file for the packaged chart archive,
// whose file name is the last part of name, made by a key of the keyring that
// the policy accepts. Of several signatures one is enough. Errors are of type
// *FormatError, *KeyError, *SignatureError, *DigestError or *MetadataError,
// or about the archive or the policy; then nothing is proven.
func Verify(ctx context.Context, name string, archive, prov []byte, keys *Keyring, policy Policy) (*Verification, error) {
	if err := policy.Check(); err != nil {
		return nil, err
	}
	m, err := parseMessage(prov)
	if err != nil {
		return nil, err
	}
	key, signature, err := m.verify(ctx, keys, policy)
	if err != nil {
		return nil, err
	}
	s, err := parseStatement(m)
	if err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	metadata, err := s.check(name, archive)
	if err != nil {
		return nil, err
	}
	v := &Verification{
		SignedBy:           names(key.Entity),
		Fingerprint:        fingerprint(key.Entity.PrimaryKey),
		SigningFingerprint: fingerprint(key.PublicKey),
		SignedAt:           signature.CreationTime,
		FileName:           baseName(name),
		FileHash:           s.Files[baseName(name)],
		Metadata:           metadata,
	}
	_, v.KeyExpires = lifetime(key)
	v.KeyCreated = key.PublicKey.CreationTime
	for _, r := range revocations(key) {
		v.RevokedAt = earlier(v.RevokedAt, r.CreationTime)
	}
	return v, nil
}

// verify finds the first signature that counts. If none does, the error is
// that of the first whose key is known.
func (m *message) verify(ctx context.Context, keys *Keyring, policy Policy) (*openpgp.Key, *packet.Signature, error) {
	var fault error
	for _, signature := range m.signatures {
		if err := context.Cause(ctx); err != nil {
			return nil, nil, err
		}
		key, err := m.verifyOne(signature, keys, policy)
		if err == nil {
			return key, signature, nil
		}
		var unknown *KeyError
		if fault == nil || errors.As(fault, &unknown) && unknown.Reason == Unknown {
			fault = err
		}
	}
	return nil, nil, fault
}

func (m *message) verifyOne(signature *packet.Signature, keys *Keyring, policy Policy) (*openpgp.Key, error) {
	if hashName(signature.Hash) == "" {
		return nil, &SignatureError{Fingerprint: issuer(signature), Problem: "its hash is too weak: " + signature.Hash.String()}
	}
	candidates := keys.entities.KeysById(*signature.IssuerKeyId)
	if len(candidates) == 0 {
		return nil, keys.unknown(signature)
	}
	var fault error
	for i := range candidates {
		key := &candidates[i]
		err := guard(func() error {
			hash, err := signature.PrepareVerify()
			if err != nil {
				return err
			}
			hash.Write(m.canonical())
			return key.PublicKey.VerifySignature(hash, signature)
		})
		if err == nil {
			err = checkNotations(key, signature)
		} else {
			err = &SignatureError{Fingerprint: fingerprint(key.PublicKey), Problem: "it does not fit the text, which was changed or never signed"}
		}
		if err == nil {
			err = policy.judge(key, signature)
		}
		if err == nil {
			return key, nil
		}
		fault = err
	}
	return nil, fault
}

// checkNotations refuses a signature with conditions that nobody here knows.
func checkNotations(key *openpgp.Key, signature *packet.Signature) error {
	for _, notation := range signature.Notations {
		if notation.IsCritical {
			return &SignatureError{Fingerprint: fingerprint(key.PublicKey), Problem: "it depends on the notation " + clip(notation.Name) + ", which is not known here"}
		}
	}
	return nil
}

// unknown is the error for a signature whose key is not there or cannot be used.
func (k *Keyring) unknown(signature *packet.Signature) error {
	fault := &KeyError{Fingerprint: issuer(signature), Reason: Unknown}
	for _, skipped := range k.skipped {
		if skipped.KeyID == keyID(*signature.IssuerKeyId) {
			fault.Detail = "the keyring has it, but it cannot be used: " + skipped.Err.Error()
		}
	}
	return fault
}
