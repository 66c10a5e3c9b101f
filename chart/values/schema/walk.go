package schema

import (
	"fmt"
	"slices"
)

// walker is one run of a schema over a value.
type walker struct {
	maxSteps int
	steps    int
	stopped  error // why the run was given up

	path   []token // to the value at hand
	scopes []scope // the schemas that led here, the current one last
	base   int     // where the current chain of scopes begins

	// While a schema document is run against its metaschema:
	meta  *rule            // the metaschema in force
	metas map[string]*rule // by JSON pointer, where the document changes it
}

// scope is a schema under way.
type scope struct {
	rule    *rule
	keyword string // of the reference that led here, if one did
	depth   int    // of the value: equal depths in one chain are the same value
}

// frame is the state of one schema that looks at one value.
type frame struct {
	rule   *rule
	value  any
	quiet  bool // only the verdict is of interest
	open   unevaluated
	issues []*issue
}

// failed stands for any issue when only the verdict is of interest.
var failed = &issue{}

// run gives the issues of a value, nil if there are none.
func (w *walker) run(r *rule, v any) []*issue {
	found := w.chain(r, v, false)
	if found == nil {
		return nil
	}
	if found.kind == issueGroup {
		return found.causes
	}
	return []*issue{found}
}

// chain validates in a chain of scopes of its own, at the present path.
func (w *walker) chain(r *rule, v any, quiet bool) *issue {
	base := w.base
	w.base = len(w.scopes)
	_, found := w.validate(r, v, "", 0, quiet, false)
	w.base = base
	return found
}

// charge accounts for work beyond a plain step.
func (w *walker) charge(steps int) {
	w.steps += steps
	if w.steps > w.maxSteps && w.stopped == nil {
		w.stopped = fmt.Errorf("%w: more than %d steps", ErrLimit, w.maxSteps)
	}
}

// validate runs a schema over a value. It returns what no keyword has looked
// at, as far as the caller asks for it, or what is wrong.
func (w *walker) validate(r *rule, v any, keyword string, depth int, quiet, callerNeeds bool) (unevaluated, *issue) {
	w.charge(1)
	if len(w.scopes) >= maxDepth && w.stopped == nil {
		w.stopped = fmt.Errorf("%w: nested more than %d deep", ErrLimit, maxDepth)
	}
	if w.stopped != nil {
		return unevaluated{}, failed
	}
	f := frame{rule: r, value: v, quiet: quiet}
	if callerNeeds || r.unevaluatedProperties != nil || r.unevaluatedItems != nil {
		f.open = unevaluatedOf(v, r, callerNeeds)
	}
	w.scopes = append(w.scopes, scope{r, keyword, depth})
	meta := w.meta
	if r == meta && meta != nil && len(w.scopes) > w.base+1 {
		if own := w.metas[w.pointer()]; own != nil {
			w.meta, f.rule = own, own
		}
	}
	found := w.examine(&f)
	w.meta = meta
	w.scopes = w.scopes[:len(w.scopes)-1]
	return f.open, found
}

// examine applies the keywords of the frame's schema.
func (w *walker) examine(f *frame) *issue {
	r, v := f.rule, f.value
	switch r.verdict {
	case verdictTrue:
		return nil
	case verdictFalse:
		return w.issue(f, func() string { return "false schema" })
	}
	if at := w.cycle(); at >= 0 {
		return w.cycleIssue(f, at)
	}
	t := typeOf(v)
	if t == 0 {
		return w.invalid(f, v)
	}
	if found := w.examineSelf(f, t); found != nil {
		return found
	}
	if r.ref != nil {
		found := w.follow(f, r.ref, "$ref")
		if r.version < 2019 {
			return found
		}
		f.add(found)
	}
	switch v := v.(type) {
	case map[string]any:
		if r.object != nil {
			w.object(f, r.object, v)
		}
	case []any:
		if r.array != nil {
			w.array(f, r.array, v)
		}
	case string:
		if r.text != nil {
			w.text(f, r.text, v)
		}
	default:
		if r.number != nil && t == typeNumber {
			w.number(f, r.number, v)
		}
	}
	if len(f.issues) == 0 || !f.quiet {
		if r.logic != nil {
			w.references(f, r.logic)
			w.logic(f, r.logic)
		}
		if r.unevaluatedProperties != nil || r.unevaluatedItems != nil {
			w.leftovers(f)
		}
	}
	switch len(f.issues) {
	case 0:
		return nil
	case 1:
		return f.issues[0]
	}
	if f.quiet {
		return failed
	}
	return &issue{kind: issueGroup, path: w.place(), message: validationFailed, causes: f.issues}
}

func validationFailed() string { return "validation failed" }

// examineSelf applies the keywords whose failure ends the examination.
func (w *walker) examineSelf(f *frame, t types) *issue {
	r, v := f.rule, f.value
	if r.types != 0 && r.types&t == 0 && !(t == typeNumber && r.types&typeInteger != 0 && isWhole(v)) {
		return w.issue(f, func() string { return "got " + t.join("") + ", want " + r.types.join(" or ") })
	}
	if r.hasConst {
		equal, bad := w.equal(v, r.constant)
		if bad != nil {
			return w.invalid(f, bad.value)
		}
		if !equal {
			return w.issue(f, func() string { return wanted([]any{r.constant}, "const") })
		}
	}
	if r.enum != nil {
		matched := false
		if r.enum.types&t != 0 {
			for _, item := range r.enum.values {
				equal, bad := w.equal(v, item)
				if bad != nil {
					return w.invalid(f, bad.value)
				}
				if equal {
					matched = true
					break
				}
			}
		}
		w.charge(len(r.enum.values) / 8)
		if !matched {
			return w.issue(f, func() string { return wanted(r.enum.values, "enum") })
		}
	}
	if s, ok := v.(string); ok && r.format != nil {
		w.charge(len(s) / 64)
		if err := r.format.check(s); err != nil {
			return w.issue(f, func() string { return show(v) + " is not valid " + r.format.name + ": " + err.Error() })
		}
	}
	return nil
}

// self validates the frame's value with another schema.
func (w *walker) self(f *frame, r *rule, keyword string, quiet bool) *issue {
	depth := w.scopes[len(w.scopes)-1].depth
	open, found := w.validate(r, f.value, keyword, depth, f.quiet || quiet, !f.open.isEmpty())
	if found == nil {
		f.open.merge(open)
	}
	return found
}

// below validates a part of the frame's value.
func (w *walker) below(f *frame, r *rule, v any, t token) *issue {
	w.path = append(w.path, t)
	_, found := w.validate(r, v, "", w.scopes[len(w.scopes)-1].depth+1, f.quiet, false)
	w.path = w.path[:len(w.path)-1]
	return found
}

// follow validates with the schema that a reference leads to.
func (w *walker) follow(f *frame, r *rule, keyword string) *issue {
	found := w.self(f, r, keyword, false)
	if found == nil || f.quiet {
		return found
	}
	causes := []*issue{found}
	if found.kind == issueGroup {
		causes = found.causes
	}
	return &issue{kind: issueReference, path: w.place(), message: validationFailed, causes: causes}
}

// issue makes an issue with the value at hand.
func (w *walker) issue(f *frame, message func() string) *issue {
	if f.quiet {
		return failed
	}
	return &issue{path: w.place(), message: message}
}

// place is a copy of the path. It is charged for, since a text made of many
// long paths is costly too.
func (w *walker) place() []token {
	if w.stopped != nil {
		return nil
	}
	cost := 0
	for i := range w.path {
		cost += 1 + len(w.path[i].name)/16
	}
	w.charge(cost)
	return slices.Clone(w.path)
}

func (w *walker) invalid(f *frame, v any) *issue {
	return w.issue(f, func() string { return fmt.Sprintf("invalid jsonType %T", v) })
}

func (f *frame) add(found *issue) {
	if found != nil {
		f.issues = append(f.issues, found)
	}
}

func (w *walker) add(f *frame, message func() string) {
	f.issues = append(f.issues, w.issue(f, message))
}

// addCauses adds an issue that the causes lead to.
func (w *walker) addCauses(f *frame, causes []*issue, message func() string) {
	i := w.issue(f, message)
	if i != failed {
		i.causes = causes
	}
	f.issues = append(f.issues, i)
}

// pointer is the JSON pointer of the value at hand.
func (w *walker) pointer() string {
	var p []byte
	for _, t := range w.path {
		p = append(append(p, '/'), escapeToken(t.String())...)
	}
	return string(p)
}

// cycle finds an earlier scope with the same schema for the same value; -1 if
// there is none.
func (w *walker) cycle() int {
	last := len(w.scopes) - 1
	current := w.scopes[last]
	i := last - 1
	for ; i >= w.base && w.scopes[i].depth == current.depth; i-- {
		if w.scopes[i].rule == current.rule {
			return i
		}
	}
	w.charge((last - i) / 16)
	return -1
}

func (w *walker) cycleIssue(f *frame, at int) *issue {
	if f.quiet {
		return failed
	}
	first, second := w.keywords(len(w.scopes)-1), w.keywords(at)
	url := f.rule.location()
	return w.issue(f, func() string {
		return fmt.Sprintf("both %s and %s resolve to %q causing reference cycle", first, second, url)
	})
}

// keywords is the way from the beginning of the chain to a scope, as a pointer
// through keywords and references.
func (w *walker) keywords(to int) string {
	wanted := make(map[*document][]*node)
	for _, s := range w.scopes[w.base : to+1] {
		wanted[s.rule.doc] = append(wanted[s.rule.doc], s.rule.node)
	}
	at := make(map[*document]map[*node]string)
	for doc, nodes := range wanted {
		if doc.root != nil {
			at[doc] = doc.pointersTo(nodes...)
		}
	}
	locate := func(r *rule) string {
		if r.node == nil {
			return r.doc.url
		}
		return locationOf(r.doc.url, at[r.doc][r.node])
	}
	var way string
	for i := w.base + 1; i <= to; i++ {
		if keyword := w.scopes[i].keyword; keyword != "" {
			way += "/" + keyword
			continue
		}
		outer, inner := locate(w.scopes[i-1].rule), locate(w.scopes[i].rule)
		if len(outer) < len(inner) {
			way += inner[len(outer):]
		}
	}
	return way
}
