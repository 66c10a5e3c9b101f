package provenance

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// The limits on keyrings.
const (
	maxKeyring = 64 << 20
	maxKey     = 5 << 20
	maxPackets = 2000 // of a key
)

// Keyring is a set of OpenPGP keys, public ones, secret ones or both. The zero
// value is empty.
type Keyring struct {
	entities openpgp.EntityList
	skipped  []SkippedKey
}

// SkippedKey is a key of a keyring that cannot be used.
type SkippedKey struct {
	Fingerprint string // empty if not even that can be read
	KeyID       string
	Err         error
}

// ReadKeyring reads a keyring: binary, armored (one or more blocks), or a
// keybox of GnuPG. Keys that cannot be read are left out and listed by
// [Keyring.Skipped]. It is an error if the file is damaged or has no key that
// can be read, or if it is larger than 64 MiB.
func ReadKeyring(r io.Reader) (*Keyring, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxKeyring+1))
	if err != nil {
		return nil, fmt.Errorf("read the keyring: %w", err)
	}
	k := &Keyring{}
	if err := k.add(data); err != nil {
		return nil, fmt.Errorf("read the keyring: %w", err)
	}
	return k, nil
}

// Skipped lists the keys that cannot be used.
func (k *Keyring) Skipped() []SkippedKey { return slices.Clone(k.skipped) }

// Fingerprints lists the primary keys, in upper case hexadecimal digits.
func (k *Keyring) Fingerprints() []string {
	var list []string
	for _, e := range k.entities {
		list = append(list, fingerprint(e.PrimaryKey))
	}
	return list
}

func (k *Keyring) add(data []byte) error {
	if len(data) > maxKeyring {
		return fmt.Errorf("more than %d bytes", maxKeyring)
	}
	blocks, err := keyBlocks(data)
	if err != nil {
		return err
	}
	for _, block := range blocks {
		if err := k.addPackets(block); err != nil {
			return err
		}
	}
	switch {
	case len(k.entities) > 0:
		return nil
	case len(k.skipped) > 0:
		return fmt.Errorf("no key in it can be used: %w", k.skipped[0].Err)
	}
	return errors.New("there is no OpenPGP key in it")
}

// keyBlocks finds out what a keyring file is, and gives the packets in it.
func keyBlocks(data []byte) ([][]byte, error) {
	if isKeybox(data) {
		return keyboxKeys(data)
	}
	begin := []byte("-----BEGIN PGP ")
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN ")) && !bytes.Contains(data, append([]byte("\n"), begin...)) {
		return [][]byte{data}, nil
	}
	var blocks [][]byte
	for {
		at := bytes.Index(data, begin)
		if at < 0 {
			return blocks, nil
		}
		block := data[at:]
		data = block[len(begin):]
		if next := bytes.Index(data, begin); next >= 0 {
			block = block[:next+len(begin)]
		}
		packets, err := unarmor(block)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, packets)
	}
}

func unarmor(block []byte) ([]byte, error) {
	decoded, err := armor.Decode(bytes.NewReader(block))
	if err != nil {
		return nil, fmt.Errorf("armored block: %w", err)
	}
	if decoded.Type != openpgp.PublicKeyType && decoded.Type != openpgp.PrivateKeyType {
		return nil, fmt.Errorf("armored block: a %s instead of a key", clip(decoded.Type))
	}
	if !bytes.Contains(block, []byte("-----END "+decoded.Type+"-----")) {
		return nil, errors.New("armored block: its end is missing")
	}
	packets, err := io.ReadAll(decoded.Body)
	if err != nil {
		return nil, fmt.Errorf("armored block: %w", err)
	}
	return packets, nil
}

// The packets that matter here (RFC 9580, section 5).
const (
	tagSignature = 2
	tagSecretKey = 5
	tagPublicKey = 6
	tagTrust     = 12 // GnuPG's own notes
)

// addPackets splits packets into keys and reads each, so that one that cannot
// be read does not stand in the way of the others.
func (k *Keyring) addPackets(data []byte) error {
	reader := packet.NewOpaqueReader(bytes.NewReader(data))
	var key []*packet.OpaquePacket
	for {
		p, err := reader.Next()
		if err == io.EOF {
			k.addKey(key)
			return nil
		}
		if err != nil {
			return fmt.Errorf("damaged: %w", err)
		}
		switch {
		case p.Tag == tagTrust:
			continue
		case p.Tag == tagPublicKey || p.Tag == tagSecretKey:
			k.addKey(key)
			key = nil
		case len(key) == 0:
			return fmt.Errorf("a packet of type %d where a key has to begin", p.Tag)
		}
		if len(key) <= maxPackets { // one more tells readEntity that there are too many
			key = append(key, p)
		}
	}
}

func (k *Keyring) addKey(packets []*packet.OpaquePacket) {
	if len(packets) == 0 {
		return
	}
	entity, err := readEntity(packets)
	if err != nil {
		skipped := SkippedKey{Err: err}
		if p, err := parsePacket(packets[0]); err == nil {
			switch key := p.(type) {
			case *packet.PublicKey:
				skipped.Fingerprint, skipped.KeyID = fingerprint(key), keyID(key.KeyId)
			case *packet.PrivateKey:
				skipped.Fingerprint, skipped.KeyID = fingerprint(&key.PublicKey), keyID(key.KeyId)
			}
		}
		k.skipped = append(k.skipped, skipped)
		return
	}
	for _, known := range k.entities {
		if bytes.Equal(known.PrimaryKey.Fingerprint, entity.PrimaryKey.Fingerprint) {
			merge(known, entity)
			return
		}
	}
	k.entities = append(k.entities, entity)
}

func readEntity(packets []*packet.OpaquePacket) (*openpgp.Entity, error) {
	if len(packets) > maxPackets {
		return nil, fmt.Errorf("a key of more than %d packets", maxPackets)
	}
	var key bytes.Buffer
	for _, p := range packets {
		if err := checkRevocation(p); err != nil {
			return nil, err
		}
		if err := p.Serialize(&key); err != nil {
			return nil, err
		}
		if key.Len() > maxKey {
			return nil, fmt.Errorf("a key of more than %d bytes", maxKey)
		}
	}
	var entity *openpgp.Entity
	err := guard(func() (err error) {
		entity, err = openpgp.ReadEntity(packet.NewReader(&key))
		return err
	})
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(entity.Identities, func(_ string, i *openpgp.Identity) bool { return i.SelfSignature == nil })
	if len(entity.Identities) == 0 && entity.PrimaryKey.Version < 6 {
		return nil, errors.New("no user id is signed by the key itself")
	}
	if entity.PrimaryKey.Version < 6 {
		entity.SelfSignature = directSignature(packets, entity.PrimaryKey)
	}
	return entity, nil
}

// directSignature is the last signature that a key has made over itself and no user
// id, nil if there is none. The OpenPGP library reads it for keys of version 6 alone.
func directSignature(packets []*packet.OpaquePacket, key *packet.PublicKey) (last *packet.Signature) {
	for _, p := range packets {
		if p.Tag != tagSignature || len(p.Contents) < 2 || packet.SignatureType(p.Contents[1]) != packet.SigTypeDirectSignature {
			continue
		}
		parsed, err := parsePacket(p)
		signature, ok := parsed.(*packet.Signature)
		if err != nil || !ok || !signature.CheckKeyIdOrFingerprint(key) || !newer(signature, last) {
			continue
		}
		if guard(func() error { return key.VerifyDirectKeySignature(signature) }) == nil {
			last = signature
		}
	}
	return last
}

// checkRevocation refuses a revocation that the OpenPGP library would pass over,
// because of an algorithm that it does not know for example.
func checkRevocation(p *packet.OpaquePacket) error {
	if p.Tag != tagSignature || len(p.Contents) < 3 {
		return nil
	}
	kind := p.Contents[1]
	if p.Contents[0] <= 3 {
		kind = p.Contents[2]
	}
	switch packet.SignatureType(kind) {
	case packet.SigTypeKeyRevocation, packet.SigTypeSubkeyRevocation, packet.SigTypeCertificationRevocation:
		if _, err := parsePacket(p); err != nil {
			return fmt.Errorf("a revocation of the key cannot be read: %w", err)
		}
	}
	return nil
}

// merge adds to a key what another copy of it says.
func merge(into, from *openpgp.Entity) {
	if into.PrivateKey == nil && from.PrivateKey != nil {
		into.PrivateKey = from.PrivateKey
	}
	into.Revocations = append(into.Revocations, from.Revocations...)
	for name, identity := range from.Identities {
		known := into.Identities[name]
		if known == nil {
			into.Identities[name] = identity
			continue
		}
		known.Revocations = append(known.Revocations, identity.Revocations...)
		if newer(identity.SelfSignature, known.SelfSignature) {
			known.SelfSignature = identity.SelfSignature
		}
	}
	if newer(from.SelfSignature, into.SelfSignature) {
		into.SelfSignature = from.SelfSignature
	}
	for _, subkey := range from.Subkeys {
		at := slices.IndexFunc(into.Subkeys, func(s openpgp.Subkey) bool {
			return bytes.Equal(s.PublicKey.Fingerprint, subkey.PublicKey.Fingerprint)
		})
		if at < 0 {
			into.Subkeys = append(into.Subkeys, subkey)
			continue
		}
		known := &into.Subkeys[at]
		known.Revocations = append(known.Revocations, subkey.Revocations...)
		if newer(subkey.Sig, known.Sig) {
			known.Sig = subkey.Sig
		}
		if known.PrivateKey == nil {
			known.PrivateKey = subkey.PrivateKey
		}
	}
}

func newer(a, b *packet.Signature) bool {
	return a != nil && (b == nil || a.CreationTime.After(b.CreationTime))
}

// fingerprint is that of a key in upper case hexadecimal digits.
func fingerprint(key *packet.PublicKey) string { return fmt.Sprintf("%X", key.Fingerprint) }

func keyID(id uint64) string { return fmt.Sprintf("%016X", id) }

// issuer is how a signature names its key.
func issuer(signature *packet.Signature) string {
	if len(signature.IssuerFingerprint) > 0 {
		return fmt.Sprintf("%X", signature.IssuerFingerprint)
	}
	return keyID(*signature.IssuerKeyId)
}

// names lists the user ids of a key that are not revoked, the primary one first.
func names(e *openpgp.Entity) []string {
	var list []string
	for _, identity := range identities(e) {
		if len(identity.Revocations) == 0 {
			list = append(list, identity.Name)
		}
	}
	return list
}

func primaryName(e *openpgp.Entity) string {
	if list := identities(e); len(list) > 0 {
		return list[0].Name
	}
	return ""
}

// identities lists the user ids, the primary one first: not revoked, marked as
// primary, signed last.
func identities(e *openpgp.Entity) []*openpgp.Identity {
	list := slices.Collect(maps.Values(e.Identities))
	marked := func(i *openpgp.Identity) bool {
		return i.SelfSignature.IsPrimaryId != nil && *i.SelfSignature.IsPrimaryId
	}
	slices.SortFunc(list, func(a, b *openpgp.Identity) int {
		return cmp.Or(
			first(len(a.Revocations) == 0, len(b.Revocations) == 0),
			first(marked(a), marked(b)),
			b.SelfSignature.CreationTime.Compare(a.SelfSignature.CreationTime),
			strings.Compare(a.Name, b.Name),
		)
	})
	return list
}

// first orders true before false.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// selfSignature is the signature that says what a primary key is for and how
// long it lives, and the user id that it is for, if any.
func selfSignature(e *openpgp.Entity) (*packet.Signature, *openpgp.Identity) {
	if e.PrimaryKey.Version == 6 {
		return e.SelfSignature, nil
	}
	primary := identities(e)[0]
	return primary.SelfSignature, primary
}
