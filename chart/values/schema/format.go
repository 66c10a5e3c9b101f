package schema

import (
	"errors"
	"fmt"
	"net/netip"
	gourl "net/url"
	"regexp/syntax"
	"strconv"
	"strings"
)

// format is a named form of strings.
type format struct {
	name  string
	check func(s string) error
}

// formatNamed finds the format of a name; nil for those that are not checked.
func formatNamed(name string) *format {
	check := formatCheck(name)
	if check == nil {
		return nil
	}
	return &format{name, check}
}

func formatCheck(name string) func(string) error {
	switch name {
	case "regex":
		return checkRegex
	case "json-pointer":
		return checkPointer
	case "relative-json-pointer":
		return checkRelativePointer
	case "uuid":
		return checkUUID
	case "duration":
		return checkDuration
	case "period":
		return checkPeriod
	case "ipv4":
		return checkIPv4
	case "ipv6":
		return checkIPv6
	case "hostname":
		return checkHostname
	case "email":
		return checkEmail
	case "date":
		return checkDate
	case "time":
		return checkTime
	case "date-time":
		return checkDateTime
	case "uri", "iri":
		return checkURI
	case "uri-reference", "iri-reference":
		return checkURIReference
	case "uri-template":
		return checkURITemplate
	case "semver":
		return checkSemver
	}
	return nil
}

func checkRegex(s string) error {
	_, err := syntax.Parse(s, syntax.Perl)
	return err
}

// checkPointer wants an RFC 6901 pointer.
func checkPointer(s string) error {
	if s == "" {
		return nil
	}
	if s[0] != '/' {
		return errors.New("not starting with /")
	}
	for i := 0; i < len(s); i++ {
		if s[i] == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return errors.New("~ must be followed by 0 or 1")
		}
	}
	return nil
}

func checkRelativePointer(s string) error {
	rest := strings.TrimLeft(s, "0123456789")
	switch digits := s[:len(s)-len(rest)]; {
	case digits == "":
		return errors.New("must start with non-negative integer")
	case len(digits) > 1 && digits[0] == '0':
		return errors.New("starts with zero")
	}
	if rest == "#" {
		return nil
	}
	return checkPointer(rest)
}

func checkUUID(s string) error {
	groups := strings.Split(s, "-")
	sizes := [...]int{8, 4, 4, 4, 12}
	if len(groups) != len(sizes) {
		return errors.New("must have 5 elements")
	}
	for i, group := range groups {
		if len(group) != sizes[i] {
			return fmt.Errorf("element %d must be %d characters long", i+1, sizes[i])
		}
		for _, c := range group {
			if !isDigit(c) && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return fmt.Errorf("non-hex character %q", c)
			}
		}
	}
	return nil
}

func isDigit(c rune) bool { return '0' <= c && c <= '9' }

func isAlphanumeric(c rune) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func checkIPv4(s string) error {
	groups := strings.Split(s, ".")
	if len(groups) != 4 {
		return errors.New("expected four decimals")
	}
	for _, group := range groups {
		if len(group) > 1 && group[0] == '0' {
			return errors.New("leading zeros")
		}
		n, err := strconv.Atoi(group)
		if err != nil {
			return err
		}
		if n < 0 || n > 255 {
			return errors.New("decimal must be between 0 and 255")
		}
	}
	return nil
}

func checkIPv6(s string) error {
	if strings.IndexByte(s, ':') < 0 {
		return errors.New("missing colon")
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return err
	}
	if addr.Zone() != "" {
		return errors.New("zone id is not a part of ipv6 address")
	}
	return nil
}

func checkHostname(s string) error {
	s = strings.TrimSuffix(s, ".")
	if len(s) > 253 {
		return errors.New("more than 253 characters long")
	}
	for _, label := range strings.Split(s, ".") {
		switch {
		case label == "" || len(label) > 63:
			return errors.New("label must be 1 to 63 characters long")
		case label[0] == '-':
			return errors.New("label starts with hyphen")
		case label[len(label)-1] == '-':
			return errors.New("label ends with hyphen")
		}
		for _, c := range label {
			if !isAlphanumeric(c) && c != '-' {
				return fmt.Errorf("invalid character %q", c)
			}
		}
	}
	return nil
}

func checkEmail(s string) error {
	if len(s) > 254 {
		return errors.New("more than 255 characters long")
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return errors.New("missing @")
	}
	local, domain := s[:at], s[at+1:]
	if len(local) > 64 {
		return errors.New("local part more than 64 characters long")
	}
	if err := checkMailbox(local); err != nil {
		return err
	}
	if !strings.HasPrefix(domain, "[") || !strings.HasSuffix(domain, "]") {
		if err := checkHostname(domain); err != nil {
			return fmt.Errorf("invalid domain: %w", err)
		}
		return nil
	}
	domain = strings.TrimSuffix(domain[1:], "]")
	if address, ok := strings.CutPrefix(domain, "IPv6:"); ok {
		if err := checkIPv6(address); err != nil {
			return fmt.Errorf("invalid ipv6 address: %w", err)
		}
	} else if err := checkIPv4(domain); err != nil {
		return fmt.Errorf("invalid ipv4 address: %w", err)
	}
	return nil
}

// checkMailbox looks at what stands before the @.
func checkMailbox(s string) error {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		if strings.ContainsAny(s[1:len(s)-1], `\"`) {
			return errors.New("backslash and quote are not allowed within quoted local part")
		}
		return nil
	}
	switch {
	case strings.HasPrefix(s, "."):
		return errors.New("starts with dot")
	case strings.HasSuffix(s, "."):
		return errors.New("ends with dot")
	case strings.Contains(s, ".."):
		return errors.New("consecutive dots")
	}
	for _, c := range s {
		if !isAlphanumeric(c) && !strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", c) {
			return fmt.Errorf("invalid character %q", c)
		}
	}
	return nil
}

func parseURL(s string) (*gourl.URL, error) {
	u, err := gourl.Parse(s)
	if err != nil {
		return nil, err
	}
	if host := u.Hostname(); strings.IndexByte(host, ':') >= 0 {
		if !strings.Contains(u.Host, "[") || !strings.Contains(u.Host, "]") {
			return nil, errors.New("ipv6 address not enclosed in brackets")
		}
		if err := checkIPv6(host); err != nil {
			return nil, fmt.Errorf("invalid ipv6 address: %w", err)
		}
	}
	return u, nil
}

func checkURI(s string) error {
	u, err := parseURL(s)
	if err != nil {
		return err
	}
	if !u.IsAbs() {
		return errors.New("relative url")
	}
	return nil
}

func checkURIReference(s string) error {
	if strings.IndexByte(s, '\\') >= 0 {
		return errors.New(`contains \`)
	}
	_, err := parseURL(s)
	return err
}

func checkURITemplate(s string) error {
	u, err := parseURL(s)
	if err != nil {
		return err
	}
	for _, segment := range strings.Split(u.RawPath, "/") {
		segment, err := gourl.PathUnescape(segment)
		if err != nil {
			return fmt.Errorf("percent decode failed: %w", err)
		}
		inside := false
		for _, c := range segment {
			if c != '{' && c != '}' {
				continue
			}
			if inside == (c == '{') {
				return errors.New("nested curly braces")
			}
			inside = !inside
		}
		if inside {
			return errors.New("no matching closing brace")
		}
	}
	return nil
}
