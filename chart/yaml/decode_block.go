package yaml

import "strings"

// document reads the first document and reports whether all of it was understood.
func (p *parser) document(use purpose) (any, bool) {
	if !p.nextToken(0) {
		return nil, false
	}
	if p.col < 0 && strings.HasPrefix(p.s[p.i:], "---") {
		if !p.endLine(p.i + 3) {
			return nil, false
		}
	} else if p.col < 0 && p.i < len(p.s) {
		return nil, false // an end marker first
	}
	if p.col < 0 {
		return p.null(use)
	}
	v, ok := p.node(-1, 0, use)
	if !ok || p.col >= 0 {
		return nil, false
	}
	return v, true
}

// nextToken moves from offset i, the start of a line, over blank lines and comments to the next token.
func (p *parser) nextToken(i int) bool {
	s := p.s
	for {
		start := i
		for i < len(s) && s[i] == ' ' {
			i++
		}
		if i == len(s) {
			p.i, p.col = i, -1
			return true
		}
		switch s[i] {
		case '\n':
			i++
			continue
		case '#':
			end := strings.IndexByte(s[i:], '\n')
			if end < 0 {
				p.i, p.col = len(s), -1
				return true
			}
			i += end + 1
			continue
		case '\t':
			return false
		}
		p.i, p.col = i, i-start
		if i == start && isMarker(s, i) {
			p.col = -1
		}
		return true
	}
}

// isMarker reports whether the line at offset i is a document marker.
func isMarker(s string, i int) bool {
	return i+3 <= len(s) && (s[i:i+3] == "---" || s[i:i+3] == "...") && blankAt(s, i+3)
}

// endLine moves from offset i, behind a node, to the next token. Nothing but blanks and a comment may be left on the
// line.
func (p *parser) endLine(i int) bool {
	s := p.s
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	if i == len(s) {
		p.i, p.col = i, -1
		return true
	}
	switch s[i] {
	case '\n':
		return p.nextToken(i + 1)
	case '#':
		end := strings.IndexByte(s[i:], '\n')
		if end < 0 {
			p.i, p.col = len(s), -1
			return true
		}
		return p.nextToken(i + end + 1)
	}
	return false
}

// node reads the block node at the current token, which stands further right than parent, the column of the collection
// that it is in.
func (p *parser) node(parent, depth int, use purpose) (any, bool) {
	if depth > maxDepth {
		return nil, false
	}
	s, i := p.s, p.i
	switch c := s[i]; c {
	case '-':
		if blankAt(s, i+1) {
			return p.sequence(p.col, depth, use)
		}
	case '"', '\'':
		return p.quotedNode(depth, use)
	case '|', '>', '[', '{', '*':
		return p.inline(i, parent, depth, use)
	case '&':
		return p.anchored(i, parent, depth, use, false)
	case '?', ':':
		if blankAt(s, i+1) {
			return nil, false
		}
	default:
		if classes[c]&noStart != 0 {
			return nil, false
		}
	}
	end, stop := p.plainLine(i)
	if stop < len(s) && s[stop] == ':' {
		key, kind := p.plainKey(i, end, stop)
		if kind == noKey {
			return nil, false
		}
		return p.mapping(key, kind, stop+1, depth, use)
	}
	return p.plain(i, end, stop, parent, use)
}

// quotedNode reads a node that begins with a quote: a scalar or a mapping with a quoted key.
func (p *parser) quotedNode(depth int, use purpose) (any, bool) {
	start := p.i
	text, next, lines, ok := p.quoted(start, true)
	if !ok {
		return nil, false
	}
	if colon := skipBlanks(p.s, next); colon < len(p.s) && p.s[colon] == ':' {
		if lines > 0 || colon-start > maxKeyLength || !blankAt(p.s, colon+1) {
			return nil, false
		}
		return p.mapping(text, plainKeyword, colon+1, depth, use)
	}
	if !p.endLine(next) {
		return nil, false
	}
	return p.text(text, use)
}

func skipBlanks(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return i
}

// keyKind tells keys from the merge key.
type keyKind uint8

const (
	noKey keyKind = iota
	plainKeyword
	mergeKey
)

// plainKey turns the plain text between start and end, followed by a colon, into a key.
func (p *parser) plainKey(start, end, colon int) (string, keyKind) {
	if colon-start > maxKeyLength {
		return "", noKey
	}
	text := p.s[start:end]
	if firstByte[text[0]] == hintString {
		if text == "<<" {
			return text, mergeKey
		}
		return text, plainKeyword
	}
	key, ok := resolveKey(text)
	if !ok {
		return "", noKey
	}
	return key, plainKeyword
}

// nextKey reads the key at the current token and returns the offset behind its colon.
func (p *parser) nextKey() (key string, kind keyKind, next int) {
	s, start := p.s, p.i
	switch c := s[start]; c {
	case '"', '\'':
		text, next, lines, ok := p.quoted(start, true)
		if !ok || lines > 0 {
			return "", noKey, 0
		}
		colon := skipBlanks(s, next)
		if colon >= len(s) || s[colon] != ':' || colon-start > maxKeyLength || !blankAt(s, colon+1) {
			return "", noKey, 0
		}
		return text, plainKeyword, colon + 1
	case '-', '?', ':':
		if blankAt(s, start+1) {
			return "", noKey, 0
		}
	default:
		if classes[c]&noStart != 0 {
			return "", noKey, 0
		}
	}
	end, stop := p.plainLine(start)
	if stop >= len(s) || s[stop] != ':' {
		return "", noKey, 0
	}
	key, kind = p.plainKey(start, end, stop)
	return key, kind, stop + 1
}

// mapping reads a block mapping at the current column. Its first key is read already, up to offset i behind the colon.
func (p *parser) mapping(key string, kind keyKind, i, depth int, use purpose) (any, bool) {
	col, base := p.col, len(p.entries)
	if use > toSkip && !p.head.open(use) {
		return nil, false
	}
	for {
		p.anchors.nodes += 2
		switch {
		case kind == mergeKey:
			if !p.merge(i, depth+1, use) {
				return nil, false
			}
		case use <= toSkip:
			v, ok := p.mappedValue(i, col, depth+1, use)
			if !ok {
				return nil, false
			}
			if use == toBuild {
				p.entries = append(p.entries, entry{key, v})
			}
		default:
			inner := p.head.field(use, key)
			if inner == toBuild {
				return nil, false
			}
			if _, ok := p.mappedValue(i, col, depth+1, inner); !ok {
				return nil, false
			}
			p.head.store(use, inner, key)
		}
		if p.col != col {
			break
		}
		key, kind, i = p.nextKey()
		if kind == noKey {
			return nil, false
		}
	}
	if p.col > col {
		return nil, false
	}
	if use != toBuild {
		p.head.null = false
		return skippedMapping{}, true
	}
	return p.closeMapping(base), true
}

// skippedMapping stands for a mapping that was read without building it.
type skippedMapping struct{}

// closeMapping takes the entries from base on off the stack. The last of equal keys wins.
func (p *parser) closeMapping(base int) map[string]any {
	m := make(map[string]any, len(p.entries)-base)
	for _, e := range p.entries[base:] {
		m[e.key] = e.value
	}
	clear(p.entries[base:])
	p.entries = p.entries[:base]
	return m
}

// mappedValue reads the value whose key's colon ends before offset i, in a mapping at column col.
func (p *parser) mappedValue(i, col, depth int, use purpose) (any, bool) {
	s := p.s
	i = skipBlanks(s, i)
	if i < len(s) && s[i] != '\n' && s[i] != '#' {
		return p.inline(i, col, depth, use)
	}
	if !p.endLine(i) {
		return nil, false
	}
	return p.nested(col, depth, use)
}

// nested reads the node on the lines below a key at column col, or nothing if there is none.
func (p *parser) nested(col, depth int, use purpose) (any, bool) {
	switch {
	case p.col > col:
		return p.node(col, depth, use)
	case p.col == col && p.s[p.i] == '-' && blankAt(p.s, p.i+1):
		return p.sequence(col, depth, use)
	}
	return p.null(use)
}

// sequence reads the block sequence at column col, where the current token is.
func (p *parser) sequence(col, depth int, use purpose) (any, bool) {
	if depth > maxDepth || use > toSkip {
		return nil, false
	}
	s, base := p.s, len(p.items)
	for p.col == col && s[p.i] == '-' && blankAt(s, p.i+1) {
		p.anchors.nodes++
		dash := p.i
		i := dash + 1
		for i < len(s) && s[i] == ' ' {
			i++
		}
		var v any
		var ok bool
		if i == len(s) || s[i] == '\n' || s[i] == '#' {
			if !p.endLine(i) {
				return nil, false
			}
			if p.col > col {
				v, ok = p.node(col, depth+1, use)
			} else {
				v, ok = p.null(use)
			}
		} else {
			p.i, p.col = i, col+i-dash
			v, ok = p.node(col, depth+1, use)
		}
		if !ok {
			return nil, false
		}
		if use == toBuild {
			p.items = append(p.items, v)
		}
	}
	if p.col > col {
		return nil, false
	}
	if use != toBuild {
		return nil, true
	}
	return p.closeSequence(base), true
}

// closeSequence takes the items from base on off the stack.
func (p *parser) closeSequence(base int) []any {
	list := make([]any, len(p.items)-base)
	copy(list, p.items[base:])
	clear(p.items[base:])
	p.items = p.items[:base]
	return list
}

// inline reads a node that begins at offset i, on the line of its key or dash, and cannot be a block collection.
func (p *parser) inline(i, parent, depth int, use purpose) (any, bool) {
	s := p.s
	switch c := s[i]; c {
	case '|', '>':
		return p.blockScalar(i, parent, use)
	case '"', '\'':
		text, next, _, ok := p.quoted(i, use == toBuild || use == toString)
		if !ok || !p.endLine(next) {
			return nil, false
		}
		return p.text(text, use)
	case '[', '{':
		v, next, ok := p.flow(i, depth, use)
		if !ok || !p.endLine(next) {
			return nil, false
		}
		return v, true
	case '&':
		return p.anchored(i, parent, depth, use, true)
	case '*':
		v, next, ok := p.alias(i, use)
		if !ok || !p.endLine(next) {
			return nil, false
		}
		return v, true
	case '-', '?', ':':
		if blankAt(s, i+1) {
			return nil, false
		}
	default:
		if classes[c]&noStart != 0 {
			return nil, false
		}
	}
	end, stop := p.plainLine(i)
	if stop < len(s) && s[stop] == ':' {
		return nil, false
	}
	return p.plain(i, end, stop, parent, use)
}
