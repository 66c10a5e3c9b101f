package tmpl

// uses says what a template's text refers to, wherever in it.
type uses struct {
	Uses
	dynamic bool     // include with a name that is computed
	calls   []string // the templates that it includes by name
}

func (u *uses) function(fn *function) {
	u.Mutates = u.Mutates || fn.Mutates
	u.Random = u.Random || fn.Random
	u.Tpl = u.Tpl || fn.builtin == builtinTpl
}

func (u *uses) call(name string) { u.calls = append(u.calls, name) }

// Uses says which kinds of functions templates may call. A function counts
// when its name appears, whether or not a render gets there.
type Uses struct {
	Mutates bool // a function with Func.Mutates
	Random  bool // a function with Func.Random
	// Tpl says that tpl is called, so that a render can also run texts from
	// the values, which nobody knows beforehand.
	Tpl bool
}

func (u *Uses) add(v Uses) {
	u.Mutates = u.Mutates || v.Mutates
	u.Random = u.Random || v.Random
	u.Tpl = u.Tpl || v.Tpl
}

// Uses returns what the named template and all that it can call may use,
// without looking into the texts given to tpl. Names that the set does not
// have add nothing.
func (s *Set) Uses(names ...string) Uses {
	var total Uses
	seen := make(map[*Template]bool)
	var visit func(name string)
	visit = func(name string) {
		t := s.names[name]
		if t == nil || seen[t] {
			return
		}
		seen[t] = true
		total.add(t.uses.Uses)
		if t.uses.dynamic {
			for other := range s.names {
				visit(other)
			}
			return
		}
		for _, callee := range t.uses.calls {
			visit(callee)
		}
	}
	for _, name := range names {
		visit(name)
	}
	return total
}
