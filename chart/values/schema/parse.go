package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// parseDocument reads a JSON text. What the fast reader does not understand
// goes to encoding/json, which either reads it or words the error.
func parseDocument(data []byte) (*document, error) {
	p := parser{src: string(data)}
	d := &document{resources: make(map[string]*resource)}
	p.space()
	if d.root = p.value(0); d.root != nil {
		if p.space(); p.pos == len(p.src) {
			return d, nil
		}
	}
	v, err := decodeJSON(data)
	if err != nil {
		return nil, err
	}
	d.root = nodeOf(v)
	return d, nil
}

func decodeJSON(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("invalid character after top-level value")
	}
	return v, nil
}

// parser reads strictly correct JSON. Its methods return false on anything
// else, and on nesting too deep for it. Strings share the memory of src.
type parser struct {
	src   string
	pos   int
	stack []member // kids of the arrays and objects that are open
	free  []node   // the rest of a block
}

const maxFastDepth = 500

func (p *parser) space() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\n', '\t', '\r':
			p.pos++
		default:
			return
		}
	}
}

// next skips space and takes c.
func (p *parser) next(c byte) bool {
	p.space()
	if p.pos < len(p.src) && p.src[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *parser) value(depth int) *node {
	if p.pos >= len(p.src) || depth > maxFastDepth {
		return nil
	}
	n := p.node()
	var ok bool
	switch p.src[p.pos] {
	case '{':
		n.kind = kindObject
		ok = p.object(n, depth)
	case '[':
		n.kind = kindArray
		ok = p.array(n, depth)
	case '"':
		n.kind = kindString
		n.text, ok = p.str()
	case 't':
		n.kind = kindTrue
		ok = p.word("true")
	case 'f':
		n.kind = kindFalse
		ok = p.word("false")
	case 'n':
		n.kind = kindNull
		ok = p.word("null")
	default:
		n.kind = kindNumber
		n.text, ok = p.number()
	}
	if !ok {
		return nil
	}
	return n
}

// node gives a fresh node out of a block of them.
func (p *parser) node() *node {
	if len(p.free) == 0 {
		p.free = make([]node, min(max(16, len(p.src)/32), 512))
	}
	n := &p.free[0]
	p.free = p.free[1:]
	return n
}

func (p *parser) word(w string) bool {
	if !strings.HasPrefix(p.src[p.pos:], w) {
		return false
	}
	p.pos += len(w)
	return true
}

func (p *parser) object(n *node, depth int) bool {
	p.pos++
	start := len(p.stack)
	for !p.next('}') {
		if len(p.stack) > start && !p.next(',') {
			return false
		}
		p.space()
		if p.pos >= len(p.src) || p.src[p.pos] != '"' {
			return false
		}
		name, ok := p.str()
		if !ok || !p.next(':') {
			return false
		}
		p.space()
		n := p.value(depth + 1)
		if n == nil {
			return false
		}
		p.stack = append(p.stack, member{name, n})
	}
	n.kids = sortedMembers(p.take(start))
	return true
}

func (p *parser) array(n *node, depth int) bool {
	p.pos++
	start := len(p.stack)
	for !p.next(']') {
		if len(p.stack) > start && !p.next(',') {
			return false
		}
		p.space()
		n := p.value(depth + 1)
		if n == nil {
			return false
		}
		p.stack = append(p.stack, member{node: n})
	}
	n.kids = p.take(start)
	return true
}

// take moves what was pushed since start into a slice of its own.
func (p *parser) take(start int) []member {
	kids := make([]member, len(p.stack)-start)
	copy(kids, p.stack[start:])
	p.stack = p.stack[:start]
	return kids
}

// sortedMembers orders the members by name; of equal names the last counts.
func sortedMembers(kids []member) []member {
	const few = 12
	if len(kids) > few {
		slices.SortStableFunc(kids, func(a, b member) int { return strings.Compare(a.name, b.name) })
	} else {
		for i := 1; i < len(kids); i++ {
			for j := i; j > 0 && kids[j].name < kids[j-1].name; j-- {
				kids[j], kids[j-1] = kids[j-1], kids[j]
			}
		}
	}
	out := kids[:0]
	for i := range kids {
		if i+1 == len(kids) || kids[i].name != kids[i+1].name {
			out = append(out, kids[i])
		}
	}
	return out
}

// str reads a string literal. Escapes and broken UTF-8 are left to
// encoding/json.
func (p *parser) str() (string, bool) {
	start := p.pos
	plain, ascii := true, true
	for p.pos++; p.pos < len(p.src); p.pos++ {
		switch c := p.src[p.pos]; {
		case c == '"':
			p.pos++
			text := p.src[start+1 : p.pos-1]
			if plain && (ascii || utf8.ValidString(text)) {
				return text, true
			}
			err := json.Unmarshal([]byte(p.src[start:p.pos]), &text)
			return text, err == nil
		case c < ' ':
			return "", false
		case c == '\\':
			plain = false
			p.pos++
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", false
}

// number reads a literal such as -12.5e+3.
func (p *parser) number() (string, bool) {
	start := p.pos
	if p.src[p.pos] == '-' {
		p.pos++
	}
	switch whole := p.digits(); {
	case whole == "", len(whole) > 1 && whole[0] == '0':
		return "", false
	}
	if p.pos < len(p.src) && p.src[p.pos] == '.' {
		p.pos++
		if p.digits() == "" {
			return "", false
		}
	}
	if p.pos < len(p.src) && p.src[p.pos]|0x20 == 'e' {
		p.pos++
		if p.pos < len(p.src) && (p.src[p.pos] == '+' || p.src[p.pos] == '-') {
			p.pos++
		}
		if p.digits() == "" {
			return "", false
		}
	}
	return p.src[start:p.pos], true
}

func (p *parser) digits() string {
	start := p.pos
	for p.pos < len(p.src) && '0' <= p.src[p.pos] && p.src[p.pos] <= '9' {
		p.pos++
	}
	return p.src[start:p.pos]
}
