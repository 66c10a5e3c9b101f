package why

import (
	"maps"
	"slices"

	"github.com/e6d26078/slipway/chart/values"
)

// override returns the user's values with another value at a path. Lists
// replace each other as a whole, so one on the way is taken from the final
// values. It reports false where the path leads through something else.
func override(user, final map[string]any, path []string, value any) (map[string]any, bool) {
	changed, ok := put(user, final, path, value)
	m, isMap := changed.(map[string]any)
	return m, ok && isMap
}

func put(user, final any, path []string, value any) (any, bool) {
	if len(path) == 0 {
		return value, true
	}
	if i, isIndex := values.IndexOf(path[0]); isIndex {
		if list, isList := final.([]any); isList {
			if i >= len(list) {
				return nil, false
			}
			list = slices.Clone(list)
			var ok bool
			list[i], ok = put(list[i], list[i], path[1:], value)
			return list, ok
		}
	}
	below, isMap := final.(map[string]any)
	if !isMap && final != nil {
		return nil, false
	}
	given, _ := user.(map[string]any)
	changed := maps.Clone(given)
	if changed == nil {
		changed = map[string]any{}
	}
	var ok bool
	changed[path[0]], ok = put(given[path[0]], below[path[0]], path[1:], value)
	return changed, ok
}

func nodeNamed(name string) func(*values.Node) bool {
	return func(n *values.Node) bool { return n.Name() == name }
}

// eachTemplate calls do with the text of each template of the charts that take part.
func (e *Explorer) eachTemplate(do func(text string)) {
	e.eachChart(e.root, func(n *values.Node) {
		for _, f := range n.Chart.Templates {
			do(string(f.Data))
		}
	})
}

func (e *Explorer) eachChart(n *values.Node, do func(*values.Node)) {
	do(n)
	for _, sub := range n.Deps() {
		e.eachChart(sub, do)
	}
}

// chartFileNames lists the files that templates can read, with the path of their chart.
func (e *Explorer) chartFileNames() []string {
	var names []string
	e.eachChart(e.root, func(n *values.Node) {
		for _, f := range n.Chart.Files {
			names = append(names, n.FullPath()+"/"+f.Name)
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}
