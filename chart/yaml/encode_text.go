package yaml

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// foldColumn is the column after which the next blank becomes a line break.
const foldColumn = 80

// traits is what decides how a text is written.
type traits struct {
	foreign   bool // has characters that only the library's detours treat rightly
	special   bool // has characters that need an escape
	newline   bool
	blank     bool // has a space somewhere
	edge      bool // starts or ends with a space
	tail      bool // ends with a space
	indicator bool // would read as YAML syntax
	ragged    bool // a line ends with a space
}

// Classes of bytes that examine looks at; all others are of no consequence.
const (
	classPlain = iota
	classSpace
	classNewline
	classColon
	classHash
	classSpecial
	classForeign
	classWide
)

var byteClasses = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c == ' ':
			t[c] = classSpace
		case c == '\n':
			t[c] = classNewline
		case c == ':':
			t[c] = classColon
		case c == '#':
			t[c] = classHash
		case c < 0x20:
			t[c] = classSpecial
		case c == 0x7f:
			t[c] = classForeign
		case c >= utf8.RuneSelf:
			t[c] = classWide
		}
	}
	return t
}()

// examine finds the traits of s, which is not empty.
func examine(s string) (t traits) {
	last := len(s) - 1
	for i := 0; i < len(s); i++ {
		switch byteClasses[s[i]] {
		case classPlain:
		case classSpace:
			t.blank = true
			if i == 0 || i == last {
				t.edge = true
			}
			if i == last {
				t.tail = true
			} else if s[i+1] == '\n' {
				t.ragged = true
			}
		case classNewline:
			t.newline = true
		case classColon:
			if i == last || s[i+1] == ' ' {
				t.indicator = true
			}
		case classHash:
			if i > 0 && s[i-1] == ' ' {
				t.indicator = true
			}
		case classSpecial:
			t.special = true
		case classForeign:
			t.foreign = true
			return t
		case classWide:
			r, size := utf8.DecodeRuneInString(s[i:])
			if isForeign(r, size) {
				t.foreign = true
				return t
			}
			if size == 4 {
				t.special = true
			}
			i += size - 1
		}
	}
	if !t.indicator {
		t.indicator = startsLikeSyntax(s)
	}
	return t
}

// isForeign reports whether r changes on the way through JSON and YAML, or is
// refused there, or breaks lines in the middle of a text.
func isForeign(r rune, size int) bool {
	switch {
	case r == utf8.RuneError && size == 1:
		return true
	case r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
		return true
	}
	return false
}

// startsLikeSyntax reports whether the start of s has a meaning in YAML.
func startsLikeSyntax(s string) bool {
	switch s[0] {
	case '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
		return true
	case '?':
		return len(s) == 1 || s[1] == ' '
	case '-':
		return len(s) == 1 || s[1] == ' ' || strings.HasPrefix(s, "---")
	case '.':
		return strings.HasPrefix(s, "...")
	}
	return false
}

// key writes a map key.
func (e *encoder) key(s string) bool {
	if len(s) > maxSimpleKey {
		return false
	}
	if s == "" {
		e.dst = append(e.dst, `""`...)
		return true
	}
	t := examine(s)
	switch {
	case t.foreign, t.newline, t.special && strings.Contains(s, "\r"):
		return false
	case t.special || !readsAsText(s):
		e.doubleQuoted(s, false, 0)
	case t.edge || t.indicator:
		e.singleQuoted(s, false, 0)
	default:
		e.dst = append(e.dst, s...)
	}
	return true
}

// text writes a string value. Further lines of it are at indent.
func (e *encoder) text(s string, indent int) bool {
	if s == "" {
		e.dst = append(e.dst, `""`...)
		return true
	}
	t := examine(s)
	if t.foreign {
		return false
	}
	folds := t.blank && len(e.dst)-e.lineStart+len(s) > foldColumn
	switch {
	case t.newline && !t.special && !t.tail && !t.ragged:
		e.literal(s, indent)
	case t.special || t.newline || !readsAsText(s):
		e.doubleQuoted(s, t.blank, indent)
	case t.edge || t.indicator:
		e.singleQuoted(s, t.blank, indent)
	case folds:
		e.foldedPlain(s, indent)
	default:
		e.dst = append(e.dst, s...)
	}
	return true
}

// literal writes s as a block of lines.
func (e *encoder) literal(s string, indent int) {
	e.dst = append(e.dst, '|')
	if s[0] == ' ' || s[0] == '\n' {
		e.dst = append(e.dst, '2')
	}
	body := strings.TrimSuffix(s, "\n")
	switch {
	case len(body) == len(s):
		e.dst = append(e.dst, '-')
	case body == "" || body[len(body)-1] == '\n':
		e.dst = append(e.dst, '+')
	}
	for line := range strings.SplitSeq(body, "\n") {
		e.breakLine()
		if line != "" {
			e.pad(indent)
			e.dst = append(e.dst, line...)
		}
	}
	if len(body) < len(s) {
		e.breakLine()
	}
}

// column is the number of characters on the current line.
func (e *encoder) column() int {
	return utf8.RuneCount(e.dst[e.lineStart:])
}

// foldAt goes to a new line at indent.
func (e *encoder) foldAt(indent int) {
	e.breakLine()
	e.pad(indent)
}

// foldedPlain writes s, a text that needs no quotes, and folds it after column
// 80 where a single blank stands.
func (e *encoder) foldedPlain(s string, indent int) {
	column, spaces := e.column(), false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == ' ' {
			if !spaces && column > foldColumn && s[i+1] != ' ' {
				e.foldAt(indent)
				column = indent
			} else {
				e.dst = append(e.dst, c)
				column++
			}
			spaces = true
			continue
		}
		spaces = false
		e.dst = append(e.dst, c)
		if utf8.RuneStart(c) {
			column++
		}
	}
}

// singleQuoted writes s in single quotes; it folds if it may.
func (e *encoder) singleQuoted(s string, mayFold bool, indent int) {
	e.dst = append(e.dst, '\'')
	column, spaces := e.column(), false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == ' ' {
			if mayFold && !spaces && column > foldColumn && i > 0 && i < len(s)-1 && s[i+1] != ' ' {
				e.foldAt(indent)
				column = indent
			} else {
				e.dst = append(e.dst, c)
				column++
			}
			spaces = true
			continue
		}
		spaces = false
		if c == '\'' {
			e.dst = append(e.dst, c)
			column++
		}
		e.dst = append(e.dst, c)
		if utf8.RuneStart(c) {
			column++
		}
	}
	e.dst = append(e.dst, '\'')
}

// doubleQuoted writes s in double quotes with escapes; it folds if it may.
func (e *encoder) doubleQuoted(s string, mayFold bool, indent int) {
	e.dst = append(e.dst, '"')
	column, spaces := e.column(), false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == ' ' {
			if mayFold && !spaces && column > foldColumn && i > 0 && i < len(s)-1 {
				e.foldAt(indent)
				column = indent
				if s[i+1] == ' ' {
					e.dst = append(e.dst, '\\')
					column++
				}
			} else {
				e.dst = append(e.dst, c)
				column++
			}
			spaces = true
			continue
		}
		spaces = false
		if c < ' ' || c == '"' || c == '\\' || c >= 0xf0 {
			mark := len(e.dst)
			i += e.escape(s[i:]) - 1
			column += len(e.dst) - mark
			continue
		}
		e.dst = append(e.dst, c)
		if utf8.RuneStart(c) {
			column++
		}
	}
	e.dst = append(e.dst, '"')
}

// escape writes the first character of s with a backslash and returns its size.
func (e *encoder) escape(s string) int {
	const hex = "0123456789ABCDEF"
	const short = "0------abtnvfr-------------e----"
	c := s[0]
	if c == '"' || c == '\\' {
		e.dst = append(e.dst, '\\', c)
		return 1
	}
	if c < ' ' {
		if short[c] != '-' {
			e.dst = append(e.dst, '\\', short[c])
		} else {
			e.dst = append(e.dst, '\\', 'x', hex[c>>4], hex[c&15])
		}
		return 1
	}
	r, size := utf8.DecodeRuneInString(s)
	e.dst = append(e.dst, '\\', 'U')
	for shift := 28; shift >= 0; shift -= 4 {
		e.dst = append(e.dst, hex[r>>shift&15])
	}
	return size
}

// readsAsText reports whether s without quotes is still a string to a YAML 1.1
// reader, and no number, bool, null or date. s is not empty.
func readsAsText(s string) bool {
	switch c := s[0]; {
	case '0' <= c && c <= '9', c == '+', c == '-':
		return !readsAsNumber(s) && !readsAsDate(s) && !isBase60(s)
	case c == '.':
		switch s {
		case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF":
			return false
		}
		_, err := strconv.ParseFloat(s, 64)
		return err != nil
	}
	switch s {
	case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON",
		"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF",
		"~", "null", "Null", "NULL":
		return false
	}
	return true
}
