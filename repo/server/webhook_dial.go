package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// errAddress is wrapped by errors about an address that no message may go to.
var errAddress = errors.New("messages do not go to this address")

// newHookClient makes a client that goes to the internet and to allowed networks
// alone. The address is looked at when it is connected to, after names are
// resolved, so that no name leads elsewhere the second time. There are no proxies,
// which would resolve names themselves, and redirects are not followed.
func newHookClient(h *webhook, allowed []netip.Prefix) *http.Client {
	open := h.url.Scheme == "http"
	dialer := &net.Dialer{
		Timeout: hookTimeout,
		Control: func(_, address string, _ syscall.RawConn) error { return checkAddress(address, allowed, open) },
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: h.roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: hookTimeout, MaxResponseHeaderBytes: 64 << 10, MaxConnsPerHost: 1, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// checkAddress says why a message may not go to an address. Without TLS it may go
// to allowed networks alone.
func checkAddress(address string, allowed []netip.Prefix, open bool) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errAddress, address)
	}
	ip := to.Addr().Unmap().WithZone("")
	switch {
	case slices.ContainsFunc(allowed, func(n netip.Prefix) bool { return n.Contains(ip) }):
		return nil
	case open:
		return fmt.Errorf("%w: %s is not in allowNetworks, and http is for those alone", errAddress, ip)
	case !isPublic(ip):
		return fmt.Errorf("%w: %s is private; name its network in allowNetworks if that is meant", errAddress, ip)
	}
	return nil
}

// isPublic reports whether an address is one of the internet: IANA's registries of
// special-purpose addresses have those that are not.
func isPublic(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsLoopback() {
		return false
	}
	special := []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	}
	return !slices.ContainsFunc(special, func(text string) bool { return netip.MustParsePrefix(text).Contains(ip) })
}
