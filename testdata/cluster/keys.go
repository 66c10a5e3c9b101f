package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// users are those that the API server knows by token, each with a context of its name in the kubeconfig. Only admin may
// do anything; the others are there to be bound to roles.
func users() []string { return []string{"admin", "viewer", "deployer", "approver", "nobody"} }

// keys are the secrets of one cluster, made anew for each.
type keys struct {
	tokens         map[string]string // of users
	authority      []byte            // certificate of the authority that signed certificate, PEM
	certificate    string            // file: of the API server and of the node
	private        string            // file: the key of certificate
	tokenFile      string            // file: tokens in the API server's format
	serviceAccount string            // file: the key that signs tokens of service accounts
}

func newKeys(dir string) (*keys, error) {
	k := &keys{
		tokens:         map[string]string{},
		certificate:    filepath.Join(dir, "server.crt"),
		private:        filepath.Join(dir, "server.key"),
		tokenFile:      filepath.Join(dir, "tokens"),
		serviceAccount: filepath.Join(dir, "service-account.key"),
	}
	list := ""
	for _, user := range users() {
		k.tokens[user] = rand.Text()
		list += fmt.Sprintf("%s,%s,%s", k.tokens[user], user, user)
		if user == "admin" {
			list += `,"system:masters"`
		}
		list += "\n"
	}
	if err := os.WriteFile(k.tokenFile, []byte(list), 0o600); err != nil {
		return nil, err
	}
	signing, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	if err := writePEM(k.serviceAccount, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(signing)); err != nil {
		return nil, err
	}
	return k, k.certify()
}

// certify makes an authority, forgets its key, and leaves a certificate for 127.0.0.1.
func (k *keys) certify() error {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	from := time.Now().Add(-time.Hour)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test cluster"},
		NotBefore: from, NotAfter: from.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test cluster API"},
		NotBefore: from, NotAfter: from.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return err
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, server, root, &serverKey.PublicKey, rootKey)
	if err != nil {
		return err
	}
	k.authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})
	if err := writePEM(k.certificate, "CERTIFICATE", serverDER); err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(serverKey)
	if err != nil {
		return err
	}
	return writePEM(k.private, "EC PRIVATE KEY", der)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
