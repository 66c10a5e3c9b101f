package tmpl

// call compiles the call of a function. n is what errors of the function name.
func (c *compiler) call(ident, n, args *node, final expr) expr {
	fn := ident.fn
	written := 0
	for a := args; a != nil; a = a.next {
		written++
	}
	count := written
	if final != nil {
		count++
	}
	if text := wrongCount(fn.name, fn.typ, written, count); text != "" {
		return &failExpr{n: ident, message: text, final: final}
	}
	if fn.shortCircuits() {
		return c.logic(fn, args, final)
	}
	e := callExpr{n: n, ident: ident, fn: fn, final: final}
	if written > 0 {
		e.args = make([]expr, 0, written)
	}
	for a := args; a != nil; a = a.next {
		e.args = append(e.args, c.arg(a, fn.param(len(e.args))))
	}
	return specialise(e)
}

// specialise returns the quickest expr for a call.
func specialise(e callExpr) expr {
	switch e.fn.builtin {
	case builtinNot:
		if e.final != nil {
			return &notExpr{e.final}
		}
		return &notExpr{e.args[0]}
	case builtinEq, builtinNe, builtinLt, builtinLe, builtinGt, builtinGe:
		return newCompare(e)
	case builtinLen:
		return &lenExpr{e}
	case builtinIndex:
		return &indexExpr{e}
	case builtinSlice:
		return &sliceExpr{e}
	case builtinCall:
		return &callFuncExpr{e}
	case builtinPrint, builtinPrintf, builtinPrintln:
		return &printExpr{e}
	case builtinInclude:
		return &includeExpr{e}
	case builtinTpl:
		return &tplExpr{e}
	}
	if e.fn.Append != nil && e.fn.typ.Out(0) == stringType {
		return &appendExpr{e}
	}
	return &e
}

// newCompare compiles a comparison; that of something with a constant string is the usual one.
func newCompare(e callExpr) expr {
	cmp := &compareExpr{callExpr: e}
	if e.fn.builtin != builtinEq && e.fn.builtin != builtinNe {
		return cmp
	}
	operands := e.args
	if e.final != nil {
		operands = append(operands[:len(operands):len(operands)], e.final)
	}
	if len(operands) != 2 {
		return cmp
	}
	for i, o := range operands {
		if k, ok := o.(*constExpr); ok {
			cmp.constant, cmp.short = k.value.(string)
			cmp.constantFirst = i == 0
			cmp.operand = operands[1-i]
			break
		}
	}
	return cmp
}

// logic compiles and and or.
func (c *compiler) logic(fn *function, args *node, final expr) expr {
	e := &logicExpr{or: fn.builtin == builtinOr, nodes: args, final: final}
	first := c.slots
	for a := args; a != nil; a = a.next {
		if len(e.args) == 1 {
			c.optional++
			first = c.slots
		}
		e.args = append(e.args, c.arg(a, fn.params[0]))
	}
	if len(e.args) > 1 {
		c.optional--
		for slot := first; slot < c.slots; slot++ {
			e.clears = append(e.clears, slot)
		}
	}
	return e
}
