package schema

import (
	"errors"
	"fmt"
	gourl "net/url"
	"strconv"
	"strings"
)

// resource is a schema with an id of its own, or the root of a document.
type resource struct {
	node    *node
	doc     *document
	id      string
	self    string // id, as a reference "#..." within the resource resolves
	dialect dialect
	anchors map[string]*node
	dynamic []string // names of dynamic anchors, in the order found
}

// load gives the parsed document at url, without looking for schemas in it.
func (c *compiler) load(url string) (*document, error) {
	if d, ok := c.documents[url]; ok {
		return d, nil
	}
	if len(c.documents) >= maxDocuments {
		return nil, fmt.Errorf("%w: more than %d documents", ErrLimit, maxDocuments)
	}
	data := metaFile(url)
	if data == nil {
		var err error
		if data, err = c.fetch(url); err != nil {
			return nil, &wrappedError{"failing loading " + strconv.Quote(url) + ": ", err}
		}
	}
	d, err := parseDocument(data)
	if err != nil {
		return nil, &wrappedError{"failing loading " + strconv.Quote(url) + ": ", err}
	}
	d.url = url
	c.documents[url] = d
	return d, nil
}

// fetch gets a document from outside.
func (c *compiler) fetch(url string) ([]byte, error) {
	u, err := gourl.Parse(url)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "file", "http", "https":
		if c.options.Load == nil {
			return nil, errors.New("references to other documents are not allowed here")
		}
		return c.options.Load(url)
	case "urn":
		if c.options.UnresolvedURN != nil {
			c.options.UnresolvedURN(url)
		}
		return []byte("true"), nil
	}
	return nil, textError("no URLLoader registered for " + strconv.Quote(u.String()))
}

// open gives the document at url with its ids and anchors known and its form
// checked.
func (c *compiler) open(url string) (*document, error) {
	d, err := c.load(url)
	if err != nil || d.scanned {
		return d, err
	}
	d.scanned = true
	root := &resource{node: d.root, doc: d, id: url, dialect: dialect{draft: draft2020}}
	s := scanner{c: c, doc: d}
	if err := s.scan(d.root, root, true); err != nil {
		return nil, err
	}
	if strings.HasPrefix(url, "http://json-schema.org/") || strings.HasPrefix(url, "https://json-schema.org/") || !s.suspect {
		return d, nil
	}
	return d, c.checkForm(d, d.root)
}

// ensure makes a schema of a node that no keyword of the draft leads to, but a
// reference does.
func (c *compiler) ensure(d *document, n *node, enclosing *resource) error {
	if n.scanned {
		return nil
	}
	s := scanner{c: c, doc: d}
	if err := s.scan(n, enclosing, false); err != nil {
		return err
	}
	if !s.suspect && schemaShaped(n, enclosing.dialect.draft.version) {
		return nil
	}
	return c.checkForm(d, n)
}

// scanner walks over the schemas of a document.
type scanner struct {
	c       *compiler
	doc     *document
	suspect bool // something was met that only the metaschema can judge
}

// place is where n stands, for messages.
func (s *scanner) place(n *node) string {
	return locationOf(s.doc.url, s.doc.pointerOf(n))
}

// scan finds the ids and anchors in the schema n and below. The resource res
// encloses n; for the root of a document it says what to start from.
func (s *scanner) scan(n *node, res *resource, isRoot bool) error {
	if n.scanned {
		return nil
	}
	n.scanned, n.res = true, res
	if n.kind != kindObject {
		if isRoot {
			s.doc.resources[res.id] = res
			s.suspect = !schemaShaped(n, res.dialect.draft.version)
		}
		return nil
	}
	draft := res.dialect.draft
	_, named := n.str("$schema")
	if named {
		var err error
		place := func() string { return s.place(n) }
		if draft, err = s.c.draftFor(n, s.doc.url, place, isRoot, draft, nil); err != nil {
			return err
		}
	}
	id := draft.idOf(n)
	if id == "" && !isRoot {
		draft, named = res.dialect.draft, false
		id = draft.idOf(n)
	}
	if id != "" || isRoot {
		var err error
		if res, err = s.enter(n, res, id, draft, named); err != nil {
			return err
		}
	}
	if err := s.anchors(n, res); err != nil {
		return err
	}
	s.check(n, res.dialect)
	for i := range n.kids {
		if err := s.below(draft, n.kids[i].name, n.kids[i].node, res); err != nil {
			return err
		}
	}
	return nil
}

// enter begins the resource that n is the root of.
func (s *scanner) enter(n *node, outer *resource, id string, draft *draft, named bool) (*resource, error) {
	url := outer.id
	if id != "" {
		var err error
		if url, _, err = join(outer.id, id); err != nil {
			return nil, textError("error in parsing id at " + strconv.Quote(s.place(n)))
		}
	}
	if other := s.doc.resources[url]; other != nil {
		at := s.doc.pointersTo(n, other.node)
		return nil, fmt.Errorf("duplicate id %q in %q at %q and %q", url, s.doc.url, at[n], at[other.node])
	}
	res := &resource{node: n, doc: s.doc, id: url, dialect: outer.dialect}
	if named {
		vocabs, err := s.c.vocabsFor(n, draft)
		if err != nil {
			return nil, err
		}
		res.dialect = dialect{draft, vocabs}
	}
	s.doc.resources[url] = res
	n.res = res
	return res, nil
}

// anchors notes the anchors that n gives itself.
func (s *scanner) anchors(n *node, res *resource) error {
	version := res.dialect.draft.version
	if version < 2019 {
		if n.get("$ref") != nil {
			return nil
		}
		id, ok := n.str(res.dialect.draft.id)
		if !ok {
			return nil
		}
		_, anchor, err := splitFragment(id)
		if err != nil {
			return textError("error in parsing anchor at " + strconv.Quote(s.place(n)))
		}
		if isPointer(anchor) {
			return nil
		}
		return s.anchor(n, res, anchor)
	}
	if name, ok := n.str("$anchor"); ok {
		if err := s.anchor(n, res, name); err != nil {
			return err
		}
	}
	if version >= 2020 {
		if name, ok := n.str("$dynamicAnchor"); ok {
			if err := s.anchor(n, res, name); err != nil {
				return err
			}
			res.dynamic = append(res.dynamic, name)
		}
	}
	return nil
}

func (s *scanner) anchor(n *node, res *resource, name string) error {
	other, ok := res.anchors[name]
	if ok && other != n {
		at := s.doc.pointersTo(n, other)
		return fmt.Errorf("duplicate anchor %q in %q at %q and %q", name, s.doc.url, at[other], at[n])
	}
	if res.anchors == nil {
		res.anchors = make(map[string]*node)
	}
	res.anchors[name] = n
	return nil
}

// holds says how the value of a keyword holds subschemas.
type holds uint8

const (
	holdsNone holds = iota
	holdsOne
	holdsList      // [schema, ...]
	holdsMap       // {name: schema, ...}
	holdsOneOrList // a schema or a list of them
)

// keywordHolds tells where subschemas are, by draft.
func keywordHolds(version int, keyword string) holds {
	switch keyword {
	case "not", "additionalProperties", "additionalItems":
		return holdsOne
	case "allOf", "anyOf", "oneOf":
		return holdsList
	case "properties", "patternProperties", "definitions", "dependencies":
		return holdsMap
	case "items":
		return holdsOneOrList
	case "propertyNames", "contains":
		return since(version, 6, holdsOne)
	case "if", "then", "else":
		return since(version, 7, holdsOne)
	case "$defs", "dependentSchemas":
		return since(version, 2019, holdsMap)
	case "unevaluatedProperties", "unevaluatedItems", "contentSchema":
		return since(version, 2019, holdsOne)
	case "prefixItems":
		return since(version, 2020, holdsList)
	}
	return holdsNone
}

func since(version, first int, h holds) holds {
	if version < first {
		return holdsNone
	}
	return h
}

// below scans the subschemas in the value of a keyword.
func (s *scanner) below(draft *draft, keyword string, value *node, res *resource) error {
	h := keywordHolds(draft.version, keyword)
	if h == holdsOne || h == holdsOneOrList {
		if err := s.scan(value, res, false); err != nil {
			return err
		}
	}
	if h == holdsMap && value.kind == kindObject ||
		(h == holdsList || h == holdsOneOrList) && value.kind == kindArray {
		for i := range value.kids {
			if err := s.scan(value.kids[i].node, res, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// resolve finds what the URL with a fragment means, seen from a schema of
// the document: a resource of that document, or one of another.
func (c *compiler) resolve(from *resource, ref string) (target, error) {
	var url, fragment string
	var err error
	if ref != "" && ref[0] == '#' {
		if from.self == "" {
			if from.self, _, err = join(from.id, ""); err != nil {
				return target{}, err
			}
		}
		url = from.self
		_, fragment, err = splitFragment(ref)
	} else {
		url, fragment, err = join(from.id, ref)
	}
	if err != nil {
		return target{}, err
	}
	doc := from.doc
	res := doc.resources[url]
	if url == doc.url {
		res = doc.root.res
	}
	if res == nil {
		if doc, err = c.open(url); err != nil {
			return target{}, err
		}
		res = doc.root.res
	}
	return res.find(fragment)
}

// target is a place that a reference leads to. That it leads nowhere only
// counts when its turn to be compiled comes.
type target struct {
	node *node
	res  *resource // the innermost around node
	err  error     // why node is nil
}

// find resolves a fragment within the resource.
func (res *resource) find(fragment string) (target, error) {
	if !isPointer(fragment) {
		n, ok := res.anchors[fragment]
		if !ok {
			return target{}, fmt.Errorf("anchor in %q not found in schema %q", locationOf(res.id, fragment), res.doc.url)
		}
		return target{node: n, res: n.res}, nil
	}
	n, enclosing, err := res.doc.lookup(res.node, res, fragment)
	return target{node: n, res: enclosing, err: err}, nil
}
