package tmpl

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind says what a token is.
type tokenKind uint8

const (
	tokError tokenKind = iota
	tokEOF
	tokText
	tokLeft       // {{
	tokRight      // }}
	tokBool       // true, false
	tokChar       // a character that stands for itself, as the comma
	tokRune       // 'a'
	tokComplex    // 1+2i
	tokNumber     // 12, 0x1f, 1e3
	tokString     // "a"
	tokRaw        // `a`
	tokAssign     // =
	tokDeclare    // :=
	tokPipe       // |
	tokLeftParen  // (
	tokRightParen // )
	tokDot        // .
	tokField      // .name
	tokVariable   // $name
	tokIdent      // name
	tokKeyword    // marks the beginning of the keywords
	tokBlock
	tokBreak
	tokContinue
	tokDefine
	tokElse
	tokEnd
	tokIf
	tokNil
	tokRange
	tokTemplate
	tokWith
)

// token is one item of the source. White space inside an action is no token of its own.
type token struct {
	kind       tokenKind
	spaced     bool // white space stands before it
	start, end int32
}

// scanner cuts a template's source into tokens, one at a call of next.
type scanner struct {
	src      string
	pos      int
	inAction bool
	parens   int
	failed   token  // what next returns after an error
	message  string // of that error, or empty
	// The names break and continue are keywords unless they are functions.
	breakIsFunc, continueIsFunc bool
}

const (
	spaceBytes = " \t\r\n"
	eofRune    = -1
)

func isSpaceByte(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

func isNameRune(r rune) bool {
	if 0 <= r && r < utf8.RuneSelf {
		return isNameByte(byte(r))
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// trimsLeft reports whether the text after {{ begins with a trim marker.
func trimsLeft(s string) bool { return len(s) >= 2 && s[0] == '-' && isSpaceByte(s[1]) }

// trimsRight reports whether s begins with the trim marker that stands before }}.
func trimsRight(s string) bool { return len(s) >= 2 && s[1] == '-' && isSpaceByte(s[0]) }

// skipSpace returns the position of the first byte at or after pos that is no space.
func (s *scanner) skipSpace(pos int) int {
	for pos < len(s.src) && isSpaceByte(s.src[pos]) {
		pos++
	}
	return pos
}

// next returns the next token. After an error it returns that error again.
func (s *scanner) next() token {
	if s.message != "" {
		return s.failed
	}
	if s.inAction {
		return s.scanAction()
	}
	return s.scanText()
}

func (s *scanner) make(kind tokenKind, start, end int) token {
	s.pos = end
	return token{kind: kind, start: int32(start), end: int32(end)}
}

func (s *scanner) fail(start int, format string, args ...any) token {
	s.failed = token{kind: tokError, start: int32(start), end: int32(start)}
	s.message = fmt.Sprintf(format, args...)
	return s.failed
}

// scanText returns the text before the next action, or else the action's left delimiter.
func (s *scanner) scanText() token {
	for {
		start := s.pos
		offset := strings.Index(s.src[start:], "{{")
		if offset < 0 {
			if start < len(s.src) {
				return s.make(tokText, start, len(s.src))
			}
			return s.make(tokEOF, start, start)
		}
		open := start + offset
		body := open + 2
		trim := trimsLeft(s.src[body:])
		if offset > 0 {
			textEnd := open
			if trim {
				for textEnd > start && isSpaceByte(s.src[textEnd-1]) {
					textEnd--
				}
			}
			if textEnd > start {
				tok := s.make(tokText, start, textEnd)
				s.pos = open
				return tok
			}
		}
		if trim {
			body += 2
		}
		if !strings.HasPrefix(s.src[body:], "/*") {
			tok := s.make(tokLeft, open, open+2)
			s.pos, s.inAction, s.parens = body, true, 0
			return tok
		}
		if tok, ok := s.skipComment(body); !ok {
			return tok
		}
	}
}

// skipComment moves behind the comment that begins at start.
func (s *scanner) skipComment(start int) (token, bool) {
	length := strings.Index(s.src[start+2:], "*/")
	if length < 0 {
		return s.fail(start, "unclosed comment"), false
	}
	end := start + 2 + length + 2
	closes, trim := s.rightDelim(end)
	switch {
	case !closes:
		return s.fail(start, "comment ends before closing delimiter"), false
	case trim:
		s.pos = s.skipSpace(end + 4)
	default:
		s.pos = end + 2
	}
	return token{}, true
}

// rightDelim reports whether an action ends at pos, and whether it trims.
func (s *scanner) rightDelim(pos int) (closes, trim bool) {
	rest := s.src[pos:]
	if trimsRight(rest) && strings.HasPrefix(rest[2:], "}}") {
		return true, true
	}
	return strings.HasPrefix(rest, "}}"), false
}

// scanAction returns the next token inside an action.
func (s *scanner) scanAction() token {
	from := s.pos
	start := s.skipSpace(from)
	if start > from && strings.HasPrefix(s.src[start:], "-}}") {
		start-- // the last space belongs to the trim marker
		tok := s.closeAction(start, true)
		tok.spaced = start > from
		return tok
	}
	tok := s.scanItem(start)
	tok.spaced = start > from
	return tok
}

// scanItem scans the token at start.
func (s *scanner) scanItem(start int) token {
	if start >= len(s.src) {
		return s.fail(start, "unclosed action")
	}
	c := s.src[start]
	switch {
	case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_':
		return s.scanName(start)
	case c == '.':
		if start+1 < len(s.src) && (s.src[start+1] < '0' || '9' < s.src[start+1]) {
			return s.scanField(start, tokField)
		}
		return s.scanNumber(start)
	case c == '+' || c == '-' || '0' <= c && c <= '9':
		return s.scanNumber(start)
	case c == '$':
		return s.scanField(start, tokVariable)
	case c == '}' && strings.HasPrefix(s.src[start:], "}}"):
		return s.closeAction(start, false)
	}
	return s.scanSign(start, c)
}

// scanSign scans what begins with neither a letter nor a digit.
func (s *scanner) scanSign(start int, c byte) token {
	switch c {
	case '=':
		return s.make(tokAssign, start, start+1)
	case ':':
		if start+1 < len(s.src) && s.src[start+1] == '=' {
			return s.make(tokDeclare, start, start+2)
		}
		return s.fail(start, "expected :=")
	case '|':
		return s.make(tokPipe, start, start+1)
	case '"':
		return s.scanQuoted(start, '"', tokString, "unterminated quoted string")
	case '\'':
		return s.scanQuoted(start, '\'', tokRune, "unterminated character constant")
	case '`':
		length := strings.IndexByte(s.src[start+1:], '`')
		if length < 0 {
			return s.fail(start, "unterminated raw quoted string")
		}
		return s.make(tokRaw, start, start+length+2)
	case '(':
		s.parens++
		return s.make(tokLeftParen, start, start+1)
	case ')':
		s.parens--
		if s.parens < 0 {
			return s.fail(start, "unexpected right paren")
		}
		return s.make(tokRightParen, start, start+1)
	}
	r, _ := utf8.DecodeRuneInString(s.src[start:])
	switch {
	case isNameRune(r):
		return s.scanName(start)
	case r <= unicode.MaxASCII && unicode.IsPrint(r):
		return s.make(tokChar, start, start+1)
	}
	return s.fail(start, "unrecognized character in action: %#U", r)
}

// closeAction scans the right delimiter at start.
func (s *scanner) closeAction(start int, trim bool) token {
	if s.parens > 0 {
		return s.fail(start, "unclosed left paren")
	}
	if trim {
		start += 2
	}
	tok := s.make(tokRight, start, start+2)
	if trim {
		s.pos = s.skipSpace(s.pos)
	}
	s.inAction = false
	return tok
}

// runeAt returns the rune at pos, or eofRune.
func (s *scanner) runeAt(pos int) rune {
	if pos >= len(s.src) {
		return eofRune
	}
	if c := s.src[pos]; c < utf8.RuneSelf {
		return rune(c)
	}
	r, _ := utf8.DecodeRuneInString(s.src[pos:])
	return r
}

// skipName returns the position behind the letters, digits and underscores at pos.
func (s *scanner) skipName(pos int) int {
	for pos < len(s.src) {
		c := s.src[pos]
		if c < utf8.RuneSelf {
			if !isNameByte(c) {
				return pos
			}
			pos++
			continue
		}
		r, size := utf8.DecodeRuneInString(s.src[pos:])
		if !isNameRune(r) {
			return pos
		}
		pos += size
	}
	return pos
}

// endsName reports whether a name may end at pos.
func (s *scanner) endsName(pos int) bool {
	if pos >= len(s.src) {
		return true
	}
	switch s.src[pos] {
	case ' ', '\t', '\r', '\n', '.', ',', '|', ':', ')', '(':
		return true
	}
	return strings.HasPrefix(s.src[pos:], "}}")
}

// scanName scans a function's name, a keyword or a boolean.
func (s *scanner) scanName(start int) token {
	end := s.skipName(start)
	if !s.endsName(end) {
		return s.fail(start, "bad character %#U", s.runeAt(end))
	}
	return s.make(s.wordKind(s.src[start:end]), start, end)
}

func (s *scanner) wordKind(word string) tokenKind {
	switch word {
	case "true", "false":
		return tokBool
	case "if":
		return tokIf
	case "end":
		return tokEnd
	case "else":
		return tokElse
	case "range":
		return tokRange
	case "with":
		return tokWith
	case "define":
		return tokDefine
	case "template":
		return tokTemplate
	case "block":
		return tokBlock
	case "nil":
		return tokNil
	case "break":
		if !s.breakIsFunc {
			return tokBreak
		}
	case "continue":
		if !s.continueIsFunc {
			return tokContinue
		}
	}
	return tokIdent
}

// scanField scans .name or $name, or the dot or the dollar alone.
func (s *scanner) scanField(start int, kind tokenKind) token {
	if s.endsName(start + 1) {
		if kind == tokField {
			kind = tokDot
		}
		return s.make(kind, start, start+1)
	}
	end := s.skipName(start + 1)
	if !s.endsName(end) {
		return s.fail(start, "bad character %#U", s.runeAt(end))
	}
	return s.make(kind, start, end)
}

// scanQuoted scans a string or rune constant. Its syntax is checked by the parser.
func (s *scanner) scanQuoted(start int, quote byte, kind tokenKind, unterminated string) token {
	for pos := start + 1; pos < len(s.src); pos++ {
		switch s.src[pos] {
		case quote:
			return s.make(kind, start, pos+1)
		case '\n':
			return s.fail(start, "%s", unterminated)
		case '\\':
			pos++
			if pos >= len(s.src) || s.src[pos] == '\n' {
				return s.fail(start, "%s", unterminated)
			}
		}
	}
	return s.fail(start, "%s", unterminated)
}

// scanNumber scans what looks like a number. Its syntax is checked by the parser.
func (s *scanner) scanNumber(start int) token {
	end, ok := s.skipNumber(start)
	kind := tokNumber
	if sign := s.runeAt(end); ok && (sign == '+' || sign == '-') {
		kind = tokComplex
		end, ok = s.skipNumber(end)
		ok = ok && s.src[end-1] == 'i'
	}
	if !ok {
		return s.fail(start, "bad number syntax: %q", s.src[start:end])
	}
	return s.make(kind, start, end)
}

// skipNumber returns the position behind the number at pos. It reports false,
// and the position behind the offending rune, when a letter follows.
func (s *scanner) skipNumber(pos int) (int, bool) {
	const decimal, octal, binary, hexadecimal = "0123456789_", "01234567_", "01_", "0123456789abcdefABCDEF_"
	one := func(set string) bool {
		if pos < len(s.src) && strings.IndexByte(set, s.src[pos]) >= 0 {
			pos++
			return true
		}
		return false
	}
	run := func(set string) {
		for one(set) {
		}
	}
	one("+-")
	digits := decimal
	if one("0") {
		switch {
		case one("xX"):
			digits = hexadecimal
		case one("oO"):
			digits = octal
		case one("bB"):
			digits = binary
		}
	}
	run(digits)
	if one(".") {
		run(digits)
	}
	if digits == decimal && one("eE") || digits == hexadecimal && one("pP") {
		one("+-")
		run(decimal)
	}
	one("i")
	if r := s.runeAt(pos); isNameRune(r) {
		return pos + utf8.RuneLen(r), false
	}
	return pos, true
}
