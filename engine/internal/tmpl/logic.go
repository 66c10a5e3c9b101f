package tmpl

// logicExpr is a call of and or or.
type logicExpr struct {
	or    bool
	args  []expr
	nodes *node // the node of args[0]; the others follow it
	final expr  // what comes through the pipeline, or nil; it stands last
	// clears are the slots of variables declared in the operands; until an
	// operand is reached its variables do not exist.
	clears []int
}

// begin evaluates the pipeline's value and forgets the variables of the operands.
func (e *logicExpr) begin(st *State) (final any, err error) {
	if e.final != nil {
		if final, err = e.final.eval(st); err != nil {
			return nil, err
		}
	}
	for _, slot := range e.clears {
		st.vars[st.base+slot].unset = true
	}
	return final, nil
}

func (e *logicExpr) eval(st *State) (any, error) {
	final, err := e.begin(st)
	if err != nil {
		return nil, err
	}
	var v any
	for i, arg := range e.args {
		if v, err = arg.eval(st); err != nil {
			return nil, err
		}
		if truth(v) == e.or {
			st.lastOperand = st.blame(nth(e.nodes, i))
			return v, nil
		}
	}
	st.lastOperand = nil
	if e.final != nil {
		return final, nil
	}
	return v, nil
}

func (e *logicExpr) test(st *State) (bool, error) {
	final, err := e.begin(st)
	if err != nil {
		return false, err
	}
	yes := false
	for i, arg := range e.args {
		if yes, err = test(st, arg); err != nil {
			return false, err
		}
		if yes == e.or {
			st.lastOperand = st.blame(nth(e.nodes, i))
			return yes, nil
		}
	}
	st.lastOperand = nil
	if e.final != nil {
		return truth(final), nil
	}
	return yes, nil
}

// notExpr is a call of not.
type notExpr struct{ arg expr }

func (e *notExpr) eval(st *State) (any, error) {
	yes, err := test(st, e.arg)
	return !yes, err
}

func (e *notExpr) test(st *State) (bool, error) {
	yes, err := test(st, e.arg)
	return !yes, err
}
