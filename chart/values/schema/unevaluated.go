package schema

// unevaluated is what no keyword has looked at so far. Nil maps mean that
// nobody asks, or that nothing is left.
type unevaluated struct {
	props map[string]struct{}
	items map[int]struct{}
}

func unevaluatedOf(v any, r *rule, callerNeeds bool) unevaluated {
	var u unevaluated
	switch v := v.(type) {
	case map[string]any:
		if !r.allProperties && (callerNeeds || r.unevaluatedProperties != nil) {
			u.props = make(map[string]struct{}, len(v))
			for name := range v {
				u.props[name] = struct{}{}
			}
		}
	case []any:
		if !r.allItems && (callerNeeds || r.unevaluatedItems != nil) && r.firstItems < len(v) {
			u.items = make(map[int]struct{}, len(v)-r.firstItems)
			for i := r.firstItems; i < len(v); i++ {
				u.items[i] = struct{}{}
			}
		}
	}
	return u
}

// merge takes away what another schema has looked at in the same value.
func (u unevaluated) merge(other unevaluated) {
	for name := range u.props {
		if _, ok := other.props[name]; !ok {
			delete(u.props, name)
		}
	}
	for i := range u.items {
		if _, ok := other.items[i]; !ok {
			delete(u.items, i)
		}
	}
}

func (u unevaluated) isEmpty() bool { return len(u.props) == 0 && len(u.items) == 0 }

// leftovers applies unevaluatedProperties and unevaluatedItems.
func (w *walker) leftovers(f *frame) {
	switch v := f.value.(type) {
	case map[string]any:
		if r := f.rule.unevaluatedProperties; r != nil {
			for _, name := range sortedNames(f.open.props) {
				f.add(w.below(f, r, v[name], token{name: name}))
			}
			f.open.props = nil
		}
	case []any:
		if r := f.rule.unevaluatedItems; r != nil {
			for i := range v {
				if _, ok := f.open.items[i]; ok {
					f.add(w.below(f, r, v[i], token{index: i, array: true}))
				}
			}
			f.open.items = nil
		}
	}
}
