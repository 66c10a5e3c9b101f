package schema

import "sort"

// object applies the keywords for objects.
func (w *walker) object(f *frame, o *objectRules, obj map[string]any) {
	if o.min != nil && len(obj) < *o.min {
		w.add(f, limitMessage("minProperties", len(obj), *o.min))
	}
	if o.max != nil && len(obj) > *o.max {
		w.add(f, limitMessage("maxProperties", len(obj), *o.max))
	}
	w.charge(len(o.required) / 8)
	if missing := missingFrom(obj, o.required); missing != nil {
		w.add(f, func() string {
			if len(missing) == 1 {
				return "missing property " + quote(missing[0])
			}
			return "missing properties " + quoteAll(missing)
		})
	}
	if f.quiet && len(f.issues) > 0 {
		return
	}
	for i := range o.dependencies {
		d := &o.dependencies[i]
		if _, ok := obj[d.name]; !ok {
			continue
		}
		if d.rule != nil {
			f.add(w.self(f, d.rule, "", false))
		} else {
			w.dependent(f, obj, d)
		}
	}
	w.properties(f, o, obj)
	if f.quiet && len(f.issues) > 0 {
		return
	}
	if o.names != nil {
		w.names(f, o.names, obj)
	}
	for _, d := range o.dependentSchemas {
		if _, ok := obj[d.name]; ok {
			f.add(w.self(f, d.rule, "", false))
		}
	}
	for i := range o.dependentRequired {
		if _, ok := obj[o.dependentRequired[i].name]; ok {
			w.dependent(f, obj, &o.dependentRequired[i])
		}
	}
}

func limitMessage(keyword string, got, want int) func() string {
	return func() string { return keyword + ": got " + count(got) + ", want " + count(want) }
}

// missingFrom lists the required names that obj lacks.
func missingFrom(obj map[string]any, required []string) []string {
	var missing []string
	for _, name := range required {
		if _, ok := obj[name]; !ok {
			missing = append(missing, name)
		}
	}
	return missing
}

func (w *walker) dependent(f *frame, obj map[string]any, d *dependency) {
	if missing := missingFrom(obj, d.required); missing != nil {
		w.add(f, func() string {
			return "properties " + quoteAll(missing) + " required, if " + quote(d.name) + " exists"
		})
	}
}

// properties validates the values of properties. Issues come in the order of
// the names.
func (w *walker) properties(f *frame, o *objectRules, obj map[string]any) {
	others := len(o.patterns) > 0 || o.additional != nil || o.refuseMore || f.open.props != nil
	if !others && len(o.properties) <= 4*len(obj) {
		for i := range o.properties {
			p := &o.properties[i]
			if v, ok := obj[p.name]; ok {
				f.add(w.below(f, p.rule, v, token{name: p.name}))
				if f.quiet && len(f.issues) > 0 {
					return
				}
			}
		}
		return
	}
	if !others && len(o.properties) == 0 {
		return
	}
	var found []named
	var more []string
	for name, v := range obj {
		n := len(f.issues)
		if !w.property(f, o, name, v) {
			more = append(more, name)
		}
		if len(f.issues) > n {
			if f.quiet {
				return
			}
			found = append(found, named{name, f.issues[n:]})
			f.issues = f.issues[:n:n]
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].name < found[j].name })
	for _, p := range found {
		f.issues = append(f.issues, p.issues...)
	}
	if len(more) > 0 {
		sort.Strings(more)
		w.add(f, func() string { return "additional properties " + quoteAll(more) + " not allowed" })
	}
}

// named is what is wrong with one property.
type named struct {
	name   string
	issues []*issue
}

// property validates one property; false if it should not be there.
func (w *walker) property(f *frame, o *objectRules, name string, v any) bool {
	t := token{name: name}
	known := false
	if r := o.property(name); r != nil {
		known = true
		f.add(w.below(f, r, v, t))
	}
	for i := range o.patterns {
		w.charge(o.patterns[i].pattern.cost(len(name)))
		if o.patterns[i].pattern.matches(name) {
			known = true
			f.add(w.below(f, o.patterns[i].rule, v, t))
		}
	}
	allowed := true
	if !known {
		switch {
		case o.refuseMore:
			known, allowed = true, false
		case o.additional != nil:
			known = true
			f.add(w.below(f, o.additional, v, t))
		}
	}
	if known {
		delete(f.open.props, name)
	}
	return allowed
}

// names validates the names of properties as values of their own.
func (w *walker) names(f *frame, r *rule, obj map[string]any) {
	for _, name := range sortedNames(obj) {
		path := w.path
		w.path = nil
		found := w.chain(r, name, f.quiet)
		w.path = path
		if found == nil {
			continue
		}
		causes := []*issue{found}
		if found.kind == issueGroup {
			causes = found.causes
		}
		w.addCauses(f, causes, func() string { return "invalid propertyName " + quote(name) })
		if f.quiet {
			return
		}
	}
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
