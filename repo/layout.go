package repo

import (
	"strings"
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
