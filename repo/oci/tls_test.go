package oci_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/e6d26078/slipway/repo/oci"
)

// TestTLS has a registry that wants a client certificate, and redirects.
func TestTLS(t *testing.T) {
	certificate := selfSigned(t)
	pool := x509.NewCertPool()
	pool.AddCert(certificate.Leaf)
	withTLS := func(wants tls.ClientAuthType) func(http.Handler) *httptest.Server {
		return func(h http.Handler) *httptest.Server {
			s := httptest.NewUnstartedServer(h)
			s.Config.ErrorLog = quiet()
			s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: wants, ClientCAs: pool}
			s.StartTLS()
			return s
		}
	}
	f := newFake(t, withTLS(tls.RequireAndVerifyClientCert))
	if _, err := f.pull(t, oci.Options{TLS: &tls.Config{RootCAs: pool}, Tries: 1}); err == nil || retryable(err) {
		t.Error("without a client certificate:", err)
	}
	if _, err := f.pull(t, oci.Options{Tries: 1}); err == nil || !strings.Contains(err.Error(), "certificate") || retryable(err) {
		t.Error("with the system's authorities:", err)
	}
	identified := oci.Options{TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{certificate}}, Tries: 1}
	if _, err := f.pull(t, identified); err != nil {
		t.Error(err)
	}
	var shown atomic.Int32
	other := withTLS(tls.RequestClientCert)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown.Add(int32(len(r.TLS.PeerCertificates)))
		_, _ = w.Write(f.archive)
	}))
	defer other.Close()
	to := other.URL
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if isBlob(r, f.manifest.Layers[0]) {
			http.Redirect(w, r, to, http.StatusFound)
			return true
		}
		return false
	}
	if _, err := f.pull(t, identified); err != nil || shown.Load() != 0 {
		t.Errorf("%v; %d certificates were shown to the other host", err, shown.Load())
	}
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(f.archive) }))
	defer plain.Close()
	to = plain.URL
	if _, err := f.pull(t, identified); err == nil || !strings.Contains(err.Error(), "not by TLS") {
		t.Error(err)
	}
}

func TestPlainHTTPHasToBeAskedFor(t *testing.T) {
	f := newFake(t, httptest.NewServer)
	if _, err := oci.New(oci.Options{Tries: 1}).Pull(t.Context(), f.ref(), oci.PullOptions{}); err == nil || !strings.Contains(err.Error(), "HTTP response to HTTPS client") {
		t.Error(err)
	}
}

// quiet drops what a server says of handshakes that are meant to fail.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
