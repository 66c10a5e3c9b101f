package lint

import (
	"strings"
	"text/template/parse"
)

// call evaluates a call of a template function. Functions that hand on or
// pick from one of their arguments keep its path; all others read their
// arguments as a whole.
func (r *reader) call(name string, args []argument, dot value, test bool) value {
	last := len(args) - 1
	switch {
	case name == "index" && last >= 1, name == "get" && last == 1:
		return r.pick(args[0], args[1:], dot)
	case name == "dig" && last >= 2:
		r.useAll(args[last-1:last], dot, true)
		return r.pick(args[last], args[:last-1], dot)
	case name == "hasKey" && last == 1:
		r.use(r.pick(args[0], args[1:], dot), args[0].node, false)
		return value{}
	case (name == "default" || name == "required") && last == 1:
		r.useAll(args[:1], dot, true)
		return r.eval(args[1], dot, test)
	case name == "deepCopy" && last == 0, (name == "set" || name == "unset") && last >= 1:
		r.useAll(args[1:], dot, true)
		return r.eval(args[0], dot, false)
	case name == "dict":
		r.dict(args, dot)
	case name == "not" || name == "empty" || name == "kindIs" || name == "typeIs" || name == "kindOf" || name == "typeOf":
		r.useAll(args, dot, false)
	case writesOut(name):
		for _, arg := range args {
			r.useOut(r.eval(arg, dot, false), arg.node)
		}
	case test && (name == "and" || name == "or"):
		r.useAll(args, dot, false)
	default:
		r.useAll(args, dot, true)
	}
	return value{}
}

// writesOut reports whether a function makes text of all that it gets.
func writesOut(name string) bool {
	name = strings.TrimPrefix(name, "must")
	return strings.HasPrefix(strings.ToLower(name), "to") || strings.HasPrefix(name, "print") || name == "quote" || name == "squote" || name == "cat"
}

// useOut records that a value is written out. Of the object that templates
// start with that is all values, too.
func (r *reader) useOut(v value, at parse.Node) {
	if v.kind == rootObject {
		r.usage.mark(v.path, true)
	}
	r.use(v, at, true)
}

// pick follows keys from a table. When a key is not a literal, the table
// counts as read as a whole.
func (r *reader) pick(table argument, keys []argument, dot value) value {
	v := r.eval(table, dot, false)
	for i, key := range keys {
		literal, isLiteral := key.node.(*parse.StringNode)
		if !isLiteral || key.done {
			r.useAll(keys[i:], dot, true)
			r.use(v, table.node, true)
			return value{}
		}
		v = v.extend([]string{literal.Text})
	}
	return v
}

// dict reads the values that go into a new table, except under the key
// Values: that makes a context, whose fields are followed where they are used.
func (r *reader) dict(args []argument, dot value) {
	for i, arg := range args {
		v := r.eval(arg, dot, false)
		if i%2 == 1 && v.kind == inValues && len(v.path) == 0 {
			if key, isLiteral := args[i-1].node.(*parse.StringNode); isLiteral && key.Text == "Values" {
				continue
			}
		}
		r.use(v, arg.node, true)
	}
}
