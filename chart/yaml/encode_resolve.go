package yaml

import (
	"strconv"
	"strings"
	"time"
)

// readsAsNumber reports whether s, which starts with a digit or a sign, is a
// number to the library's reader.
func readsAsNumber(s string) bool {
	switch s {
	case "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF":
		return true
	}
	dots := 0
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F',
			c == '_', c == '+', c == '-', c == 'x', c == 'X', c == 'o', c == 'O':
		case c == '.':
			dots++
		default:
			return false
		}
	}
	if dots > 1 {
		return false
	}
	digits := s
	if strings.IndexByte(s, '_') >= 0 {
		digits = strings.ReplaceAll(s, "_", "")
	}
	return isInteger(digits) || isDecimal(digits) || isSignedBinary(digits)
}

// isInteger reports whether s is a Go integer of 64 bits in any base.
func isInteger(s string) bool {
	if isDigits(s) && len(s) < 18 && (s[0] != '0' || len(s) == 1) {
		return true
	}
	if _, err := strconv.ParseInt(s, 0, 64); err == nil {
		return true
	}
	_, err := strconv.ParseUint(s, 0, 64)
	return err == nil
}

// isSignedBinary knows the two odd forms of binary numbers that the library
// reads beyond Go's: a sign after 0b, or after the sign and 0b.
func isSignedBinary(s string) bool {
	if rest, ok := strings.CutPrefix(s, "0b"); ok {
		_, err := strconv.ParseInt(rest, 2, 64)
		return err == nil
	}
	if rest, ok := strings.CutPrefix(s, "-0b"); ok {
		_, err := strconv.ParseInt("-"+rest, 2, 64)
		return err == nil
	}
	return false
}

// isDecimal reports whether s is a float64 in YAML's decimal form: a sign,
// digits with at most one point, and an exponent; sign and exponent may be
// missing.
func isDecimal(s string) bool {
	mantissa := trimSign(s)
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		if !isDigits(trimSign(mantissa[i+1:])) {
			return false
		}
		mantissa = mantissa[:i]
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	switch {
	case whole == "" && !isDigits(fraction):
		return false
	case whole != "" && !isDigits(whole), point && fraction != "" && !isDigits(fraction):
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

func trimSign(s string) string {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

// isDigits reports whether s is one or more decimal digits.
func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// readsAsDate reports whether s is one of the library's forms of a timestamp.
func readsAsDate(s string) bool {
	if len(s) < 8 || s[4] != '-' || !isDigits(s[:4]) {
		return false
	}
	for _, layout := range [...]string{
		"2006-1-2T15:4:5.999999999Z07:00",
		"2006-1-2t15:4:5.999999999Z07:00",
		"2006-1-2 15:4:5.999999999",
		"2006-1-2",
	} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// isBase60 reports whether s looks like 1:30:00, which YAML 1.1 reads in base
// 60: a sign, digits, groups of a colon and a number up to 59, and a fraction.
func isBase60(s string) bool {
	s = trimSign(s)
	head, rest, ok := strings.Cut(s, ":")
	if !ok || head == "" || head[0] == '_' || !isDigitsOrUnderscores(head) {
		return false
	}
	rest, fraction, _ := strings.Cut(rest, ".")
	if !isDigitsOrUnderscores(fraction) {
		return false
	}
	for group := range strings.SplitSeq(rest, ":") {
		if !isDigits(group) || len(group) > 2 || len(group) == 2 && group[0] > '5' {
			return false
		}
	}
	return true
}

// isDigitsOrUnderscores is true for "" too.
func isDigitsOrUnderscores(s string) bool {
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && s[i] != '_' {
			return false
		}
	}
	return true
}
