package repo

import (
	"unicode/utf8"
	"unsafe"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// isPlainText checks that t[i:end] is UTF-8 without control characters but
// newlines, and without the characters that end lines or mark byte orders. It
// gives the position behind what it has checked, or failed.
func isPlainText(t string, i, end int) int {
	start := unsafe.Pointer(unsafe.StringData(t))
	for ; i+8 <= end; i += 8 {
		w := *(*uint64)(unsafe.Add(start, i))
		// Sums that cannot carry from one byte to the next: each says exactly which bytes it means.
		low := w &^ highs
		atLeastSpace, isDelete := low+ones*(0x80-' '), low+ones
		notNewline := (low ^ ones*'\n') + ones*0x7f
		if (^atLeastSpace&notNewline|isDelete|w)&highs == 0 {
			continue
		}
		next := plainRun(t, i, i+8)
		if next == failed {
			return failed
		}
		i = next - 8
	}
	return plainRun(t, i, end)
}

// plainRun checks at least t[i:end] and gives the position behind what it has
// checked, or failed.
func plainRun(t string, i, end int) int {
	for i < end {
		c := t[i]
		switch {
		case c == '\n' || c >= 0x20 && c < 0x7f:
			i++
		case c < utf8.RuneSelf:
			return failed
		default:
			r, n := utf8.DecodeRuneInString(t[i:])
			if r == utf8.RuneError || r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff {
				return failed
			}
			i += n
		}
	}
	return i
}
