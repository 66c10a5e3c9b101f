package yaml

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sortEntries puts the entries in the natural order of their keys.
//
// #DIFFERS That order is no order for some keys with numbers in them: 10m is
// before 1m, 1m before 5m, 5m before 10m. There the library's output changes
// from call to call, and ours does not.
func sortEntries(entries []mapEntry) {
	if len(entries) < 2 {
		return
	}
	compare, digits := compareASCII, false
	for i := range entries {
		for j := range len(entries[i].key) {
			c := entries[i].key[j]
			digits = digits || isDigit(c)
			if c >= utf8.RuneSelf {
				compare, digits = compareNatural, true
			}
		}
	}
	if digits {
		slices.SortFunc(entries, func(a, b mapEntry) int { return strings.Compare(a.key, b.key) })
	}
	slices.SortFunc(entries, func(a, b mapEntry) int { return compare(a.key, b.key) })
}

// compareASCII is compareNatural for keys of ASCII characters.
func compareASCII(a, b string) int {
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	if i == n {
		return cmp.Compare(len(a), len(b))
	}
	al, bl := isLetter(a[i]), isLetter(b[i])
	switch {
	case al && bl:
		return cmp.Compare(a[i], b[i])
	case bl:
		return -1
	case al:
		return 1
	}
	var an, bn int64
	if a[i] == '0' || b[i] == '0' {
		for j := i - 1; j >= 0 && isDigit(a[j]); j-- {
			if a[j] != '0' {
				an, bn = 1, 1
				break
			}
		}
	}
	ai, bi := i, i
	for ; ai < len(a) && isDigit(a[ai]); ai++ {
		an = an*10 + int64(a[ai]-'0')
	}
	for ; bi < len(b) && isDigit(b[bi]); bi++ {
		bn = bn*10 + int64(b[bi]-'0')
	}
	return cmp.Or(cmp.Compare(an, bn), cmp.Compare(ai, bi), cmp.Compare(a[i], b[i]))
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// compareNatural orders keys as the library does: numbers inside them count by
// value, and what is no letter comes before letters.
func compareNatural(a, b string) int {
	ar, br := []rune(a), []rune(b)
	n := min(len(ar), len(br))
	i := 0
	for i < n && ar[i] == br[i] {
		i++
	}
	if i == n {
		return cmp.Compare(len(ar), len(br))
	}
	al, bl := unicode.IsLetter(ar[i]), unicode.IsLetter(br[i])
	switch {
	case al && bl:
		return cmp.Compare(ar[i], br[i])
	case bl:
		return -1
	case al:
		return 1
	}
	var an, bn int64
	if ar[i] == '0' || br[i] == '0' {
		for j := i - 1; j >= 0 && unicode.IsDigit(ar[j]); j-- {
			if ar[j] != '0' {
				an, bn = 1, 1
				break
			}
		}
	}
	an, ai := takeNumber(ar, i, an)
	bn, bi := takeNumber(br, i, bn)
	return cmp.Or(cmp.Compare(an, bn), cmp.Compare(ai, bi), cmp.Compare(ar[i], br[i]))
}

// takeNumber goes on from n with the digits at runes[i:], and returns their end.
func takeNumber(runes []rune, i int, n int64) (int64, int) {
	for ; i < len(runes) && unicode.IsDigit(runes[i]); i++ {
		n = n*10 + int64(runes[i]-'0')
	}
	return n, i
}
