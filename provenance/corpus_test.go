package provenance_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	helmprovenance "helm.sh/helm/v3/pkg/provenance"

	"github.com/e6d26078/slipway/provenance"
)

// TestChartsOfTheWorldAreSignedAsHelmSignsThem compares the text that is
// signed over a corpus of packaged charts, and verifies each other's files.
func TestChartsOfTheWorldAreSignedAsHelmSignsThem(t *testing.T) {
	corpus := os.Getenv("SLIPWAY_CORPUS")
	if corpus == "" {
		t.Skip("SLIPWAY_CORPUS is not set")
	}
	found, err := filepath.Glob(filepath.Join(corpus, "*.tgz"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no charts in %s: %v", corpus, err)
	}
	public, secret := newKey(t, "Release", "release@example.com")
	helmSigner, keys, signer := helmSignatory(t, secret), keyring(t, public), signerOf(t, secret, "release@example.com")
	compared := 0
	for _, path := range found {
		theirs, err := helmSigner.ClearSign(path)
		if err != nil {
			t.Logf("Helm does not sign %s: %v", filepath.Base(path), err)
			continue
		}
		archive := read(t, path)
		ours, err := provenance.Sign(context.Background(), path, archive, signer)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		if diff := cmp.Diff(upToSignature([]byte(theirs)), upToSignature(ours)); diff != "" {
			t.Errorf("%s differs (- helm, + slipway)\n%s", filepath.Base(path), diff)
		}
		if _, err := provenance.Verify(context.Background(), path, archive, []byte(theirs), keys, provenance.Policy{Now: time.Now()}); err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
		compared++
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

func helmSignatory(t testing.TB, secret []byte) *helmprovenance.Signatory {
	t.Helper()
	ring := filepath.Join(t.TempDir(), "ring.gpg")
	write(t, ring, secret)
	s, err := helmprovenance.NewFromKeyring(ring, "release@example.com")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// BenchmarkVerify verifies one chart with this package and with Helm's.
func BenchmarkVerify(b *testing.B) {
	public, secret := newKey(b, "Release", "release@example.com")
	path := filepath.Join(b.TempDir(), "full-1.0.0.tgz")
	archive := packaged(b, "full")
	write(b, path, archive)
	prov, err := provenance.Sign(context.Background(), path, archive, signerOf(b, secret, "release@example.com"))
	if err != nil {
		b.Fatal(err)
	}
	write(b, path+".prov", prov)
	ring := filepath.Join(filepath.Dir(path), "ring.gpg")
	write(b, ring, public)
	b.Run("slipway", func(b *testing.B) {
		for b.Loop() {
			if _, err := provenance.Verify(context.Background(), path, read(b, path), read(b, path+".prov"), keyring(b, read(b, ring)), provenance.Policy{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("helm", func(b *testing.B) {
		for b.Loop() {
			s, err := helmprovenance.NewFromKeyring(ring, "")
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Verify(path, path+".prov"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
