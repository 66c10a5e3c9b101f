package repo

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// scalar reads the scalar behind the colon or dash at pos, whose key stands in
// column. It gives the text and the position of the next line, or failed for
// what only the full parser can read.
func (s source) scalar(pos, column int) (text string, quoted bool, next int) {
	pos += s.indent(pos)
	switch c := s.at(pos); c {
	case 0, '\n', '[', '{', '>', '&', '*', '!', '%', '@', '`', '#', ',', ']', '}', ':':
		return "", false, failed
	case '\'':
		text, next = s.singleQuoted(pos + 1)
		return text, true, next
	case '"':
		text, next = s.doubleQuoted(pos + 1)
		return text, true, next
	case '|':
		text, next = s.literal(pos+1, column)
		return text, true, next
	case '-', '?':
		if s.endsWord(pos + 1) {
			return "", false, failed
		}
	}
	text, next = s.plain(pos, column)
	return text, false, next
}

// text reads a scalar that is a string.
func (s source) text(pos, column int) (string, int) {
	t, quoted, next := s.scalar(pos, column)
	if next == failed || !quoted && !isPlainString(t) {
		return "", failed
	}
	return t, next
}

// boolean reads true or false.
func (s source) boolean(pos, column int) (value bool, next int) {
	t, quoted, next := s.scalar(pos, column)
	if quoted || t != "true" && t != "false" {
		return false, failed
	}
	return t == "true", next
}

// plain reads a plain scalar. Its lines are joined by spaces.
func (s source) plain(pos, column int) (string, int) {
	end := s.lineEnd(pos)
	line := string(s[pos:end])
	if !isPlainLine(line) {
		return "", failed
	}
	next := min(end+1, len(s))
	if n := s.indent(next); n <= column && s.at(next+n) != '\n' {
		return line, next
	}
	var joined strings.Builder
	joined.WriteString(line)
	for next < len(s) {
		n := s.indent(next)
		if s.at(next+n) == '\n' || s.at(next+n) == '#' {
			return "", failed
		}
		if n <= column || next+n == len(s) {
			break
		}
		end = s.lineEnd(next + n)
		line = string(s[next+n : end])
		if !isPlainLine(line) {
			return "", failed
		}
		joined.WriteByte(' ')
		joined.WriteString(line)
		next = min(end+1, len(s))
	}
	return joined.String(), next
}

// isPlainLine reports whether a line of a plain scalar is text from one end to
// the other.
func isPlainLine(line string) bool {
	if line == "" || line[len(line)-1] == ' ' || line[len(line)-1] == ':' {
		return false
	}
	// Byte by byte: looking for pairs of bytes takes three times as long.
	for at := 0; ; at++ {
		n := strings.IndexByte(line[at:], ':')
		if n < 0 {
			break
		}
		if at += n; line[at+1] == ' ' { // it is not the last one
			return false
		}
	}
	for at := 1; ; at++ {
		n := strings.IndexByte(line[at:], '#')
		if n < 0 {
			return true
		}
		if at += n; line[at-1] == ' ' {
			return false
		}
	}
}

// isPlainString reports whether a plain scalar is certainly a string, and no
// number, boolean, null or merge key.
func isPlainString(t string) bool {
	if t == "" {
		return false
	}
	switch c := t[0] | 0x20; {
	case c >= 'a' && c <= 'z' && t[0] >= 'A':
		if len(t) > 5 {
			return true
		}
		switch strings.ToLower(t) {
		case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
			return false
		}
		return true
	case t[0] >= '0' && t[0] <= '9':
		return isNoNumber(t)
	}
	return t[0] == '/' || t[0] == '(' || t[0] == '$' || t[0] == '_' || t[0] == '^' || t[0] >= utf8.RuneSelf
}

// isNoNumber reports whether a word that begins with a digit is certainly no
// number: it has two dots, or a letter that numbers of its kind do not have.
func isNoNumber(t string) bool {
	switch {
	case strings.Count(t, ".") >= 2:
		return true
	case strings.IndexByte(t, '_') >= 0:
		return false
	case t[0] == '0' && len(t) > 1 && t[1] >= 'A':
		return t[1] == 'b' && strings.ContainsAny(t[2:], "23456789acdf")
	}
	for _, c := range []byte(t) {
		if c |= 0x20; c >= 'a' && c <= 'z' && c != 'e' {
			return true
		}
	}
	return false
}

// singleQuoted reads from behind the quote.
func (s source) singleQuoted(pos int) (string, int) {
	end := s.closingQuote(pos, '\'')
	if end == failed {
		return "", failed
	}
	raw := string(s[pos:end])
	next := s.endLine(end + 1)
	if strings.IndexByte(raw, '\n') >= 0 {
		folded, ok := foldQuoted(raw)
		if !ok {
			return "", failed
		}
		raw = folded
	}
	if strings.IndexByte(raw, '\'') >= 0 {
		raw = strings.ReplaceAll(raw, "''", "'")
	}
	return raw, next
}

// foldQuoted joins the lines of a quoted scalar that has no empty lines.
func foldQuoted(raw string) (string, bool) {
	var out strings.Builder
	for {
		line, rest, more := strings.Cut(raw, "\n")
		if strings.HasSuffix(line, " ") && more || strings.TrimLeft(line, " ") == "" {
			return "", false
		}
		out.WriteString(line)
		if !more {
			return out.String(), true
		}
		out.WriteByte(' ')
		raw = strings.TrimLeft(rest, " ")
	}
}

// doubleQuoted reads from behind the quote.
func (s source) doubleQuoted(pos int) (string, int) {
	end := s.closingQuote(pos, '"')
	if end == failed {
		return "", failed
	}
	raw := string(s[pos:end])
	next := s.endLine(end + 1)
	if strings.IndexByte(raw, '\\') < 0 && strings.IndexByte(raw, '\n') < 0 {
		return raw, next
	}
	var out strings.Builder
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case '\\':
			n, ok := unescape(&out, raw[i+1:])
			if !ok {
				return "", failed
			}
			i += 1 + n
		case '\n':
			spaces := source(raw).indent(i + 1)
			if i == 0 || raw[i-1] == ' ' || i+1+spaces == len(raw) || raw[i+1+spaces] == '\n' {
				return "", failed
			}
			out.WriteByte(' ')
			i += 1 + spaces
		default:
			out.WriteByte(c)
			i++
		}
	}
	return out.String(), next
}

// unescape writes what an escape sequence stands for and gives its length
// without the backslash.
func unescape(out *strings.Builder, t string) (int, bool) {
	if t == "" {
		return 0, false
	}
	digits := 0
	switch t[0] {
	case '"', '\\', '/', ' ':
		out.WriteByte(t[0])
		return 1, true
	case 'n':
		out.WriteByte('\n')
		return 1, true
	case 't':
		out.WriteByte('\t')
		return 1, true
	case 'r':
		out.WriteByte('\r')
		return 1, true
	case '\n':
		n := source(t).indent(1)
		return 1 + n, 1+n < len(t) && t[1+n] != '\n'
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	default:
		return 0, false
	}
	if len(t) <= digits {
		return 0, false
	}
	r, err := strconv.ParseUint(t[1:1+digits], 16, 32)
	if err != nil || !utf8.ValidRune(rune(r)) || r > utf8.MaxRune {
		return 0, false
	}
	out.WriteRune(rune(r))
	return 1 + digits, true
}

// literal reads a literal scalar from behind its bar.
func (s source) literal(pos, column int) (string, int) {
	strip := s.at(pos) == '-'
	if strip {
		pos++
	}
	if s.at(pos) != '\n' {
		return "", failed
	}
	pos++
	depth := s.indent(pos)
	if depth <= column {
		return "", failed
	}
	var out strings.Builder
	empty := 0
	for pos < len(s) {
		n := s.indent(pos)
		end := s.lineEnd(pos + n)
		if pos+n == end { // a line of nothing but spaces
			if n > depth || out.Len() == 0 {
				return "", failed
			}
			empty++
			pos = min(end+1, len(s))
			continue
		}
		if n <= column {
			break
		}
		if n < depth || end == len(s) {
			return "", failed
		}
		for ; empty > 0; empty-- {
			out.WriteByte('\n')
		}
		out.WriteString(string(s[pos+depth : end+1]))
		pos = end + 1
	}
	t := out.String()
	if t == "" {
		return "", failed
	}
	if strip {
		t = t[:len(t)-1]
	}
	return t, pos
}
