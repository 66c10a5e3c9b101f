package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificate writes a self-signed certificate with its key.
func certificate(t *testing.T, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// TestClientsNeedACertificate also holds that a server ends when its context does.
func TestClientsNeedACertificate(t *testing.T) {
	dir := t.TempDir()
	serverCert, serverKey := certificate(t, dir, "server")
	clientCert, clientKey := certificate(t, dir, "client")
	otherCert, otherKey := certificate(t, dir, "other")
	secure, err := TLSConfig(serverCert, serverKey, clientCert)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := OpenFolder(filepath.Join(dir, "charts"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	s, err := New(t.Context(), folder, Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l, secure) }()
	roots := x509.NewCertPool()
	text, err := os.ReadFile(serverCert)
	if err != nil || !roots.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	get := func(certFile, keyFile string) error {
		return getWith(t, "https://"+l.Addr().String()+"/index.yaml", roots, certFile, keyFile)
	}
	if err := get(clientCert, clientKey); err != nil {
		t.Error(err)
	}
	for name, files := range map[string][2]string{"none": {}, "another": {otherCert, otherKey}} {
		if get(files[0], files[1]) == nil {
			t.Errorf("with %s certificate the index is served", name)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if get(clientCert, clientKey) == nil {
		t.Error("it goes on")
	}
}

// getWith sends a request with a certificate, or without one.
func getWith(t *testing.T, url string, roots *x509.CertPool, certFile, keyFile string) error {
	t.Helper()
	config := &tls.Config{RootCAs: roots}
	if certFile != "" {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			t.Fatal(err)
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err == nil {
		response.Body.Close()
	}
	return err
}
