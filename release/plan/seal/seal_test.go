package seal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/e6d26078/slipway/release/plan/seal"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type pair struct{ public, private []byte }

// newPair makes a key pair that lives for the time given, 0 for ever.
func newPair(t testing.TB, passphrase string, life time.Duration) pair {
	t.Helper()
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return now },
		KeyLifetimeSecs: uint32(life.Seconds())}
	entity, err := openpgp.NewEntity("Test", "", "test@example.com", config)
	if err != nil {
		t.Fatal(err)
	}
	var public, private bytes.Buffer
	if err := entity.Serialize(&public); err != nil {
		t.Fatal(err)
	}
	if passphrase != "" {
		if err := entity.EncryptPrivateKeys([]byte(passphrase), config); err != nil {
			t.Fatal(err)
		}
	}
	if err := entity.SerializePrivateWithoutSigning(&private, config); err != nil {
		t.Fatal(err)
	}
	return pair{armoured(t, openpgp.PublicKeyType, public.Bytes()), armoured(t, openpgp.PrivateKeyType, private.Bytes())}
}

func armoured(t testing.TB, kind string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPayloadComesBackFromItsMessage(t *testing.T) {
	payload := []byte(strings.Repeat("password: hunter2\n", 5000))
	for name, passphrase := range map[string]string{"plain key": "", "key with a passphrase": "let me in"} {
		t.Run(name, func(t *testing.T) {
			keys := newPair(t, passphrase, 0)
			message, err := seal.Encrypt(payload, keys.public, now)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(message, "hunter2") {
				t.Error("the message is not encrypted")
			}
			got, err := seal.Decrypt(message, keys.private, []byte(passphrase), now.Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, payload) {
				t.Error("the payload has changed")
			}
		})
	}
}

func TestEachOfSeveralRecipientsCanDecrypt(t *testing.T) {
	a, b := newPair(t, "", 0), newPair(t, "", 0)
	ring := append(binary(t, a.public), binary(t, b.public)...)
	message, err := seal.Encrypt([]byte("x"), ring, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range []pair{a, b} {
		if got, err := seal.Decrypt(message, keys.private, nil, now); err != nil || string(got) != "x" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func binary(t *testing.T, key []byte) []byte {
	t.Helper()
	block, err := armor.Decode(bytes.NewReader(key))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(block.Body); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatCannotBeDecryptedSaysWhy(t *testing.T) {
	keys := newPair(t, "right", 0)
	message, err := seal.Encrypt([]byte("content"), keys.public, now)
	if err != nil {
		t.Fatal(err)
	}
	open := newPair(t, "", 0)
	toOpen, err := seal.Encrypt([]byte("content"), open.public, now)
	if err != nil {
		t.Fatal(err)
	}
	block, err := armor.Decode(strings.NewReader(toOpen))
	if err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(block.Body); err != nil {
		t.Fatal(err)
	}
	raw.Bytes()[raw.Len()-3] ^= 1
	var literal bytes.Buffer
	w, err := packet.SerializeLiteral(nopCloser{&literal}, true, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("forged")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		message    string
		keys       []byte
		passphrase string
		want       error
	}{
		"wrong passphrase":                  {message, keys.private, "wrong", seal.ErrPassphrase},
		"no passphrase":                     {message, keys.private, "", seal.ErrPassphrase},
		"somebody else's key":               {message, open.private, "", seal.ErrNoKey},
		"a public key":                      {message, keys.public, "", seal.ErrNoKey},
		"a changed byte":                    {string(armoured(t, "PGP MESSAGE", raw.Bytes())), open.private, "", seal.ErrDamaged},
		"a message that was never sealed":   {string(armoured(t, "PGP MESSAGE", literal.Bytes())), open.private, "", seal.ErrDamaged},
		"no message":                        {"hello", open.private, "", seal.ErrDamaged},
		"a message cut short":               {toOpen[:len(toOpen)/2], open.private, "", seal.ErrDamaged},
		"a key in the place of the message": {string(keys.public), open.private, "", seal.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := seal.Decrypt(test.message, test.keys, []byte(test.passphrase), now)
			if !errors.Is(err, test.want) || got != nil {
				t.Errorf("got %q, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestAKeyThatHasExpiredEncryptsNothing(t *testing.T) {
	keys := newPair(t, "", time.Hour)
	if _, err := seal.Encrypt([]byte("x"), keys.public, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if message, err := seal.Encrypt([]byte("x"), keys.public, now.Add(2*time.Hour)); err == nil {
		t.Errorf("it encrypted: %s", message)
	}
}

func TestTextThatIsNoKeyIsRefused(t *testing.T) {
	for _, keys := range []string{"", "hello", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----"} {
		if _, err := seal.Encrypt([]byte("x"), []byte(keys), now); err == nil {
			t.Errorf("%q was taken for a key", keys)
		}
	}
}

func TestAnEmptySubpacketInAKeyIsAnError(t *testing.T) {
	// The library reads past the end of such a signature.
	damaged := append(binary(t, newPair(t, "", 0).public), "\xc2\x0c\x04\x01\x16\x0a\x00\x02\x01\x04\x00\x00\x00\x00"...)
	for _, keys := range [][]byte{damaged, armoured(t, openpgp.PublicKeyType, damaged)} {
		if _, err := seal.Encrypt([]byte("x"), keys, now); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("got %v", err)
		}
	}
	message := append([]byte("\xc2\x0c\x04\x01\x16\x0a\x00\x02\x01\x04\x00\x00\x00\x00"), binary(t, newPair(t, "", 0).public)...)
	if _, err := seal.Decrypt(string(armoured(t, "PGP MESSAGE", message)), newPair(t, "", 0).private, nil, now); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("as a message: %v", err)
	}
}

type nopCloser struct{ *bytes.Buffer }

func (nopCloser) Close() error { return nil }

func FuzzDecrypt(f *testing.F) {
	keys := newPair(f, "", 0)
	message, err := seal.Encrypt([]byte("content"), keys.public, now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(message)
	f.Add("-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----")
	f.Fuzz(func(t *testing.T, message string) {
		if got, err := seal.Decrypt(message, keys.private, nil, now); err == nil && string(got) != "content" {
			t.Errorf("a message that nobody sealed gave %q", got)
		}
	})
}
