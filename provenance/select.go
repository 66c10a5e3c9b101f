package provenance

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// Signer finds the key that name means and that can sign at the time now. The
// name is a fingerprint, a key id of 16 digits, a user id, an e-mail address,
// or a part of a user id; the first of these that fits any key counts. A
// fingerprint or id of a subkey means that subkey; otherwise the primary key
// signs if it can, and its newest subkey that can if not. The error is a
// *SelectionError.
func (k *Keyring) Signer(name string, now time.Time) (*KeySigner, error) {
	found := k.find(name)
	if len(found) == 0 {
		problem := fmt.Sprintf("private key not found: the keyring has no key %q", name)
		if isHex(name, 8) {
			problem += "; key ids of 8 digits are easily forged, give the fingerprint"
		}
		return nil, &SelectionError{Name: name, Problem: problem}
	}
	var signers []*KeySigner
	failed := &SelectionError{Name: name}
	for _, choice := range found {
		key, err := choice.signingKey(now)
		if err == nil {
			signers = append(signers, &KeySigner{key: *key, now: now})
		}
		failed.Candidates = append(failed.Candidates, Candidate{
			Fingerprint: fingerprint(choice.entity.PrimaryKey), Names: names(choice.entity), Err: err,
		})
	}
	switch len(signers) {
	case 1:
		return signers[0], nil
	case 0:
		failed.Problem = fmt.Sprintf("no key %q can sign", name)
	default:
		failed.Problem = fmt.Sprintf("more than one key contain the id %q; give a fingerprint", name)
	}
	return nil, failed
}

// choice is a key, and the subkey that was named, if one was.
type choice struct {
	entity *openpgp.Entity
	subkey string // fingerprint
}

func (k *Keyring) find(name string) []choice {
	if found := k.findByNumber(normalFingerprint(name)); len(found) > 0 {
		return found
	}
	address := strings.ToLower(strings.Trim(name, "<>"))
	for _, fits := range []func(userID string) bool{
		func(userID string) bool { return userID == name },
		func(userID string) bool { return strings.Contains(name, "@") && email(userID) == address },
		func(userID string) bool { return name != "" && strings.Contains(userID, name) },
	} {
		var found []choice
		for _, e := range k.entities {
			if slices.ContainsFunc(names(e), fits) {
				found = append(found, choice{entity: e})
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// findByNumber finds keys by fingerprint or key id.
func (k *Keyring) findByNumber(number string) []choice {
	if !isFingerprint(number) && !isHex(number, 16) {
		return nil
	}
	var found []choice
	for _, e := range k.entities {
		if number == fingerprint(e.PrimaryKey) || number == keyID(e.PrimaryKey.KeyId) {
			found = append(found, choice{entity: e})
		}
		for _, subkey := range e.Subkeys {
			if number == fingerprint(subkey.PublicKey) || number == keyID(subkey.PublicKey.KeyId) {
				found = append(found, choice{entity: e, subkey: fingerprint(subkey.PublicKey)})
			}
		}
	}
	return found
}

// signingKey gives the key that signs, or why none can.
func (c choice) signingKey(now time.Time) (*openpgp.Key, error) {
	keys := signingKeys(c.entity)
	if c.subkey != "" {
		keys = slices.DeleteFunc(keys, func(k *openpgp.Key) bool { return fingerprint(k.PublicKey) != c.subkey })
	}
	var fault error
	for _, key := range keys {
		err := usable(key, now)
		if err == nil {
			return key, nil
		}
		var about *KeyError
		if fault == nil || errors.As(err, &about) && about.Reason != Forbidden {
			fault = err // that a key has expired tells more than that another is not meant to sign
		}
	}
	return nil, fault
}

// signingKeys lists the keys of an entity in the order in which they are tried.
func signingKeys(e *openpgp.Entity) []*openpgp.Key {
	list := []*openpgp.Key{{Entity: e, PublicKey: e.PrimaryKey, PrivateKey: e.PrivateKey}}
	subkeys := slices.Clone(e.Subkeys)
	slices.SortStableFunc(subkeys, func(a, b openpgp.Subkey) int { return b.PublicKey.CreationTime.Compare(a.PublicKey.CreationTime) })
	for _, s := range subkeys {
		list = append(list, &openpgp.Key{Entity: e, PublicKey: s.PublicKey, PrivateKey: s.PrivateKey, SelfSignature: s.Sig, Revocations: s.Revocations})
	}
	return list
}

// usable says why a key cannot sign at a time.
func usable(key *openpgp.Key, now time.Time) error {
	current := Policy{Now: now, Current: true}
	fault := current.atTime(key, now)
	if fault == nil {
		fault = current.current(key)
	}
	if fault == nil {
		fault = weakness(key)
	}
	if fault == nil && (key.PrivateKey == nil || key.PrivateKey.Dummy()) {
		fault = &KeyError{Reason: Forbidden, Detail: "the keyring has only its public part"}
	}
	if fault == nil {
		return nil
	}
	if fault.Reason == Expired {
		fault.Detail = ""
	}
	return named(fault, key)
}

// email is the address in a user id, in lower case.
func email(userID string) string {
	address := userID
	if from := strings.LastIndexByte(userID, '<'); from >= 0 {
		address = strings.TrimSuffix(userID[from+1:], ">")
	}
	return strings.ToLower(address)
}

func isHex(text string, digits int) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == digits
}
