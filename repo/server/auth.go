package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The rights of a token, in the words of ChartMuseum.
const (
	actionPull = "pull"
	actionPush = "push"
)

// defaultRepository is the name in tokens if there is one repository alone.
const defaultRepository = "repo"

// Auth says who may do what. The zero value lets everybody do everything.
type Auth struct {
	// Users are passwords by name. A user may do everything.
	Users map[string]string
	// AnonymousGet lets everybody read.
	AnonymousGet bool
	// Keys are PEM blocks of public keys or certificates. Bearer tokens that one
	// of them proves, by RS256 or ES256, may do what their claim "access" has.
	Keys []byte
	// Realm is where tokens are to be had, and Service for what; clients are told.
	Realm, Service string
	// Issuer and Audience are what tokens that Keys prove have to name, unless
	// they are empty.
	Issuer, Audience string
	// Policy says which tokens of CI systems count; nil for none.
	Policy *Policy
	// Proxy says how the Policy's issuers are reached; nil for directly.
	Proxy func(*http.Request) (*url.URL, error)
}

// IsOpen reports whether everybody may do everything.
func (a Auth) IsOpen() bool { return len(a.Users) == 0 && len(a.Keys) == 0 && a.Policy == nil }

type authorizer struct {
	o      Auth
	users  map[string][sha256.Size]byte
	keys   []jwt.VerificationKey
	parser *jwt.Parser
	tokens *tokenChecker // nil without a policy
}

func newAuthorizer(o Auth, now func() time.Time) (*authorizer, error) {
	a := &authorizer{o: o, users: map[string][sha256.Size]byte{}}
	for name, password := range o.Users {
		if name == "" || password == "" || strings.Contains(name, ":") {
			return nil, fmt.Errorf("user %q has to have a name without a colon, and a password", name)
		}
		a.users[name] = sha256.Sum256([]byte(password))
	}
	methods, err := a.readKeys(o.Keys)
	if err != nil {
		return nil, err
	}
	options := []jwt.ParserOption{jwt.WithValidMethods(methods), jwt.WithTimeFunc(now), jwt.WithIssuedAt()}
	if o.Issuer != "" {
		options = append(options, jwt.WithIssuer(o.Issuer))
	}
	if o.Audience != "" {
		options = append(options, jwt.WithAudience(o.Audience))
	}
	a.parser = jwt.NewParser(options...)
	if o.Policy != nil {
		a.tokens = newTokenChecker(o.Policy, now, o.Proxy)
	}
	return a, nil
}

// readKeys reads public keys, and gives the methods that they serve.
func (a *authorizer) readKeys(text []byte) (methods []string, err error) {
	rest := text
	for {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		key, err := publicKey(b)
		if err != nil {
			return nil, fmt.Errorf("read the key of bearer tokens: %w", err)
		}
		switch key := key.(type) {
		case *rsa.PublicKey:
			if key.N.BitLen() < 2048 {
				return nil, fmt.Errorf("the key of bearer tokens has %d bits; it needs 2048", key.N.BitLen())
			}
			methods = append(methods, "RS256")
		case *ecdsa.PublicKey:
			if key.Curve != elliptic.P256() {
				return nil, errors.New("the key of bearer tokens has to be one of RSA or of the curve P-256")
			}
			methods = append(methods, "ES256")
		default:
			return nil, errors.New("the key of bearer tokens has to be one of RSA or of the curve P-256")
		}
		a.keys = append(a.keys, key)
	}
	if len(text) > 0 && len(a.keys) == 0 {
		return nil, errors.New("the file with the key of bearer tokens has no PEM block of a public key")
	}
	slices.Sort(methods)
	return slices.Compact(methods), nil
}

func publicKey(b *pem.Block) (any, error) {
	switch b.Type {
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(b.Bytes)
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(b.Bytes)
	}
	return nil, fmt.Errorf("a PEM block %q is no public key", b.Type)
}

var errUnauthorized = errors.New("no valid credentials")

// check gives the name of the user who may do what the request wants, "" if that is nobody in particular.
func (a *authorizer) check(r *http.Request, tenant, action string) (string, error) {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 && a.o.IsOpen() {
		return r.TLS.PeerCertificates[0].Subject.CommonName, nil
	}
	if a.o.IsOpen() {
		return "", nil
	}
	user, err := a.identify(r, tenant, action)
	if err != nil && a.o.AnonymousGet && action == actionPull {
		return "", nil
	}
	return user, err
}

// tokenUser is the name with which clients that know names and passwords alone
// send a token as the password.
const tokenUser = "token"

func (a *authorizer) identify(r *http.Request, tenant, action string) (string, error) {
	if name, password, ok := r.BasicAuth(); ok {
		if name == tokenUser && a.tokens != nil && a.o.Users[name] == "" {
			return a.checkToken(r.Context(), password, tenant, action)
		}
		given, wanted := sha256.Sum256([]byte(password)), a.users[name] // of nobody: all zeros, which no password gives
		if subtle.ConstantTimeCompare(given[:], wanted[:]) != 1 {
			return "", errUnauthorized
		}
		return name, nil
	}
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", errUnauthorized
	}
	return a.checkToken(r.Context(), strings.TrimSpace(text), tenant, action)
}

// claims are what a token of ChartMuseum says.
type claims struct {
	jwt.RegisteredClaims
	Access []struct {
		Type    string   `json:"type"`
		Name    string   `json:"name"`
		Actions []string `json:"actions"`
	} `json:"access"`
}

func (a *authorizer) checkToken(ctx context.Context, text, tenant, action string) (string, error) {
	if tenant == "" {
		tenant = defaultRepository
	}
	if a.tokens != nil {
		if user, ours, err := a.tokens.check(ctx, text, tenant, action); ours {
			return user, err
		}
	}
	if len(a.keys) == 0 {
		return "", errUnauthorized
	}
	var c claims
	_, err := a.parser.ParseWithClaims(text, &c, func(*jwt.Token) (any, error) {
		return jwt.VerificationKeySet{Keys: a.keys}, nil
	})
	if err != nil {
		return "", fmt.Errorf("%w: %w", errUnauthorized, err)
	}
	for _, access := range c.Access {
		if access.Type == "artifact-repository" && access.Name == tenant && slices.Contains(access.Actions, action) {
			return c.Subject, nil
		}
	}
	return "", fmt.Errorf("%w: the token does not allow to %s %s", errUnauthorized, action, tenant)
}

// challenge tells a client which credentials it needs.
func (a *authorizer) challenge(tenant, action string) string {
	if len(a.keys) == 0 {
		if a.tokens != nil && len(a.users) == 0 {
			return `Bearer realm="slipway"`
		}
		return `Basic realm="slipway"`
	}
	if tenant == "" {
		tenant = defaultRepository
	}
	return fmt.Sprintf("Bearer realm=%q,service=%q,scope=%q", a.o.Realm, a.o.Service, "artifact-repository:"+tenant+":"+action)
}
