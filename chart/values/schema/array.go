package schema

// array applies the keywords for arrays.
func (w *walker) array(f *frame, a *arrayRules, list []any) {
	if a.min != nil && len(list) < *a.min {
		w.add(f, limitMessage("minItems", len(list), *a.min))
	}
	if a.max != nil && len(list) > *a.max {
		w.add(f, limitMessage("maxItems", len(list), *a.max))
	}
	if a.unique && len(list) > 1 {
		i, j, bad := w.duplicates(list)
		switch {
		case bad != nil:
			f.add(w.invalid(f, bad.value))
		case i >= 0:
			w.add(f, func() string { return "items at " + count(i) + " and " + count(j) + " are equal" })
		}
	}
	for i, item := range list {
		if f.quiet && len(f.issues) > 0 {
			return
		}
		switch {
		case i < len(a.first):
			f.add(w.below(f, a.first[i], item, token{index: i, array: true}))
		case a.rest != nil:
			f.add(w.below(f, a.rest, item, token{index: i, array: true}))
		}
	}
	if a.refuseMore && len(list) > len(a.first) {
		w.add(f, func() string { return "last " + count(len(list)-len(a.first)) + " additionalItem(s) not allowed" })
	}
	if a.contains != nil {
		w.contains(f, a, list)
	}
}

func (w *walker) contains(f *frame, a *arrayRules, list []any) {
	var causes []*issue
	var matched []int
	for i, item := range list {
		if found := w.below(f, a.contains, item, token{index: i, array: true}); found != nil {
			causes = append(causes, found)
			continue
		}
		matched = append(matched, i)
		if f.rule.version >= 2020 {
			delete(f.open.items, i)
		}
	}
	switch {
	case a.minContains == nil && len(matched) == 0:
		w.addCauses(f, causes, func() string { return "no items match contains schema" })
	case a.minContains != nil && len(matched) < *a.minContains:
		w.addCauses(f, causes, func() string {
			text := "min " + count(*a.minContains) + " items required to match contains schema, but "
			if len(matched) == 0 {
				return text + "none matched"
			}
			return text + "matched " + count(len(matched)) + " items at " + numberList(matched)
		})
	}
	if a.maxContains != nil && len(matched) > *a.maxContains {
		w.add(f, func() string {
			return "max " + count(*a.maxContains) + " items required to match contains schema, but matched " +
				count(len(matched)) + " items at " + numberList(matched)
		})
	}
}
