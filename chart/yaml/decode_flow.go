package yaml

import "strings"

// flow reads the flow collection at offset i and returns the offset behind it.
func (p *parser) flow(i, depth int, use purpose) (v any, next int, ok bool) {
	if depth > maxDepth {
		return nil, 0, false
	}
	if use > toSkip {
		end := skipBlanks(p.s, i+1)
		empty := p.s[i] == '{' && end < len(p.s) && p.s[end] == '}'
		return nil, end + 1, empty && p.head.open(use)
	}
	if p.s[i] == '[' {
		return p.flowSequence(i+1, depth, use)
	}
	return p.flowMapping(i+1, depth, use)
}

// flowSpace moves over blanks, line feeds and comments inside a flow collection. It refuses tabs that indent and lines
// that look like document markers.
func (p *parser) flowSpace(i int) (int, bool) {
	s := p.s
	lineStart := false
	for i < len(s) {
		switch s[i] {
		case ' ':
		case '\t':
			if lineStart {
				return 0, false
			}
		case '\n':
			lineStart = true
			if i+1 < len(s) && (s[i+1] == '-' || s[i+1] == '.') {
				return 0, false
			}
		case '#':
			if classes[s[i-1]]&blankz == 0 {
				return 0, false
			}
			end := strings.IndexByte(s[i:], '\n')
			if end < 0 {
				return 0, false
			}
			i += end
			continue
		default:
			return i, true
		}
		i++
	}
	return 0, false
}

func (p *parser) flowSequence(i, depth int, use purpose) (v any, next int, ok bool) {
	s, base := p.s, len(p.items)
	for {
		if i, ok = p.flowSpace(i); !ok {
			return nil, 0, false
		}
		if s[i] == ']' {
			break
		}
		p.anchors.nodes++
		if v, i, ok = p.flowNode(i, depth+1, use); !ok {
			return nil, 0, false
		}
		if use == toBuild {
			p.items = append(p.items, v)
		}
		if i, ok = p.flowSpace(i); !ok {
			return nil, 0, false
		}
		if s[i] == ',' {
			i++
		} else if s[i] != ']' {
			return nil, 0, false
		}
	}
	if use != toBuild {
		return nil, i + 1, true
	}
	return p.closeSequence(base), i + 1, true
}

func (p *parser) flowMapping(i, depth int, use purpose) (v any, next int, ok bool) {
	s, base := p.s, len(p.entries)
	for {
		if i, ok = p.flowSpace(i); !ok {
			return nil, 0, false
		}
		if s[i] == '}' {
			break
		}
		p.anchors.nodes += 2
		key, after, ok := p.flowKey(i)
		if !ok {
			return nil, 0, false
		}
		if i, ok = p.flowSpace(after); !ok {
			return nil, 0, false
		}
		v = nil
		if s[i] != ',' && s[i] != '}' {
			if v, i, ok = p.flowNode(i, depth+1, use); !ok {
				return nil, 0, false
			}
		}
		if use == toBuild {
			p.entries = append(p.entries, entry{key, v})
		}
		if i, ok = p.flowSpace(i); !ok {
			return nil, 0, false
		}
		if s[i] == ',' {
			i++
		} else if s[i] != '}' {
			return nil, 0, false
		}
	}
	if use != toBuild {
		return skippedMapping{}, i + 1, true
	}
	return p.closeMapping(base), i + 1, true
}

// flowKey reads a key and its colon and returns the offset behind the colon.
func (p *parser) flowKey(start int) (key string, next int, ok bool) {
	s := p.s
	if c := s[start]; c == '"' || c == '\'' {
		text, end, lines, ok := p.quoted(start, true)
		if !ok || lines > 0 {
			return "", 0, false
		}
		colon := skipBlanks(s, end)
		if colon >= len(s) || s[colon] != ':' || colon-start > maxKeyLength {
			return "", 0, false
		}
		return text, colon + 1, true
	}
	end, stop, ok := flowPlain(s, start)
	if !ok || stop >= len(s) || s[stop] != ':' || stop-start > maxKeyLength || s[start:end] == "<<" {
		return "", 0, false
	}
	key, ok = resolveKey(s[start:end])
	return key, stop + 1, ok
}

// flowNode reads the node at offset i inside a flow collection and returns the offset behind it.
func (p *parser) flowNode(i, depth int, use purpose) (v any, next int, ok bool) {
	s := p.s
	switch s[i] {
	case '[', '{':
		return p.flow(i, depth, use)
	case '"', '\'':
		text, next, _, ok := p.quoted(i, use == toBuild)
		if !ok {
			return nil, 0, false
		}
		v, ok = p.text(text, use)
		return v, next, ok
	case '*':
		return p.alias(i, use)
	}
	end, stop, ok := flowPlain(s, i)
	if !ok || stop >= len(s) || s[stop] == ':' {
		return nil, 0, false
	}
	v, ok = p.resolved(s[i:end], use)
	return v, stop, ok
}

// flowPlain finds the end of the plain text at offset i in flow context, on its line.
func flowPlain(s string, i int) (end, stop int, ok bool) {
	if classes[s[i]]&noStart != 0 {
		if s[i] != '-' || blankAt(s, i+1) || classes[s[i+1]]&stopsFlow != 0 {
			return 0, 0, false
		}
	}
	stop = i
scan:
	for ; stop < len(s); stop++ {
		if classes[s[stop]]&stopsFlow == 0 {
			continue
		}
		switch s[stop] {
		case ':':
			if blankAt(s, stop+1) {
				break scan
			}
		case '#':
			if isBlank(s[stop-1]) {
				break scan
			}
		case '?':
			return 0, 0, false
		default:
			break scan
		}
	}
	return trimBlanks(s, i, stop), stop, true
}
