package repo

import (
	"strings"
	"unicode/utf8"
	"unsafe"
)

// source is YAML in the layout that Helm writes an index in: block collections,
// two spaces a level, lists not indented below their key. Its methods take and
// return positions in the text; failed stands for everything that this layout
// does not have, which is left to the full parser.
//
// Soundness is what counts here: what these methods accept, they must read as
// the full parser does. A fuzz target holds both against each other.
type source string

const failed = -1

// maxKey is the length up to which YAML knows a key by its colon, and a little less.
const maxKey = 1000

// layout says where in an index the entries are.
type layout struct {
	head   string // everything but the entries
	charts []place
	starts []int // of versions: where the line "  - " begins
	plain  int   // up to where the text is known to be plain
	same   repeats
	slow   bool // do not look for repeats: only for tests
}

// isPlainTo checks the text up to pos, shortly before it is read for the first
// time. What was read before that is of no use if the answer is false.
func (l *layout) isPlainTo(s source, pos int) bool {
	piece := 4 << 10
	if len(l.same.before) > 0 && !l.slow { // what is the same need not be checked again
		piece = (pos - l.plain + word - 1) / word * word
	}
	for l.plain < pos {
		end := isPlainText(string(s), l.plain, min(len(s), l.plain+piece))
		if end == failed {
			return false
		}
		l.plain = end
	}
	return true
}

// place is where the versions of a chart are.
type place struct {
	name       string
	start, end int // of the lines below the name
	first, n   int // of its versions in layout.starts
}

// text gives data as a string without copying it.
func text(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// findEntries walks over a whole index without decoding it.
func findEntries(s source) (*layout, bool) {
	l := &layout{starts: make([]int, 0, len(s)/1024+16)}
	return l, l.find(s)
}

func (l *layout) find(s source) bool {
	var head strings.Builder
	found := false
	for pos := 0; pos < len(s); {
		if s[pos] == '\n' {
			pos++
			continue
		}
		key, quoted, after := s.key(pos)
		if after == failed || quoted || !isWord(key) {
			return false
		}
		next := failed
		if key == "entries" {
			if found {
				return false
			}
			found = true
			next = l.entries(s, after)
		} else if next = s.skipBelow(after); next != failed {
			head.WriteString(string(s[pos:next]))
		}
		if next == failed {
			return false
		}
		pos = next
	}
	l.head = head.String()
	return found && l.isPlainTo(s, len(s)) && !hasDoubles(l.charts)
}

func hasDoubles(charts []place) bool {
	seen := make(map[string]struct{}, len(charts))
	for _, c := range charts {
		seen[c.name] = struct{}{}
	}
	return len(seen) != len(charts)
}

func isWord(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != ""
}

// skipBelow passes a value at the top level and the lines that belong to it.
func (s source) skipBelow(pos int) int {
	pos, _ = s.skipValue(pos, 0)
	for pos != failed && pos < len(s) {
		n := s.indent(pos)
		if pos+n == len(s) {
			return len(s)
		}
		if s[pos+n] == '\n' {
			pos += n + 1
			continue
		}
		if n == 0 && !s.isItem(pos) {
			return pos
		}
		pos = s.skipLine(pos+n, n)
	}
	return pos
}

// entries walks over everything below the key "entries", whose value begins at pos.
func (l *layout) entries(s source, pos int) int {
	if strings.HasPrefix(string(s[pos:]), " {}\n") {
		return pos + 4
	}
	pos, empty := s.skipValue(pos, 0)
	if pos == failed || !empty {
		return failed
	}
	inVersion := false
lines:
	for pos < len(s) {
		if !l.isPlainTo(s, pos) {
			return failed
		}
		if inVersion && !l.slow {
			pos = l.same.skip(s, pos)
			l.plain = max(l.plain, pos) // as what it is the same as
		}
		n := s.indent(pos)
		for inVersion && n >= 4 && pos < l.plain {
			next, indent := s.skipQuickly(pos+n, n)
			if next == failed {
				break
			}
			l.same.step(pos)
			if pos, n = next, indent; l.same.mayGoOn() {
				continue lines
			}
		}
		at := pos + n
		c := s.at(at)
		switch {
		case c == '\n':
			pos = at + 1
			continue
		case n >= 4 && inVersion:
			l.same.step(pos)
			pos = s.skipLine(at, n)
		case c == 0:
			pos = len(s)
		case n == 0:
			return l.finish(pos)
		case n == 2 && s.isItem(at):
			if len(l.charts) == 0 {
				return failed
			}
			inVersion = true
			l.starts = append(l.starts, pos)
			next := pos
			if !l.slow {
				next = l.same.begin(s, pos)
				l.plain = max(l.plain, next)
			}
			if next == pos {
				l.same.step(pos)
				next = s.skipLine(at, n)
			}
			pos = next
		case n == 2:
			inVersion = false
			pos = l.chart(s, pos, at)
		default:
			return failed
		}
		if pos == failed {
			return failed
		}
	}
	return l.finish(pos)
}

// finish ends the entries at pos. None at all would be null.
func (l *layout) finish(pos int) int {
	if len(l.charts) == 0 {
		return failed
	}
	l.close(pos)
	return pos
}

// chart begins the chart whose name stands at the position at.
func (l *layout) chart(s source, pos, at int) int {
	name, quoted, after := s.key(at)
	if after == failed || !quoted && !isPlainString(name) {
		return failed
	}
	l.close(pos)
	next, empty := s.skipValue(after, 2)
	if next == failed || !empty && string(s[after:next]) != " []\n" {
		return failed
	}
	l.charts = append(l.charts, place{name: name, start: next, first: len(l.starts)})
	if empty && (s.indent(next) != 2 || !s.isItem(next+2)) { // null, or a mapping
		return failed
	}
	return next
}

// close ends the last chart at pos.
func (l *layout) close(pos int) {
	if len(l.charts) == 0 {
		return
	}
	last := &l.charts[len(l.charts)-1]
	last.end, last.n = pos, len(l.starts)-last.first
}

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
