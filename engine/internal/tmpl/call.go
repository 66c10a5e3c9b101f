package tmpl

import "reflect"

// callExpr is the call of a function of the table.
type callExpr struct {
	n     *node // for errors of the function: the command, or the name alone
	ident *node // the arguments' nodes follow it
	fn    *function
	args  []expr
	final expr // what comes through the pipeline, or nil; the last argument
}

// argNode returns the node of args[i].
func (e *callExpr) argNode(i int) *node { return nth(e.ident.next, i) }

// nth returns the i-th node from n on.
func nth(n *node, i int) *node {
	for range i {
		n = n.next
	}
	return n
}

// push evaluates the arguments, the pipeline's first, and leaves them on the
// stack from base on. Where the types do not matter yet, they are not checked.
func (e *callExpr) push(st *State) (base int, err error) {
	var final any
	if e.final != nil {
		if final, err = e.final.eval(st); err != nil {
			return 0, err
		}
	}
	base = len(st.stack)
	for i, arg := range e.args {
		v, err := arg.eval(st)
		if err != nil {
			return 0, e.earlierError(st, base, i, err)
		}
		if b, ok := v.(*boxed); ok && e.fn.param(i).kind == paramAny {
			v = b.v.Interface()
		}
		st.stack = append(st.stack, v)
	}
	if e.final != nil {
		if b, ok := final.(*boxed); ok && e.fn.param(len(e.args)).kind == paramAny {
			final = b.v.Interface()
		}
		st.stack = append(st.stack, final)
	}
	if st.reads != nil {
		st.reads.call(e.fn.name, st.stack[base:])
	}
	return base, nil
}

// earlierError returns the error for an argument that came before the one that
// failed with err, since text/template checks each before the next.
func (e *callExpr) earlierError(st *State, base, count int, err error) error {
	for i := range count {
		if bad := e.convertArg(st, base, i); bad != nil {
			return bad
		}
	}
	return err
}

// convertArg gives the i-th argument on the stack the type of its parameter.
func (e *callExpr) convertArg(st *State, base, i int) error {
	var from expr
	var n *node
	if i < len(e.args) {
		from, n = e.args[i], e.argNode(i)
	}
	v, text := st.convert(st.stack[base+i], from, n, e.fn.param(i))
	if text != "" {
		return st.errorf(e.blameArg(st, i), "%s", text)
	}
	st.stack[base+i] = v
	return nil
}

// blameArg returns the node to name when argument i is of the wrong type.
func (e *callExpr) blameArg(st *State, i int) *node {
	if len(e.args) == 0 {
		return e.ident
	}
	return st.blame(e.argNode(min(i, len(e.args)-1)))
}

// convertAll gives all arguments on the stack the types of their parameters.
func (e *callExpr) convertAll(st *State, base int) error {
	for i := range len(st.stack) - base {
		if err := e.convertArg(st, base, i); err != nil {
			return err
		}
	}
	return nil
}

// pop drops the arguments.
func (st *State) pop(base int) { st.stack = st.stack[:base] }

func (e *callExpr) eval(st *State) (any, error) {
	if e.fn.Mutates && st.limits.ReadOnly {
		return nil, st.callError(e.n, e.fn.name, ErrMutates)
	}
	base, err := e.push(st)
	if err != nil {
		return nil, err
	}
	v, err := e.invoke(st, base)
	if st.trace != nil {
		st.trace.derive(v, st.stack[base:])
	}
	st.pop(base)
	return v, err
}

// invoke calls the function with the arguments on the stack.
func (e *callExpr) invoke(st *State, base int) (any, error) {
	if e.fn.Fast != nil {
		v, handled, err := tryFast(e.fn.Fast, st, st.stack[base:])
		if err != nil {
			return nil, st.callError(e.n, e.fn.name, err)
		}
		if handled {
			return v, nil
		}
	}
	if err := e.convertAll(st, base); err != nil {
		return nil, err
	}
	v, err := e.fn.call(st, st.stack[base:])
	if err != nil {
		return nil, st.callError(e.n, e.fn.name, err)
	}
	return v, nil
}

func tryFast(fast func(*State, []any) (any, bool, error), st *State, args []any) (v any, handled bool, err error) {
	defer recoverCall(&err)
	return fast(st, args)
}

func tryAppend(f func(*State, []byte, []any) ([]byte, bool, error), st *State, dst []byte, args []any) (out []byte, handled bool, err error) {
	defer recoverCall(&err)
	return f(st, dst, args)
}

// call calls the function with arguments of the right types.
func (f *function) call(st *State, args []any) (v any, err error) {
	defer recoverCall(&err)
	switch {
	case f.Call != nil:
		return f.Call(st, args)
	case f.adapted != nil:
		return f.adapted(args)
	}
	values := make([]reflect.Value, len(args))
	for i, arg := range args {
		typ := f.param(i).typ
		switch {
		case arg == nil:
			values[i] = reflect.Zero(typ)
		case typ == reflectType:
			values[i] = reflect.ValueOf(arg.(reflect.Value))
		default:
			values[i] = reflect.ValueOf(arg)
		}
	}
	results := reflect.ValueOf(f.Fn).Call(values)
	if len(results) == 2 && !results[1].IsNil() {
		return nil, results[1].Interface().(error)
	}
	v, _ = fromReflect(unwrapReflect(results[0]))
	return v, nil
}

// nilIsInterface: a nil result of a function that returns an interface{}.
func (e *callExpr) nilIsInterface(*State) bool { return e.fn.typ.Out(0) == anyType }

// appendExpr is a call of a function that can append its result to the output.
type appendExpr struct{ callExpr }

func (e *appendExpr) emit(st *State) error {
	if e.fn.Mutates && st.limits.ReadOnly {
		return st.callError(e.n, e.fn.name, ErrMutates)
	}
	if source, ok := e.final.(emitter); ok {
		return e.emitTail(st, source)
	}
	base, err := e.push(st)
	if err != nil {
		return err
	}
	err = e.appendResult(st, base)
	st.pop(base)
	return err
}

// appendResult calls the function with the arguments on the stack and appends the result.
func (e *appendExpr) appendResult(st *State, base int) error {
	out, handled, err := tryAppend(e.fn.Append, st, st.buf, st.stack[base:])
	if err != nil {
		return st.callError(e.n, e.fn.name, err)
	}
	if handled {
		st.buf = out
		return nil
	}
	v, err := e.invoke(st, base)
	if err != nil {
		return err
	}
	st.buf, _ = appendValue(st.buf, v)
	return nil
}

// emitTail is emit for an argument that is itself appended to the output: it
// is written, the result behind it, and then the result moved over it.
func (e *appendExpr) emitTail(st *State, source emitter) error {
	mark := len(st.buf)
	if err := source.emit(st); err != nil {
		return err
	}
	base := len(st.stack)
	for i, arg := range e.args {
		v, err := arg.eval(st)
		if err != nil {
			return e.earlierError(st, base, i, err)
		}
		if b, ok := v.(*boxed); ok && e.fn.param(i).kind == paramAny {
			v = b.v.Interface()
		}
		st.stack = append(st.stack, v)
	}
	end := len(st.buf)
	st.stack = append(st.stack, transient(st.buf[mark:end]))
	out, handled, err := tryAppend(e.fn.Append, st, st.buf, st.stack[base:])
	switch {
	case err != nil:
		return st.callError(e.n, e.fn.name, err)
	case handled:
		st.buf = out[:mark+copy(out[mark:], out[end:])]
	default:
		text := string(st.buf[mark:end])
		st.buf = st.buf[:mark]
		st.stack[len(st.stack)-1] = text
		v, err := e.invoke(st, base)
		if err != nil {
			return err
		}
		st.buf, _ = appendValue(st.buf, v)
	}
	st.pop(base)
	return nil
}

// eval makes a string of what emit writes.
func (e *appendExpr) eval(st *State) (any, error) {
	if _, ok := e.final.(emitter); !ok || st.trace != nil {
		return e.callExpr.eval(st)
	}
	mark := len(st.buf)
	if err := e.emit(st); err != nil {
		return nil, err
	}
	return st.cut(mark), nil
}

// cut takes what was written from mark on back from the output.
func (st *State) cut(mark int) string {
	s := string(st.buf[mark:])
	st.buf = st.buf[:mark]
	if st.trace != nil {
		st.trace.cut(s, mark)
	}
	return s
}

// drop takes what was written from mark on back from the output.
func (st *State) drop(mark int) {
	st.buf = st.buf[:mark]
	if st.trace != nil {
		st.trace.take(mark)
	}
}
