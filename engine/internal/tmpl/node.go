package tmpl

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// nodeKind says what a node of the syntax tree is.
type nodeKind uint8

const (
	nodeText nodeKind = iota
	nodeAction
	nodeBool
	nodeChain
	nodeCommand
	nodeDot
	nodeElse
	nodeEnd
	nodeField
	nodeIdent
	nodeIf
	nodeList
	nodeNil
	nodeNumber
	nodePipe
	nodeRange
	nodeString
	nodeTemplate
	nodeVariable
	nodeWith
	nodeBreak
	nodeContinue
)

// node is one node of the syntax tree. All kinds share the type so that they
// can be cut from one slab; siblings are linked.
//
//	text                 text
//	action               pipe
//	bool                 truth
//	chain                child (the operand), text (.a.b)
//	command              child, child.next, ... (the operands)
//	field, variable      text (.a.b, $x.a.b)
//	ident                text, fn
//	if, range, with      pipe, child (a list), alt (a list, or nil)
//	list                 child, child.next, ...
//	number               text (as written), truth (complex)
//	pipe                 child, child.next, ... (commands), alt, alt.next (variables), truth (assigns)
//	string               text (as written)
//	template             text (the name as written), pipe (or nil)
type node struct {
	kind  nodeKind
	truth bool
	pos   int32
	text  string
	child *node
	next  *node
	alt   *node
	pipe  *node
	fn    *function
}

// slab hands out nodes cut from larger pieces. After release the pieces are used again.
type slab struct {
	pieces [][]node
	piece  int // of pieces, the one in use
	used   int // of its nodes
	end    int // of the text that the nodes are for, 0 if that is not known
}

// Templates have about one node for so many bytes; pieces are sized by it.
const bytesPerNode = 10

func (s *slab) make(kind nodeKind, pos int32) *node {
	if s.piece < len(s.pieces) && s.used == len(s.pieces[s.piece]) {
		s.piece, s.used = s.piece+1, 0
	}
	if s.piece == len(s.pieces) {
		size := 256
		if s.end > 0 {
			size = min(max((s.end-int(pos))/bytesPerNode, 8), size)
		}
		s.pieces = append(s.pieces, make([]node, size))
	}
	n := &s.pieces[s.piece][s.used]
	s.used++
	*n = node{kind: kind, pos: pos}
	return n
}

// release takes back all nodes. What they point to lives until they are handed
// out again, or the slab goes.
func (s *slab) release() { s.piece, s.used = 0, 0 }

// String returns the node as source text in the canonical form that error messages quote.
func (n *node) String() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	switch n.kind {
	case nodeList:
		for c := n.child; c != nil; c = c.next {
			c.write(b)
		}
	case nodeAction:
		b.WriteString("{{")
		n.pipe.write(b)
		b.WriteString("}}")
	case nodeBool:
		b.WriteString(strconv.FormatBool(n.truth))
	case nodeChain:
		n.child.writeOperand(b)
		b.WriteString(n.text)
	case nodeCommand:
		for c := n.child; c != nil; c = c.next {
			if c != n.child {
				b.WriteByte(' ')
			}
			c.writeOperand(b)
		}
	case nodeDot:
		b.WriteByte('.')
	case nodeNil:
		b.WriteString("nil")
	case nodeElse:
		b.WriteString("{{else}}")
	case nodeEnd:
		b.WriteString("{{end}}")
	case nodeBreak:
		b.WriteString("{{break}}")
	case nodeContinue:
		b.WriteString("{{continue}}")
	case nodePipe:
		n.writePipe(b)
	case nodeIf:
		n.writeBranch(b, "{{if ")
	case nodeRange:
		n.writeBranch(b, "{{range ")
	case nodeWith:
		n.writeBranch(b, "{{with ")
	case nodeTemplate:
		b.WriteString("{{template ")
		b.WriteString(strconv.Quote(n.value()))
		if n.pipe != nil {
			b.WriteByte(' ')
			n.pipe.write(b)
		}
		b.WriteString("}}")
	default: // text, field, variable, ident, number, string
		b.WriteString(n.text)
	}
}

// writeOperand writes the node, in parentheses if it is a pipeline.
func (n *node) writeOperand(b *strings.Builder) {
	if n.kind != nodePipe {
		n.write(b)
		return
	}
	b.WriteByte('(')
	n.write(b)
	b.WriteByte(')')
}

func (n *node) writePipe(b *strings.Builder) {
	for v := n.alt; v != nil; v = v.next {
		if v != n.alt {
			b.WriteString(", ")
		}
		v.write(b)
	}
	if n.alt != nil {
		if n.truth {
			b.WriteString(" = ")
		} else {
			b.WriteString(" := ")
		}
	}
	for c := n.child; c != nil; c = c.next {
		if c != n.child {
			b.WriteString(" | ")
		}
		c.write(b)
	}
}

func (n *node) writeBranch(b *strings.Builder, open string) {
	b.WriteString(open)
	n.pipe.write(b)
	b.WriteString("}}")
	n.child.write(b)
	if n.alt != nil {
		b.WriteString("{{else}}")
		n.alt.write(b)
	}
	b.WriteString("{{end}}")
}

// value returns a string or the name of a template without its quotes.
func (n *node) value() string {
	s, _ := unquote(n.text) // the parser found it right
	return s
}

// unquote returns what a string constant stands for.
func unquote(text string) (string, error) {
	plain := text[0] == '`' && strings.IndexByte(text, '\r') < 0 ||
		text[0] == '"' && strings.IndexByte(text, '\\') < 0 && utf8.ValidString(text)
	if plain {
		return text[1 : len(text)-1], nil
	}
	return strconv.Unquote(text)
}

// number returns the constant of a number node.
func (n *node) number() *number {
	num, _ := parseNumber(n.text, n.truth) // the parser found it right
	return num
}

// isEmpty reports whether a list has nothing but white space.
func (n *node) isEmpty() bool {
	for c := n.child; c != nil; c = c.next {
		if c.kind != nodeText || strings.TrimSpace(c.text) != "" {
			return false
		}
	}
	return true
}

// names returns the fields of a field, variable or chain node; for a variable
// the first is the variable itself.
func (n *node) names() []string {
	text := strings.TrimPrefix(n.text, ".")
	list := make([]string, 0, 1+strings.Count(text, "."))
	for {
		name, rest, more := strings.Cut(text, ".")
		list = append(list, name)
		if !more {
			return list
		}
		text = rest
	}
}

// number is a numeric constant under all the types that can hold it.
type number struct {
	isInt, isUint, isFloat, isComplex bool
	int                               int64
	uint                              uint64
	float                             float64
	complex                           complex128
}
