package tmpl

import (
	"strings"
	"sync"
)

// Set is a number of files whose templates see each other. It is immutable
// and may be used by any number of States at once.
type Set struct {
	funcs *Funcs
	names map[string]*Template
	texts textCache
}

// NewSet puts files together, in the order in which Helm parses them. A
// template replaces an earlier one of the same name, unless it has nothing but
// white space.
func NewSet(funcs *Funcs, files []*File) *Set {
	count := 0
	for _, f := range files {
		count += len(f.templates)
	}
	s := &Set{funcs: funcs, names: make(map[string]*Template, count)}
	for _, f := range files {
		for _, t := range f.templates {
			if s.names[t.name] == nil || !t.empty {
				s.names[t.name] = t
			}
		}
	}
	return s
}

// Has reports whether the set has a template of that name.
func (s *Set) Has(name string) bool { return s.names[name] != nil }

// Bounds of what a Set keeps of the texts given to tpl.
const (
	maxCachedTexts = 4096
	maxCachedBytes = 16 << 20
)

// textCache keeps parsed tpl texts. Of a text that does not parse it keeps nothing.
type textCache struct {
	mu    sync.RWMutex
	files map[string]*File
	bytes int
}

// tplName is the name that Helm gives to the texts of tpl, and to the set as a whole.
const tplName = "gotpl"

// parse returns the parsed text.
func (c *textCache) parse(text string, funcs *Funcs) (*File, error) {
	c.mu.RLock()
	f := c.files[text]
	c.mu.RUnlock()
	if f != nil {
		return f, nil
	}
	text = strings.Clone(text)
	f, err := Parse(tplName, text, funcs)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.files) >= maxCachedTexts || c.bytes+len(text) > maxCachedBytes || c.files == nil {
		c.files, c.bytes = make(map[string]*File), 0
	}
	c.files[text] = f
	c.bytes += len(text)
	return f, nil
}

// scope is the names that a running tpl text defines, in front of those outside it.
type scope struct {
	file  *File
	outer *scope
}

// lookup returns the template that the name means now, or nil.
func (st *State) lookup(name string) *Template {
	if st.tplFile != nil && name == tplName {
		return st.tplFile.template(name)
	}
	if st.scope == nil {
		return st.set.names[name]
	}
	return st.lookupScoped(name)
}

// lookupScoped is lookup with the definitions of tpl texts. An empty
// definition is used only if no other has the name.
func (st *State) lookupScoped(name string) *Template {
	var empty *Template
	for s := st.scope; s != nil; s = s.outer {
		t := s.file.template(name)
		switch {
		case t == nil:
		case !t.empty:
			return t
		default:
			empty = t
		}
	}
	if t := st.set.names[name]; t != nil {
		return t
	}
	return empty
}
