package schema

import (
	"fmt"
	"strconv"
)

// checkForm runs the schema n of a document against the metaschema of its
// dialect. Resources below with a dialect of their own are run against that.
func (c *compiler) checkForm(d *document, n *node) error {
	if c.metas == nil {
		c.metas = newCompiler(Options{})
		c.metas.assertFormat = true
	}
	w := walker{maxSteps: c.options.MaxSteps, metas: make(map[string]*rule)}
	var own []*resource // with a dialect that the root does not have
	var nodes []*node
	for _, res := range d.resources {
		if plain := d.root.res.dialect; res.dialect.vocabs != nil || plain.vocabs != nil || res.dialect.draft != plain.draft {
			own, nodes = append(own, res), append(nodes, res.node)
		}
	}
	at := d.pointersTo(nodes...)
	if len(at) < len(nodes) {
		return fmt.Errorf("%w: pointers to the ids of %s are too long", ErrLimit, d.url)
	}
	for _, res := range own {
		m, err := c.metaRule(res.dialect)
		if err != nil {
			return err
		}
		w.metas[at[res.node]] = m
	}
	meta, err := c.metaRule(n.res.dialect)
	if err != nil {
		return err
	}
	w.meta = meta
	issues := w.run(meta, n.value())
	if w.stopped != nil {
		return &wrappedError{"unable to validate schema: ", w.stopped}
	}
	if issues == nil {
		return nil
	}
	invalid := &ValidationError{url: meta.location(), issues: issues}
	return &wrappedError{strconv.Quote(locationOf(d.url, d.pointerOf(n))) + " is not valid against metaschema: ", textError(invalid.full())}
}

// metaRule is the compiled metaschema of a dialect.
func (c *compiler) metaRule(d dialect) (*rule, error) {
	if d.vocabs == nil {
		return c.metas.compile(d.draft.url, "")
	}
	all := &rule{
		doc:     &document{url: "urn:mem:metaschema"},
		version: d.draft.version,
		logic:   &logicRules{},
	}
	all.resource = all
	base := d.draft.url[:len(d.draft.url)-len("schema")]
	for _, vocab := range d.vocabs {
		r, err := c.metas.compile(base+"meta/"+vocab, "")
		if err != nil {
			return nil, err
		}
		all.logic.allOf = append(all.logic.allOf, r)
	}
	if all.version >= 2020 {
		all.dynamicAnchor = "meta"
		all.dynamicAnchors = map[string]*rule{"meta": all}
	}
	return all, nil
}
