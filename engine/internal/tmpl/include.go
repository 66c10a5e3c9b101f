package tmpl

import (
	"errors"
	"fmt"
	"strings"
)

// maxIncludes is how often a name may be included inside itself.
const maxIncludes = 1000

// callStack holds the names being included, the innermost last. The counts by
// name start only where there are enough of them to matter.
type callStack struct {
	names  []string
	counts map[string]int
}

func (c *callStack) reset() { c.names, c.counts = c.names[:0], nil }

// push reports whether the name may be included once more, and if so adds it.
func (c *callStack) push(name string) bool {
	if len(c.names) > maxIncludes {
		if c.counts == nil {
			c.counts = make(map[string]int)
			for _, n := range c.names {
				c.counts[n]++
			}
		}
		if c.counts[name] > maxIncludes {
			return false
		}
		c.counts[name]++
	}
	c.names = append(c.names, name)
	return true
}

func (c *callStack) pop() {
	last := len(c.names) - 1
	if c.counts != nil {
		if c.counts[c.names[last]]--; last <= maxIncludes {
			c.counts = nil
		}
	}
	c.names = c.names[:last]
}

// maxTplDepth is how deeply calls of tpl may be nested. Helm itself has no
// bound and dies of one that has no end. It is more than include allows, whose
// error comes first where both are part of a circle.
const maxTplDepth = 2000

func missingTemplate(name string) error {
	return fmt.Errorf("template: no template %q associated with template %q", name, tplName)
}

// includeExpr is a call of include.
type includeExpr struct{ callExpr }

// operands evaluates name and data.
func (e *includeExpr) operands(st *State) (name string, data any, err error) {
	if c, ok := e.args[0].(*constExpr); ok && len(e.args) == 2 {
		v, err := e.args[1].eval(st)
		return c.value.(string), unbox(v), err
	}
	base, err := e.push(st)
	if err != nil {
		return "", nil, err
	}
	if err := e.convertAll(st, base); err != nil {
		return "", nil, err
	}
	name, data = st.stack[base].(string), st.stack[base+1]
	st.pop(base)
	return name, data, nil
}

func (e *includeExpr) emit(st *State) error {
	name, data, err := e.operands(st)
	if err != nil {
		return err
	}
	if err := st.tick(e.n); err != nil {
		return err
	}
	if !st.calls.push(name) {
		cause := &wrapError{
			"rendering template has a nested reference name: " + name,
			errors.New("unable to execute template"),
		}
		return st.callError(e.n, e.fn.name, cause)
	}
	if t := st.lookup(name); t == nil {
		err = missingTemplate(name)
	} else {
		err = st.run(e.n, t, data, 0)
	}
	st.calls.pop()
	if err != nil {
		return st.callError(e.n, e.fn.name, err)
	}
	return nil
}

func (e *includeExpr) eval(st *State) (any, error) {
	mark := len(st.buf)
	if err := e.emit(st); err != nil {
		return nil, err
	}
	return st.cut(mark), nil
}

func (e *includeExpr) test(st *State) (bool, error) { return testEmitted(st, e) }

// testEmitted reports whether e writes anything, and takes it back.
func testEmitted(st *State, e emitter) (bool, error) {
	mark := len(st.buf)
	err := e.emit(st)
	if err != nil {
		return false, err
	}
	written := len(st.buf) > mark
	st.drop(mark)
	return written, nil
}

// tplExpr is a call of tpl.
type tplExpr struct{ callExpr }

func (e *tplExpr) emit(st *State) error {
	base, err := e.push(st)
	if err != nil {
		return err
	}
	if err := e.convertAll(st, base); err != nil {
		return err
	}
	text, data := st.stack[base].(string), st.stack[base+1]
	st.pop(base)
	if err := st.tick(e.n); err != nil {
		return err
	}
	mark := len(st.buf)
	if !strings.Contains(text, "{{") {
		st.buf = append(st.buf, text...)
	} else if err := st.runText(e.n, text, data); err != nil {
		return st.callError(e.n, e.fn.name, err)
	}
	if st.trace != nil {
		st.trace.strip(st.buf, mark)
	}
	st.buf = st.buf[:mark+len(StripNoValue(st.buf[mark:]))]
	return nil
}

// runText executes a text given to tpl at node n. What it defines is seen by it, and by
// what it calls, only.
func (st *State) runText(n *node, text string, data any) error {
	if st.tplDepth == maxTplDepth {
		return ErrTooDeep
	}
	f, err := st.set.texts.parse(text, st.funcs)
	if err != nil {
		return &wrapError{fmt.Sprintf("cannot parse template %q", text), err}
	}
	outerFile, outerScope := st.tplFile, st.scope
	st.tplFile = f
	st.tplDepth++
	if len(f.templates) > 1 {
		st.scope = &scope{file: f, outer: outerScope}
	}
	err = st.run(n, f.template(tplName), data, 0)
	st.tplFile, st.scope = outerFile, outerScope
	st.tplDepth--
	if err != nil {
		return &wrapError{fmt.Sprintf("error during tpl function execution for %q", text), err}
	}
	return nil
}

func (e *tplExpr) eval(st *State) (any, error) {
	mark := len(st.buf)
	if err := e.emit(st); err != nil {
		return nil, err
	}
	return st.cut(mark), nil
}

func (e *tplExpr) test(st *State) (bool, error) { return testEmitted(st, e) }
