package schema

import "unicode/utf8"

// text applies the keywords for strings.
func (w *walker) text(f *frame, r *textRules, s string) {
	if r.min != nil || r.max != nil {
		length := utf8.RuneCountInString(s)
		if r.min != nil && length < *r.min {
			w.add(f, limitMessage("minLength", length, *r.min))
		}
		if r.max != nil && length > *r.max {
			w.add(f, limitMessage("maxLength", length, *r.max))
		}
	}
	if r.pattern != nil {
		w.charge(r.pattern.cost(len(s)) + len(s)/64)
		if !r.pattern.matches(s) {
			w.add(f, func() string { return quote(s) + " does not match pattern " + quote(r.pattern.text) })
		}
	}
}

// number applies the keywords for numbers.
func (w *walker) number(f *frame, r *numberRules, v any) {
	n, ok := numberOf(v)
	if !ok {
		return
	}
	say := func(keyword string, want *number) {
		w.add(f, func() string { return keyword + ": got " + n.english() + ", want " + want.english() })
	}
	if r.minimum != nil && n.compare(*r.minimum) < 0 {
		say("minimum", r.minimum)
	}
	if r.maximum != nil && n.compare(*r.maximum) > 0 {
		say("maximum", r.maximum)
	}
	if r.above != nil && n.compare(*r.above) <= 0 {
		say("exclusiveMinimum", r.above)
	}
	if r.below != nil && n.compare(*r.below) >= 0 {
		say("exclusiveMaximum", r.below)
	}
	if r.multipleOf != nil && !n.isMultipleOf(*r.multipleOf) {
		say("multipleOf", r.multipleOf)
	}
}
