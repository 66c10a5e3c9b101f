package server

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/docs/schema"
)

// The changes that webhooks are told of.
const (
	chartUploaded = "chart.uploaded"
	chartSigned   = "chart.signed"
	chartDeleted  = "chart.deleted"
)

// Webhooks says who is told of changes. [ParseWebhooks] makes it; nil is nobody.
type Webhooks struct {
	hooks []webhook
	// allowed are networks that messages may go to though they are not the internet's.
	allowed []netip.Prefix
}

// webhook is one of those who are told.
type webhook struct {
	url          *url.URL
	secret       []byte
	roots        *x509.CertPool // nil for the system's
	events       []string       // empty for all
	repositories []pattern      // empty for all
}

// minSecret is how long a secret is at least, in bytes.
const minSecret = 24

type webhooksFile struct {
	AllowNetworks []string
	Webhooks      []struct {
		URL, SecretFile, SecretEnv, CAFile string
		Events, Repositories               []string
	}
}

// ParseWebhooks reads a YAML file of the schema slipway.dev/webhooks/v1. read reads
// the files that it names, getenv the environment variables. Errors name the file
// and the line, and show no secret.
func ParseWebhooks(name string, data []byte, read func(name string) ([]byte, error), getenv func(string) string) (*Webhooks, error) {
	var content webhooksFile
	file, err := readConfig(name, data, schema.Webhooks(), &content)
	if err != nil {
		return nil, err
	}
	w := &Webhooks{}
	for i, text := range content.AllowNetworks {
		network, err := parseNetwork(text)
		if err != nil {
			return nil, file.fault([]any{"allowNetworks", i}, "%w", err)
		}
		w.allowed = append(w.allowed, network)
	}
	for i, from := range content.Webhooks {
		h := webhook{events: from.Events}
		if h.url, err = parseHookURL(from.URL); err != nil {
			return nil, file.fault([]any{"webhooks", i, "url"}, "%w", err)
		}
		if h.url.Scheme == "http" && len(w.allowed) == 0 {
			return nil, file.fault([]any{"webhooks", i, "url"}, "http goes to hosts in allowNetworks alone, and there are none: give an address that starts with https://")
		}
		if h.secret, err = readSecret(from.SecretFile, from.SecretEnv, read, getenv); err != nil {
			return nil, file.fault([]any{"webhooks", i}, "%w", err)
		}
		if from.CAFile != "" {
			if h.roots, err = readRoots(from.CAFile, read); err != nil {
				return nil, file.fault([]any{"webhooks", i, "caFile"}, "%w", err)
			}
		}
		if h.repositories, err = newPatterns(from.Repositories); err != nil {
			return nil, file.fault([]any{"webhooks", i, "repositories"}, "%w", err)
		}
		w.hooks = append(w.hooks, h)
	}
	return w, nil
}

// wants reports whether a webhook is told of something.
func (h *webhook) wants(kind, repository string) bool {
	return (len(h.events) == 0 || slices.Contains(h.events, kind)) && (len(h.repositories) == 0 || matchAny(h.repositories, repository))
}

func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		return netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil || network.Addr().Is4In6() {
		return network, fmt.Errorf("%q is no network such as 10.1.2.0/24, and no address", text)
	}
	return network.Masked(), nil
}

// parseHookURL does not quote the address in errors: it may hold a credential.
func parseHookURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the address is not one that starts with https://")
	case u.User != nil:
		return nil, errors.New("the address has a user; messages are signed with the secret instead")
	case u.Fragment != "":
		return nil, errors.New("the address has a part behind #, which is never sent")
	}
	return u, nil
}

// readSecret reads a secret: whsec_ and base64 as in Standard Webhooks, or any text.
func readSecret(file, variable string, read func(name string) ([]byte, error), getenv func(string) string) ([]byte, error) {
	from := "the environment variable " + variable
	text := []byte(getenv(variable))
	if file != "" {
		var err error
		if text, err = read(file); err != nil {
			return nil, err
		}
		from = "the file " + file
	}
	text = bytes.TrimSpace(text)
	if encoded, ok := strings.CutPrefix(string(text), "whsec_"); ok {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("%s: the secret is not base64 behind whsec_", from)
		}
		text = decoded
	}
	if len(text) < minSecret {
		return nil, fmt.Errorf("%s: a secret needs %d bytes at least, and has %d", from, minSecret, len(text))
	}
	return text, nil
}
