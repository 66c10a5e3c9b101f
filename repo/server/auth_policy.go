package server

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/docs/schema"
)

// Policy says which identity tokens of others count, such as those that CI
// systems give to their jobs, and what each allows. [ParsePolicy] makes it; nil allows nothing.
type Policy struct{ issuers []issuer }

// issuer makes tokens.
type issuer struct {
	url      string
	audience string
	roots    *x509.CertPool // nil for the system's
	rules    []rule
}

// rule allows something to the tokens whose claims fit all patterns.
type rule struct {
	claims       map[string]pattern
	repositories []pattern
	actions      []string
}

type policyFile struct {
	Issuers []struct {
		Issuer, Audience, CAFile string
		Rules                    []struct {
			Claims       map[string]string
			Repositories []string
			Actions      []string
		}
	}
}

// ParsePolicy reads a YAML file of the schema slipway.dev/auth-policy/v1. read
// reads the files that it names. Errors name the file and the line.
func ParsePolicy(name string, data []byte, read func(name string) ([]byte, error)) (*Policy, error) {
	var content policyFile
	file, err := readConfig(name, data, schema.AuthPolicy(), &content)
	if err != nil {
		return nil, err
	}
	p := &Policy{}
	for i, from := range content.Issuers {
		if err := checkIssuer(from.Issuer); err != nil {
			return nil, file.fault([]any{"issuers", i, "issuer"}, "%w", err)
		}
		if p.find(from.Issuer) != nil {
			return nil, file.fault([]any{"issuers", i, "issuer"}, "%s is there already; put all its rules into one place", from.Issuer)
		}
		into := issuer{url: from.Issuer, audience: from.Audience}
		if from.CAFile != "" {
			if into.roots, err = readRoots(from.CAFile, read); err != nil {
				return nil, file.fault([]any{"issuers", i, "caFile"}, "%w", err)
			}
		}
		for j, r := range from.Rules {
			made, err := newRule(from.Issuer, r.Claims, r.Repositories, r.Actions)
			if err != nil {
				return nil, file.fault([]any{"issuers", i, "rules", j}, "%w", err)
			}
			into.rules = append(into.rules, made)
		}
		p.issuers = append(p.issuers, into)
	}
	return p, nil
}

func readRoots(name string, read func(name string) ([]byte, error)) (*x509.CertPool, error) {
	text, err := read(name)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bytes.TrimSpace(text)) {
		return nil, fmt.Errorf("%s has no certificate in PEM", name)
	}
	return roots, nil
}

// find gives the issuer of a name, or nil.
func (p *Policy) find(url string) *issuer {
	if p == nil {
		return nil
	}
	for i := range p.issuers {
		if p.issuers[i].url == url {
			return &p.issuers[i]
		}
	}
	return nil
}

func checkIssuer(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("an issuer has to be an address such as https://gitlab.example.com")
	case u.Scheme == "https", u.Scheme == "http" && isLoopbackHost(u.Hostname()):
		return nil
	}
	return errors.New("an issuer has to be at https, since its keys decide who gets in")
}

// isLoopbackHost reports whether a host is this machine by its address. Names can lie.
func isLoopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// sharedIssuers are those that give tokens to everybody, with the claims that
// tell whose a token is.
func sharedIssuers() map[string][]string {
	return map[string][]string{
		"https://token.actions.githubusercontent.com": {"sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "enterprise", "enterprise_id"},
		"https://gitlab.com":                          {"sub", "project_path", "project_id", "namespace_path", "namespace_id"},
	}
}

func newRule(issuer string, claims map[string]string, repositories, actions []string) (r rule, err error) {
	r.actions, r.claims = actions, map[string]pattern{}
	for name, text := range claims {
		if r.claims[name], err = newPattern(text); err != nil {
			return r, err
		}
	}
	if r.repositories, err = newPatterns(repositories); err != nil {
		return r, err
	}
	owners := sharedIssuers()[strings.TrimSuffix(issuer, "/")]
	if owners != nil && !slices.ContainsFunc(owners, func(name string) bool { return r.claims[name].namesOwner() }) {
		return r, fmt.Errorf("this would let in the jobs of everybody: of the claims %s one has to be there, whole or with a star only behind a slash", strings.Join(owners, ", "))
	}
	return r, nil
}

// namesOwner reports whether a pattern is of one owner's texts alone: acme/* is,
// acme* is of acme-evil's too.
func (p pattern) namesOwner() bool {
	before, whole := p.fixed()
	return p.text != "" && (whole || strings.Contains(strings.TrimPrefix(before, "/"), "/"))
}

// allows reports whether tokens with the claims may do something.
func (i *issuer) allows(claims map[string]json.RawMessage, repository, action string) bool {
	return slices.ContainsFunc(i.rules, func(r rule) bool {
		if !slices.Contains(r.actions, action) || !matchAny(r.repositories, repository) {
			return false
		}
		for name, wanted := range r.claims {
			if !slices.ContainsFunc(claimTexts(claims[name]), wanted.match) {
				return false
			}
		}
		return len(r.claims) > 0
	})
}

// claimTexts are the values of a claim: one, or those of a list. Objects have none.
func claimTexts(raw json.RawMessage) []string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	var texts []string
	for _, item := range list {
		var text string
		switch {
		case json.Unmarshal(item, &text) == nil && len(item) > 0 && item[0] == '"':
			texts = append(texts, text)
		case len(item) > 0 && strings.IndexByte("-0123456789tf", item[0]) >= 0: // a number, true or false
			texts = append(texts, string(item))
		}
	}
	return texts
}
