package repo

import "strings"

// isItem reports whether an item of a list begins at pos.
func (s source) isItem(pos int) bool {
	return pos < len(s) && s[pos] == '-' && (pos+1 == len(s) || s[pos+1] == ' ' || s[pos+1] == '\n')
}

// indent counts the spaces at pos.
func (s source) indent(pos int) int {
	n := 0
	for pos+n < len(s) && s[pos+n] == ' ' {
		n++
	}
	return n
}

// lineEnd is the position of the next newline, or the end.
func (s source) lineEnd(pos int) int {
	if i := strings.IndexByte(string(s[pos:]), '\n'); i >= 0 {
		return pos + i
	}
	return len(s)
}

// skipLine passes "key: value", "- value" or "- key: value" at pos in the given
// column, with the lines over which the value goes on.
func (s source) skipLine(pos, column int) int {
	if s.isItem(pos) {
		if pos+1 == len(s) || s[pos+1] == '\n' {
			return min(pos+2, len(s))
		}
		pos, column = pos+2, column+2
		if c := s.at(pos); c == ' ' || c == 0 || c == '\n' {
			return failed
		}
		if _, _, after := s.key(pos); after == failed {
			next, _ := s.skipValue(pos, column-2)
			return next
		}
	}
	_, _, after := s.key(pos)
	if after == failed {
		return failed
	}
	next, _ := s.skipValue(after, column)
	return next
}

// skipQuickly passes the lines that most of an index consists of: a key or a
// dash and a plain or quoted scalar that ends with the line. It also gives the indentation
// of the next line. Everything else, failed, is left to skipLine.
func (s source) skipQuickly(pos, column int) (next, indent int) {
	value := pos + 2
	item := s.at(pos) == '-' && s.at(pos+1) == ' '
	if !item {
		if c := s.at(pos); c < 'a' || c > 'z' {
			return failed, 0
		}
		for value = pos; value < len(s) && s[value] > ':'; value++ {
		}
		if s.at(value) != ':' || s.at(value+1) != ' ' || value > pos+maxKey {
			return failed, 0
		}
		value += 2
	}
	end := s.lineEnd(value)
	if c := s.at(value); c == '"' {
		inside := string(s[value+1 : end])
		if inside == "" || strings.IndexByte(inside, '"') != len(inside)-1 || strings.IndexByte(inside, '\\') >= 0 {
			return failed, 0
		}
	} else if c |= 0x20; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
		return failed, 0
	} else if item && strings.IndexByte(string(s[value:end]), ':') >= 0 && !isPlainLine(string(s[value:end])) {
		return failed, 0
	}
	indent = s.indent(end + 1)
	if c := s.at(end + 1 + indent); c == 0 || c == '\n' || indent > column {
		return failed, 0
	}
	return end + 1, indent
}

// at is the byte at pos, or 0 behind the end. NUL bytes are not plain text.
func (s source) at(pos int) byte {
	if pos < len(s) {
		return s[pos]
	}
	return 0
}

// key reads a key on one line. after is the position behind its colon.
func (s source) key(pos int) (key string, quoted bool, after int) {
	switch c := s.at(pos); c {
	case '"', '\'':
		end := strings.IndexByte(string(s[pos+1:]), c)
		if end < 0 {
			return "", true, failed
		}
		key, after = string(s[pos+1:pos+1+end]), pos+2+end
		if s.at(after) != ':' || !s.endsWord(after+1) || len(key) > maxKey || strings.ContainsAny(key, "\\\n") {
			return "", true, failed
		}
		return key, true, after + 1
	case 0, '\n', ' ', '&', '*', '!', '|', '>', '%', '@', '`', '#', ',', '[', ']', '{', '}', '?', ':', '-':
		return "", false, failed
	}
	for i := pos; i < min(len(s), pos+maxKey); i++ {
		if c := s[i]; c > ':' { // most of them
			continue
		} else if c == ':' {
			if s.endsWord(i + 1) {
				return string(s[pos:i]), false, i + 1
			}
		} else if c == '\n' || c == '#' && s[i-1] == ' ' {
			break
		}
	}
	return "", false, failed
}

// endsWord reports whether a space, a newline or nothing is at pos.
func (s source) endsWord(pos int) bool {
	return pos >= len(s) || s[pos] == ' ' || s[pos] == '\n'
}

// skipValue passes the value behind the colon or dash at pos with the lines
// over which it goes on. column is where its key stands.
func (s source) skipValue(pos, column int) (next int, empty bool) {
	pos += s.indent(pos)
	switch c := s.at(pos); c {
	case 0:
		return len(s), true
	case '\n':
		return pos + 1, true
	case '"', '\'':
		end := s.closingQuote(pos+1, c)
		if end == failed {
			return failed, false
		}
		return s.endLine(end + 1), false
	case '|', '>':
		return s.skipBlock(pos, column), false
	case '[', '{':
		if s.at(pos+1) != c+2 { // the closing bracket
			return failed, false
		}
		return s.endLine(pos + 2), false
	case '&', '*', '!', '%', '@', '`', '#', ',', ']', '}', ':':
		return failed, false
	case '-', '?':
		if s.endsWord(pos + 1) {
			return failed, false
		}
	}
	return s.skipPlain(pos, column), false
}

// endLine passes the newline that must be at pos.
func (s source) endLine(pos int) int {
	if pos >= len(s) {
		return len(s)
	}
	if s[pos] != '\n' {
		return failed
	}
	return pos + 1
}

// skipPlain passes a plain scalar: the rest of the line and deeper lines.
func (s source) skipPlain(pos, column int) int {
	next := min(s.lineEnd(pos)+1, len(s))
	for p := next; p < len(s); {
		n := s.indent(p)
		switch c := s.at(p + n); {
		case c == 0:
			return next
		case c == '\n':
			p += n + 1
			continue
		case n <= column:
			return next
		case c == '#':
			return failed
		}
		next = min(s.lineEnd(p+n)+1, len(s))
		p = next
	}
	return next
}

// closingQuote finds the end of a quoted scalar from behind its opening quote.
func (s source) closingQuote(pos int, quote byte) int {
	if n := strings.IndexByte(string(s[pos:]), quote); n >= 0 && s.at(pos+n+1) != quote {
		if inside := string(s[pos : pos+n]); strings.IndexByte(inside, '\n') < 0 && strings.IndexByte(inside, '\\') < 0 {
			return pos + n // as most
		}
	}
	for ; pos < len(s); pos++ {
		switch s[pos] {
		case quote:
			if quote == '"' || s.at(pos+1) != quote {
				return pos
			}
			pos++
		case '\\':
			if quote == '"' {
				pos++
				if s.at(pos) == '\n' && !s.goesOn(pos+1) {
					return failed
				}
			}
		case '\n':
			if !s.goesOn(pos + 1) {
				return failed
			}
		}
	}
	return failed
}

// goesOn reports whether a line at pos may belong to a quoted scalar.
func (s source) goesOn(pos int) bool { return s.at(pos) == ' ' || s.at(pos) == '\n' }

// skipBlock passes a literal or folded scalar: all lines deeper than column.
func (s source) skipBlock(pos, column int) int {
	end := s.lineEnd(pos)
	if end > pos+3 {
		return failed
	}
	for _, c := range []byte(s[pos+1 : end]) {
		if c != '-' && c != '+' && (c < '1' || c > '9') {
			return failed
		}
	}
	for pos = end + 1; pos < len(s); {
		n := s.indent(pos)
		if c := s.at(pos + n); c != 0 && c != '\n' && n <= column {
			return pos
		}
		pos = s.lineEnd(pos+n) + 1
	}
	return len(s)
}
