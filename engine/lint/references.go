package lint

import (
	"regexp"
	"slices"
	"sort"
	"strings"
	"text/template/parse"

	"github.com/e6d26078/slipway/chart"
)

// usage is a tree of values paths that templates read. A node that exists is
// read or lies on the way to one that is.
type usage struct {
	whole    bool // everything below counts as read
	children map[string]*usage
}

// mark records that the value at path is read, with all that is below it if
// whole is set.
func (u *usage) mark(path []string, whole bool) {
	for _, key := range path {
		if u.whole {
			return
		}
		next := u.children[key]
		if next == nil {
			next = &usage{}
			if u.children == nil {
				u.children = map[string]*usage{}
			}
			u.children[key] = next
		}
		u = next
	}
	u.whole = u.whole || whole
}

// reads reports whether the value at path, or a part of it, is read.
func (u *usage) reads(path []string) bool {
	for _, key := range path {
		if u.whole {
			return true
		}
		if u = u.children[key]; u == nil {
			return false
		}
	}
	return true
}

// readsAll reports whether everything below path counts as read.
func (u *usage) readsAll(path []string) bool {
	for _, key := range path {
		if u.whole {
			return true
		}
		if u = u.children[key]; u == nil {
			return false
		}
	}
	return u.whole
}

// reference is one place where a template reads a value.
type reference struct {
	path   []string
	source *source
	offset int
}

// source is a template's text, for turning offsets into places.
type source struct {
	file  string // relative to the linted chart's folder
	text  string
	lines []int // offsets of the line starts, made when first needed
}

func (s *source) place(offset int) position {
	if s.lines == nil {
		s.lines = []int{0}
		for i := range len(s.text) {
			if s.text[i] == '\n' {
				s.lines = append(s.lines, i+1)
			}
		}
	}
	line := sort.SearchInts(s.lines, offset+1)
	return position{line, offset - s.lines[line-1] + 1}
}

// readTemplate collects what one template reads: own receives what the file's
// body reads, shared what named templates in it read, which may be called for
// any chart of the tree.
func readTemplate(file *chart.File, name string, own, shared *usage) []reference {
	src := &source{file: name, text: string(file.Data)}
	main := parse.New(name)
	main.Mode = parse.SkipFuncCheck
	set := map[string]*parse.Tree{}
	if _, err := main.Parse(src.text, "", "", set); err != nil {
		readText(src.text, shared)
		return nil
	}
	var references []reference
	for treeName, tree := range set {
		if tree.Root == nil {
			continue
		}
		r := &reader{source: src, usage: shared}
		start := value{}
		if treeName == name {
			r.usage, start = own, value{kind: rootObject}
		}
		r.bind("$", start)
		r.list(tree.Root, start)
		references = append(references, r.references...)
	}
	return references
}

// mention is how a text mentions a value: by field names, or by keys for index,
// get and the like.
var mention = regexp.MustCompile(`\.Values(?:\.([\w.]+)|((?:\s+"[^"]*")+))`)

// readText marks what a text mentions that is not analysed further: values
// and files that may go through tpl.
func readText(text string, used *usage) {
	for _, found := range mention.FindAllStringSubmatch(text, -1) {
		fields := strings.Split(strings.Trim(found[1], "."), ".")
		if found[1] == "" {
			fields = nil
			for i, part := range strings.Split(found[2], `"`) {
				if i%2 == 1 {
					fields = append(fields, part)
				}
			}
		}
		used.mark(fields, true)
	}
}

// kind says what is known about a value while a template is read.
type kind int

const (
	unknown    kind = iota // anything; a field Values of it is taken for the chart's
	rootObject             // the object that templates start with
	subcharts              // .Subcharts of it
	inValues               // .Values or what lies at a path below
)

type value struct {
	kind kind
	path []string
}

// valuesMethods are what templates can call on values; what they return counts
// as the values that they are called on.
var valuesMethods = []string{"AsMap", "Encode", "PathValue", "Table", "YAML"}

// extend follows field names.
func (v value) extend(fields []string) value {
	for _, field := range fields {
		switch {
		case v.kind == inValues && slices.Contains(valuesMethods, field):
		case v.kind == inValues:
			v.path = append(v.path[:len(v.path):len(v.path)], field)
		case v.kind == subcharts:
			v = value{kind: rootObject, path: append(v.path[:len(v.path):len(v.path)], field)}
		case field == "Values":
			v = value{kind: inValues, path: v.path}
		case field == "Subcharts" && v.kind == rootObject:
			v.kind = subcharts
		default:
			v = value{}
		}
	}
	return v
}

// reader goes through one parsed template.
type reader struct {
	source     *source
	usage      *usage
	vars       []variable
	references []reference
}

type variable struct {
	name  string
	value value
}

func (r *reader) bind(name string, v value) { r.vars = append(r.vars, variable{name, v}) }

func (r *reader) lookup(name string) *variable {
	for i := len(r.vars) - 1; i >= 0; i-- {
		if r.vars[i].name == name {
			return &r.vars[i]
		}
	}
	return nil
}

// use records that a value is read at a node, as a whole or only tested.
func (r *reader) use(v value, at parse.Node, whole bool) {
	if v.kind != inValues {
		return
	}
	r.usage.mark(v.path, whole)
	if len(v.path) > 0 {
		r.references = append(r.references, reference{v.path, r.source, int(at.Position())})
	}
}

func (r *reader) list(list *parse.ListNode, dot value) {
	if list == nil {
		return
	}
	depth := len(r.vars)
	for _, node := range list.Nodes {
		r.node(node, dot)
	}
	r.vars = r.vars[:depth]
}

func (r *reader) node(node parse.Node, dot value) {
	switch n := node.(type) {
	case *parse.ActionNode:
		r.action(n.Pipe, dot)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			r.use(r.pipe(n.Pipe, dot, false), n.Pipe, true)
		}
	case *parse.IfNode:
		r.branch(&n.BranchNode, dot, func(value) value { return dot })
	case *parse.WithNode:
		r.branch(&n.BranchNode, dot, func(v value) value { return v })
	case *parse.RangeNode:
		depth := len(r.vars)
		r.use(r.pipe(n.Pipe, dot, false), n.Pipe, true)
		for _, decl := range n.Pipe.Decl {
			r.bind(decl.Ident[0], value{})
		}
		r.list(n.List, value{})
		r.vars = r.vars[:depth]
		r.list(n.ElseList, dot)
	case *parse.ListNode:
		r.list(n, dot)
	}
}

// action handles a pipeline that prints, declares or assigns.
func (r *reader) action(pipe *parse.PipeNode, dot value) {
	v := r.pipe(pipe, dot, false)
	switch {
	case len(pipe.Decl) == 0:
		r.useOut(v, pipe)
	case pipe.IsAssign:
		// Which assignment holds where cannot be told: both values count as read.
		r.use(v, pipe, true)
		if known := r.lookup(pipe.Decl[0].Ident[0]); known != nil {
			r.use(known.value, pipe, true)
			known.value = value{}
		}
	default:
		r.bind(pipe.Decl[0].Ident[0], v)
	}
}

// branch handles if and with; inside gives the dot of the body.
func (r *reader) branch(n *parse.BranchNode, dot value, inside func(value) value) {
	depth := len(r.vars)
	onlyTested := n.NodeType == parse.NodeIf && len(n.Pipe.Decl) == 0
	v := r.pipe(n.Pipe, dot, onlyTested)
	r.use(v, n.Pipe, false)
	if len(n.Pipe.Decl) == 1 {
		r.bind(n.Pipe.Decl[0].Ident[0], v)
	}
	r.list(n.List, inside(v))
	r.list(n.ElseList, dot)
	r.vars = r.vars[:depth]
}

// pipe evaluates a pipeline; test says that only its truth matters.
func (r *reader) pipe(pipe *parse.PipeNode, dot value, test bool) value {
	var v value
	for i, command := range pipe.Cmds {
		args := make([]argument, 0, len(command.Args)+1)
		for _, arg := range command.Args {
			args = append(args, argument{node: arg})
		}
		if i > 0 {
			args = append(args, argument{node: command, value: v, done: true})
		}
		v = r.command(args, dot, test)
	}
	return v
}

// argument is one word of a command; done says that value is known already.
type argument struct {
	node  parse.Node
	value value
	done  bool
}

func (r *reader) eval(arg argument, dot value, test bool) value {
	if arg.done {
		return arg.value
	}
	switch n := arg.node.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return dot.extend(n.Ident)
	case *parse.VariableNode:
		if known := r.lookup(n.Ident[0]); known != nil {
			return known.value.extend(n.Ident[1:])
		}
		return value{}.extend(n.Ident[1:])
	case *parse.ChainNode:
		return r.eval(argument{node: n.Node}, dot, false).extend(n.Field)
	case *parse.PipeNode:
		return r.pipe(n, dot, test)
	case *parse.IdentifierNode:
		return r.call(n.Ident, nil, dot, test)
	}
	return value{}
}

func (r *reader) command(args []argument, dot value, test bool) value {
	if name, isCall := args[0].node.(*parse.IdentifierNode); isCall && !args[0].done {
		return r.call(name.Ident, args[1:], dot, test)
	}
	v := r.eval(args[0], dot, test)
	if len(args) > 1 { // a method; what it returns is not a part of the values
		r.useAll(args[1:], dot, true)
		r.use(v, args[0].node, true)
		return value{}
	}
	return v
}

func (r *reader) useAll(args []argument, dot value, whole bool) {
	for _, arg := range args {
		r.use(r.eval(arg, dot, !whole), arg.node, whole)
	}
}
