package provenance_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/e6d26078/slipway/provenance"
)

// keyTime is when the keys of newKey begin to count.
var keyTime = time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)

// newKey makes a key without gpg, and gives both halves.
func newKey(t testing.TB, name, address string) (public, secret []byte) {
	t.Helper()
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return keyTime }}
	entity, err := openpgp.NewEntity(name, "", address, config)
	if err != nil {
		t.Fatal(err)
	}
	var p, s bytes.Buffer
	if err := entity.SerializePrivateWithoutSigning(&s, config); err != nil {
		t.Fatal(err)
	}
	if err := entity.Serialize(&p); err != nil {
		t.Fatal(err)
	}
	return p.Bytes(), s.Bytes()
}

func signerOf(t testing.TB, secret []byte, name string) *provenance.KeySigner {
	t.Helper()
	signer, err := keyring(t, secret).Signer(name, keyTime.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// packaged is the archive of one of the charts.
func packaged(t testing.TB, chart string) []byte {
	t.Helper()
	var entries [][2]string
	for name, text := range charts[chart] {
		entries = append(entries, [2]string{chart + "/" + name, text})
	}
	return archived(t, entries...)
}

// archived is an archive of entries with name and text.
func archived(t testing.TB, entries ...[2]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for _, entry := range entries {
		if err := w.WriteHeader(&tar.Header{Name: entry[0], Mode: 0o644, Size: int64(len(entry[1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(entry[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func sha256Of(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }
