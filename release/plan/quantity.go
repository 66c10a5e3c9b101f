package plan

import (
	"math/big"
	"strconv"
	"strings"
)

// quantityParents are the mappings of names to quantities.
var quantityParents = map[string]bool{
	"limits": true, "requests": true, "capacity": true, "hard": true, "default": true, "defaultRequest": true,
	"max": true, "min": true, "maxLimitRequestRatio": true, "overhead": true, "podFixed": true,
}

// quantityFields are single quantities.
var quantityFields = map[string]bool{"sizeLimit": true, "divisor": true, "averageValue": true}

func isQuantity(key, parent string) bool { return quantityParents[parent] || quantityFields[key] }

// sameQuantity compares two quantities by value. What it cannot read is not the same.
func sameQuantity(a, b any) bool {
	x, y := quantity(a), quantity(b)
	return x != nil && y != nil && x.Cmp(y) == 0
}

// quantity reads a quantity: a decimal number with a suffix for a power of
// 1000 or 1024, or an exponent, as k8s.io/apimachinery/pkg/api/resource
// defines it. The result is nil for anything else.
func quantity(value any) *big.Rat {
	var text string
	switch value := value.(type) {
	case int64:
		return new(big.Rat).SetInt64(value)
	case float64:
		text = strconv.FormatFloat(value, 'f', -1, 64)
	case string:
		text = value
	default:
		return nil
	}
	if len(text) > 40 {
		return nil // also keeps the number small
	}
	end := len(text)
	if i := strings.LastIndexAny(text, "0123456789."); i >= 0 {
		end = i + 1
	}
	number, suffix := text[:end], text[end:]
	exponent := 0
	if i := strings.IndexAny(number, "eE"); i >= 0 && suffix == "" {
		var err error
		if exponent, err = strconv.Atoi(number[i+1:]); err != nil || exponent < -30 || exponent > 30 {
			return nil
		}
		number = number[:i]
	}
	if strings.Trim(number, "+-.0123456789") != "" {
		return nil
	}
	result, ok := new(big.Rat).SetString(number)
	if !ok {
		return nil
	}
	scale, ok := suffixScale(suffix)
	if !ok {
		return nil
	}
	result.Mul(result, scale)
	return result.Mul(result, power(10, exponent))
}

func suffixScale(suffix string) (*big.Rat, bool) {
	const decimal, binary = "num\x00kMGTPE", "KMGTPE"
	switch {
	case suffix == "":
		return power(1, 0), true
	case len(suffix) == 2 && suffix[1] == 'i':
		if i := strings.IndexByte(binary, suffix[0]); i >= 0 {
			return power(1024, i+1), true
		}
	case len(suffix) == 1 && suffix != "\x00":
		if i := strings.IndexByte(decimal, suffix[0]); i >= 0 {
			return power(1000, i-3), true
		}
	}
	return nil, false
}

// power is base^exponent.
func power(base int64, exponent int) *big.Rat {
	magnitude := max(exponent, -exponent)
	whole := new(big.Int).Exp(big.NewInt(base), big.NewInt(int64(magnitude)), nil)
	result := new(big.Rat).SetInt(whole)
	if exponent < 0 {
		result.Inv(result)
	}
	return result
}
