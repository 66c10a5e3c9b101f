package engine

import (
	"regexp"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart/values"
)

// Missing says which part of a path in .Values is not there.
type Missing struct {
	// Chart is the tree's node of the chart whose values were asked.
	Chart *values.Node
	// Path is the part of the path that exists, such as "image", empty for .Values itself.
	Path string
	// Key is the first key that is missing or null, such as "registry".
	Key string
	// Have are the keys that exist there, sorted.
	Have []string
}

// valuesPath finds a path in .Values in the source of an action.
var valuesPath = regexp.MustCompile(`^\$?\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+)`)

// FindMissing explains a nil pointer error: it follows the path that the
// failing action names through the values of the chart that was rendered.
// Input is that of the failed render. ok is false when the error is of another
// kind or its path does not start at .Values.
func (p *Program) FindMissing(e *TemplateError, in Input) (m Missing, ok bool) {
	if len(e.Chain) == 0 || !strings.Contains(e.Message, "nil pointer evaluating") {
		return m, false
	}
	match := valuesPath.FindStringSubmatch(e.Chain[len(e.Chain)-1].Context)
	if match == nil {
		return m, false
	}
	j, err := p.prepare(in)
	if err != nil {
		return m, false
	}
	for i := range j.selection.templates {
		t := &j.selection.templates[i]
		if t.name != e.File {
			continue
		}
		m.Chart = walk(nil, j.root)[t.chart]
		return m, m.follow(j.scopes[t.chart]["Values"], strings.Split(match[1][1:], "."))
	}
	return m, false
}

// follow walks the path as far as it goes. It reports whether a key is missing.
func (m *Missing) follow(table any, path []string) bool {
	for i, key := range path {
		entries, ok := asTable(table)
		if !ok {
			return false
		}
		if entries[key] == nil {
			m.Path, m.Key = strings.Join(path[:i], "."), key
			for have, v := range entries {
				if v != nil {
					m.Have = append(m.Have, have)
				}
			}
			slices.Sort(m.Have)
			return true
		}
		table = entries[key]
	}
	return false
}
