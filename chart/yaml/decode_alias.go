package yaml

// anchors holds the anchors of a document. The zero value has none.
type anchors struct {
	byName  map[string]anchor
	nodes   int // nodes read so far, with those that aliases repeat
	aliased int // nodes that aliases repeat
}

// anchor is a node that aliases may repeat.
type anchor struct {
	value any
	size  int // nodes in it, zero while it is being read
}

// maxCopiedNodes bounds what aliases may make of a document here.
const maxCopiedNodes = 400_000

// allows counts an alias of a node of the given size. It is stricter than the library, which forbids that 99 % of more
// than 1000 nodes come from aliases (and less in documents of more than 400,000 nodes).
func (a *anchors) allows(size int) bool {
	a.nodes += size
	a.aliased += size
	return a.aliased <= 100 || a.nodes <= maxCopiedNodes && a.aliased <= a.nodes/100*97
}

// anchorName returns the end of the name at offset i.
func anchorName(s string, i int) int {
	for i < len(s) && classes[s[i]]&nameByte != 0 {
		i++
	}
	return i
}

// anchored reads the anchor at offset i and its node. valued is whether it is the value of a key on the same line.
func (p *parser) anchored(i, parent, depth int, use purpose, valued bool) (any, bool) {
	s := p.s
	end := anchorName(s, i+1)
	if use > toSkip || end == i+1 || end == len(s) || !blankAt(s, end) {
		return nil, false
	}
	name := s[i+1 : end]
	if a, ok := p.anchors.byName[name]; ok && a.size == 0 {
		return nil, false
	}
	if p.anchors.byName == nil {
		p.anchors.byName = make(map[string]anchor)
	}
	p.anchors.byName[name] = anchor{}
	before := p.anchors.nodes

	var v any
	var ok bool
	i = skipBlanks(s, end)
	if i < len(s) && s[i] != '\n' && s[i] != '#' {
		if isProperty(s[i]) {
			return nil, false
		}
		v, ok = p.inline(i, parent, depth, use)
	} else {
		if !p.endLine(i) || p.col > parent && isProperty(s[p.i]) {
			return nil, false
		}
		switch {
		case p.col > parent:
			v, ok = p.node(parent, depth, use)
		case valued && p.col == parent && s[p.i] == '-' && blankAt(s, p.i+1):
			v, ok = p.sequence(parent, depth, use)
		case valued:
			v, ok = p.null(use)
		}
	}
	if !ok {
		return nil, false
	}
	p.anchors.byName[name] = anchor{value: v, size: 1 + p.anchors.nodes - before}
	return v, true
}

// isProperty reports whether c begins an anchor, an alias or a tag.
func isProperty(c byte) bool { return c == '&' || c == '*' || c == '!' }

// alias reads the alias at offset i and returns a copy of what it stands for and the offset behind it.
func (p *parser) alias(i int, use purpose) (v any, next int, ok bool) {
	s := p.s
	next = anchorName(s, i+1)
	if use > toSkip || !blankAt(s, next) && s[next] != ',' && s[next] != ']' && s[next] != '}' {
		return nil, 0, false
	}
	a := p.anchors.byName[s[i+1:next]]
	if a.size == 0 || !p.anchors.allows(a.size) {
		return nil, 0, false
	}
	return copyTree(a.value), next, true
}

// merge reads the value of a merge key, which begins behind offset i: an alias of a mapping or a list of such.
func (p *parser) merge(i, depth int, use purpose) bool {
	s := p.s
	i = skipBlanks(s, i)
	if use > toSkip || i >= len(s) || s[i] != '*' && s[i] != '[' {
		return false
	}
	p.anchors.nodes-- // the merge key itself does not count
	v, ok := p.inline(i, -1, depth, use)
	if !ok {
		return false
	}
	switch v := v.(type) {
	case skippedMapping:
		return true
	case map[string]any:
		p.mergeMapping(v)
		return true
	case []any:
		for _, item := range v {
			if _, ok := item.(map[string]any); !ok {
				return false
			}
		}
		for j := len(v) - 1; j >= 0; j-- {
			p.mergeMapping(v[j].(map[string]any))
		}
		return s[i] == '['
	}
	return false
}

// mergeMapping adds the entries of m to the mapping that is being read.
func (p *parser) mergeMapping(m map[string]any) {
	for key, value := range m {
		p.entries = append(p.entries, entry{key, value})
	}
}

// copyTree copies maps and lists, so that no two places of a document share one.
func copyTree(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, value := range v {
			m[key] = copyTree(value)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, value := range v {
			list[i] = copyTree(value)
		}
		return list
	}
	return v
}
