package yaml

import (
	"strconv"
	"strings"
)

// scalarKind is the YAML 1.1 type that a plain scalar has by its text alone.
type scalarKind uint8

const (
	stringScalar scalarKind = iota
	nullScalar
	boolScalar
	intScalar
	uintScalar // an integer over 2^63-1
	floatScalar
	nonFiniteScalar // .inf and .nan, which JSON cannot hold
)

// scalar is a plain scalar's type and value. The zero value is a string, whose value is the text itself.
type scalar struct {
	kind scalarKind
	b    bool
	i    int64
	u    uint64
	f    float64
}

// What the first byte of a plain scalar says about its type.
const (
	hintString = iota // always a string
	hintWord          // perhaps a boolean or null
	hintNumber        // perhaps a number
)

// firstByte maps the first byte of a plain scalar to a hint.
var firstByte = [256]uint8{
	'y': hintWord, 'Y': hintWord, 'n': hintWord, 'N': hintWord, 't': hintWord, 'T': hintWord,
	'f': hintWord, 'F': hintWord, 'o': hintWord, 'O': hintWord, '~': hintWord,
	'+': hintNumber, '-': hintNumber, '.': hintNumber,
	'0': hintNumber, '1': hintNumber, '2': hintNumber, '3': hintNumber, '4': hintNumber,
	'5': hintNumber, '6': hintNumber, '7': hintNumber, '8': hintNumber, '9': hintNumber,
}

// resolve finds the type of a plain scalar by the rules of the library: YAML 1.1 without base 60 and with dates left as
// strings.
func resolve(text string) scalar {
	if text == "" {
		return scalar{kind: nullScalar}
	}
	switch firstByte[text[0]] {
	case hintWord:
		return resolveWord(text)
	case hintNumber:
		return resolveNumber(text)
	}
	return scalar{}
}

func resolveWord(text string) scalar {
	if len(text) > len("false") {
		return scalar{}
	}
	switch text {
	case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return scalar{kind: boolScalar, b: true}
	case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return scalar{kind: boolScalar}
	case "~", "null", "Null", "NULL":
		return scalar{kind: nullScalar}
	}
	return scalar{}
}

// isNonFinite reports whether a plain scalar is an infinity or not a number.
func isNonFinite(text string) bool {
	switch len(text) {
	case 4:
		switch text {
		case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF":
			return true
		}
	case 5:
		switch text {
		case "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF":
			return true
		}
	}
	return false
}

// smallDigits is how many decimal digits fit an int64 in any case.
const smallDigits = 18

func resolveNumber(text string) scalar {
	if len(text) <= smallDigits && text[0] >= '1' && text[0] <= '9' || len(text) == 1 {
		if n, ok := smallInt(text); ok {
			return scalar{kind: intScalar, i: n}
		}
	}
	if isNonFinite(text) {
		return scalar{kind: nonFiniteScalar}
	}
	if text[0] == '.' {
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return scalar{kind: floatScalar, f: f}
		}
		return scalar{}
	}
	if !maybeNumber(text) {
		return scalar{}
	}
	return parseNumber(text)
}

func smallInt(text string) (int64, bool) {
	var n int64
	for i := 0; i < len(text); i++ {
		d := text[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	return n, true
}

// maybeNumber is a cheap test that spares parseNumber the many strings that begin with a digit: versions, quantities,
// addresses.
func maybeNumber(text string) bool {
	i := 0
	if text[0] == '+' || text[0] == '-' {
		i = 1
	}
	if i < len(text) && text[i] == '0' {
		return true // octal, hexadecimal or binary
	}
	dots := 0
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9', c == '_', c == 'e', c == 'E', c == '+', c == '-':
		case c == '.':
			dots++
		default:
			// An underscore may hide the zero of a prefix: "_0x1" without it is hexadecimal.
			return strings.IndexByte(text, '_') >= 0
		}
	}
	return dots <= 1
}

func parseNumber(text string) scalar {
	digits := text
	if strings.IndexByte(text, '_') >= 0 {
		digits = strings.ReplaceAll(text, "_", "")
	}
	if strings.IndexByte(digits, '.') < 0 {
		if n, err := strconv.ParseInt(digits, 0, 64); err == nil {
			return scalar{kind: intScalar, i: n}
		}
		if n, err := strconv.ParseUint(digits, 0, 64); err == nil {
			return scalar{kind: uintScalar, u: n}
		}
	}
	if isDecimalFloat(digits) {
		if f, err := strconv.ParseFloat(digits, 64); err == nil {
			return scalar{kind: floatScalar, f: f}
		}
	}
	if rest, ok := strings.CutPrefix(digits, "0b"); ok {
		if n, err := strconv.ParseInt(rest, 2, 64); err == nil {
			return scalar{kind: intScalar, i: n}
		}
		if n, err := strconv.ParseUint(rest, 2, 64); err == nil {
			return scalar{kind: uintScalar, u: n}
		}
	} else if rest, ok := strings.CutPrefix(digits, "-0b"); ok {
		if n, err := strconv.ParseInt("-"+rest, 2, 64); err == nil {
			return scalar{kind: intScalar, i: n}
		}
	}
	return scalar{}
}

// isDecimalFloat matches [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?.
func isDecimalFloat(text string) bool {
	i := skipSign(text, 0)
	whole := skipDigits(text, i)
	end := whole
	if end < len(text) && text[end] == '.' {
		end = skipDigits(text, end+1)
		if whole == i && end == whole+1 {
			return false
		}
	} else if whole == i {
		return false
	}
	if end < len(text) && (text[end] == 'e' || text[end] == 'E') {
		exponent := skipSign(text, end+1)
		end = skipDigits(text, exponent)
		if end == exponent {
			return false
		}
	}
	return end == len(text)
}

func skipSign(text string, i int) int {
	if i < len(text) && (text[i] == '+' || text[i] == '-') {
		return i + 1
	}
	return i
}

func skipDigits(text string, i int) int {
	for i < len(text) && text[i] >= '0' && text[i] <= '9' {
		i++
	}
	return i
}

// value returns what the scalar becomes in a tree: numbers of all kinds are float64.
func (sc scalar) value(text string) any {
	switch sc.kind {
	case nullScalar:
		return nil
	case boolScalar:
		return sc.b
	case intScalar:
		return float64(sc.i)
	case uintScalar:
		return float64(sc.u)
	case floatScalar:
		return sc.f
	}
	return text
}

// string returns what the scalar becomes where a string is wanted. It is for scalars that are not null.
func (sc scalar) string(text string) string {
	switch sc.kind {
	case boolScalar:
		return strconv.FormatBool(sc.b)
	case intScalar:
		return strconv.FormatInt(sc.i, 10)
	case uintScalar:
		return strconv.FormatUint(sc.u, 10)
	case floatScalar:
		return strconv.FormatFloat(sc.f, 'g', -1, 32)
	}
	return text
}

// resolveKey returns the string that a plain key becomes, and false for keys that cannot be keys of an object.
func resolveKey(text string) (string, bool) {
	if text == "" {
		return "", false
	}
	if firstByte[text[0]] == hintString {
		return text, true
	}
	sc := resolve(text)
	switch sc.kind {
	case stringScalar:
		return text, true
	case nullScalar, uintScalar, nonFiniteScalar:
		return "", false
	}
	return sc.string(text), true
}
