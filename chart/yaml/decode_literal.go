package yaml

import "strings"

// blockHeader is what the first line of a block scalar says.
type blockHeader struct {
	folded bool
	chomp  byte // '-', '+' or zero
	indent int  // zero if it is to be found out
}

// blockScalar reads the literal or folded scalar whose indicator is at offset i.
func (p *parser) blockScalar(i, parent int, use purpose) (any, bool) {
	s := p.s
	header, i, ok := parseBlockHeader(s, i, parent)
	if !ok {
		return nil, false
	}
	wanted := use == toBuild || use == toString
	buf := p.buf[:0]
	line, ok := scanBlockBreaks(s, i, parent, header.indent)
	if !ok {
		return nil, false
	}
	indent := line.indent
	ended, afterBlank := false, false // of the line before: it ends with a line feed, it begins with a blank
	for line.col == indent && line.i < len(s) {
		i = line.i
		blank := isBlank(s[i])
		rest := s[i:]
		end := strings.IndexByte(rest, '\n')
		if end >= 0 {
			rest = rest[:end]
		}
		if wanted {
			if ended {
				buf = appendJoint(buf, header.folded && !afterBlank && !blank, line.breaks)
			} else {
				buf = appendFeeds(buf, line.breaks)
			}
			buf = append(buf, rest...)
		}
		afterBlank, ended = blank, end >= 0
		if !ended {
			line = blockLine{i: len(s)}
			break
		}
		if line, ok = scanBlockBreaks(s, i+end+1, parent, indent); !ok {
			return nil, false
		}
	}
	if wanted {
		if header.chomp != '-' && ended {
			buf = append(buf, '\n')
		}
		if header.chomp == '+' {
			buf = appendFeeds(buf, line.breaks)
		}
	}
	p.buf = buf
	if !p.nextToken(line.i - line.col) {
		return nil, false
	}
	if !wanted {
		return p.text("", use)
	}
	return p.text(string(buf), use)
}

// appendJoint appends what stands between two lines with so many empty ones between them.
func appendJoint(buf []byte, folded bool, breaks int) []byte {
	switch {
	case !folded:
		breaks++
	case breaks == 0:
		return append(buf, ' ')
	}
	return appendFeeds(buf, breaks)
}

func appendFeeds(buf []byte, n int) []byte {
	for ; n > 0; n-- {
		buf = append(buf, '\n')
	}
	return buf
}

// parseBlockHeader reads the line of the indicator at offset i and returns the start of the next line.
func parseBlockHeader(s string, i, parent int) (h blockHeader, next int, ok bool) {
	h.folded = s[i] == '>'
	i++
	for n := 0; n < 2 && i < len(s); n++ {
		switch c := s[i]; {
		case (c == '-' || c == '+') && h.chomp == 0:
			h.chomp = c
			i++
		case c >= '1' && c <= '9' && h.indent == 0:
			h.indent = int(c-'0') + max(parent, 0)
			i++
		}
	}
	i = skipBlanks(s, i)
	if i < len(s) && s[i] == '#' {
		end := strings.IndexByte(s[i:], '\n')
		if end < 0 {
			return h, len(s), true
		}
		i += end
	}
	if i == len(s) {
		return h, i, true
	}
	return h, i + 1, s[i] == '\n'
}

// blockLine is a line of a block scalar behind its indentation, or the line that follows the scalar.
type blockLine struct {
	i, col int // offset and column of the first byte behind the indentation
	breaks int // empty lines before
	indent int // the scalar's indentation
}

// scanBlockBreaks goes from offset i, the start of a line, over empty lines. An indentation of zero is found out from
// the widest line seen.
func scanBlockBreaks(s string, i, parent, indent int) (line blockLine, ok bool) {
	widest := 0
	for {
		start := i
		for i < len(s) && s[i] == ' ' && (indent == 0 || i-start < indent) {
			i++
		}
		line.col = i - start
		widest = max(widest, line.col)
		if i == len(s) {
			break
		}
		if s[i] == '\t' && (indent == 0 || line.col < indent) {
			return line, false
		}
		if s[i] != '\n' {
			break
		}
		line.breaks++
		i++
	}
	if indent == 0 {
		indent = max(widest, parent+1, 1)
	}
	line.i, line.indent = i, indent
	return line, true
}
