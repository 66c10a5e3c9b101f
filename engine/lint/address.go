package lint

import (
	"net/url"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// isEmail reports whether text is an e-mail address in the sense that Helm's
// lint uses: nearly RFC 5322 with letters of all scripts, but in a quoted name
// every letter needs a quote before it.
func isEmail(text string) bool { return emailPattern().MatchString(text) }

// isURL reports whether text looks like a web address, with or without a
// scheme, in the sense that Helm's lint uses.
func isURL(text string) bool {
	const longest, shortest = 2082, 4
	if len(text) < shortest || utf8.RuneCountInString(text) > longest || strings.HasPrefix(text, ".") {
		return false
	}
	complete := text
	if strings.Contains(text, ":") && !strings.Contains(text, "://") {
		complete = "http://" + text // a port without a scheme
	}
	parsed, err := url.Parse(complete)
	if err != nil || strings.HasPrefix(parsed.Host, ".") {
		return false
	}
	if parsed.Host == "" && parsed.Path != "" && !strings.Contains(parsed.Path, ".") {
		return false
	}
	return urlPattern().MatchString(text)
}

// The patterns are built when the first maintainer is checked: compiling them
// costs more than starting the program.
var (
	emailPattern = sync.OnceValue(buildEmailPattern)
	urlPattern   = sync.OnceValue(buildURLPattern)
)

func buildEmailPattern() *regexp.Regexp {
	const (
		wide    = `\x{A0}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFEF}`
		letter  = `[a-zA-Z` + wide + `]`
		alnum   = `[a-zA-Z0-9` + wide + `]`
		atom    = `[a-zA-Z0-9!#$%&'*+\-/=?^_{|}~` + "`" + wide + `]+`
		blanks  = `(?:(?:[ \t]*\r\n)?[ \t]+)?`
		quoted  = `(?:[\x01-\x08\x0b\x0c\x0e-\x1f\x7f!\x23-\x5b\x5d-\x7e` + wide + `]|\([\x01-\x09\x0b-\x7f` + wide + `])`
		local   = `(?:` + atom + `(?:\.` + atom + `)*|(?:"` + blanks + quoted + `)*` + blanks + `")`
		label   = `(?:` + alnum + `|` + alnum + `[a-zA-Z0-9\-._~` + wide + `]*` + alnum + `)`
		topmost = `(?:` + letter + `|` + letter + `[a-zA-Z0-9\-_~` + wide + `]*` + letter + `)`
	)
	return regexp.MustCompile(`^` + local + `@(?:` + label + `\.)+` + topmost + `\.?$`)
}

func buildURLPattern() *regexp.Regexp {
	const (
		scheme = `(?:(?:ftp|tcp|udp|wss?|https?)://)?`
		user   = `(?:\S+@)?`
		ip4    = `(?:[1-9]\d?|1\d\d|2[01]\d|22[0-3]|24\d|25[0-5])(?:\.(?:\d{1,2}|1\d\d|2[0-4]\d|25[0-5])){2}\.(?:[0-9]\d?|1\d\d|2[0-4]\d|25[0-5])`
		name   = `(?:[a-zA-Z0-9][a-zA-Z0-9_-]*[a-zA-Z0-9](?:[-.][a-zA-Z0-9]+)*)`
		below  = `(?:www\.|[a-zA-Z0-9]+(?:[-_.]?[a-zA-Z0-9])*[a-zA-Z0-9]\.[a-zA-Z0-9]+)`
		wide   = `a-zA-Z\x{a1}-\x{ffff}`
		host   = `(?:` + name + `|` + below + `)?(?:[` + wide + `0-9]+-?-?)*[` + wide + `0-9]+(?:\.[` + wide + `]+)?`
		port   = `(?::\d{1,5})?`
		path   = `(?:[/?#]\S*)?`
	)
	return regexp.MustCompile(`^` + scheme + user + `(?:` + ip4 + `|\[` + ip6Pattern() + `\]|` + host + `)\.?` + port + path + `$`)
}

// ip6Pattern matches IPv6 addresses: eight groups, or fewer with a gap, a
// link-local address with a zone, or an IPv4 address at the end.
func ip6Pattern() string {
	const (
		group = `[0-9a-fA-F]{1,4}`
		octet = `(?:25[0-5]|(?:2[0-4]|1?[0-9])?[0-9])`
		ip4   = `(?:` + octet + `\.){3}` + octet
	)
	forms := []string{
		`(?:` + group + `:){7}` + group,
		`(?:` + group + `:){1,7}:`,
		`:(?:(?::` + group + `){1,7}|:)`,
		`fe80:(?::[0-9a-fA-F]{0,4}){0,4}%[0-9a-zA-Z]+`,
		`::(?:ffff(?::0{1,4})?:)?` + ip4,
		`(?:` + group + `:){1,4}:` + ip4,
	}
	for before := 1; before <= 6; before++ {
		digits := "0123456789"
		forms = append(forms, `(?:`+group+`:){1,`+digits[before:before+1]+`}(?::`+group+`){1,`+digits[7-before:8-before]+`}`)
	}
	return `(?:` + strings.Join(forms, `|`) + `)`
}
