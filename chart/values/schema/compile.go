package schema

import "fmt"

// compiler turns documents into rules. It lives for one Compile.
type compiler struct {
	options       Options
	documents     map[string]*document // by URL
	patterns      map[string]*pattern
	queue         []target  // schemas found, in the order in which they are compiled
	patternWeight int       // of all patterns
	assertFormat  bool      // in every draft: for the metaschemas
	metas         *compiler // compiles metaschemas, once one is needed
}

func newCompiler(o Options) *compiler {
	return &compiler{options: o, documents: make(map[string]*document), patterns: make(map[string]*pattern)}
}

func (c *compiler) pattern(text string) *pattern {
	p := c.patterns[text]
	if p == nil {
		p = newPattern(text)
		c.patterns[text] = p
		c.patternWeight += p.weight
	}
	return p
}

// compile gives the rule of the schema at a URL with all that it refers to.
// Only what is reached from there is compiled, breadth first.
func (c *compiler) compile(url, fragment string) (*rule, error) {
	doc, err := c.open(url)
	if err != nil {
		return nil, err
	}
	start, err := doc.root.res.find(fragment)
	if err != nil {
		return nil, err
	}
	root := c.enqueue(start)
	for i := 0; i < len(c.queue); i++ {
		t := c.queue[i]
		if t.err != nil {
			return nil, t.err
		}
		if err := c.ensure(t.res.doc, t.node, t.res); err != nil {
			return nil, err
		}
		if err := c.compileRule(t); err != nil {
			return nil, err
		}
		if c.patternWeight > maxPatterns {
			return nil, fmt.Errorf("unable to compile schema: %w: regular expressions of more than %d instructions", ErrLimit, maxPatterns)
		}
	}
	c.queue = c.queue[:0]
	return root, nil
}

// enqueue gives the rule of a schema, which is filled in later.
func (c *compiler) enqueue(t target) *rule {
	if t.node == nil {
		c.queue = append(c.queue, t)
		return nil
	}
	if t.node.rule == nil {
		t.node.rule = &rule{node: t.node, doc: t.res.doc}
		c.queue = append(c.queue, t)
	}
	return t.node.rule
}

func (c *compiler) compileRule(t target) error {
	n, r := t.node, t.node.rule
	res := t.res
	if n.res != nil {
		res = n.res
	}
	r.version = res.dialect.draft.version
	r.resource = c.enqueue(target{node: res.node, res: res})
	if r.version >= 2020 && r == r.resource {
		for _, name := range res.dynamic {
			if r.dynamicAnchors == nil {
				r.dynamicAnchors = make(map[string]*rule)
			}
			r.dynamicAnchors[name] = c.enqueue(target{node: res.anchors[name], res: res})
		}
	}
	switch n.kind {
	case kindTrue:
		r.verdict = verdictTrue
	case kindFalse:
		r.verdict = verdictFalse
	case kindObject:
		if len(n.kids) == 0 {
			r.verdict = verdictTrue
			break
		}
		b := builder{c: c, n: n, res: res, r: r}
		b.k.read(n)
		if err := b.build(); err != nil {
			return err
		}
	}
	return nil
}
