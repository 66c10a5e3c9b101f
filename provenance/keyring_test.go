package provenance_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/e6d26078/slipway/provenance"
)

// TestKeyringsOfEveryFormAreRead holds all forms against the list of keys that
// gpg gives: keys of several kinds, one with a picture, one revoked, one with
// a subkey and two user ids.
func TestKeyringsOfEveryFormAreRead(t *testing.T) {
	t.Parallel()
	g := newGPG(t)
	when := day("2024-01-01")
	want := []string{
		g.generate(when, "Ed <ed@example.com>", "ed25519", "sign", "0"),
		g.generate(when, "Rsa <rsa@example.com>", "rsa2048", "sign,cert", "1y"),
		g.generate(when, "Dsa <dsa@example.com>", "dsa2048", "sign", "0"),
		g.generate(when, "Nist <nist@example.com>", "nistp256", "sign", "0"),
	}
	g.addSubkey(when, want[1], "rsa2048", "encr", "0")
	g.addSubkey(when, want[1], "ed25519", "sign", "0")
	g.run(at(when), "--quick-add-uid", want[0], "Ed Two <ed2@example.com>")
	g.revoke(when, want[2], 1)
	box := read(t, filepath.Join(g.home, "pubring.kbx"))
	public, secret := g.public(), g.secret()
	armor := g.run("--armor", "--export")
	single := append(g.run("--armor", "--export", want[0]), bytes.ReplaceAll(g.run("--armor", "--export", want[1], want[2], want[3]), []byte("\n"), []byte("\r\n"))...)
	for name, data := range map[string][]byte{
		"binary":                public,
		"secret":                secret,
		"both":                  append(bytes.Clone(public), secret...),
		"armored":               armor,
		"armored, with a title": append([]byte("The keys of the project.\n\n"), armor...),
		"armored, two blocks":   single,
		"armored secret":        g.run("--armor", "--export-secret-keys"),
		"keybox":                box,
	} {
		t.Run(name, func(t *testing.T) {
			keys := keyring(t, data)
			if got := keys.Fingerprints(); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v, skipped %v", got, want, keys.Skipped())
			}
		})
	}
	t.Run("a keybox without keys that were deleted", func(t *testing.T) {
		g.run("--delete-secret-and-public-key", want[1])
		kept := []string{want[0], want[2], want[3]}
		if got := keyring(t, read(t, filepath.Join(g.home, "pubring.kbx"))).Fingerprints(); !slices.Equal(got, kept) {
			t.Errorf("got %v, want %v", got, kept)
		}
	})
}

func TestEveryKindOfKeyVerifiesFromAKeybox(t *testing.T) {
	t.Parallel()
	g := newGPG(t)
	when := day("2024-01-01")
	archive := packaged(t, "plain")
	for i, algorithm := range []string{"ed25519", "rsa3072", "dsa2048", "nistp384"} {
		key := g.generate(when, fmt.Sprintf("Key %d <%d@example.com>", i, i), algorithm, "sign", "0")
		prov, err := provenance.Sign(context.Background(), plainName, archive, g.signer(key, when))
		if err != nil {
			t.Fatal(algorithm, err)
		}
		keys := keyring(t, read(t, filepath.Join(g.home, "pubring.kbx")))
		if v, err := provenance.Verify(context.Background(), plainName, archive, prov, keys, provenance.Policy{}); err != nil || v.Fingerprint != key {
			t.Errorf("%s: %+v, %v", algorithm, v, err)
		}
	}
}

func TestDamagedKeyringsAreErrors(t *testing.T) {
	public, _ := newKey(t, "Release", "release@example.com")
	armor := armoured(t, openpgp.PublicKeyType, public)
	box := keybox(blob(public))
	change := func(data []byte, at int, with ...byte) []byte {
		data = bytes.Clone(data)
		copy(data[at:], with)
		return data
	}
	const first = 32 // the blob after the header
	for name, test := range map[string]struct {
		data []byte
		want string // empty if it is read
	}{
		"a keybox":              {box, ""},
		"empty":                 {nil, "there is no OpenPGP key in it"},
		"text":                  {[]byte("hello"), "read the keyring: "},
		"cut off":               {public[:len(public)-10], "damaged: unexpected EOF"},
		"a signature first":     {public[53:], "read the keyring: "},
		"armor of something":    {armoured(t, "PGP MESSAGE", public), "armored block: a PGP MESSAGE instead of a key"},
		"armor without its end": {armor[:len(armor)-20], "armored block: its end is missing"},
		"armor with damage":     {bytes.Replace(armor, []byte("\n\n"), []byte("\n\n**"), 1), "armored block: illegal base64"},
		"a keybox without keys": {keybox(), "there is no OpenPGP key in it"},
		"X.509":                 {keybox(change(blob(public), 4, 3)), "there is no OpenPGP key in it"},
		"ephemeral":             {keybox(change(blob(public), 7, 2)), "there is no OpenPGP key in it"},
		"of version 9":          {keybox(change(blob(public), 5, 9)), "keybox: the blob at byte 32: version 9"},
		"a blob of no size":     {change(box, first, 0, 0, 0, 0), "keybox: the blob at byte 32 says that it has 0 bytes"},
		"a blob too long":       {change(box, first, 0xff, 0xff, 0xff, 0xff), "keybox: the blob at byte 32 says that it has 4294967295 bytes"},
		"a blob too short":      {keybox(blob(public), []byte{0, 0, 0, 6, 2, 1}), "the blob at byte " + fmt.Sprint(32+len(blob(public))) + ": too short"},
		"cut off in a size":     {append(bytes.Clone(box), 0, 0), "keybox: cut off at byte"},
		"a key outside":         {keybox(change(blob(public), 8, 0, 0, 0xff, 0xff)), "its key block is not inside it"},
		"a key over its start":  {keybox(change(blob(public), 8, 0, 0, 0, 4)), "its key block is not inside it"},
		"a key that is too big": {keybox(blob(large(public))), "a key of more than 5242880 bytes"},
		"a key of many packets": {flooded(public), "a key of more than 2000 packets"},
		"large":                 {bytes.Repeat([]byte("x"), 65<<20), "more than 67108864 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := provenance.ReadKeyring(bytes.NewReader(test.data))
			switch {
			case test.want == "" && (err != nil || len(keys.Fingerprints()) != 1):
				t.Errorf("%v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// flooded is a key with more user ids than anybody needs, and large one with a picture.
func flooded(key []byte) []byte {
	return append(bytes.Clone(key), bytes.Repeat([]byte{0xcd, 1, 'x'}, 3000)...)
}

func large(key []byte) []byte {
	const size = 6 << 20
	return append(append(bytes.Clone(key), 0xd1, 0xff, 0, size>>16, 0, 0), make([]byte, size)...)
}

// keybox builds a keybox of blobs, and blob one of them, as GnuPG documents them.
func keybox(blobs ...[]byte) []byte {
	header := append([]byte{0, 0, 0, 32, 1, 1, 0, 2}, "KBXf"...)
	return append(append(header, make([]byte, 20)...), bytes.Join(blobs, nil)...)
}

func blob(key []byte) []byte {
	const fixed, checksum = 20, 20
	out := make([]byte, fixed, fixed+len(key)+checksum)
	binary.BigEndian.PutUint32(out, uint32(cap(out)))
	out[4], out[5] = 2, 1
	binary.BigEndian.PutUint32(out[8:], fixed)
	binary.BigEndian.PutUint32(out[12:], uint32(len(key)))
	return append(append(out, key...), make([]byte, checksum)...)
}

// TestAKeyThatCannotBeReadDoesNotSpoilTheOthers: it is listed, and the error
// for what it has signed says why it is not known.
func TestAKeyThatCannotBeReadDoesNotSpoilTheOthers(t *testing.T) {
	public, secret := newKey(t, "Bad", "bad@example.com")
	other, _ := newKey(t, "Good", "good@example.com")
	bad := withoutPackets(t, public, func(p *packet.OpaquePacket) bool { return p.Tag != 13 && p.Tag != 2 })
	keys := keyring(t, append(bad, other...))
	if got := keys.Fingerprints(); len(got) != 1 || len(keys.Skipped()) != 1 || keys.Skipped()[0].Err == nil || keys.Skipped()[0].Fingerprint == "" {
		t.Fatalf("%v, skipped %+v", got, keys.Skipped())
	}
	for name, key := range map[string][]byte{"many packets": flooded(public), "large": large(public)} {
		for form, data := range map[string][]byte{"one after the other": append(bytes.Clone(key), other...), "a keybox": keybox(blob(key), blob(other))} {
			keys := keyring(t, data)
			if len(keys.Fingerprints()) != 1 || len(keys.Skipped()) != 1 || keys.Skipped()[0].Fingerprint == "" {
				t.Errorf("%s in %s: %v, skipped %+v", name, form, keys.Fingerprints(), keys.Skipped())
			}
		}
	}
	archive := packaged(t, "plain")
	prov, err := provenance.Sign(context.Background(), plainName, archive, signerOf(t, secret, "bad@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = provenance.Verify(context.Background(), plainName, archive, prov, keys, provenance.Policy{})
	var fault *provenance.KeyError
	if !errors.As(err, &fault) || fault.Reason != provenance.Unknown || !strings.Contains(fault.Detail, "the keyring has it, but it cannot be used: ") {
		t.Errorf("%v", err)
	}
	if _, err := provenance.ReadKeyring(bytes.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "no key in it can be used: ") {
		t.Errorf("%v", err)
	}
}

// TestAKeyWithARevocationThatCannotBeReadIsNotUsed: the OpenPGP library passes
// over signatures of kinds that it does not know.
func TestAKeyWithARevocationThatCannotBeReadIsNotUsed(t *testing.T) {
	public, _ := newKey(t, "Release", "release@example.com")
	const revocation, oddAlgorithm = 0x20, 99
	odd := &packet.OpaquePacket{Tag: 2, Contents: []byte{4, revocation, oddAlgorithm, 10, 0, 0, 0, 0, 0, 0}}
	var out bytes.Buffer
	reader := packet.NewOpaqueReader(bytes.NewReader(public))
	for i := 0; ; i++ {
		p, err := reader.Next()
		if err != nil {
			break
		}
		if err := p.Serialize(&out); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := odd.Serialize(&out); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := provenance.ReadKeyring(&out); err == nil || !strings.Contains(err.Error(), "a revocation of the key cannot be read") {
		t.Errorf("%v", err)
	}
}

func withoutPackets(t *testing.T, key []byte, keep func(*packet.OpaquePacket) bool) []byte {
	t.Helper()
	var out bytes.Buffer
	reader := packet.NewOpaqueReader(bytes.NewReader(key))
	for {
		p, err := reader.Next()
		if err != nil {
			return out.Bytes()
		}
		if keep(p) {
			if err := p.Serialize(&out); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestKeysToSignWithAreFoundByEachOfTheirNames(t *testing.T) {
	t.Parallel()
	g := newGPG(t)
	when, now := day("2024-01-01"), day("2025-06-01")
	release := g.generate(when, "Release Team (charts) <release@example.com>", "ed25519", "sign", "0")
	second := g.generate(when, "Release Team (old) <old@example.com>", "ed25519", "sign", "0")
	expired := g.generate(when, "Rotated <rotated@example.com>", "ed25519", "sign", "1y")
	rotated := g.generate(day("2024-12-01"), "Rotated <rotated@example.com>", "ed25519", "sign", "0")
	lapsed := g.generate(when, "Lapsed <lapsed@example.com>", "ed25519", "sign", "1y")
	revoked := g.generate(when, "Revoked <revoked@example.com>", "ed25519", "sign", "0")
	g.revoke(day("2024-02-01"), revoked, 2)
	onlyPublic, _ := newKey(t, "Else", "else@example.com")
	keys := keyring(t, append(g.secret(), onlyPublic...))
	for name, test := range map[string]struct{ key, want string }{
		"fingerprint":             {release, release},
		"fingerprint, as printed": {"0x" + strings.ToLower(release[:20]) + " " + release[20:], release},
		"key id":                  {release[24:], release},
		"address":                 {"release@example.com", release},
		"address in brackets":     {"<Release@Example.com>", release},
		"user id":                 {"Release Team (old) <old@example.com>", second},
		"part of a user id":       {"(old)", second},
		"address of two, one of which has expired": {"rotated@example.com", rotated},
		"of two":                  {"Release Team", "more than one key contain the id"},
		"of two, with candidates": {"Release Team", second},
		"one that has expired":    {lapsed, "has expired"},
		"an old one, named":       {expired, `of "Rotated <rotated@example.com>" has expired`},
		"one that is revoked":     {"revoked@example.com", `of "Revoked <revoked@example.com>" is revoked (2024-02-01T12:00:00Z): superseded`},
		"one without secret part": {"else@example.com", "the keyring has only its public part"},
		"nobody":                  {"nobody@example.com", `private key not found: the keyring has no key "nobody@example.com"`},
		"nothing":                 {"", "private key not found"},
		"a short key id":          {release[32:], "key ids of 8 digits are easily forged, give the fingerprint"},
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := keys.Signer(test.key, now)
			var selection *provenance.SelectionError
			switch {
			case err == nil && signer.Fingerprint() != test.want:
				t.Errorf("got %s of %s, want %s", signer.Fingerprint(), signer.Name(), test.want)
			case err != nil && (!errors.As(err, &selection) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// TestASecretKeyIsOpenedByItsPassphrase uses one that gpg has protected, as
// gpg exports it: Helm's keyrings are made that way.
func TestASecretKeyIsOpenedByItsPassphrase(t *testing.T) {
	t.Parallel()
	g := newGPG(t)
	g.run("--passphrase", "open sesame", "--quick-generate-key", "Release <release@example.com>", "ed25519", "sign", "0")
	secret := g.run("--passphrase", "open sesame", "--export-secret-keys")
	signer, err := keyring(t, secret).Signer("release@example.com", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	archive := packaged(t, "plain")
	if _, err := provenance.Sign(context.Background(), plainName, archive, signer); err == nil || !strings.Contains(err.Error(), "needs a passphrase") {
		t.Errorf("%v", err)
	}
	if err := signer.Unlock([]byte("open barley")); !errors.Is(err, provenance.ErrPassphrase) || !signer.Locked() {
		t.Errorf("%v", err)
	}
	if err := signer.Unlock([]byte("open sesame")); err != nil || signer.Locked() {
		t.Fatalf("%v", err)
	}
	if err := signer.Unlock([]byte("anything")); err != nil {
		t.Errorf("a key that is open: %v", err)
	}
	prov, err := provenance.Sign(context.Background(), plainName, archive, signer)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.verify(prov); err != nil {
		t.Error(err)
	}
}
