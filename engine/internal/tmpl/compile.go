package tmpl

// program is a compiled template.
type program struct {
	body  block
	slots int // how many variables it has
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
		c := &compiler{funcs: t.file.funcs, scope: []binding{{name: "$"}}, slots: 1}
		t.program.body = c.list(t.tree())
		t.program.slots = c.slots
		t.program.stack = stackPerRun + c.deepest*stackPerLevel
	})
	return &t.program
}

// compiler turns a syntax tree into a program.
type compiler struct {
	funcs    *Funcs
	scope    []binding // of the variables, the innermost last
	slots    int
	optional int // how many operands enclose this one that and or or may leave out
	depth    int
	deepest  int
}

// binding is a variable in scope.
type binding struct {
	name     string
	slot     int
	optional bool // its declaration may be left out
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
	case nodeRange:
		return c.rangeStatement(n)
	}
	mark := len(c.scope)
	value := c.pipe(n.pipe)
	inner := len(c.scope)
	then := c.list(n.child)
	c.scope = c.scope[:inner]
	alt := c.list(n.alt)
	c.scope = c.scope[:mark]
	if n.kind == nodeWith {
		return &withAction{value, then, alt}
	}
	return &ifAction{value, then, alt}
}

func (c *compiler) rangeStatement(n *node) action {
	mark := len(c.scope)
	a := &rangeAction{n: n}
	a.value = c.pipe(n.pipe)
	if d, ok := a.value.(*declExpr); ok && n.pipe.alt != nil {
		a.slots, a.assign = d.slots, d.assign
	}
	inner := len(c.scope)
	a.then = c.list(n.child)
	c.scope = c.scope[:inner]
	a.alt = c.list(n.alt)
	c.scope = c.scope[:mark]
	return a
}

// declare returns the slot of a new variable.
func (c *compiler) declare(name string) int {
	slot := c.slots
	c.slots++
	c.scope = append(c.scope, binding{name, slot, c.optional > 0})
	return slot
}

// resolve returns what the variable's name means here.
func (c *compiler) resolve(n *node, name string) expr {
	var slots []int
	for i := len(c.scope) - 1; i >= 0; i-- {
		if b := c.scope[i]; b.name == name {
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
