package tmpl

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
)

const (
	maxParens  = 10000 // nested parentheses, as in text/template
	maxNesting = 10000 // nested control structures
)

// File is one parsed source file: its own template and those that it defines.
// It is immutable and may be part of several Sets.
type File struct {
	// Name is the name that the file was parsed under.
	Name string

	text      string
	funcs     *Funcs
	templates []*Template
	byName    map[string]*Template // made when there are many
}

// Template is one named template of a file.
type Template struct {
	name  string
	file  *File
	uses  uses
	empty bool // has nothing but white space
	// root is the tree. That of a define or block is made again from the text
	// between body and end when it is needed: most of a chart's definitions never run.
	root *node
	body int32
	end  int32

	compileOnce sync.Once
	program     program
}

// Name returns the template's name.
func (t *Template) Name() string { return t.name }

// template returns the file's template of that name, or nil.
func (f *File) template(name string) *Template {
	if f.byName != nil {
		return f.byName[name]
	}
	for _, t := range f.templates {
		if t.name == name {
			return t
		}
	}
	return nil
}

// place adds a template. One that has only white space never replaces another,
// and two that have more are an error.
func (f *File) place(t *Template) bool {
	old := f.template(t.name)
	switch {
	case old == nil:
		f.templates = append(f.templates, t)
		if f.byName != nil {
			f.byName[t.name] = t
		} else if len(f.templates) > 16 {
			f.byName = make(map[string]*Template, 2*len(f.templates))
			for _, t := range f.templates {
				f.byName[t.name] = t
			}
		}
	case old.empty:
		old.root, old.body, old.end = t.root, t.body, t.end
		old.empty, old.uses = t.empty, t.uses
	default:
		return t.empty
	}
	return true
}

// Parse parses one file. The functions that it calls must be in funcs. The
// error is a *ParseError; its text is that of text/template.
func Parse(name, text string, funcs *Funcs) (f *File, err error) {
	if len(text) > math.MaxInt32-16 {
		return nil, &ParseError{Name: name, Line: 1, Message: "file is too large"}
	}
	p := newParser(&File{Name: name, text: text, funcs: funcs}, len(text))
	p.scratch = scratch.Get().(*slab)
	defer func() {
		p.scratch.release()
		scratch.Put(p.scratch)
		if r := recover(); r != nil {
			parseErr, ok := r.(*ParseError)
			if !ok {
				panic(r)
			}
			f, err = nil, parseErr
		}
	}()
	p.begin(name)
	p.parseFile()
	return p.file, nil
}

// scratch has slabs for trees that are thrown away.
var scratch = sync.Pool{New: func() any { return new(slab) }}

// newParser returns a parser at the start of the file, which is to stop at end.
func newParser(f *File, end int) *parser {
	p := &parser{file: f, kept: slab{end: end}}
	p.slab = &p.kept
	p.vars = make([]string, 0, 16)
	p.scanner.src = f.text
	_, p.scanner.breakIsFunc = f.funcs.byName["break"]
	_, p.scanner.continueIsFunc = f.funcs.byName["continue"]
	return p
}

// tree returns the syntax tree.
func (t *Template) tree() *node {
	if t.root != nil {
		return t.root
	}
	p := newParser(t.file, int(t.end))
	p.scratch = new(slab)
	p.replay = true
	p.scanner.pos = int(t.body)
	p.begin(t.name)
	list, _ := p.itemList() // the text has been parsed before
	return list
}

// parser is a recursive descent over the tokens, with two of them looked
// ahead at most. It leaves by a panic with a *ParseError.
type parser struct {
	scanner scanner
	file    *File
	slab    *slab // kept, or scratch while a definition is parsed
	kept    slab
	scratch *slab
	treeState
	nesting     int
	definitions int  // how many define and block enclose this place
	replay      bool // the text was parsed before: its definitions are known
}

// treeState is what belongs to the template being parsed; a define or block
// inside starts with a new one.
type treeState struct {
	tok        [2]token // tok[0] is the newest
	ahead      int      // how many of tok were handed back
	cur        *Template
	vars       []string
	action     int32 // where the action began, or -1
	rangeDepth int
	parenDepth int
}

func (p *parser) begin(name string) (outer treeState) {
	outer = p.treeState
	inner := outer.vars[len(outer.vars):] // room that the outer template does not use meanwhile
	p.treeState = treeState{cur: &Template{name: name, file: p.file}, vars: append(inner, "$"), action: -1}
	return outer
}

func (p *parser) next() token {
	if p.ahead > 0 {
		p.ahead--
	} else {
		p.tok[0] = p.scanner.next()
	}
	return p.tok[p.ahead]
}

func (p *parser) backup() { p.ahead++ }

func (p *parser) peek() token {
	if p.ahead == 0 {
		p.ahead = 1
		p.tok[0] = p.scanner.next()
	}
	return p.tok[p.ahead-1]
}

func (p *parser) source(t token) string { return p.file.text[t.start:t.end] }

// line returns the number of the line that has the byte at pos.
func (p *parser) line(pos int32) int { return 1 + strings.Count(p.file.text[:pos], "\n") }

// fail ends the parse with an error at the newest token.
func (p *parser) fail(format string, args ...any) {
	panic(&ParseError{Name: p.file.Name, Line: p.line(p.tok[0].start), Message: fmt.Sprintf(format, args...)})
}

func (p *parser) expect(kind tokenKind, context string) token {
	tok := p.next()
	if tok.kind != kind {
		p.unexpected(tok, context)
	}
	return tok
}

func (p *parser) unexpected(tok token, context string) {
	if tok.kind != tokError {
		p.fail("unexpected %s in %s", p.describe(tok), context)
	}
	extra := ""
	if p.action >= 0 && p.line(p.action) != p.line(tok.start) {
		extra = fmt.Sprintf(" in action started at %s:%d", p.file.Name, p.line(p.action))
		if strings.HasSuffix(p.scanner.message, " action") {
			extra = strings.TrimPrefix(extra, " in action")
		}
	}
	p.fail("%s%s", p.scanner.message, extra)
}

// describe returns the token as error messages show it.
func (p *parser) describe(tok token) string {
	text := p.source(tok)
	switch {
	case tok.kind == tokEOF:
		return "EOF"
	case tok.kind > tokKeyword || tok.kind == tokDot:
		return "<" + text + ">"
	case len(text) > 10:
		return fmt.Sprintf("%.10q...", text)
	}
	return strconv.Quote(text)
}

// place adds the current template to the file.
func (p *parser) place() {
	if !p.replay && !p.file.place(p.cur) {
		p.fail("template: multiple definition of template %q", p.cur.name)
	}
}

// parseFile parses the whole text.
func (p *parser) parseFile() {
	root := p.slab.make(nodeList, p.peek().start)
	tail := &root.child
	for p.peek().kind != tokEOF {
		if p.peek().kind == tokLeft {
			left := p.next()
			if p.next().kind == tokDefine {
				p.parseDefine()
				continue
			}
			p.tok[1], p.ahead = left, 2
		}
		n := p.textOrAction()
		if n.kind == nodeEnd || n.kind == nodeElse {
			p.fail("unexpected %s", n)
		}
		*tail, tail = n, &n.next
	}
	p.cur.root, p.cur.empty = root, root.isEmpty()
	p.place()
}

// define parses the body of a define or block up to its end, which it returns.
func (p *parser) define() (end *node) {
	p.cur.body = int32(p.scanner.pos)
	p.slab = p.scratch
	p.definitions++
	list, end := p.itemList()
	if p.definitions--; p.definitions == 0 {
		p.slab = &p.kept
	}
	p.cur.empty, p.cur.end = list.isEmpty(), int32(p.scanner.pos)
	return end
}

// defined ends a define or block: its tree is no longer needed.
func (p *parser) defined(outer treeState) {
	p.place()
	if p.definitions == 0 {
		p.scratch.release()
	}
	p.treeState = outer
	p.ahead = 0
}

// parseDefine parses {{define "name"}} ... {{end}} behind the keyword.
func (p *parser) parseDefine() {
	const context = "define clause"
	outer := p.begin("")
	tok := p.next()
	if tok.kind != tokString && tok.kind != tokRaw {
		p.unexpected(tok, context)
	}
	p.cur.name = p.unquote(tok)
	p.expect(tokRight, context)
	if end := p.define(); end.kind != nodeEnd {
		p.fail("unexpected %s in %s", end, context)
	}
	p.defined(outer)
}

func (p *parser) unquote(tok token) string {
	s, err := unquote(p.source(tok))
	if err != nil {
		p.fail("%s", err)
	}
	return s
}

// itemList parses up to {{end}} or {{else}}, and returns which.
func (p *parser) itemList() (list, end *node) {
	list = p.slab.make(nodeList, p.peek().start)
	tail := &list.child
	for p.peek().kind != tokEOF {
		n := p.textOrAction()
		if n.kind == nodeEnd || n.kind == nodeElse {
			return list, n
		}
		*tail, tail = n, &n.next
	}
	p.fail("unexpected EOF")
	return nil, nil
}

func (p *parser) textOrAction() *node {
	tok := p.next()
	switch tok.kind {
	case tokText:
		n := p.slab.make(nodeText, tok.start)
		n.text = p.source(tok)
		return n
	case tokLeft:
		p.action = tok.start
		n := p.parseAction()
		p.action = -1
		return n
	}
	p.unexpected(tok, "input")
	return nil
}

// parseAction parses what is behind a left delimiter.
func (p *parser) parseAction() *node {
	tok := p.next()
	switch tok.kind {
	case tokBlock:
		return p.parseBlock()
	case tokBreak:
		return p.parseLoopExit(tok, nodeBreak, "{{break}}")
	case tokContinue:
		return p.parseLoopExit(tok, nodeContinue, "{{continue}}")
	case tokElse:
		return p.parseElse()
	case tokEnd:
		return p.slab.make(nodeEnd, p.expect(tokRight, "end").start)
	case tokIf:
		return p.parseControl(nodeIf, "if")
	case tokRange:
		return p.parseControl(nodeRange, "range")
	case tokTemplate:
		return p.parseTemplate()
	case tokWith:
		return p.parseControl(nodeWith, "with")
	}
	p.backup()
	n := p.slab.make(nodeAction, p.peek().start)
	n.pipe = p.parsePipe("command", tokRight)
	return n
}

func (p *parser) parseLoopExit(tok token, kind nodeKind, text string) *node {
	if next := p.next(); next.kind != tokRight {
		p.unexpected(next, text)
	}
	if p.rangeDepth == 0 {
		p.fail("%s outside {{range}}", text)
	}
	return p.slab.make(kind, tok.start)
}

func (p *parser) parseElse() *node {
	next := p.peek()
	if next.kind == tokIf || next.kind == tokWith {
		// The keyword stays for parseControl.
		return p.slab.make(nodeElse, next.start)
	}
	return p.slab.make(nodeElse, p.expect(tokRight, "else").start)
}

// parseControl parses an if, with or range behind its keyword, up to its end.
func (p *parser) parseControl(kind nodeKind, context string) *node {
	if p.nesting++; p.nesting > maxNesting {
		p.fail("max nesting depth exceeded")
	}
	vars := len(p.vars)
	pipe := p.parsePipe(context, tokRight)
	n := p.slab.make(kind, pipe.pos)
	n.pipe = pipe
	if kind == nodeRange {
		p.rangeDepth++
	}
	var end *node
	n.child, end = p.itemList()
	if kind == nodeRange {
		p.rangeDepth--
	}
	if end.kind == nodeElse {
		n.alt = p.parseElseList(kind, context, end.pos)
	}
	p.vars = p.vars[:vars]
	p.nesting--
	return n
}

// parseElseList parses what follows {{else}}. {{else if}} and {{else with}}
// share their end with the structure that they continue.
func (p *parser) parseElseList(kind nodeKind, context string, pos int32) *node {
	next := p.peek().kind
	if kind == nodeIf && next == tokIf || kind == nodeWith && next == tokWith {
		p.next()
		list := p.slab.make(nodeList, pos)
		list.child = p.parseControl(kind, context)
		return list
	}
	list, end := p.itemList()
	if end.kind != nodeEnd {
		p.fail("expected end; found %s", end)
	}
	return list
}

// parseBlock parses {{block "name" pipeline}} ... {{end}} behind the keyword.
func (p *parser) parseBlock() *node {
	const context = "block clause"
	tok := p.next()
	name := p.templateName(tok, context)
	n := p.slab.make(nodeTemplate, tok.start)
	n.text = p.source(tok)
	n.pipe = p.parsePipe(context, tokRight)
	p.cur.uses.call(name)

	outer := p.begin(name)
	if p.nesting++; p.nesting > maxNesting {
		p.fail("max nesting depth exceeded")
	}
	if end := p.define(); end.kind != nodeEnd {
		p.tok = outer.tok // text/template reports this at the block's own line
		p.fail("unexpected %s in %s", end, context)
	}
	p.nesting--
	p.defined(outer)
	return n
}

func (p *parser) parseTemplate() *node {
	const context = "template clause"
	tok := p.next()
	n := p.slab.make(nodeTemplate, tok.start)
	p.cur.uses.call(p.templateName(tok, context))
	n.text = p.source(tok)
	if p.next().kind != tokRight {
		p.backup()
		n.pipe = p.parsePipe(context, tokRight)
	}
	return n
}

func (p *parser) templateName(tok token, context string) string {
	if tok.kind != tokString && tok.kind != tokRaw {
		p.unexpected(tok, context)
	}
	return p.unquote(tok)
}
