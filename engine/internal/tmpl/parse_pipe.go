package tmpl

// parsePipe parses a pipeline with its declarations, up to and with the token end.
func (p *parser) parsePipe(context string, end tokenKind) *node {
	pipe := p.slab.make(nodePipe, p.peek().start)
	p.parseDeclarations(pipe, context)
	tail := &pipe.child
	for {
		tok := p.next()
		switch tok.kind {
		case end:
			p.checkPipe(pipe, context)
			return pipe
		case tokBool, tokRune, tokComplex, tokDot, tokField, tokIdent, tokNumber, tokNil,
			tokRaw, tokString, tokVariable, tokLeftParen:
			p.backup()
			cmd := p.parseCommand()
			*tail, tail = cmd, &cmd.next
		default:
			p.unexpected(tok, context)
		}
	}
}

// parseDeclarations parses the "$x :=", "$x =" or "$i, $x :=" that may open a pipeline.
func (p *parser) parseDeclarations(pipe *node, context string) {
	tail, count := &pipe.alt, 0
	for {
		v := p.peek()
		if v.kind != tokVariable {
			return
		}
		p.next()
		next := p.peek()
		comma := next.kind == tokChar && p.source(next) == ","
		switch {
		case next.kind == tokAssign, next.kind == tokDeclare:
			pipe.truth = next.kind == tokAssign
			p.next()
			*tail = p.declare(v)
			return
		case comma:
			p.next()
			decl := p.declare(v)
			*tail, tail = decl, &decl.next
			if count++; context != "range" || count >= 2 {
				p.fail("too many declarations in %s", context)
			}
			switch p.peek().kind {
			case tokVariable, tokRight, tokRightParen:
				continue
			}
			p.fail("range can only initialize variables")
		default:
			p.tok[1], p.ahead = v, 2
			return
		}
	}
}

func (p *parser) declare(v token) *node {
	n := p.slab.make(nodeVariable, v.start)
	n.text = p.source(v)
	p.vars = append(p.vars, n.text)
	return n
}

func (p *parser) checkPipe(pipe *node, context string) {
	if pipe.child == nil {
		p.fail("missing value for %s", context)
	}
	stage := 2
	for cmd := pipe.child.next; cmd != nil; cmd = cmd.next {
		switch cmd.child.kind {
		case nodeBool, nodeDot, nodeNil, nodeNumber, nodeString:
			p.fail("non executable command in pipeline stage %d", stage)
		}
		stage++
	}
}

// parseCommand parses operands separated by spaces, up to a pipe sign, which
// it takes, or the end of the pipeline, which it leaves.
func (p *parser) parseCommand() *node {
	cmd := p.slab.make(nodeCommand, p.peek().start)
	tail := &cmd.child
	for {
		operand := p.parseOperand()
		if operand != nil {
			*tail, tail = operand, &operand.next
		}
		tok := p.next()
		switch tok.kind {
		case tokRight, tokRightParen:
			p.backup()
		case tokPipe:
		default:
			if operand == nil || !tok.spaced {
				p.unexpected(tok, "operand")
			}
			p.backup()
			continue
		}
		break
	}
	if cmd.child == nil {
		p.fail("empty command")
	}
	p.noteInclude(cmd)
	return cmd
}

// noteInclude remembers which template an include calls.
func (p *parser) noteInclude(cmd *node) {
	if cmd.child.kind != nodeIdent || cmd.child.fn.builtin != builtinInclude {
		return
	}
	if name := cmd.child.next; name != nil && name.kind == nodeString {
		p.cur.uses.call(name.value())
		return
	}
	p.cur.uses.dynamic = true
}

// parseOperand parses a term and the fields that hang on it. It returns nil
// when the next token begins no term.
func (p *parser) parseOperand() *node {
	term := p.parseTerm()
	first := p.peek()
	if term == nil || !first.continues() {
		return term
	}
	last := first
	for p.peek().continues() {
		last = p.next()
	}
	fields := p.file.text[first.start:last.end]
	switch term.kind {
	case nodeField, nodeVariable:
		// The fields stand right behind the term.
		begin := int(first.start) - len(term.text)
		term.text = p.file.text[begin:last.end]
		term.pos = first.start
		return term
	case nodeBool, nodeString, nodeNumber, nodeNil, nodeDot:
		if p.tok[0].spaced {
			p.tok[0].start = last.end // for text/template the space is a token
		}
		p.fail("unexpected . after term %q", term.String())
	}
	chain := p.slab.make(nodeChain, first.start)
	chain.child, chain.text = term, fields
	return chain
}

// continues reports whether the token is a field that hangs on the operand before it.
func (t token) continues() bool { return t.kind == tokField && !t.spaced }

// parseTerm parses a constant, a function's name, a field, a variable or a
// pipeline in parentheses.
func (p *parser) parseTerm() *node {
	tok := p.next()
	switch tok.kind {
	case tokIdent:
		return p.parseIdent(tok)
	case tokDot:
		return p.slab.make(nodeDot, tok.start)
	case tokNil:
		return p.slab.make(nodeNil, tok.start)
	case tokVariable:
		return p.useVariable(tok)
	case tokField:
		n := p.slab.make(nodeField, tok.start)
		n.text = p.source(tok)
		return n
	case tokBool:
		n := p.slab.make(nodeBool, tok.start)
		n.truth = p.source(tok) == "true"
		return n
	case tokRune, tokComplex, tokNumber:
		n := p.slab.make(nodeNumber, tok.start)
		n.text, n.truth = p.source(tok), tok.kind == tokComplex
		if _, err := parseNumber(n.text, n.truth); err != nil {
			p.fail("%s", err)
		}
		return n
	case tokLeftParen:
		if p.parenDepth >= maxParens {
			p.fail("max expression depth exceeded")
		}
		p.parenDepth++
		n := p.parsePipe("parenthesized pipeline", tokRightParen)
		p.parenDepth--
		return n
	case tokString, tokRaw:
		p.unquote(tok)
		n := p.slab.make(nodeString, tok.start)
		n.text = p.source(tok)
		return n
	}
	p.backup()
	return nil
}

func (p *parser) parseIdent(tok token) *node {
	name := p.source(tok)
	fn := p.file.funcs.byName[name]
	if fn == nil {
		p.fail("function %q not defined", name)
	}
	p.cur.uses.function(fn)
	n := p.slab.make(nodeIdent, tok.start)
	n.text, n.fn = name, fn
	return n
}

func (p *parser) useVariable(tok token) *node {
	name := p.source(tok)
	for i := len(p.vars) - 1; i >= 0; i-- {
		if p.vars[i] == name {
			n := p.slab.make(nodeVariable, tok.start)
			n.text = name
			return n
		}
	}
	p.fail("undefined variable %q", name)
	return nil
}
