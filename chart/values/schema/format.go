package schema

import (
	"errors"
	"fmt"
	"net/netip"
	gourl "net/url"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"
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

// checkDuration wants an ISO 8601 duration as RFC 3339 writes it.
func checkDuration(s string) error {
	s, ok := strings.CutPrefix(s, "P")
	if !ok {
		return errors.New("must start with P")
	}
	if s == "" {
		return errors.New("nothing after P")
	}
	if weeks, ok := strings.CutSuffix(s, "W"); ok {
		switch {
		case weeks == "":
			return errors.New("no number in week")
		case !allDigits(weeks):
			return errors.New("invalid week")
		}
		return nil
	}
	for i, part := range strings.Split(s, "T") {
		switch {
		case i > 0 && part == "":
			return errors.New("no time elements")
		case i > 1:
			return errors.New("more than one T")
		}
		if err := checkElements(part, [...]string{"YMD", "HMS"}[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkElements wants numbers with units in the given order.
func checkElements(s, units string) error {
	for left := units; s != ""; {
		rest := strings.TrimLeft(s, "0123456789")
		switch {
		case rest == s:
			return errors.New("missing number")
		case rest == "":
			return errors.New("missing unit")
		}
		unit := rest[0]
		i := strings.IndexByte(left, unit)
		switch {
		case i < 0 && strings.IndexByte(units, unit) >= 0:
			return fmt.Errorf("unit %q out of order", unit)
		case i < 0:
			return fmt.Errorf("invalid unit %q", unit)
		}
		left, s = left[i+1:], rest[1:]
	}
	return nil
}

func checkPeriod(s string) error {
	start, end, ok := strings.Cut(s, "/")
	if !ok {
		return errors.New("missing slash")
	}
	isDuration := strings.HasPrefix(start, "P")
	if isDuration {
		if err := checkDuration(start); err != nil {
			return fmt.Errorf("invalid start duration: %w", err)
		}
	} else if err := checkDateTime(start); err != nil {
		return fmt.Errorf("invalid start date-time: %w", err)
	}
	if !isDuration && strings.HasPrefix(end, "P") {
		if err := checkDuration(end); err != nil {
			return fmt.Errorf("invalid end duration: %w", err)
		}
	} else if err := checkDateTime(end); err != nil {
		return fmt.Errorf("invalid end date-time: %w", err)
	}
	return nil
}

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

func checkDate(s string) error {
	_, err := time.Parse("2006-01-02", s)
	return err
}

func checkDateTime(s string) error {
	if len(s) < 20 {
		return errors.New("less than 20 characters long")
	}
	if s[10] != 't' && s[10] != 'T' {
		return errors.New("11th character must be t or T")
	}
	if err := checkDate(s[:10]); err != nil {
		return fmt.Errorf("invalid date element: %w", err)
	}
	if err := checkTime(s[11:]); err != nil {
		return fmt.Errorf("invalid time element: %w", err)
	}
	return nil
}

// checkTime wants the full-time of RFC 3339, with leap seconds.
func checkTime(s string) error {
	if len(s) < 9 {
		return errors.New("less than 9 characters long")
	}
	if s[2] != ':' || s[5] != ':' {
		return errors.New("missing colon in correct place")
	}
	var parts [3]int
	for i := range parts {
		n, err := strconv.Atoi(s[3*i : 3*i+2])
		if err != nil {
			return errors.New("invalid hour/min/sec")
		}
		if n < 0 {
			return errors.New("non-positive hour/min/sec")
		}
		parts[i] = n
	}
	hour, minute, second := parts[0], parts[1], parts[2]
	if hour > 23 || minute > 59 || second > 60 {
		return errors.New("hour/min/sec out of range")
	}
	zone := s[8:]
	if fraction, ok := strings.CutPrefix(zone, "."); ok {
		if zone = strings.TrimLeft(fraction, "0123456789"); zone == fraction {
			return errors.New("no digits in second fraction")
		}
	}
	offset, err := zoneOffset(zone)
	if err != nil {
		return err
	}
	utc := hour*60 + minute - offset
	if utc < 0 {
		utc += 24 * 60
	}
	if second == 60 && (utc/60 != 23 || utc%60 != 59) {
		return errors.New("invalid leap second")
	}
	return nil
}

// zoneOffset reads Z or +hh:mm and gives the minutes east of UTC.
func zoneOffset(s string) (int, error) {
	if s == "z" || s == "Z" {
		return 0, nil
	}
	switch {
	case len(s) != 6:
		return 0, errors.New("offset must be 6 characters long")
	case s[0] != '+' && s[0] != '-':
		return 0, errors.New("offset must begin with plus/minus")
	case s[3] != ':':
		return 0, errors.New("missing colon in offset in correct place")
	}
	var parts [2]int
	for i := range parts {
		n, err := strconv.Atoi(s[1+3*i : 3+3*i])
		if err != nil {
			return 0, errors.New("invalid hour/min in offset")
		}
		if n < 0 {
			return 0, errors.New("non-positive hour/min in offset")
		}
		parts[i] = n
	}
	if parts[0] > 23 || parts[1] > 59 {
		return 0, errors.New("hour/min in offset out of range")
	}
	offset := parts[0]*60 + parts[1]
	if s[0] == '-' {
		return -offset, nil
	}
	return offset, nil
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

// checkSemver wants a version as semver.org 2.0 defines it.
func checkSemver(s string) error {
	s, build, hasBuild := strings.Cut(s, "+")
	if hasBuild {
		if build == "" {
			return errors.New("build is empty")
		}
		if err := checkIdentifiers(build, "build"); err != nil {
			return err
		}
	}
	s, pre, isPre := strings.Cut(s, "-")
	if isPre {
		if err := checkIdentifiers(pre, "pre-release"); err != nil {
			return err
		}
	}
	numbers := strings.Split(s, ".")
	if len(numbers) != 3 {
		return errors.New("versionCore must have 3 numbers separated by dot")
	}
	for i, number := range numbers {
		name := [...]string{"major", "minor", "patch"}[i]
		switch {
		case number == "":
			return errors.New(name + " is empty")
		case len(number) > 1 && number[0] == '0':
			return errors.New(name + " starts with zero")
		case !allDigits(number):
			return errors.New(name + " contains non-digit")
		}
	}
	return nil
}

func checkIdentifiers(s, name string) error {
	for _, id := range strings.Split(s, ".") {
		if id == "" {
			return errors.New(name + " identifier is empty")
		}
		for _, c := range id {
			if !isAlphanumeric(c) && c != '-' {
				return fmt.Errorf("invalid character %q in %s identifier", c, name)
			}
		}
		if name == "pre-release" && len(id) > 1 && id[0] == '0' && allDigits(id) {
			return errors.New("pre-release numeric identifier starts with zero")
		}
	}
	return nil
}
