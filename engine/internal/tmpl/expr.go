package tmpl

// expr is a compiled operand, command or pipeline.
type expr interface {
	// eval returns the value, taken out of its interface{}.
	eval(st *State) (any, error)
}

// tester is an expr that finds its truth without making its value.
type tester interface {
	test(st *State) (bool, error)
}

// emitter is an expr whose value is a string, which it can append to the output.
type emitter interface {
	expr
	emit(st *State) error
}

// nilTeller is an expr that can tell, after it gave nil, whether text/template
// would have had a nil interface{} or nothing at all.
type nilTeller interface {
	nilIsInterface(st *State) bool
}

// test returns the truth of e.
func test(st *State, e expr) (bool, error) {
	if t, ok := e.(tester); ok {
		return t.test(st)
	}
	v, err := e.eval(st)
	return truth(v), err
}

// constExpr is a constant.
type constExpr struct{ value any }

func (e *constExpr) eval(*State) (any, error) { return e.value, nil }

// failExpr is what can only fail. Before that it evaluates what came through the pipeline.
type failExpr struct {
	n       *node // where, unless after is set
	after   *node // the command before it
	message string
	final   expr
}

func (e *failExpr) eval(st *State) (any, error) {
	if e.final != nil {
		if _, err := e.final.eval(st); err != nil {
			return nil, err
		}
	}
	n := e.n
	if e.after != nil {
		n = st.blameCommand(e.after)
	}
	return nil, st.errorf(n, "%s", e.message)
}

// dotExpr is the dot.
type dotExpr struct{}

func (dotExpr) eval(st *State) (any, error)   { return st.dot, nil }
func (dotExpr) nilIsInterface(st *State) bool { return st.dotIface }
func (dotExpr) test(st *State) (bool, error)  { return truth(st.dot), nil }

// varExpr is a variable.
type varExpr struct{ slot int }

func (e *varExpr) eval(st *State) (any, error)   { return st.vars[st.base+e.slot].value, nil }
func (e *varExpr) nilIsInterface(st *State) bool { return st.vars[st.base+e.slot].iface }

// maybeVarExpr is a variable that may not have been declared, because its
// declaration stands in an operand that and or or left out. Then an outer
// variable of the same name is meant, or none.
type maybeVarExpr struct {
	n     *node
	name  string
	slots []int
}

func (e *maybeVarExpr) find(st *State) *variable {
	for _, slot := range e.slots {
		if v := &st.vars[st.base+slot]; !v.unset {
			return v
		}
	}
	return nil
}

func (e *maybeVarExpr) eval(st *State) (any, error) {
	v := e.find(st)
	if v == nil {
		return nil, st.errorf(e.n, "undefined variable: %s", e.name)
	}
	return v.value, nil
}

func (e *maybeVarExpr) nilIsInterface(st *State) bool {
	v := e.find(st)
	return v != nil && v.iface
}

// dotFieldExpr is .a.b.c
type dotFieldExpr struct{ fieldPath }

func (e *dotFieldExpr) eval(st *State) (any, error) {
	v, _, err := e.walk(st, st.dot, st.dotIface)
	return v, err
}

func (e *dotFieldExpr) nilIsInterface(st *State) bool {
	_, iface, _ := e.walk(st, st.dot, st.dotIface)
	return iface
}

// varFieldExpr is $x.a.b.c
type varFieldExpr struct {
	fieldPath
	slot int
}

func (e *varFieldExpr) eval(st *State) (any, error) {
	v := &st.vars[st.base+e.slot]
	result, _, err := e.walk(st, v.value, v.iface)
	return result, err
}

func (e *varFieldExpr) nilIsInterface(st *State) bool {
	v := &st.vars[st.base+e.slot]
	_, iface, _ := e.walk(st, v.value, v.iface)
	return iface
}

// operand is where a chain of fields starts.
type operand struct {
	expr
	n *node
	// iface says that a value that is not nil comes as an interface{} too.
	iface bool
}

// start evaluates the operand. It reports whether it came as an interface{}.
func (o *operand) start(st *State) (v any, iface bool, err error) {
	if v, err = o.eval(st); err != nil {
		return nil, false, err
	}
	iface = (v == nil || o.iface) && tellsNil(o.expr, o.n, st)
	return v, iface, nil
}

// chainExpr is (pipeline).a.b.c, or .a.b.c on any other operand.
type chainExpr struct {
	fieldPath
	operand
}

func (e *chainExpr) eval(st *State) (any, error) {
	v, iface, err := e.start(st)
	if err != nil {
		return nil, err
	}
	v, _, err = e.walk(st, v, iface)
	return v, err
}

func (e *chainExpr) nilIsInterface(st *State) bool {
	v, iface, err := e.start(st)
	if err != nil {
		return false
	}
	_, iface, _ = e.walk(st, v, iface)
	return iface
}

// methodExpr is a chain of fields with arguments, which the last one, a method, takes.
type methodExpr struct {
	fieldCall
	operand
	before fieldPath // the fields up to the method
}

func (e *methodExpr) eval(st *State) (any, error) {
	call := e.fieldCall
	call.st = st
	if e.final != nil {
		v, err := e.final.eval(st)
		if err != nil {
			return nil, err
		}
		call.value = v
	}
	v, iface, err := e.start(st)
	if err != nil {
		return nil, err
	}
	if v, iface, err = e.before.walk(st, v, iface); err != nil {
		return nil, err
	}
	if result, done := quickMethod(&call, v); done {
		return result, nil
	}
	result, err := call.eval(receiver(v, iface))
	if err != nil {
		return nil, err
	}
	value, _ := fromReflect(result)
	return value, nil
}

// quickMethod calls the methods that charts use most, of one constant string, without reflection.
func quickMethod(call *fieldCall, v any) (any, bool) {
	if len(call.args) != 1 || call.final != nil {
		return nil, false
	}
	arg, ok := call.args[0].(*constExpr)
	if !ok {
		return nil, false
	}
	text, ok := arg.value.(string)
	if !ok {
		return nil, false
	}
	switch call.name {
	case "Has":
		if r, ok := v.(interface{ Has(string) bool }); ok {
			return protectMethod(func() any { return r.Has(text) })
		}
	case "Get":
		if r, ok := v.(interface{ Get(string) string }); ok {
			return protectMethod(func() any { return r.Get(text) })
		}
	}
	return nil, false
}

// protectMethod calls f. After a panic it reports false, so that the long way
// finds the error.
func protectMethod(f func() any) (result any, ok bool) {
	defer func() {
		if recover() != nil {
			result, ok = nil, false
		}
	}()
	return f(), true
}

// declExpr is a pipeline that declares or assigns variables.
type declExpr struct {
	pipe   expr
	slots  []int
	assign []*assignment // for an assignment, instead of slots
}

// assignment is the target of an assignment.
type assignment struct {
	at   *node // the pipeline's last command, for errors
	name string
	to   *maybeVarExpr
}

func (a *assignment) set(st *State, v any, iface bool) error {
	target := a.to.find(st)
	if target == nil {
		return st.errorf(st.blameCommand(a.at), "undefined variable: %s", a.name)
	}
	target.value, target.iface = v, iface
	return nil
}

func (e *declExpr) eval(st *State) (any, error) {
	v, err := e.pipe.eval(st)
	if err != nil {
		return nil, err
	}
	for _, slot := range e.slots {
		st.vars[st.base+slot] = variable{value: v}
	}
	for _, a := range e.assign {
		if err := a.set(st, v, false); err != nil {
			return nil, err
		}
	}
	return v, nil
}
