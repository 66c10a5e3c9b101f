package schema

import (
	"fmt"
	"strconv"
)

// builder compiles the keywords of one object.
type builder struct {
	c   *compiler
	n   *node
	k   keywords
	res *resource
	r   *rule
}

// build goes through the keywords in the order in which Helm's library does,
// because the first error is the one that is reported.
func (b *builder) build() error {
	r, d := b.r, b.res.dialect
	var err error
	if r.ref, err = b.reference(b.k.ref); err != nil {
		return err
	}
	if alone := r.version < 2019 && b.k.ref != nil && b.k.ref.kind == kindString; !alone {
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
		l := logicRules{allOf: b.list(b.k.allOf), anyOf: b.list(b.k.anyOf), oneOf: b.list(b.k.oneOf), not: b.one(b.k.not)}
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
		if name, ok := b.k.format.asString(); ok {
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
	items := b.k.items
	if items == nil {
		return
	}
	a := b.array()
	if items.kind != kindArray {
		a.rest = b.one(b.k.items)
		b.r.allItems = true
		return
	}
	a.first = b.list(b.k.items)
	b.r.firstItems = len(a.first)
	switch more := b.k.additionalItems; {
	case more == nil:
	case more.kind == kindFalse:
		a.refuseMore, b.r.allItems = true, true
	case more.kind == kindTrue:
		b.r.allItems = true
	default:
		a.rest, b.r.allItems = b.one(b.k.additionalItems), true
	}
}

func (b *builder) properties() error {
	properties := b.named(b.k.properties)
	patterns := b.named(b.k.patternProperties)
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
	switch more := b.k.additionalProperties; {
	case more == nil:
	case more.kind == kindFalse:
		b.object().refuseMore, b.r.allProperties = true, true
	case more.kind == kindTrue:
		b.object().allowMore, b.r.allProperties = true, true
	default:
		b.object().additional, b.r.allProperties = b.one(b.k.additionalProperties), true
	}
	deps := b.k.dependencies
	if deps == nil || deps.kind != kindObject {
		return nil
	}
	for i := range deps.kids {
		d := dependency{name: deps.kids[i].name}
		if list := deps.kids[i].node; list.kind == kindArray {
			d.required = list.strings()
		} else {
			d.rule = b.one(list)
		}
		o := b.object()
		o.dependencies = append(o.dependencies, d)
	}
	return nil
}

// validation compiles the keywords that look at the value itself.
func (b *builder) validation() error {
	r := b.r
	if t := b.k.typ; t != nil {
		r.types = typeNamed(t.text)
		for _, name := range t.strings() {
			r.types |= typeNamed(name)
		}
	}
	if list := b.k.enum; list != nil && list.kind == kindArray {
		r.enum = &enumeration{values: make([]any, len(list.kids))}
		for i := range list.kids {
			v := list.kids[i].node.value()
			r.enum.values[i] = v
			r.enum.types |= typeOf(v)
		}
	}
	b.numbers()
	least, most := b.count(b.k.minLength), b.count(b.k.maxLength)
	text, hasPattern := b.k.pattern.asString()
	if least != nil || most != nil || hasPattern {
		r.text = &textRules{min: least, max: most}
	}
	if hasPattern {
		var err error
		if r.text.pattern, err = b.regexp("pattern", text); err != nil {
			return err
		}
	}
	unique := b.k.uniqueItems.isTrue()
	if least, most := b.count(b.k.minItems), b.count(b.k.maxItems); least != nil || most != nil || unique {
		a := b.array()
		a.min, a.max, a.unique = least, most, unique
	}
	if least, most := b.count(b.k.minProperties), b.count(b.k.maxProperties); least != nil || most != nil {
		o := b.object()
		o.min, o.max = least, most
	}
	if list := b.k.required; list != nil && list.kind == kindArray {
		if names := list.strings(); names != nil {
			b.object().required = names
		}
	}
	return nil
}

func (b *builder) numbers() {
	var n numberRules
	n.multipleOf = b.number(b.k.multipleOf)
	n.maximum, n.below = b.number(b.k.maximum), b.number(b.k.exclusiveMaximum)
	if b.k.exclusiveMaximum.isTrue() {
		n.maximum, n.below = nil, n.maximum
	}
	n.minimum, n.above = b.number(b.k.minimum), b.number(b.k.exclusiveMinimum)
	if b.k.exclusiveMinimum.isTrue() {
		n.minimum, n.above = nil, n.minimum
	}
	if n != (numberRules{}) {
		b.r.number = &n
	}
}

func (b *builder) draft6(d dialect) {
	if d.has("applicator") {
		if r := b.one(b.k.contains); r != nil {
			b.array().contains = r
		}
		if r := b.one(b.k.propertyNames); r != nil {
			b.object().names = r
		}
	}
	if d.has("validation") {
		if v := b.k.constant; v != nil {
			b.r.hasConst, b.r.constant = true, v.value()
		}
	}
}

func (b *builder) draft7(d dialect) {
	if !d.has("applicator") {
		return
	}
	when := b.one(b.k.when)
	if when == nil {
		return
	}
	l := b.logic()
	l.when = when
	if b.k.when.kind != kindFalse {
		l.then = b.one(b.k.then)
	}
	if b.k.when.kind != kindTrue {
		l.orElse = b.one(b.k.orElse)
	}
}

func (b *builder) draft2019(d dialect) error {
	r := b.r
	recursive, err := b.reference(b.k.recursiveRef)
	if err != nil {
		return err
	}
	if recursive != nil {
		b.logic().recursiveRef = recursive
	}
	r.recursiveAnchor = b.k.recursiveAnchor.isTrue()
	if d.has("validation") {
		if r.array != nil && r.array.contains != nil {
			r.array.minContains, r.array.maxContains = b.count(b.k.minContains), b.count(b.k.maxContains)
		}
		if m := b.k.dependentRequired; m != nil && m.kind == kindObject {
			o := b.object()
			for i := range m.kids {
				if list := m.kids[i].node; list.kind == kindArray {
					o.dependentRequired = append(o.dependentRequired, dependency{name: m.kids[i].name, required: list.strings()})
				}
			}
		}
	}
	if d.has("applicator") {
		if deps := b.named(b.k.dependentSchemas); deps != nil {
			b.object().dependentSchemas = deps
		}
	}
	vocab := "unevaluated"
	if r.version == 2019 {
		vocab = "applicator"
	}
	if d.has(vocab) {
		r.unevaluatedItems = b.one(b.k.unevaluatedItems)
		r.unevaluatedProperties = b.one(b.k.unevaluatedProperties)
	}
	return nil
}

func (b *builder) draft2020(d dialect) error {
	dynamic, err := b.reference(b.k.dynamicRef)
	if err != nil {
		return err
	}
	if dynamic != nil {
		l := b.logic()
		l.dynamicRef = dynamic
		text, _ := b.k.dynamicRef.asString()
		if _, fragment, err := splitFragment(text); err == nil && !isPointer(fragment) {
			l.dynamicRefAnchor = fragment
		}
	}
	b.r.dynamicAnchor, _ = b.k.dynamicAnchor.asString()
	if !d.has("applicator") {
		return nil
	}
	first, rest := b.list(b.k.prefixItems), b.one(b.k.items)
	if first != nil || rest != nil {
		a := b.array()
		a.first, a.rest = first, rest
		b.r.firstItems, b.r.allItems = len(first), rest != nil
	}
	return nil
}

// reference gives the rule that the value of a reference keyword leads to.
func (b *builder) reference(n *node) (*rule, error) {
	ref, ok := n.asString()
	if !ok {
		return nil, nil
	}
	t, err := b.c.resolve(b.res, ref)
	if err != nil {
		return nil, err
	}
	return b.c.enqueue(t), nil
}

// one gives the rule of the schema n; nil for a keyword that is not there.
func (b *builder) one(n *node) *rule {
	if n == nil {
		return nil
	}
	return b.c.enqueue(target{node: n, res: b.res})
}

func (b *builder) list(n *node) []*rule {
	if n == nil || n.kind != kindArray {
		return nil
	}
	rules := make([]*rule, len(n.kids))
	for i := range n.kids {
		rules[i] = b.one(n.kids[i].node)
	}
	return rules
}

func (b *builder) named(n *node) []property {
	if n == nil || n.kind != kindObject {
		return nil
	}
	properties := make([]property, len(n.kids))
	for i := range n.kids {
		properties[i] = property{n.kids[i].name, b.one(n.kids[i].node)}
	}
	return properties
}

func (b *builder) number(n *node) *number {
	if n == nil || n.kind != kindNumber {
		return nil
	}
	num := parseNumber(n.text)
	return &num
}

func (b *builder) count(n *node) *int {
	num := b.number(n)
	if num == nil || !num.isWhole() {
		return nil
	}
	i := int(max(-maxExact, min(num.near, maxExact)))
	return &i
}

func (b *builder) regexp(keyword, text string) (*pattern, error) {
	p := b.c.pattern(text)
	if p.err != nil {
		at := b.res.doc.pointerOf(b.n) + "/" + escapeToken(keyword)
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
