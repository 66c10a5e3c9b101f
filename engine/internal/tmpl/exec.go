package tmpl

import (
	"reflect"
	"slices"
	"strings"
)

// action is a compiled statement.
type action interface {
	run(st *State) error
}

// step is some text, which may be empty, and the action behind it, which may be nil.
type step struct {
	text   string
	action action
}

// block is a list of statements.
type block []step

func (b block) run(st *State) error {
	if st.trace != nil {
		return st.trace.run(st, b)
	}
	for i := range b {
		s := &b[i]
		st.buf = append(st.buf, s.text...)
		if s.action == nil {
			continue
		}
		if err := s.action.run(st); err != nil {
			return err
		}
	}
	return nil
}

// printAction prints a value.
type printAction struct {
	n *node
	e expr
}

func (a *printAction) run(st *State) error {
	v, err := a.e.eval(st)
	if err != nil {
		return err
	}
	if st.reads != nil {
		st.reads.all(v, 0)
	}
	out, ok := appendValue(st.buf, v)
	if !ok {
		return st.errorf(a.n, "can't print %s of type %s", a.n, toReflect(v).Type())
	}
	st.buf = out
	return nil
}

// emitAction prints what is known to be a string.
type emitAction struct {
	n *node
	e emitter
}

func (a *emitAction) run(st *State) error { return a.e.emit(st) }

// evalAction evaluates a declaration or assignment.
type evalAction struct{ e expr }

func (a *evalAction) run(st *State) error {
	_, err := a.e.eval(st)
	return err
}

// exitAction leaves a loop's body.
type exitAction struct{ signal error }

func (a *exitAction) run(*State) error { return a.signal }

// ifAction is {{if}}.
type ifAction struct {
	branch
	cond expr
}

func (a *ifAction) run(st *State) error {
	yes, err := test(st, a.cond)
	if err != nil {
		return err
	}
	if yes {
		return a.runThen(st)
	}
	return a.runElse(st)
}

// withAction is {{with}}.
type withAction struct {
	branch
	value expr
}

func (a *withAction) run(st *State) error {
	v, err := a.value.eval(st)
	if err != nil {
		return err
	}
	if !truth(v) {
		return a.runElse(st)
	}
	dot, iface := st.dot, st.dotIface
	st.dot, st.dotIface = v, false
	err = a.runThen(st)
	st.dot, st.dotIface = dot, iface
	return err
}

// templateAction is {{template}}.
type templateAction struct {
	n    *node
	name string
	data expr // nil for none
}

const maxTemplateDepth = 100000

func (a *templateAction) run(st *State) error {
	t := st.lookup(a.name)
	if t == nil {
		return st.errorf(a.n, "template %q not defined", a.name)
	}
	if st.depth == maxTemplateDepth {
		return st.errorf(a.n, "exceeded maximum template depth (%v)", maxTemplateDepth)
	}
	var data any
	if a.data != nil {
		v, err := a.data.eval(st)
		if err != nil {
			return err
		}
		data = v
	}
	if err := st.tick(a.n); err != nil {
		return err
	}
	err := st.run(a.n, t, data, st.depth+1)
	if err == ErrTooDeep {
		return st.stopError(a.n, err)
	}
	return err
}

// rangeAction is {{range}}.
type rangeAction struct {
	branch
	value expr
	// The variables: their slots or the targets of their assignment. With one
	// variable it is the element.
	vars   []int
	assign []*assignment
}

// pair is an entry of a map that is being ranged over.
type pair struct {
	key   string
	value any
}

func (a *rangeAction) run(st *State) error {
	v, err := a.value.eval(st)
	if err != nil {
		return err
	}
	if st.reads != nil {
		st.reads.elements(v)
	}
	dot, iface := st.dot, st.dotIface
	ran := false
	if list, ok := v.([]any); ok {
		ran, err = a.overList(st, list)
	} else if m, ok := st.funcs.asMap(v); ok {
		ran, err = a.overMap(st, m)
	} else {
		ran, err = a.overOther(st, v)
	}
	st.dot, st.dotIface = dot, iface
	if err == nil && !ran {
		return a.runElse(st)
	}
	return err
}

// iterate runs the body once. It reports whether the loop goes on.
func (a *rangeAction) iterate(st *State, index, elem any, iface bool) (more bool, err error) {
	if err := st.tick(a.n); err != nil {
		return false, err
	}
	switch {
	case a.assign != nil:
		if err := a.assignVars(st, index, elem, iface); err != nil {
			return false, err
		}
	case len(a.vars) == 1:
		st.vars[st.base+a.vars[0]] = variable{value: elem, iface: iface}
	case len(a.vars) == 2:
		st.vars[st.base+a.vars[0]] = variable{value: index}
		st.vars[st.base+a.vars[1]] = variable{value: elem, iface: iface}
	}
	st.dot, st.dotIface = elem, iface
	switch err := a.runThen(st); err {
	case nil, errContinue:
		return true, nil
	case errBreak:
		return false, nil
	default:
		return false, err
	}
}

func (a *rangeAction) assignVars(st *State, index, elem any, iface bool) error {
	if len(a.assign) == 1 {
		return a.assign[0].set(st, elem, iface)
	}
	if err := a.assign[0].set(st, index, false); err != nil {
		return err
	}
	return a.assign[1].set(st, elem, iface)
}

func (a *rangeAction) count() int { return len(a.vars) + len(a.assign) }

func (a *rangeAction) overList(st *State, list []any) (bool, error) {
	for i, elem := range list {
		var index any
		if a.count() == 2 {
			index = i
		}
		if more, err := a.iterate(st, index, elem, true); !more {
			return true, err
		}
	}
	return len(list) > 0, nil
}

func (a *rangeAction) overMap(st *State, m map[string]any) (bool, error) {
	begin := len(st.pairs)
	for key, value := range m {
		st.pairs = append(st.pairs, pair{key, value})
	}
	end := len(st.pairs)
	slices.SortFunc(st.pairs[begin:], func(a, b pair) int { return strings.Compare(a.key, b.key) })
	var err error
	for i, more := begin, true; i < end && more; i++ {
		p := st.pairs[i]
		var index any
		if a.count() == 2 {
			index = p.key
		}
		more, err = a.iterate(st, index, p.value, true)
	}
	clear(st.pairs[begin:])
	st.pairs = st.pairs[:begin]
	return end > begin, err
}

// iterateReflect is iterate for values out of reflection.
func (a *rangeAction) iterateReflect(st *State, index, elem reflect.Value) (bool, error) {
	i, _ := fromReflect(index)
	e, iface := fromReflect(elem)
	return a.iterate(st, i, e, iface)
}

// overOther ranges over what is neither a []any nor a map[string]any.
func (a *rangeAction) overOther(st *State, value any) (ran bool, err error) {
	v, _ := indirect(toReflect(value))
	switch v.Kind() {
	case reflect.Invalid:
		return false, nil
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			if more, err := a.iterateReflect(st, reflect.ValueOf(i), v.Index(i)); !more {
				return true, err
			}
		}
		return v.Len() > 0, nil
	case reflect.Map:
		for _, key := range sortedKeys(v) {
			if more, err := a.iterateReflect(st, key.key, key.value); !more {
				return true, err
			}
		}
		return v.Len() > 0, nil
	case reflect.Chan:
		return a.overChan(st, v)
	}
	return a.overSeq(st, v)
}

func (a *rangeAction) overChan(st *State, v reflect.Value) (ran bool, err error) {
	if v.IsNil() {
		return false, nil
	}
	if v.Type().ChanDir() == reflect.SendDir {
		return false, st.errorf(st.blame(a.n.pipe), "range over send-only channel %v", v)
	}
	for i := 0; ; i++ {
		elem, ok := v.Recv()
		if !ok {
			return i > 0, nil
		}
		if more, err := a.iterateReflect(st, reflect.ValueOf(i), elem); !more {
			return true, err
		}
	}
}

// overSeq ranges over integers and iterator functions.
func (a *rangeAction) overSeq(st *State, v reflect.Value) (ran bool, err error) {
	isFunc := v.Kind() == reflect.Func
	isInt := v.CanInt() || v.CanUint()
	switch {
	case isInt, isFunc && v.Type().CanSeq():
		if a.count() > 1 && isInt {
			return false, st.errorf(st.blame(a.n.pipe), "can't use %v to iterate over more than one variable", v)
		} else if a.count() > 1 {
			return false, st.errorf(st.blame(a.n.pipe), "can't use %v iterate over more than one variable", v)
		}
		for elem := range v.Seq() {
			more, err := a.iterateReflect(st, reflect.Value{}, elem)
			if ran = true; !more {
				return true, err
			}
		}
		return ran, nil
	case isFunc && v.Type().CanSeq2():
		for key, elem := range v.Seq2() {
			if a.count() < 2 {
				key, elem = reflect.Value{}, key
			}
			more, err := a.iterateReflect(st, key, elem)
			if ran = true; !more {
				return true, err
			}
		}
		return ran, nil
	}
	return false, st.errorf(st.blame(a.n.pipe), "range can't iterate over %v", v)
}
