package tmpl

import (
	"fmt"
	"strconv"
	"strings"
)

// parseNumber reads a number, rune or complex constant.
func parseNumber(text string, isComplex bool) (*number, error) {
	switch {
	case text[0] == '\'':
		return parseRune(text)
	case isComplex:
		n := &number{isComplex: true}
		if _, err := fmt.Sscan(text, &n.complex); err != nil {
			return nil, err
		}
		n.simplify()
		return n, nil
	}
	if strings.HasSuffix(text, "i") {
		if f, err := strconv.ParseFloat(text[:len(text)-1], 64); err == nil {
			n := &number{isComplex: true, complex: complex(0, f)}
			n.simplify()
			return n, nil
		}
	}
	return parseReal(text)
}

func parseRune(text string) (*number, error) {
	r, _, tail, err := strconv.UnquoteChar(text[1:], text[0])
	if err != nil {
		return nil, err
	}
	if tail != "'" {
		return nil, fmt.Errorf("malformed character constant: %s", text)
	}
	return &number{isInt: true, int: int64(r), isUint: true, uint: uint64(r), isFloat: true, float: float64(r)}, nil
}

func parseReal(text string) (*number, error) {
	n := &number{}
	if u, err := strconv.ParseUint(text, 0, 64); err == nil {
		n.isUint, n.uint = true, u
	}
	if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		n.isInt, n.int = true, i
		if i == 0 {
			n.isUint = true // -0 is no unsigned number to strconv
		}
	}
	switch {
	case n.isInt:
		n.isFloat, n.float = true, float64(n.int)
	case n.isUint:
		n.isFloat, n.float = true, float64(n.uint)
	default:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("illegal number syntax: %q", text)
		}
		if !strings.ContainsAny(text, ".eEpP") {
			return nil, fmt.Errorf("integer overflow: %q", text)
		}
		n.isFloat, n.float = true, f
		n.fromFloat()
	}
	return n, nil
}

// fromFloat adds the integers that equal the float.
func (n *number) fromFloat() {
	if float64(int64(n.float)) == n.float {
		n.isInt, n.int = true, int64(n.float)
	}
	if float64(uint64(n.float)) == n.float {
		n.isUint, n.uint = true, uint64(n.float)
	}
}

// simplify adds the real numbers that equal the complex one.
func (n *number) simplify() {
	if imag(n.complex) != 0 {
		return
	}
	n.isFloat, n.float = true, real(n.complex)
	n.fromFloat()
}

// ideal returns the value that the constant has where nothing says its type,
// or why it has none.
func (n *number) ideal(text string) (any, string) {
	hexInt := len(text) > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && !strings.ContainsAny(text, "pP")
	switch {
	case n.isComplex:
		return n.complex, ""
	case n.isFloat && !hexInt && text[0] != '\'' && strings.ContainsAny(text, ".eEpP"):
		return n.float, ""
	case n.isInt && int64(int(n.int)) == n.int:
		return int(n.int), ""
	}
	return nil, text + " overflows int"
}
