package provenance_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/e6d26078/slipway/provenance"
)

// reason is that of a KeyError, or another error's text.
func reason(t *testing.T, err error) string {
	t.Helper()
	var key *provenance.KeyError
	switch {
	case err == nil:
		return "valid"
	case errors.As(err, &key):
		if key.Fingerprint == "" {
			t.Errorf("no fingerprint: %v", err)
		}
		return string(key.Reason)
	}
	return err.Error()
}

// TestSignaturesAreJudgedByTheTimeInThem uses keys and signatures that gpg
// makes at other times than now.
func TestSignaturesAreJudgedByTheTimeInThem(t *testing.T) {
	t.Parallel()
	now := day("2025-06-01")
	lasting := provenance.Policy{Now: now}
	strict := provenance.Policy{Now: now, Current: true}
	without := func(*gpg, string) {}
	revoke := func(reason int) func(*gpg, string) {
		return func(g *gpg, key string) { g.revoke(day("2025-01-01"), key, reason) }
	}
	for name, test := range map[string]struct {
		life, signed string
		change       func(*gpg, string)
		policy       provenance.Policy
		want         string
	}{
		"a key without end":                      {"0", "2024-02-01", without, strict, "valid"},
		"expired since":                          {"1y", "2024-02-01", without, lasting, "valid"},
		"expired since, no policy":               {"1y", "2024-02-01", without, provenance.Policy{}, "valid"},
		"expired since, wanted current":          {"1y", "2024-02-01", without, strict, "expired"},
		"expires, wanted current, no time":       {"1y", "2024-02-01", without, provenance.Policy{Current: true}, "expired"},
		"not expired yet, wanted current":        {"3y", "2024-02-01", without, strict, "valid"},
		"prolonged":                              {"1y", "2024-02-01", func(g *gpg, key string) { g.run(at(day("2024-11-01")), "--quick-set-expire", key, "5y") }, strict, "valid"},
		"from the future":                        {"0", "2025-07-01", without, lasting, "notYet"},
		"superseded after it signed":             {"0", "2024-02-01", revoke(2), lasting, "valid"},
		"superseded, wanted current":             {"0", "2024-02-01", revoke(2), strict, "revoked"},
		"retired after it signed":                {"0", "2024-02-01", revoke(3), lasting, "valid"},
		"compromised after it signed":            {"0", "2024-02-01", revoke(1), lasting, "revoked"},
		"compromised after it signed, no policy": {"0", "2024-02-01", revoke(1), provenance.Policy{}, "revoked"},
		"revoked without a reason":               {"0", "2024-02-01", revoke(0), lasting, "revoked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGPG(t)
			key := g.generate(day("2024-01-01"), "Release <release@example.com>", "ed25519", "sign", test.life)
			archive := packaged(t, "plain")
			prov, err := provenance.Sign(context.Background(), "plain-1.2.3.tgz", archive, g.signer(key, day(test.signed)))
			if err != nil {
				t.Fatal(err)
			}
			test.change(g, key)
			v, err := provenance.Verify(context.Background(), "plain-1.2.3.tgz", archive, prov, keyring(t, g.public()), test.policy)
			if got := reason(t, err); got != test.want {
				t.Errorf("got %v (%v), want %v", got, err, test.want)
			}
			if err == nil && !v.SignedAt.Equal(day(test.signed)) {
				t.Errorf("signed at %v", v.SignedAt)
			}
		})
	}
}

// TestASignatureByARevokedOrExpiredKeyDoesNotCount makes signatures that gpg
// would refuse to make: with the secret key as it was before.
func TestASignatureByARevokedOrExpiredKeyDoesNotCount(t *testing.T) {
	t.Parallel()
	g := newGPG(t)
	key := g.generate(day("2024-01-01"), "Release <release@example.com>", "ed25519", "sign", "1y")
	secret := g.secret()
	g.revoke(day("2024-06-01"), key, 2)
	archive := packaged(t, "plain")
	for when, want := range map[string]string{"2024-05-01": "valid", "2024-07-01": "revoked"} {
		signer, err := keyring(t, secret).Signer(key, day(when))
		if err != nil {
			t.Fatal(err)
		}
		prov, err := provenance.Sign(context.Background(), "plain-1.2.3.tgz", archive, signer)
		if err != nil {
			t.Fatal(err)
		}
		v, err := provenance.Verify(context.Background(), "plain-1.2.3.tgz", archive, prov, keyring(t, g.public()), provenance.Policy{Now: day("2025-06-01")})
		if got := reason(t, err); got != want {
			t.Errorf("signed at %s: %s (%v), want %s", when, got, err, want)
		}
		if err == nil && (!v.RevokedAt.Equal(day("2024-06-01")) || v.KeyExpires.Before(day("2024-12-01")) || v.KeyExpires.After(day("2025-01-02"))) {
			t.Errorf("%+v", v)
		}
		// An old copy of the key in the same keyring changes nothing.
		_, err = provenance.Verify(context.Background(), "plain-1.2.3.tgz", archive, prov, keyring(t, append(secret, g.public()...)), provenance.Policy{})
		if got := reason(t, err); got != want {
			t.Errorf("signed at %s, with an old copy: %s (%v), want %s", when, got, err, want)
		}
	}
}

func TestSubkeysSignAndAreJudged(t *testing.T) {
	t.Parallel()
	g := newGPG(t)
	key := g.generate(day("2024-01-01"), "Release <release@example.com>", "ed25519", "cert", "0")
	g.addSubkey(day("2024-01-02"), key, "cv25519", "encr", "0")
	first := g.addSubkey(day("2024-02-01"), key, "ed25519", "sign", "1y")
	second := g.addSubkey(day("2024-06-01"), key, "ed25519", "sign", "0")
	archive := packaged(t, "plain")
	secret := keyring(t, g.secret())
	for name, test := range map[string]struct {
		key, when, want string
	}{
		"by address the newest":         {"release@example.com", "2025-06-01", second},
		"the newest of then":            {"release@example.com", "2024-03-01", first},
		"by fingerprint of the subkey":  {first, "2024-07-01", first},
		"by fingerprint of the primary": {key, "2024-07-01", second},
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := secret.Signer(test.key, day(test.when))
			if err != nil {
				t.Fatal(err)
			}
			prov, err := provenance.Sign(context.Background(), "plain-1.2.3.tgz", archive, signer)
			if err != nil {
				t.Fatal(err)
			}
			v, err := provenance.Verify(context.Background(), "plain-1.2.3.tgz", archive, prov, keyring(t, g.public()), provenance.Policy{Fingerprints: []string{key}})
			if err != nil {
				t.Fatal(err)
			}
			if v.Fingerprint != key || v.SigningFingerprint != test.want {
				t.Errorf("%+v", v)
			}
			if err := g.verify(prov); err != nil && test.when > "2025" { // gpg refuses what expired keys have signed
				t.Error(err)
			}
		})
	}
	if _, err := secret.Signer(first, day("2025-06-01")); reason(t, err) != string(provenance.Expired) {
		t.Errorf("an expired subkey: %v", err)
	}
	if _, err := secret.Signer("release@example.com", day("2024-01-15")); reason(t, err) != string(provenance.NotYetValid) {
		t.Errorf("before any of the subkeys: %v", err)
	}
}

// TestWhatAKeySaysOfItselfCounts also if no user id says it: GnuPG sees it so, too.
func TestWhatAKeySaysOfItselfCounts(t *testing.T) {
	_, secret := newKey(t, "Release", "release@example.com")
	_, another := newKey(t, "Else", "else@example.com")
	key, strange := entity(t, secret), entity(t, another)
	year := uint32(365 * 24 * 60 * 60)
	says := func(by *packet.PrivateKey, after time.Duration, what packet.Signature) []byte {
		what.Version, what.SigType, what.Hash = 4, packet.SigTypeDirectSignature, crypto.SHA256
		what.PubKeyAlgo, what.IssuerKeyId, what.CreationTime = by.PubKeyAlgo, &key.PrimaryKey.KeyId, keyTime.Add(after)
		var out bytes.Buffer
		err := what.SignDirectKeyBinding(key.PrimaryKey, by, nil)
		if err == nil {
			err = what.Serialize(&out)
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	limit := says(key.PrivateKey, 0, packet.Signature{KeyLifetimeSecs: &year})
	for name, test := range map[string]struct {
		direct             []byte
		inAnHour, in2Years string
	}{
		"nothing":           {nil, "valid", "valid"},
		"nothing of this":   {says(key.PrivateKey, 0, packet.Signature{}), "valid", "valid"},
		"its end":           {limit, "valid", string(provenance.Expired)},
		"by somebody else":  {says(strange.PrivateKey, 0, packet.Signature{KeyLifetimeSecs: &year}), "valid", "valid"},
		"another end later": {append(bytes.Clone(limit), says(key.PrivateKey, time.Minute, packet.Signature{})...), "valid", "valid"},
		"not for charts":    {says(key.PrivateKey, 0, packet.Signature{FlagsValid: true, FlagCertify: true}), string(provenance.Forbidden), string(provenance.Forbidden)},
		"for charts":        {says(key.PrivateKey, 0, packet.Signature{FlagsValid: true, FlagSign: true}), "valid", "valid"},
	} {
		t.Run(name, func(t *testing.T) {
			keys := keyring(t, behindTheFirstPacket(t, secret, test.direct))
			for after, want := range map[time.Duration]string{time.Hour: test.inAnHour, 2 * time.Duration(year) * time.Second: test.in2Years} {
				if _, err := keys.Signer("release@example.com", keyTime.Add(after)); reason(t, err) != want {
					t.Errorf("after %s: %v, want %s", after, err, want)
				}
			}
		})
	}
}

func entity(t *testing.T, key []byte) *openpgp.Entity {
	t.Helper()
	list, err := openpgp.ReadKeyRing(bytes.NewReader(key))
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

// behindTheFirstPacket puts more into a key.
func behindTheFirstPacket(t *testing.T, key, more []byte) []byte {
	t.Helper()
	var first bytes.Buffer
	p, err := packet.NewOpaqueReader(bytes.NewReader(key)).Next()
	if err == nil {
		err = p.Serialize(&first)
	}
	if err != nil || !bytes.HasPrefix(key, first.Bytes()) {
		t.Fatal(err)
	}
	return slices.Concat(first.Bytes(), more, key[first.Len():])
}

func TestOnlyAllowedAndStrongKeysCount(t *testing.T) {
	t.Parallel()
	g := newGPG(t)
	when := day("2024-01-01")
	good := g.generate(when, "Good <good@example.com>", "ed25519", "sign", "0")
	other := g.generate(when, "Other <other@example.com>", "ed25519", "sign", "0")
	weak := g.generate(when, "Weak <weak@example.com>", "rsa1024", "sign", "0")
	archive := packaged(t, "plain")
	sign := func(key string, extra ...string) []byte {
		signer := provenance.SignerFunc(func(_ context.Context, text []byte) ([]byte, error) {
			return g.try(text, append(append([]string{at(when)}, extra...), provenance.GPGArguments(key)...)...)
		})
		prov, err := provenance.Sign(context.Background(), "plain-1.2.3.tgz", archive, signer)
		if err != nil {
			t.Fatal(err)
		}
		return prov
	}
	spaced := good[:4] + " " + good[4:20] + "  " + good[20:]
	for name, test := range map[string]struct {
		prov   []byte
		policy provenance.Policy
		want   string
	}{
		"any":                   {sign(good), provenance.Policy{}, "valid"},
		"the allowed one":       {sign(good), provenance.Policy{Fingerprints: []string{other, spaced}}, "valid"},
		"another":               {sign(good), provenance.Policy{Fingerprints: []string{other}}, "forbidden"},
		"1024 bits":             {sign(weak), provenance.Policy{}, "forbidden"},
		"two, one allowed":      {sign(good, "--local-user", other), provenance.Policy{Fingerprints: []string{good}}, "valid"},
		"two, the other":        {sign(good, "--local-user", other), provenance.Policy{Fingerprints: []string{other}}, "valid"},
		"no fingerprint":        {sign(good), provenance.Policy{Fingerprints: []string{good[24:]}}, `fingerprint "` + good[24:] + `": not the 40 or 64 hexadecimal digits of a key's fingerprint`},
		"a signature that ends": {sign(good, "--default-sig-expire", "1y"), provenance.Policy{Now: day("2024-06-01")}, "valid"},
		"a signature that has ended": {sign(good, "--default-sig-expire", "1y"), provenance.Policy{Now: day("2025-06-01")},
			"signature of key " + good + ": it has expired (2024-12-31T12:00:00Z)"},
		"a signature that ends, without a time": {sign(good, "--default-sig-expire", "1y"), provenance.Policy{},
			"signature of key " + good + ": it has expired (2024-12-31T12:00:00Z)"},
		"an unknown condition": {sign(good, "--sig-notation", "!odd@example.com=x"), provenance.Policy{},
			"signature of key " + good + ": it depends on the notation odd@example.com, which is not known here"},
		"a note": {sign(good, "--sig-notation", "odd@example.com=x"), provenance.Policy{}, "valid"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := provenance.Verify(context.Background(), "plain-1.2.3.tgz", archive, test.prov, keyring(t, g.public()), test.policy)
			if got := reason(t, err); got != test.want {
				t.Errorf("got %v (%v), want %v", got, err, test.want)
			}
		})
	}
	if _, err := keyring(t, g.secret()).Signer(weak, time.Now()); reason(t, err) != string(provenance.Forbidden) {
		t.Errorf("signing with a weak key: %v", err)
	}
}

// TestAWeakHashDoesNotCount: gpg is made to sign with SHA-1, as it did once.
func TestAWeakHashDoesNotCount(t *testing.T) {
	t.Parallel()
	g := newGPG(t)
	key := g.generate(day("2024-01-01"), "Release <release@example.com>", "rsa2048", "sign", "0")
	archive := packaged(t, "plain")
	signer := provenance.SignerFunc(func(_ context.Context, text []byte) ([]byte, error) {
		return g.try(text, "--local-user", key, "--digest-algo", "SHA1", "--clearsign")
	})
	prov, err := provenance.Sign(context.Background(), "plain-1.2.3.tgz", archive, signer)
	if err != nil {
		t.Fatal(err)
	}
	_, err = provenance.Verify(context.Background(), "plain-1.2.3.tgz", archive, prov, keyring(t, g.public()), provenance.Policy{})
	var fault *provenance.SignatureError
	if !errors.As(err, &fault) || fault.Fingerprint != key || fault.Problem != "its hash is too weak: SHA-1" {
		t.Errorf("%v", err)
	}
}
