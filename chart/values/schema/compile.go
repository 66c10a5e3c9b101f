package schema

import (
	"fmt"
	"strconv"
)

// compiler turns documents into rules. It lives for one Compile.
type compiler struct {
	options      Options
	documents    map[string]*document // by URL
	patterns     map[string]*pattern
	queue        []target  // schemas found, in the order in which they are compiled
	assertFormat bool      // in every draft: for the metaschemas
	metas        *compiler // compiles metaschemas, once one is needed
}

func newCompiler(o Options) *compiler {
	return &compiler{options: o, documents: make(map[string]*document), patterns: make(map[string]*pattern)}
}

func (c *compiler) pattern(text string) *pattern {
	p := c.patterns[text]
	if p == nil {
		p = newPattern(text)
		c.patterns[text] = p
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
		if err := b.build(); err != nil {
			return err
		}
	}
	return nil
}

// builder compiles the keywords of one object.
type builder struct {
	c   *compiler
	n   *node
	res *resource
	r   *rule
}

// build goes through the keywords in the order in which Helm's library does,
// because the first error is the one that is reported.
func (b *builder) build() error {
	r, d := b.r, b.res.dialect
	var err error
	if r.ref, err = b.reference("$ref"); err != nil {
		return err
	}
	if alone := r.version < 2019 && b.n.get("$ref") != nil && b.n.get("$ref").kind == kindString; !alone {
		if err := b.draft4(d); err != nil {
			return err
		}
	}
	if r.version >= 6 {
		b.draft6(d)
	}
	if r.version >= 7 {
		b.draft7(d)
	}
	if r.version >= 2019 {
		if err := b.draft2019(d); err != nil {
			return err
		}
	}
	if r.version >= 2020 {
		return b.draft2020(d)
	}
	return nil
}

func (b *builder) draft4(d dialect) error {
	r := b.r
	if d.has("applicator") {
		l := logicRules{allOf: b.list("allOf"), anyOf: b.list("anyOf"), oneOf: b.list("oneOf"), not: b.one("not")}
		if l.allOf != nil || l.anyOf != nil || l.oneOf != nil || l.not != nil {
			*b.logic() = l
		}
		if r.version < 2020 {
			b.items()
		}
		if err := b.properties(); err != nil {
			return err
		}
	}
	if d.has("validation") {
		if err := b.validation(); err != nil {
			return err
		}
	}
	if b.assertsFormat(d) {
		if name, ok := b.n.str("format"); ok {
			r.format = formatNamed(name)
		}
	}
	return nil
}

func (b *builder) assertsFormat(d dialect) bool {
	switch {
	case b.c.assertFormat, b.r.version < 2019:
		return true
	case b.r.version == 2019:
		return d.has("format")
	}
	return d.has("format-assertion")
}

// items compiles items and additionalItems up to 2019-09.
func (b *builder) items() {
	items := b.n.get("items")
	if items == nil {
		return
	}
	a := b.array()
	if items.kind != kindArray {
		a.rest = b.one("items")
		b.r.allItems = true
		return
	}
	a.first = b.list("items")
	b.r.firstItems = len(a.first)
	switch more := b.n.get("additionalItems"); {
	case more == nil:
	case more.kind == kindFalse:
		a.refuseMore, b.r.allItems = true, true
	case more.kind == kindTrue:
		b.r.allItems = true
	default:
		a.rest, b.r.allItems = b.one("additionalItems"), true
	}
}

func (b *builder) properties() error {
	properties := b.named("properties")
	patterns := b.named("patternProperties")
	if properties != nil || patterns != nil {
		o := b.object()
		o.properties = properties
		for _, p := range patterns {
			pattern, err := b.regexp("patternProperties", p.name)
			if err != nil {
				return err
			}
			o.patterns = append(o.patterns, patternProperty{pattern, p.rule})
		}
	}
	switch more := b.n.get("additionalProperties"); {
	case more == nil:
	case more.kind == kindFalse:
		b.object().refuseMore, b.r.allProperties = true, true
	case more.kind == kindTrue:
		b.object().allowMore, b.r.allProperties = true, true
	default:
		b.object().additional, b.r.allProperties = b.one("additionalProperties"), true
	}
	deps := b.n.get("dependencies")
	if deps == nil || deps.kind != kindObject {
		return nil
	}
	for i := range deps.kids {
		d := dependency{name: deps.kids[i].name}
		if list := &deps.kids[i].node; list.kind == kindArray {
			d.required = list.strings()
		} else {
			d.rule = b.child(list)
		}
		o := b.object()
		o.dependencies = append(o.dependencies, d)
	}
	return nil
}

// validation compiles the keywords that look at the value itself.
func (b *builder) validation() error {
	r := b.r
	if t := b.n.get("type"); t != nil {
		r.types = typeNamed(t.text)
		for _, name := range t.strings() {
			r.types |= typeNamed(name)
		}
	}
	if list := b.n.get("enum"); list != nil && list.kind == kindArray {
		r.enum = &enumeration{values: make([]any, len(list.kids))}
		for i := range list.kids {
			v := list.kids[i].node.value()
			r.enum.values[i] = v
			r.enum.types |= typeOf(v)
		}
	}
	b.numbers()
	least, most := b.count("minLength"), b.count("maxLength")
	text, hasPattern := b.n.str("pattern")
	if least != nil || most != nil || hasPattern {
		r.text = &textRules{min: least, max: most}
	}
	if hasPattern {
		var err error
		if r.text.pattern, err = b.regexp("pattern", text); err != nil {
			return err
		}
	}
	unique := b.n.isTrue("uniqueItems")
	if least, most := b.count("minItems"), b.count("maxItems"); least != nil || most != nil || unique {
		a := b.array()
		a.min, a.max, a.unique = least, most, unique
	}
	if least, most := b.count("minProperties"), b.count("maxProperties"); least != nil || most != nil {
		o := b.object()
		o.min, o.max = least, most
	}
	if list := b.n.get("required"); list != nil && list.kind == kindArray {
		if names := list.strings(); names != nil {
			b.object().required = names
		}
	}
	return nil
}

func (b *builder) numbers() {
	var n numberRules
	n.multipleOf = b.number("multipleOf")
	n.maximum, n.below = b.number("maximum"), b.number("exclusiveMaximum")
	if b.n.isTrue("exclusiveMaximum") {
		n.maximum, n.below = nil, n.maximum
	}
	n.minimum, n.above = b.number("minimum"), b.number("exclusiveMinimum")
	if b.n.isTrue("exclusiveMinimum") {
		n.minimum, n.above = nil, n.minimum
	}
	if n != (numberRules{}) {
		b.r.number = &n
	}
}

func (b *builder) draft6(d dialect) {
	if d.has("applicator") {
		if r := b.one("contains"); r != nil {
			b.array().contains = r
		}
		if r := b.one("propertyNames"); r != nil {
			b.object().names = r
		}
	}
	if d.has("validation") {
		if v := b.n.get("const"); v != nil {
			b.r.hasConst, b.r.constant = true, v.value()
		}
	}
}

func (b *builder) draft7(d dialect) {
	if !d.has("applicator") {
		return
	}
	when := b.one("if")
	if when == nil {
		return
	}
	l := b.logic()
	l.when = when
	if b.n.get("if").kind != kindFalse {
		l.then = b.one("then")
	}
	if b.n.get("if").kind != kindTrue {
		l.orElse = b.one("else")
	}
}

func (b *builder) draft2019(d dialect) error {
	r := b.r
	recursive, err := b.reference("$recursiveRef")
	if err != nil {
		return err
	}
	if recursive != nil {
		b.logic().recursiveRef = recursive
	}
	r.recursiveAnchor = b.n.isTrue("$recursiveAnchor")
	if d.has("validation") {
		if r.array != nil && r.array.contains != nil {
			r.array.minContains, r.array.maxContains = b.count("minContains"), b.count("maxContains")
		}
		if m := b.n.get("dependentRequired"); m != nil && m.kind == kindObject {
			o := b.object()
			for i := range m.kids {
				if list := &m.kids[i].node; list.kind == kindArray {
					o.dependentRequired = append(o.dependentRequired, dependency{name: m.kids[i].name, required: list.strings()})
				}
			}
		}
	}
	if d.has("applicator") {
		if deps := b.named("dependentSchemas"); deps != nil {
			b.object().dependentSchemas = deps
		}
	}
	vocab := "unevaluated"
	if r.version == 2019 {
		vocab = "applicator"
	}
	if d.has(vocab) {
		r.unevaluatedItems = b.one("unevaluatedItems")
		r.unevaluatedProperties = b.one("unevaluatedProperties")
	}
	return nil
}

func (b *builder) draft2020(d dialect) error {
	dynamic, err := b.reference("$dynamicRef")
	if err != nil {
		return err
	}
	if dynamic != nil {
		l := b.logic()
		l.dynamicRef = dynamic
		text, _ := b.n.str("$dynamicRef")
		if _, fragment, err := splitFragment(text); err == nil && !isPointer(fragment) {
			l.dynamicRefAnchor = fragment
		}
	}
	b.r.dynamicAnchor, _ = b.n.str("$dynamicAnchor")
	if !d.has("applicator") {
		return nil
	}
	first, rest := b.list("prefixItems"), b.one("items")
	if first != nil || rest != nil {
		a := b.array()
		a.first, a.rest = first, rest
		b.r.firstItems, b.r.allItems = len(first), rest != nil
	}
	return nil
}

// reference gives the rule that a reference keyword leads to.
func (b *builder) reference(keyword string) (*rule, error) {
	ref, ok := b.n.str(keyword)
	if !ok {
		return nil, nil
	}
	t, err := b.c.resolve(b.res, ref)
	if err != nil {
		return nil, err
	}
	return b.c.enqueue(t), nil
}

func (b *builder) child(n *node) *rule {
	return b.c.enqueue(target{node: n, res: b.res})
}

func (b *builder) one(keyword string) *rule {
	n := b.n.get(keyword)
	if n == nil {
		return nil
	}
	return b.child(n)
}

func (b *builder) list(keyword string) []*rule {
	n := b.n.get(keyword)
	if n == nil || n.kind != kindArray {
		return nil
	}
	rules := make([]*rule, len(n.kids))
	for i := range n.kids {
		rules[i] = b.child(&n.kids[i].node)
	}
	return rules
}

func (b *builder) named(keyword string) []property {
	n := b.n.get(keyword)
	if n == nil || n.kind != kindObject {
		return nil
	}
	properties := make([]property, len(n.kids))
	for i := range n.kids {
		properties[i] = property{n.kids[i].name, b.child(&n.kids[i].node)}
	}
	return properties
}

func (b *builder) number(keyword string) *number {
	n := b.n.get(keyword)
	if n == nil || n.kind != kindNumber {
		return nil
	}
	num := parseNumber(n.text)
	return &num
}

func (b *builder) count(keyword string) *int {
	n := b.number(keyword)
	if n == nil || !n.isWhole() {
		return nil
	}
	i := int(max(-maxExact, min(n.near, maxExact)))
	return &i
}

func (b *builder) regexp(keyword, text string) (*pattern, error) {
	p := b.c.pattern(text)
	if p.err != nil {
		at := b.res.doc.pointers()[b.n] + "/" + escapeToken(keyword)
		return nil, fmt.Errorf("invalid regex %s at %s: %w", strconv.Quote(text), strconv.Quote(locationOf(b.res.doc.url, at)), p.err)
	}
	return p, nil
}

func (b *builder) object() *objectRules {
	if b.r.object == nil {
		b.r.object = new(objectRules)
	}
	return b.r.object
}

func (b *builder) array() *arrayRules {
	if b.r.array == nil {
		b.r.array = new(arrayRules)
	}
	return b.r.array
}

func (b *builder) logic() *logicRules {
	if b.r.logic == nil {
		b.r.logic = new(logicRules)
	}
	return b.r.logic
}
