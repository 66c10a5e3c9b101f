package yaml

import (
	"strings"
	"unicode/utf8"
)

// maxDepth is the nesting up to which the parser of this package goes; deeper documents are the library's.
const maxDepth = 500

// maxKeyLength keeps keys clear of the library's limit of 1024 characters between the start of a key and its colon.
const maxKeyLength = 1000

// purpose says what a node is parsed for.
type purpose uint8

const (
	toBuild       purpose = iota // the tree is wanted
	toSkip                       // only its validity is
	toHead                       // the top of a manifest, see head.go
	toMetadata                   // metadata of a manifest
	toAnnotations                // metadata.annotations of a manifest
	toString                     // a string field of a manifest
)

// parser reads one document in one pass. It accepts only what it knows for certain; all its methods that return false
// mean "ask the library", never "invalid".
//
// Between nodes the parser stands on a token: i is the offset of its first byte and col its column, or col is -1 at
// the end of the document.
type parser struct {
	s   string
	i   int
	col int

	entries []entry // open mappings, the innermost last
	items   []any   // open sequences, the innermost last
	buf     []byte  // the scalar being put together
	anchors anchors
	head    headState
	exact   bool // numbers become an exactNumber instead of float64
}

// entry is one key of a mapping that is still being read.
type entry struct {
	key   string
	value any
}

// newline, blank and special bytes of plain text.
const (
	stopsBlock  = 1 << iota // may end a plain scalar in block context
	stopsFlow               // may end one in flow context
	noStart                 // cannot start a plain scalar
	blankz                  // space, tab or line feed
	nameByte                // part of an anchor's name
	stopsQuoted             // needs a look inside quotes
)

// classes maps a byte to what it may do.
var classes = func() (t [256]uint8) {
	for _, c := range "\n:#" {
		t[c] |= stopsBlock | stopsFlow
	}
	for _, c := range ",?[]{}" {
		t[c] |= stopsFlow
	}
	for _, c := range " \t\n-?:,[]{}#&*!|>'\"%@`" {
		t[c] |= noStart
	}
	for _, c := range " \t\n" {
		t[c] |= blankz
	}
	for _, c := range "'\"\\" {
		t[c] |= stopsQuoted
	}
	for c := range t {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-' {
			t[c] |= nameByte
		}
	}
	return t
}()

// blankAt reports whether s has a blank, a line feed or its end at offset i.
func blankAt(s string, i int) bool {
	return i >= len(s) || classes[s[i]]&blankz != 0
}

// normalize checks that text is in the part of Unicode that needs no thought and turns all its line ends into line
// feeds. It refuses control characters, bytes that are not UTF-8, byte order marks within the text, and the line ends
// beyond ASCII.
func normalize(text string) (string, bool) {
	text = strings.TrimPrefix(text, "\ufeff")
	carriage := false
	for i := plainPrefix(text); i < len(text); {
		c := text[i]
		switch {
		case c >= ' ' && c < 0x7f, c == '\n', c == '\t':
			i++
		case c == '\r':
			carriage = true
			i++
		case c < utf8.RuneSelf:
			return "", false
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 || !isPlainRune(r) {
				return "", false
			}
			i += size
		}
		i += plainPrefix(text[i:])
	}
	if carriage {
		text = strings.ReplaceAll(text, "\r\n", "\n")
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	return text, true
}

// plainPrefix returns how many bytes at the start of s, in words of eight, are printable ASCII or line feeds. The sums
// cannot carry from one byte into the next unless one of the bytes is not ASCII, which is tested too.
func plainPrefix(s string) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	n := 0
	for len(s) >= 8 {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		printable := w + ones*(0x80-' ')
		feed := ^((w ^ ones*'\n') + ones*0x7f)
		rubout := w + ones
		if (printable|feed)&^w&^rubout&highs != highs {
			break
		}
		s = s[8:]
		n += 8
	}
	return n
}

// isPlainRune reports whether a character beyond ASCII is printable for the library and no line end.
func isPlainRune(r rune) bool {
	switch {
	case r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
		return false
	}
	return true
}
