package schema

// references applies $recursiveRef and $dynamicRef.
func (w *walker) references(f *frame, l *logicRules) {
	if r := l.recursiveRef; r != nil {
		if r.recursiveAnchor {
			r = w.recursiveTarget(r)
		}
		f.add(w.follow(f, r, "$recursiveRef"))
	}
	if r := l.dynamicRef; r != nil {
		if l.dynamicRefAnchor != "" && r.dynamicAnchor == l.dynamicRefAnchor {
			r = w.dynamicTarget(l.dynamicRefAnchor, r)
		}
		f.add(w.follow(f, r, "$dynamicRef"))
	}
}

// recursiveTarget is the outermost schema in whose resource recursion is open.
func (w *walker) recursiveTarget(fallback *rule) *rule {
	for _, s := range w.scopes[w.base:] {
		if s.rule.resource.recursiveAnchor {
			return s.rule
		}
	}
	return fallback
}

// dynamicTarget is the schema that the outermost resource gives the anchor.
func (w *walker) dynamicTarget(anchor string, fallback *rule) *rule {
	for _, s := range w.scopes[w.base:] {
		if r := s.rule.resource.dynamicAnchors[anchor]; r != nil {
			return r
		}
	}
	return fallback
}

// logic applies the keywords that combine schemas.
func (w *walker) logic(f *frame, l *logicRules) {
	if l.not != nil && w.self(f, l.not, "", true) == nil {
		w.add(f, func() string { return "'not' failed" })
	}
	if len(l.allOf) > 0 {
		w.allOf(f, l.allOf)
	}
	if len(l.anyOf) > 0 {
		w.anyOf(f, l.anyOf)
	}
	if len(l.oneOf) > 0 {
		w.oneOf(f, l.oneOf)
	}
	if l.when == nil {
		return
	}
	if w.self(f, l.when, "", true) == nil {
		if l.then != nil {
			f.add(w.self(f, l.then, "", false))
		}
	} else if l.orElse != nil {
		f.add(w.self(f, l.orElse, "", false))
	}
}

func (w *walker) allOf(f *frame, rules []*rule) {
	var causes []*issue
	for _, r := range rules {
		if found := w.self(f, r, "", false); found != nil {
			causes = append(causes, found)
			if f.quiet {
				break
			}
		}
	}
	if causes != nil {
		w.addCauses(f, causes, func() string { return "'allOf' failed" })
	}
}

func (w *walker) anyOf(f *frame, rules []*rule) {
	matched := false
	var causes []*issue
	for _, r := range rules {
		if found := w.self(f, r, "", false); found != nil {
			causes = append(causes, found)
			continue
		}
		matched = true
		if f.open.isEmpty() {
			break // no other can look at more of the value
		}
	}
	if !matched {
		w.addCauses(f, causes, func() string { return "'anyOf' failed" })
	}
}

func (w *walker) oneOf(f *frame, rules []*rule) {
	matched := -1
	var causes []*issue
	for i, r := range rules {
		found := w.self(f, r, "", matched >= 0)
		switch {
		case found != nil && matched < 0:
			causes = append(causes, found)
		case found != nil:
		case matched < 0:
			matched = i
		default:
			first := matched
			w.add(f, func() string {
				return "'oneOf' failed, subschemas " + count(first) + ", " + count(i) + " matched"
			})
			return
		}
	}
	if matched < 0 {
		w.addCauses(f, causes, func() string { return "'oneOf' failed, none matched" })
	}
}
