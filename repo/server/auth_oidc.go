package server

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

// What asking an issuer for its keys may cost, and how long they count.
const (
	issuerTimeout = 10 * time.Second
	maxIssuerBody = 1 << 20
	// keysFresh is for how long keys are used without a look whether they still
	// count, keysStale for how long if the issuer cannot be asked.
	keysFresh = time.Hour
	keysStale = 24 * time.Hour
	// askAgain is how often an issuer may be asked at most, a few times at once:
	// everybody can send tokens of unknown keys.
	askAgain = 10 * time.Second
	askBurst = 4
)

var errForbidden = errors.New("forbidden")

// tokenChecker checks identity tokens against a Policy.
type tokenChecker struct {
	policy  *Policy
	now     func() time.Time
	proxy   func(*http.Request) (*url.URL, error)
	parser  *jwt.Parser
	mu      sync.Mutex
	sources map[string]*keySource // by issuer
}

func newTokenChecker(p *Policy, now func() time.Time, proxy func(*http.Request) (*url.URL, error)) *tokenChecker {
	return &tokenChecker{policy: p, now: now, proxy: proxy, parser: jwt.NewParser(), sources: map[string]*keySource{}}
}

// check gives the name of whom a token is of, if it may do something, and whether
// the token is one that the policy is about at all.
func (c *tokenChecker) check(ctx context.Context, token, repository, action string) (user string, ours bool, err error) {
	var claimed jwt.RegisteredClaims
	if _, _, err := c.parser.ParseUnverified(token, &claimed); err != nil {
		return "", false, nil
	}
	from := c.policy.find(claimed.Issuer)
	if from == nil {
		return "", false, nil
	}
	verifier, err := c.source(from).verifier(ctx)
	if err != nil {
		return "", true, fmt.Errorf("%w: the keys of %s cannot be had: %w", errUnauthorized, from.url, err)
	}
	verified, err := verifier.Verify(ctx, token)
	if err != nil {
		return "", true, fmt.Errorf("%w: %w", errUnauthorized, err)
	}
	user = verified.Subject + " of " + from.url
	var claims map[string]json.RawMessage
	if err := verified.Claims(&claims); err != nil {
		return user, true, fmt.Errorf("%w: %w", errUnauthorized, err)
	}
	if !from.allows(claims, repository, action) {
		return user, true, fmt.Errorf("%w: no rule of the policy lets %q of %s %s %s", errForbidden, verified.Subject, from.url, action, repository)
	}
	return user, true, nil
}

func (c *tokenChecker) source(from *issuer) *keySource {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sources[from.url]
	if s == nil {
		s = &keySource{issuer: from, now: c.now, client: newIssuerClient(from, c.now, c.proxy)}
		c.sources[from.url] = s
	}
	return s
}

// keySource has the keys of an issuer.
type keySource struct {
	issuer *issuer
	now    func() time.Time
	client *http.Client

	mu     sync.Mutex
	found  *oidc.IDTokenVerifier
	when   time.Time // found was made
	tried  time.Time // it was last tried to make it, in vain
	failed error     // what came of that
}

// verifier gives what checks the issuer's tokens. It asks the issuer when there
// is nothing yet, or what there is is old. Whoever comes meanwhile waits.
func (s *keySource) verifier(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.found != nil && now.Sub(s.when) < keysFresh {
		return s.found, nil
	}
	if s.failed == nil || now.Sub(s.tried) >= askAgain {
		s.discover(ctx, now)
	}
	if s.found != nil && now.Sub(s.when) < keysStale {
		return s.found, nil
	}
	return nil, s.failed
}

func (s *keySource) discover(ctx context.Context, now time.Time) {
	// One client's going away is not to be the failure of the others.
	ctx, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), s.client), issuerTimeout)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, s.issuer.url)
	if err != nil {
		s.tried, s.failed = now, hideURL(err)
		return
	}
	s.failed, s.when = nil, now
	s.found = provider.Verifier(&oidc.Config{ClientID: s.issuer.audience, Now: s.now})
}

// hideURL leaves out the address that is asked: those who read the error know the issuer.
func hideURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

func newIssuerClient(from *issuer, now func() time.Time, proxy func(*http.Request) (*url.URL, error)) *http.Client {
	transport := &http.Transport{
		Proxy: proxy, TLSClientConfig: &tls.Config{RootCAs: from.roots, MinVersion: tls.VersionTLS12},
		MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: time.Minute, MaxIdleConns: 2, ForceAttemptHTTP2: true,
	}
	return &http.Client{
		Transport:     &careful{next: transport, allowed: rate.NewLimiter(rate.Every(askAgain), askBurst), now: now},
		Timeout:       issuerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("it redirects, which is not followed") },
	}
}

// careful sends requests to where an issuer says its keys are: safely, not too
// often, and reading no more than is needed.
type careful struct {
	next    http.RoundTripper
	allowed *rate.Limiter
	now     func() time.Time
}

// RoundTrip sends a request.
func (c *careful) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !isLoopbackHost(r.URL.Hostname()) {
		return nil, errors.New("the address of its keys is not at https")
	}
	if !c.allowed.AllowN(c.now(), 1) {
		return nil, errors.New("it was asked for keys just before")
	}
	response, err := c.next.RoundTrip(r)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, maxIssuerBody)
	}
	return response, err
}
