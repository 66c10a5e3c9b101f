package provenance

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Policy says which signatures count. The zero value accepts what a key of the
// keyring has signed while it was valid, and never anything of a key that was
// revoked as compromised or without a reason.
type Policy struct {
	// Now is the time of the verification. If it is zero, signatures that expire
	// do not count, and ones from the future are not noticed.
	Now time.Time
	// Current wants that the key is valid now as well: not expired, and not
	// revoked for any reason. Without Now, a key that ever expires does not count.
	Current bool
	// Fingerprints are those of the keys that count, in hexadecimal digits, with
	// or without spaces: of primary keys, whose subkeys count as well, or of
	// subkeys. If it is empty, every key of the keyring counts.
	Fingerprints []string
}

const (
	maxSkew = 5 * time.Minute // by which clocks may differ
	minBits = 2048            // of RSA and DSA keys
)

// judge says why a signature of a key does not count, nil if it does.
func (p Policy) judge(key *openpgp.Key, signature *packet.Signature) error {
	at := signature.CreationTime
	fault := p.atTime(key, at)
	if fault == nil && p.Current {
		fault = p.current(key)
	}
	if fault == nil && !p.Now.IsZero() && at.After(p.Now.Add(maxSkew)) {
		fault = &KeyError{Reason: NotYetValid, At: at, Detail: "the signature is from the future"}
	}
	if fault == nil {
		fault = weakness(key)
	}
	if fault == nil && len(p.Fingerprints) > 0 {
		fault = p.allowed(key)
	}
	if fault != nil {
		return named(fault, key)
	}
	if end := expiry(signature.CreationTime, signature.SigLifetimeSecs); !end.IsZero() && (p.Now.IsZero() || p.Now.After(end)) {
		return &SignatureError{Fingerprint: fingerprint(key.PublicKey), Problem: "it has expired (" + end.UTC().Format(time.RFC3339) + ")"}
	}
	return nil
}

func named(fault *KeyError, key *openpgp.Key) *KeyError {
	fault.Fingerprint, fault.Name = fingerprint(key.PublicKey), primaryName(key.Entity)
	return fault
}

// atTime says why a key was not valid at a time.
func (p Policy) atTime(key *openpgp.Key, at time.Time) *KeyError {
	from, until := lifetime(key)
	for _, r := range revocations(key) {
		if hard(r) || !at.Before(r.CreationTime) {
			return revoked(r)
		}
	}
	switch {
	case at.Before(from):
		return &KeyError{Reason: NotYetValid, At: from, Detail: "the signature is older than the key"}
	case !until.IsZero() && at.After(until):
		return &KeyError{Reason: Expired, At: until, Detail: "before it signed"}
	}
	return nil
}

// current says why a key is not valid at p.Now, whenever it signed.
func (p Policy) current(key *openpgp.Key) *KeyError {
	for _, r := range revocations(key) {
		return revoked(r)
	}
	_, until := lifetime(key)
	if !until.IsZero() && (p.Now.IsZero() || p.Now.After(until)) {
		return &KeyError{Reason: Expired, At: until}
	}
	return nil
}

func revoked(r *packet.Signature) *KeyError {
	return &KeyError{Reason: Revoked, At: r.CreationTime, Detail: revocationReason(r)}
}

// hard reports whether a revocation makes every signature of the key doubtful,
// whatever time it states: whoever has stolen a key writes any time.
func hard(r *packet.Signature) bool {
	if r.RevocationReason == nil {
		return true
	}
	switch *r.RevocationReason {
	case packet.KeySuperseded, packet.KeyRetired, packet.UserIDNotValid:
		return false
	}
	return true
}

func revocationReason(r *packet.Signature) string {
	reason := "no reason given"
	if r.RevocationReason != nil {
		switch *r.RevocationReason {
		case packet.KeySuperseded:
			reason = "superseded"
		case packet.KeyCompromised:
			reason = "compromised"
		case packet.KeyRetired:
			reason = "retired"
		case packet.UserIDNotValid:
			reason = "its user id is no longer valid"
		}
	}
	if text := strings.Join(strings.Fields(r.RevocationReasonText), " "); text != "" {
		reason += fmt.Sprintf(" (%q)", clip(text))
	}
	return reason
}

// revocations lists those of the primary key, of its primary user id and, if a
// subkey is meant, of that.
func revocations(key *openpgp.Key) []*packet.Signature {
	list := slices.Clone(key.Entity.Revocations)
	if _, identity := selfSignature(key.Entity); identity != nil {
		list = append(list, identity.Revocations...)
	}
	if key.PublicKey != key.Entity.PrimaryKey {
		list = append(list, key.Revocations...)
	}
	return list
}

// lifetime is when a key is valid; until is zero if it does not expire. A
// subkey is valid no longer than its primary key.
func lifetime(key *openpgp.Key) (from, until time.Time) {
	primary := key.Entity.PrimaryKey
	self, _ := selfSignature(key.Entity)
	from = primary.CreationTime
	until = earlier(expiry(primary.CreationTime, self.KeyLifetimeSecs), expiry(self.CreationTime, self.SigLifetimeSecs))
	if direct := key.Entity.SelfSignature; direct != nil { // GnuPG goes by it, too
		until = earlier(until, expiry(primary.CreationTime, direct.KeyLifetimeSecs))
	}
	if key.PublicKey != primary {
		binding := key.SelfSignature
		if key.PublicKey.CreationTime.After(from) {
			from = key.PublicKey.CreationTime
		}
		until = earlier(until, expiry(key.PublicKey.CreationTime, binding.KeyLifetimeSecs))
		until = earlier(until, expiry(binding.CreationTime, binding.SigLifetimeSecs))
	}
	return from, until
}

// expiry is the end of a life of some seconds, zero for ever.
func expiry(from time.Time, seconds *uint32) time.Time {
	if seconds == nil || *seconds == 0 {
		return time.Time{}
	}
	return from.Add(time.Duration(*seconds) * time.Second)
}

// earlier gives the earlier of two times; zero is later than any.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// weakness says why a key may not sign at all.
func weakness(key *openpgp.Key) *KeyError {
	if !maySign(key) {
		return &KeyError{Reason: Forbidden, Detail: "it is not meant for signatures"}
	}
	switch key.PublicKey.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly, packet.PubKeyAlgoDSA:
		if bits, err := key.PublicKey.BitLength(); err != nil || bits < minBits {
			return &KeyError{Reason: Forbidden, Detail: fmt.Sprintf("it has %d bits, and fewer than %d are too weak", bits, minBits)}
		}
	}
	return nil
}

// maySign reports whether a key says that it is for signatures.
func maySign(key *openpgp.Key) bool {
	s := key.SelfSignature
	if key.PublicKey == key.Entity.PrimaryKey {
		s, _ = selfSignature(key.Entity)
		if direct := key.Entity.SelfSignature; direct != nil && direct.FlagsValid {
			s = direct
		}
	}
	return s != nil && s.FlagsValid && s.FlagSign && key.PublicKey.PubKeyAlgo.CanSign()
}

func (p Policy) allowed(key *openpgp.Key) *KeyError {
	for _, allowed := range p.Fingerprints {
		allowed = normalFingerprint(allowed)
		if allowed == fingerprint(key.PublicKey) || allowed == fingerprint(key.Entity.PrimaryKey) {
			return nil
		}
	}
	return &KeyError{Reason: Forbidden, Detail: "its fingerprint is not among those allowed"}
}

// Check finds faults of the policy itself.
func (p Policy) Check() error {
	for _, text := range p.Fingerprints {
		if !isFingerprint(normalFingerprint(text)) {
			return fmt.Errorf("fingerprint %q: not the 40 or 64 hexadecimal digits of a key's fingerprint", clip(text))
		}
	}
	return nil
}

// normalFingerprint is a fingerprint without spaces and 0x, in upper case.
func normalFingerprint(text string) string {
	text = strings.ToUpper(strings.Join(strings.Fields(text), ""))
	return strings.TrimPrefix(text, "0X")
}

func isFingerprint(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && (len(text) == 40 || len(text) == 64)
}
