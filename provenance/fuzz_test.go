package provenance_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"

	"github.com/e6d26078/slipway/provenance"
)

// fuzzKey is a key that the workers of a fuzzing process share with it: they
// inherit its environment.
func fuzzKey(f *testing.F) (public, secret []byte) {
	const variable = "SLIPWAY_FUZZ_KEY"
	if public, secret, ok := strings.Cut(os.Getenv(variable), "\n\n\n"); ok {
		return []byte(public), []byte(secret)
	}
	public, secret = newKey(f, "Release", "release@example.com")
	public, secret = armoured(f, openpgp.PublicKeyType, public), armoured(f, openpgp.PrivateKeyType, secret)
	f.Setenv(variable, string(public)+"\n\n\n"+string(secret))
	return public, secret
}

// FuzzVerify looks for a file that verifies although the text that anybody
// reads in it is not the one that was signed, or that another implementation
// reads differently.
func FuzzVerify(f *testing.F) {
	public, secret := fuzzKey(f)
	signer := signerOf(f, secret, "release@example.com")
	keys := keyring(f, public)
	archive := packaged(f, "full")
	const name = "full-1.0.0-rc.1+build.5.tgz"
	good, err := provenance.Sign(context.Background(), name, archive, signer)
	if err != nil {
		f.Fatal(err)
	}
	signed, _ := clearsign.Decode(good)
	f.Add(good)
	f.Add(append(bytes.Clone(good), good...))
	f.Add(bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")))
	f.Add(bytes.Replace(good, []byte("\n\n"), []byte("\n \n"), 1))
	f.Add(bytes.Replace(good, []byte("Hash: SHA512"), []byte("Hash: SHA256, SHA512"), 1))
	f.Add([]byte(strings.Repeat("-----BEGIN PGP SIGNED MESSAGE-----\n", 3)))
	f.Fuzz(func(t *testing.T, prov []byte) {
		statement, parseErr := provenance.Parse(prov)
		if parseErr == nil {
			_ = statement.Check(name, archive)
		}
		v, err := provenance.Verify(context.Background(), name, archive, prov, keys, provenance.Policy{})
		if err != nil {
			return
		}
		if parseErr != nil {
			t.Errorf("verified, but not parsed: %v\n%q", parseErr, prov)
		}
		if v.Metadata.Name != "full" {
			t.Errorf("%+v", v)
		}
		block, rest := clearsign.Decode(prov)
		if block == nil || len(bytes.TrimSpace(rest)) > 0 || !bytes.Equal(block.Bytes, signed.Bytes) {
			t.Errorf("another implementation reads something else in it\n%q", prov)
		}
	})
}

// FuzzKeybox looks for keyrings that make the reader fail or run wild.
func FuzzKeybox(f *testing.F) {
	armoredPublic, armoredSecret := fuzzKey(f)
	public, secret := unarmored(f, armoredPublic), unarmored(f, armoredSecret)
	f.Add(keybox(blob(public)))
	f.Add(keybox(blob(secret), blob(public)))
	f.Add(keybox())
	f.Add(public)
	f.Add(secret)
	f.Add(armoredPublic)
	archive := packaged(f, "plain")
	prov, err := provenance.Sign(context.Background(), plainName, archive, signerOf(f, secret, "release@example.com"))
	if err != nil {
		f.Fatal(err)
	}
	own := keyring(f, public).Fingerprints()[0]
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := provenance.ReadKeyring(bytes.NewReader(data))
		if err != nil {
			return
		}
		if len(keys.Fingerprints()) == 0 {
			t.Error("a keyring without keys")
		}
		for _, name := range []string{"release@example.com", own, own[24:], "e"} {
			_, _ = keys.Signer(name, keyTime)
		}
		v, err := provenance.Verify(context.Background(), plainName, archive, prov, keys, provenance.Policy{})
		if err == nil && v.Fingerprint != own {
			t.Errorf("verified by the key %s, but %s has signed", v.Fingerprint, own)
		}
	})
}

func unarmored(f *testing.F, text []byte) []byte {
	block, err := armor.Decode(bytes.NewReader(text))
	if err != nil {
		f.Fatal(err)
	}
	data, err := io.ReadAll(block.Body)
	if err != nil {
		f.Fatal(err)
	}
	return data
}
