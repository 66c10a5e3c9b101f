package schema

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// number is a decimal number: its text, and the float64 next to it. Two
// numbers next to different floats are in the order of these floats; only for
// the same float the decimals themselves have to be looked at.
type number struct {
	near  float64
	exact bool // near is the number itself, a whole one
	text  string
}

const maxExact = 1 << 53

func isNumber(v any) bool {
	switch v.(type) {
	case float64, json.Number, int, int64, float32, int8, int16, int32, uint, uint8, uint16, uint32, uint64:
		return true
	}
	return false
}

// numberOf reads any of Go's number types; false for anything else.
func numberOf(v any) (number, bool) {
	switch v := v.(type) {
	case float64:
		return floatNumber(v), true
	case json.Number:
		return parseNumber(string(v)), true
	case int:
		return intNumber(int64(v)), true
	case int64:
		return intNumber(v), true
	case int32:
		return intNumber(int64(v)), true
	case int16:
		return intNumber(int64(v)), true
	case int8:
		return intNumber(int64(v)), true
	case uint:
		return uintNumber(uint64(v)), true
	case uint64:
		return uintNumber(v), true
	case uint32:
		return uintNumber(uint64(v)), true
	case uint16:
		return uintNumber(uint64(v)), true
	case uint8:
		return uintNumber(uint64(v)), true
	case float32:
		return parseNumber(strconv.FormatFloat(float64(v), 'g', -1, 32)), true
	}
	return number{}, false
}

func floatNumber(f float64) number {
	if f == math.Trunc(f) && math.Abs(f) <= maxExact {
		return number{near: f, exact: true}
	}
	return number{near: f, text: strconv.FormatFloat(f, 'g', -1, 64)}
}

func intNumber(i int64) number {
	if -maxExact <= i && i <= maxExact {
		return number{near: float64(i), exact: true}
	}
	return number{near: float64(i), text: strconv.FormatInt(i, 10)}
}

func uintNumber(u uint64) number {
	if u <= maxExact {
		return number{near: float64(u), exact: true}
	}
	return number{near: float64(u), text: strconv.FormatUint(u, 10)}
}

func parseNumber(text string) number {
	if len(text) <= 15 {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return number{near: float64(i), exact: true}
		}
	}
	f, _ := strconv.ParseFloat(text, 64)
	return number{near: f, text: text}
}

// rat is the exact value; nil if it has an exponent beyond reason or is no
// number at all.
func (n number) rat() *big.Rat {
	if n.exact {
		return new(big.Rat).SetInt64(int64(n.near))
	}
	if i := strings.IndexAny(n.text, "eE"); i >= 0 {
		if e, err := strconv.Atoi(n.text[i+1:]); err != nil || e > maxExponent || e < -maxExponent {
			return nil
		}
	}
	r, ok := new(big.Rat).SetString(n.text)
	if !ok {
		return nil
	}
	return r
}

// maxExponent keeps exact arithmetic affordable: JSON may write 1e999999999.
const maxExponent = 5_000

// compare is -1, 0 or 1. Numbers beyond exact arithmetic count as equal to
// those next to the same float.
func (n number) compare(m number) int {
	switch {
	case n.near < m.near:
		return -1
	case n.near > m.near:
		return 1
	case n.exact && m.exact, !n.exact && !m.exact && n.text == m.text:
		return 0
	}
	a, b := n.rat(), m.rat()
	if a == nil || b == nil {
		return 0
	}
	return a.Cmp(b)
}

// isWhole tells whether the number is an integer, however it is written.
func (n number) isWhole() bool {
	if n.exact {
		return true
	}
	if math.Abs(n.near) < maxExact && n.near != math.Trunc(n.near) {
		return false
	}
	if math.IsInf(n.near, 0) {
		return true
	}
	r := n.rat()
	return r != nil && r.IsInt()
}

// isMultipleOf tells whether n divided by m is a whole number.
func (n number) isMultipleOf(m number) bool {
	if n.exact && m.exact && m.near != 0 {
		return math.Mod(n.near, m.near) == 0
	}
	a, b := n.rat(), m.rat()
	if a == nil || b == nil || b.Sign() == 0 {
		return false
	}
	return a.Quo(a, b).IsInt()
}

// key is the same for equal numbers only.
func (n number) key() string {
	if n.exact {
		return strconv.FormatInt(int64(n.near), 10)
	}
	if r := n.rat(); r != nil {
		return r.RatString()
	}
	return n.text
}

// english writes the nearest float the way Helm's messages do: 1,234.5 and,
// from a million on or below 0.0001, 1.5×10⁰⁶.
func (n number) english() string {
	f := n.near
	switch {
	case f == 0:
		return "0" // also for -0
	case math.IsInf(f, 1):
		return "∞"
	case math.IsInf(f, -1):
		return "-∞"
	}
	mantissa, exponent, ok := strings.Cut(strconv.FormatFloat(f, 'g', -1, 64), "e")
	if !ok {
		return group(mantissa)
	}
	var sb strings.Builder
	sb.WriteString(mantissa)
	sb.WriteString("×10")
	for _, c := range exponent {
		switch c {
		case '+':
		case '-':
			sb.WriteString("⁻")
		default:
			sb.WriteString([...]string{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"}[c-'0'])
		}
	}
	return sb.String()
}

// group puts commas between the thousands of a decimal number.
func group(s string) string {
	whole, fraction, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction
}

// count writes an int with commas between the thousands.
func count(n int) string { return group(strconv.Itoa(n)) }
