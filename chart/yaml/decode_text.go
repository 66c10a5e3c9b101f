package yaml

import (
	"strings"
	"unicode/utf8"
)

// text takes a scalar that is a string whatever it looks like.
func (p *parser) text(text string, use purpose) (any, bool) {
	switch use {
	case toBuild:
		return text, true
	case toSkip:
		return nil, true
	case toString:
		p.head.text, p.head.null = text, false
		return nil, true
	}
	return nil, false
}

// null takes an absent node.
func (p *parser) null(use purpose) (any, bool) {
	p.head.null = true
	return nil, true
}

// resolved takes a plain scalar.
func (p *parser) resolved(text string, use purpose) (any, bool) {
	if use == toSkip {
		return nil, !isNonFinite(text)
	}
	sc := scalar{}
	if firstByte[text[0]] != hintString {
		sc = resolve(text)
	}
	switch {
	case p.exact && (sc.kind == intScalar || sc.kind == uintScalar || sc.kind == floatScalar):
		return exactNumber{sc.value(text).(float64), sc.string(text)}, true
	case sc.kind == nonFiniteScalar:
		return nil, false
	case sc.kind == nullScalar:
		return p.null(use)
	case use == toBuild:
		return sc.value(text), true
	case use == toString:
		return p.text(sc.string(text), use)
	}
	return nil, false
}

// longPlain is the length from which on searching beats looking at each byte.
const longPlain = 32

// plainLine finds the end of the plain text on the line at offset i in block context. It returns the end without
// trailing blanks and the offset of what stopped it: a line feed, a colon before a blank, a comment, or the end.
func (p *parser) plainLine(i int) (end, stop int) {
	s := p.s
	stop = len(s)
	limit := min(i+longPlain, len(s))
scan:
	for j := i; ; j++ {
		if j >= limit {
			if j < len(s) {
				stop = longPlainStop(s, j)
			}
			break
		}
		if classes[s[j]]&stopsBlock == 0 {
			continue
		}
		switch s[j] {
		case '\n':
			stop = j
			break scan
		case ':':
			if blankAt(s, j+1) {
				stop = j
				break scan
			}
		case '#':
			if j > i && isBlank(s[j-1]) {
				stop = j
				break scan
			}
		}
	}
	return trimBlanks(s, i, stop), stop
}

// longPlainStop goes on with plainLine from offset j, which is not the first of the text.
func longPlainStop(s string, j int) int {
	line := s[j:]
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	for k := 0; ; k++ {
		next := strings.IndexByte(line[k:], ':')
		if next < 0 {
			break
		}
		k += next
		if blankAt(s, j+k+1) {
			line = line[:k]
			break
		}
	}
	for k := 0; ; k++ {
		next := strings.IndexByte(line[k:], '#')
		if next < 0 {
			break
		}
		k += next
		if isBlank(s[j+k-1]) {
			line = line[:k]
			break
		}
	}
	return j + len(line)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// trimBlanks returns end less the blanks before it, not below start.
func trimBlanks(s string, start, end int) int {
	for end > start && isBlank(s[end-1]) {
		end--
	}
	return end
}

// plain reads a plain scalar whose first line is known to lie between start and end and to stop at offset stop. Lines
// further right than parent continue it.
func (p *parser) plain(start, end, stop, parent int, use purpose) (any, bool) {
	s := p.s
	continued := false
	for stop < len(s) && s[stop] == '\n' {
		lineStart, breaks := stop+1, 1
		i := lineStart
		for i < len(s) && (s[i] == ' ' || s[i] == '\n') {
			if s[i] == '\n' {
				lineStart = i + 1
				breaks++
			}
			i++
		}
		if i < len(s) && s[i] == '\t' {
			return nil, false
		}
		if i == len(s) || s[i] == '#' || i == lineStart && isMarker(s, i) {
			stop = lineStart - 1 // go on with this line
			break
		}
		if i-lineStart <= parent {
			p.i, p.col = i, i-lineStart
			return p.plainText(start, end, continued, use)
		}
		if use != toSkip {
			if !continued {
				p.buf = append(p.buf[:0], s[start:end]...)
			}
			p.buf = appendFolded(p.buf, "", breaks, false)
		}
		continued = true
		start = i
		end, stop = p.plainLine(i)
		if stop < len(s) && s[stop] == ':' {
			return nil, false
		}
		if use != toSkip {
			p.buf = append(p.buf, s[start:end]...)
		}
	}
	if !p.endLine(stop) {
		return nil, false
	}
	return p.plainText(start, end, continued, use)
}

// plainText takes a plain scalar: the text between start and end, or that of several lines in p.buf.
func (p *parser) plainText(start, end int, continued bool, use purpose) (any, bool) {
	switch {
	case !continued:
		return p.resolved(p.s[start:end], use)
	case use == toSkip:
		return nil, true // text of several lines is no number
	}
	return p.resolved(string(p.buf), use)
}

// quoted reads the quoted scalar at offset i. It returns the text, if it is wanted, the offset behind the closing
// quote, and how many line feeds are between the quotes.
func (p *parser) quoted(i int, wanted bool) (text string, next, lines int, ok bool) {
	s, quote := p.s, p.s[i]
	for j := i + 1; j < len(s); j++ {
		switch s[j] {
		case quote:
			if quote == '\'' && j+1 < len(s) && s[j+1] == quote {
				return p.quotedSlowly(i, wanted)
			}
			return s[i+1 : j], j + 1, 0, true
		case '\n':
			return p.quotedSlowly(i, wanted)
		case '\\':
			if quote == '"' {
				return p.quotedSlowly(i, wanted)
			}
		}
	}
	return "", 0, 0, false
}

// quotedSlowly is quoted with escapes and several lines.
func (p *parser) quotedSlowly(i int, wanted bool) (text string, next, lines int, ok bool) {
	s, quote := p.s, p.s[i]
	buf := p.buf[:0]
	for j := i + 1; j < len(s); {
		if s[j-1] == '\n' && isMarker(s, j) {
			return "", 0, 0, false
		}
		var escapedBreak bool
		buf, j, escapedBreak, ok = appendWord(buf, s, j, quote)
		if !ok {
			return "", 0, 0, false
		}
		if escapedBreak {
			lines++
		}
		if j < len(s) && s[j] == quote {
			p.buf = buf
			if wanted {
				text = string(buf)
			}
			return text, j + 1, lines, true
		}
		blanks, breaks := j, 0
		for j < len(s) && classes[s[j]]&blankz != 0 {
			if s[j] == '\n' {
				breaks++
			}
			j++
		}
		lines += breaks
		buf = appendFolded(buf, s[blanks:j], breaks, escapedBreak)
		if !wanted {
			buf = buf[:0]
		}
	}
	return "", 0, 0, false
}

// appendWord appends the text between quotes from offset j to the next blank, escaped line feed or closing quote.
func appendWord(buf []byte, s string, j int, quote byte) (_ []byte, next int, escapedBreak, ok bool) {
	for {
		run := j
		for j < len(s) && classes[s[j]]&(blankz|stopsQuoted) == 0 {
			j++
		}
		buf = append(buf, s[run:j]...)
		if j == len(s) || classes[s[j]]&blankz != 0 {
			return buf, j, false, true
		}
		switch c := s[j]; {
		case c == quote && quote == '\'' && j+1 < len(s) && s[j+1] == quote:
			buf = append(buf, quote)
			j += 2
		case c == quote:
			return buf, j, false, true
		case c == '\\' && quote == '"':
			if j+1 < len(s) && s[j+1] == '\n' {
				return buf, j + 2, true, true
			}
			if buf, j, ok = appendEscape(buf, s, j+1); !ok {
				return buf, j, false, false
			}
		default:
			buf = append(buf, c)
			j++
		}
	}
}

// appendFolded appends what the blanks between two words of a quoted scalar, with so many line feeds, amount to.
func appendFolded(buf []byte, blanks string, breaks int, escapedBreak bool) []byte {
	switch {
	case escapedBreak:
		breaks++
	case breaks == 0:
		return append(buf, blanks...)
	case breaks == 1:
		return append(buf, ' ')
	}
	for ; breaks > 1; breaks-- {
		buf = append(buf, '\n')
	}
	return buf
}

// escapes maps the letter of an escape to its character, plus one; '\\x', '\\u' and '\\U' are apart.
var escapes = [256]rune{
	'0': 1, 'a': '\a' + 1, 'b': '\b' + 1, 't': '\t' + 1, '\t': '\t' + 1, 'n': '\n' + 1, 'v': '\v' + 1, 'f': '\f' + 1,
	'r': '\r' + 1, 'e': 0x1b + 1, ' ': ' ' + 1, '"': '"' + 1, '\'': '\'' + 1, '\\': '\\' + 1, 'N': 0x85 + 1, '_': 0xa0 + 1,
	'L': 0x2028 + 1, 'P': 0x2029 + 1,
}

// appendEscape appends the character of the escape whose letter is at offset i and returns the offset behind it.
func appendEscape(buf []byte, s string, i int) ([]byte, int, bool) {
	if i >= len(s) {
		return buf, i, false
	}
	digits := 0
	switch s[i] {
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	default:
		r := escapes[s[i]]
		return utf8.AppendRune(buf, r-1), i + 1, r > 0
	}
	i++
	if i+digits > len(s) {
		return buf, i, false
	}
	var r rune
	for _, c := range []byte(s[i : i+digits]) {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return buf, i, false
		}
	}
	return utf8.AppendRune(buf, r), i + digits, utf8.ValidRune(r)
}
