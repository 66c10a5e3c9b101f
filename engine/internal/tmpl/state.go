package tmpl

import (
	"context"
	"slices"
	"strings"
)

// Limits bound what a render may take. The zero value means the defaults.
type Limits struct {
	// MaxOutput is the size in bytes that the output of one Execute may reach. Default 256 MiB.
	MaxOutput int
	// ReadOnly makes a call of a function with Func.Mutates fail with ErrMutates.
	ReadOnly bool
}

const defaultMaxOutput = 256 << 20

// State is one render: it runs templates of a Set one after the other. Not for
// concurrent use.
type State struct {
	ctx    context.Context
	set    *Set
	funcs  *Funcs
	env    Env
	limits Limits
	strict bool

	buf   []byte
	stack []any // arguments of the calls under way
	pairs []pair

	frame
	vars []variable // of all templates under way; those of this one begin at frame.base
	top  int        // how many of vars are in use

	scope    *scope // definitions of the tpl texts under way
	tplFile  *File  // the innermost of them
	tplDepth int
	calls    callStack
	stackUse int // estimate of the Go stack in use
	ticks    int
	// lastOperand is the operand that the last and or or evaluated last, for errors.
	lastOperand *node
	maxStack    int
	trace       *trace // nil unless Trace was called
	reads       *reads // nil unless TraceReads was called
}

// frame is what belongs to one run of a template.
type frame struct {
	template *Template
	dot      any
	dotIface bool // dot came as an interface{}, which shows in errors only
	base     int
	depth    int // of {{template}} calls
}

// variable is a template variable.
type variable struct {
	value any
	iface bool // it came as an interface{}
	unset bool // its declaration was not reached
}

// NewState returns a State over the set. The context ends a render early, with
// the context's error.
func NewState(ctx context.Context, set *Set, env Env, limits Limits) *State {
	if limits.MaxOutput <= 0 {
		limits.MaxOutput = defaultMaxOutput
	}
	return &State{ctx: ctx, set: set, funcs: set.funcs, env: env, limits: limits, strict: env.Strict, maxStack: maxStack}
}

// Env returns what the functions may use of the world outside.
func (st *State) Env() *Env { return &st.env }

// Execute runs the named template with data as its dot and returns what it
// wrote, "<no value>" included. The bytes are good until the next Execute. The
// error is an *ExecError, but for a name that the set does not have.
func (st *State) Execute(name string, data any) ([]byte, error) {
	st.buf = st.buf[:0]
	st.reset()
	t := st.lookup(name)
	if t == nil {
		return nil, missingTemplate(name)
	}
	if err := st.run(nil, t, data, 0); err != nil {
		st.reset()
		return nil, err
	}
	if st.trace != nil {
		st.trace.finish(st.buf)
	}
	if len(st.buf) > st.limits.MaxOutput {
		return nil, &ExecError{Template: name, Message: ErrOutputTooLarge.Error(), Err: ErrOutputTooLarge}
	}
	return st.buf, nil
}

// reset forgets what a render that failed left behind.
func (st *State) reset() {
	clear(st.stack)
	clear(st.vars)
	clear(st.pairs)
	st.stack, st.pairs = st.stack[:0], st.pairs[:0]
	st.frame, st.top, st.stackUse, st.tplDepth = frame{}, 0, 0, 0
	st.scope, st.tplFile, st.lastOperand = nil, nil, nil
	st.calls.reset()
	if st.trace != nil {
		st.trace = newTrace()
	}
}

// run executes a template for the call at node n. depth is its depth among
// {{template}} calls.
func (st *State) run(n *node, t *Template, data any, depth int) error {
	p := t.compiled()
	st.stackUse += p.stack
	if st.stackUse > st.maxStack {
		return ErrTooDeep
	}
	outer := st.frame
	st.frame = frame{template: t, dot: data, base: st.top, depth: depth}
	st.reserve(p.slots)
	st.vars[st.base] = variable{value: data}
	var err error
	if st.trace == nil {
		err = p.body.run(st)
	} else {
		err = st.trace.call(st, n, t, p.body)
	}
	st.top = st.base
	st.frame = outer
	st.stackUse -= p.stack
	return err
}

// reserve makes room for so many variables of the template that runs.
func (st *State) reserve(slots int) {
	st.top = max(st.top, st.base+slots)
	if st.top > len(st.vars) {
		st.vars = slices.Grow(st.vars, st.top-len(st.vars))[:st.top]
	}
}

// tick is called now and then. It ends a render that takes too long or writes too much.
func (st *State) tick(n *node) error {
	st.ticks++
	if len(st.buf) > st.limits.MaxOutput {
		return st.stopError(n, ErrOutputTooLarge)
	}
	if st.ticks&127 == 0 {
		if err := st.ctx.Err(); err != nil {
			return st.stopError(n, err)
		}
	}
	return nil
}

// StripNoValue removes each "<no value>" from b, in place, as Helm does at the
// end of every file and of every tpl.
func StripNoValue(b []byte) []byte {
	i := strings.Index(transient(b), noValue)
	if i < 0 {
		return b
	}
	out := b[:i]
	for {
		b = b[i+len(noValue):]
		i = strings.Index(transient(b), noValue)
		if i < 0 {
			return append(out, b...)
		}
		out = append(out, b[:i]...)
	}
}
