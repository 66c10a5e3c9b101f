package tmpl

import "sync/atomic"

// program is a compiled template, or a compiled body of a branch in it. What
// lies in the bodies of its own branches does not count.
type program struct {
	body  block
	slots int // how many variables there are, those outside a body included
	stack int // estimate of the Go stack that a run takes, without what it calls
}

// Estimates of the Go stack's use, in bytes, and its bound. The runtime ends
// the process when a stack passes 512 MiB.
const (
	stackPerRun   = 1200
	stackPerLevel = 450
	maxStack      = 400 << 20
)

// compiled returns the program, which is made at the first call. Many of a
// chart's templates never run.
func (t *Template) compiled() *program {
	t.compileOnce.Do(func() {
		c := &compiler{funcs: t.file.funcs, scope: &binding{name: "$"}, slots: 1}
		t.program = c.program(t.tree())
		t.program.stack += stackPerRun
	})
	return &t.program
}

// branch is what if, with and range have in common: two bodies, of which each
// is compiled when it first runs. Most of a chart's never do.
type branch struct {
	n         *node
	scope     *binding // the variables that the bodies see
	slots     int      // how many slots are taken outside the bodies
	then, alt atomic.Pointer[program]
}

func (b *branch) init(n *node, scope *binding, slots int) { b.n, b.scope, b.slots = n, scope, slots }

func (b *branch) runThen(st *State) error { return b.run(st, &b.then, b.n.child) }
func (b *branch) runElse(st *State) error { return b.run(st, &b.alt, b.n.alt) }

// run runs a body, which it keeps at p.
func (b *branch) run(st *State, p *atomic.Pointer[program], list *node) error {
	if list == nil {
		return nil
	}
	body := p.Load()
	if body == nil {
		c := &compiler{funcs: st.template.file.funcs, scope: b.scope, slots: b.slots}
		made := c.program(list)
		body = &made
		p.Store(body) // two renders at once may both come here: their programs are alike
	}
	st.reserve(body.slots)
	st.stackUse += body.stack
	err := body.body.run(st)
	st.stackUse -= body.stack
	return err
}

// compiler turns a syntax tree into a program.
type compiler struct {
	funcs    *Funcs
	scope    *binding // of the variables, the innermost
	slots    int
	optional int // how many operands enclose this one that and or or may leave out
	depth    int
	deepest  int
}

// binding is a variable in scope. It never changes.
type binding struct {
	name     string
	slot     int
	optional bool // its declaration may be left out
	outer    *binding
}

// program compiles a template or a body.
func (c *compiler) program(list *node) program {
	body := c.list(list)
	return program{body: body, slots: c.slots, stack: c.deepest * stackPerLevel}
}

// enter counts one level of nesting. The result leaves it.
func (c *compiler) enter() { c.depth++; c.deepest = max(c.deepest, c.depth) }
func (c *compiler) leave() { c.depth-- }

// list compiles a list of statements.
func (c *compiler) list(list *node) block {
	if list == nil || list.child == nil {
		return nil
	}
	c.enter()
	defer c.leave()
	count := 0
	for n := list.child; n != nil; n = n.next {
		if n.kind != nodeText || n.next == nil {
			count++
		}
	}
	b := make(block, 0, count)
	text := ""
	for n := list.child; n != nil; n = n.next {
		if n.kind == nodeText {
			if text != "" {
				b = append(b, step{text: text})
			}
			text = n.text
			continue
		}
		b = append(b, step{text, c.statement(n)})
		text = ""
	}
	if text != "" {
		b = append(b, step{text: text})
	}
	return b
}

func (c *compiler) statement(n *node) action {
	switch n.kind {
	case nodeAction:
		e := c.pipe(n.pipe)
		if n.pipe.alt != nil {
			return &evalAction{e}
		}
		if em, ok := e.(emitter); ok {
			return &emitAction{n, em}
		}
		return &printAction{n, e}
	case nodeBreak:
		return &exitAction{errBreak}
	case nodeContinue:
		return &exitAction{errContinue}
	case nodeTemplate:
		a := &templateAction{n: n, name: n.value()}
		if n.pipe != nil {
			a.data = c.pipe(n.pipe)
		}
		return a
	}
	return c.branch(n)
}

// branch compiles an if, with or range, without its bodies.
func (c *compiler) branch(n *node) action {
	outer := c.scope
	value := c.pipe(n.pipe)
	inner := c.scope
	c.scope = outer
	switch n.kind {
	case nodeIf:
		a := &ifAction{cond: value}
		a.init(n, inner, c.slots)
		return a
	case nodeWith:
		a := &withAction{value: value}
		a.init(n, inner, c.slots)
		return a
	}
	a := &rangeAction{value: value}
	a.init(n, inner, c.slots)
	if d, ok := value.(*declExpr); ok && n.pipe.alt != nil {
		a.vars, a.assign = d.slots, d.assign
	}
	return a
}

// declare returns the slot of a new variable.
func (c *compiler) declare(name string) int {
	slot := c.slots
	c.slots++
	c.scope = &binding{name, slot, c.optional > 0, c.scope}
	return slot
}

// resolve returns what the variable's name means here.
func (c *compiler) resolve(n *node, name string) expr {
	var slots []int
	for b := c.scope; b != nil; b = b.outer {
		if b.name == name {
			if !b.optional && slots == nil {
				return &varExpr{b.slot}
			}
			slots = append(slots, b.slot)
			if !b.optional {
				break
			}
		}
	}
	return &maybeVarExpr{n, name, slots}
}

// pipe compiles a pipeline with its declarations.
func (c *compiler) pipe(n *node) expr {
	c.enter()
	defer c.leave()
	var e expr
	var last *node
	for cmd := n.child; cmd != nil; cmd = cmd.next {
		e = c.command(n, cmd, last, e)
		last = cmd
	}
	if n.alt == nil {
		return e
	}
	d := &declExpr{pipe: e}
	for v := n.alt; v != nil; v = v.next {
		if !n.truth {
			d.slots = append(d.slots, c.declare(v.text))
			continue
		}
		target := &assignment{at: last, name: v.text}
		switch to := c.resolve(v, v.text).(type) {
		case *varExpr:
			target.to = &maybeVarExpr{v, v.text, []int{to.slot}}
		case *maybeVarExpr:
			target.to = to
		}
		d.assign = append(d.assign, target)
	}
	return d
}

// command compiles one command. final is the value of those before it, the
// last of which is before; both are nil for the first.
func (c *compiler) command(pipe, cmd, before *node, final expr) expr {
	first := cmd.child
	hasArgs := first.next != nil || final != nil
	switch first.kind {
	case nodeIdent:
		return c.call(first, cmd, first.next, final)
	case nodeField, nodeChain:
		if hasArgs {
			return c.method(first, first.next, final)
		}
		return c.operand(first)
	case nodeVariable:
		if hasArgs && len(first.names()) > 1 {
			return c.method(first, first.next, final)
		}
	case nodePipe:
		if hasArgs {
			return &failExpr{n: pipe, after: before, final: final, message: notFunction(first)}
		}
		return c.pipe(first)
	}
	switch {
	case hasArgs:
		return &failExpr{n: first, final: final, message: notFunction(first)}
	case first.kind == nodeNil:
		return &failExpr{n: first, message: "nil is not a command"}
	}
	return c.operand(first)
}

// notFunction is the message for arguments given to what takes none.
func notFunction(n *node) string { return "can't give argument to non-function " + n.String() }

// operand compiles an operand where no type is asked for.
func (c *compiler) operand(n *node) expr {
	switch n.kind {
	case nodeDot:
		return dotExpr{}
	case nodeField:
		e := &dotFieldExpr{}
		e.init(n, n.names(), c.funcs)
		return e
	case nodeVariable:
		names := n.names()
		v := c.resolve(n, names[0])
		if len(names) == 1 {
			return v
		}
		if v, ok := v.(*varExpr); ok {
			e := &varFieldExpr{slot: v.slot}
			e.init(n, names[1:], c.funcs)
			return e
		}
		return c.chain(n, names[1:], operand{v, n, true})
	case nodeChain:
		return c.chain(n, n.names(), c.chainStart(n))
	case nodePipe:
		return c.pipe(n)
	case nodeIdent:
		return c.call(n, n, nil, nil)
	}
	v, text := constant(n)
	if text != "" {
		return &failExpr{n: n, message: text}
	}
	return &constExpr{v}
}

func (c *compiler) chain(n *node, names []string, start operand) expr {
	e := &chainExpr{operand: start}
	e.init(n, names, c.funcs)
	return e
}

func (c *compiler) chainStart(n *node) operand {
	return operand{c.operand(n.child), n.child, n.child.kind == nodeIdent}
}

// method compiles a chain of fields with arguments.
func (c *compiler) method(n, args *node, final expr) expr {
	names := n.names()
	m := &methodExpr{}
	switch n.kind {
	case nodeField:
		m.operand = operand{dotExpr{}, n, true}
	case nodeVariable:
		m.operand = operand{c.resolve(n, names[0]), n, true}
		names = names[1:]
	case nodeChain:
		m.operand = c.chainStart(n)
	}
	last := len(names) - 1
	m.before.init(n, names[:last], c.funcs)
	m.fieldCall = fieldCall{n: n, name: names[last], final: final}
	for ; args != nil; args = args.next {
		var e expr
		switch {
		case args.kind == nodeString:
			e = &constExpr{args.value()}
		case !isLiteral(args):
			e = c.operand(args)
		}
		m.args, m.nodes = append(m.args, e), append(m.nodes, args)
	}
	return m
}

// arg compiles an argument for a parameter.
func (c *compiler) arg(n *node, p param) expr {
	if !isLiteral(n) || n.kind != nodeNil && (p.kind == paramAny || p.kind == paramValue) {
		return c.operand(n)
	}
	if n.kind == nodeNil && p.kind == paramValue {
		return &constExpr{}
	}
	if n.kind == nodeString && p.kind == paramString {
		return &constExpr{n.value()}
	}
	v, text := literal(n, p.typ)
	switch {
	case text != "":
		return &failExpr{n: n, message: text}
	case n.kind == nodeNil:
		return &constExpr{}
	}
	return &constExpr{v.Interface()}
}
