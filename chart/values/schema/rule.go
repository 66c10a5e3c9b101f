package schema

import (
	"math"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// rule is the compiled form of one schema.
type rule struct {
	node     *node
	doc      *document
	resource *rule // the root of the resource that it belongs to

	version  int
	verdict  verdict
	types    types
	hasConst bool
	constant any
	enum     *enumeration
	format   *format
	ref      *rule

	object *objectRules
	array  *arrayRules
	number *numberRules
	text   *textRules
	logic  *logicRules

	unevaluatedProperties *rule
	unevaluatedItems      *rule
	allProperties         bool // additionalProperties looks at every property
	allItems              bool // some keyword looks at every item
	firstItems            int  // orElseise, so many items are looked at by position

	recursiveAnchor bool
	dynamicAnchor   string
	dynamicAnchors  map[string]*rule // of a resource
}

// verdict is the outcome of schemas that need no look at the value.
type verdict uint8

const (
	verdictOpen verdict = iota
	verdictTrue
	verdictFalse
)

type enumeration struct {
	values []any
	types  types
}

type objectRules struct {
	min, max          *int
	required          []string
	properties        []property // sorted by name
	patterns          []patternProperty
	additional        *rule
	refuseMore        bool // additionalProperties: false
	allowMore         bool // additionalProperties: true
	dependencies      []dependency
	names             *rule
	dependentSchemas  []property
	dependentRequired []dependency
}

type property struct {
	name string
	rule *rule
}

type patternProperty struct {
	pattern *pattern
	rule    *rule
}

// dependency asks for other properties, or for a schema, if name is there.
type dependency struct {
	name     string
	required []string
	rule     *rule // nil: required counts
}

type arrayRules struct {
	min, max                 *int
	unique                   bool
	first                    []*rule // items by position
	rest                     *rule   // those after first
	refuseMore               bool    // additionalItems: false
	contains                 *rule
	minContains, maxContains *int
}

type textRules struct {
	min, max *int
	pattern  *pattern
}

type numberRules struct {
	minimum, maximum, above, below, multipleOf *number
}

type logicRules struct {
	not                 *rule
	allOf, anyOf, oneOf []*rule
	when, then, orElse  *rule
	recursiveRef        *rule
	dynamicRef          *rule
	dynamicRefAnchor    string
}

// property finds the schema of a property by its name.
func (o *objectRules) property(name string) *rule {
	lo, hi := 0, len(o.properties)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		switch c := strings.Compare(o.properties[mid].name, name); {
		case c == 0:
			return o.properties[mid].rule
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return nil
}

// location is the URL of the rule with a pointer.
func (r *rule) location() string {
	if r.node == nil {
		return r.doc.url
	}
	return locationOf(r.doc.url, r.doc.pointerOf(r.node))
}

// types is a set of JSON types.
type types uint8

const (
	typeNull types = 1 << iota
	typeBoolean
	typeNumber
	typeInteger
	typeString
	typeArray
	typeObject
)

var typeNames = [...]string{"null", "boolean", "number", "integer", "string", "array", "object"}

func typeNamed(name string) types {
	for i, n := range typeNames {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// join names the types of the set with sep between them.
func (t types) join(sep string) string {
	var names []string
	for i, n := range typeNames {
		if t&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, sep)
}

// typeOf is the type of a value, 0 if it is not one that JSON has.
func typeOf(v any) types {
	switch v := v.(type) {
	case nil:
		return typeNull
	case bool:
		return typeBoolean
	case string:
		return typeString
	case []any:
		return typeArray
	case map[string]any:
		return typeObject
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0
		}
		return typeNumber
	}
	if isNumber(v) {
		return typeNumber
	}
	return 0
}

// pattern is a regular expression that is compiled when first used.
type pattern struct {
	text   string
	err    error // of its syntax
	weight int   // about the number of instructions it compiles to

	once   sync.Once
	regexp *regexp.Regexp
}

func newPattern(text string) *pattern {
	re, err := syntax.Parse(text, syntax.Perl)
	p := &pattern{text: text, err: err}
	if err == nil {
		p.weight = weigh(re)
	}
	return p
}

// weigh estimates the size of a compiled expression. The parser has already
// refused those with repetitions beyond 1,000.
func weigh(re *syntax.Regexp) int {
	w := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		w += weigh(sub)
	}
	if re.Op == syntax.OpRepeat {
		w *= max(1, re.Min, re.Max)
	}
	return w
}

// cost is the charge for matching a text of the given length.
func (p *pattern) cost(length int) int { return (length / 64) * (1 + p.weight/64) }

// matches tells whether s contains a match. A pattern that cannot be compiled
// after all matches nothing.
func (p *pattern) matches(s string) bool {
	p.once.Do(func() { p.regexp, _ = regexp.Compile(p.text) })
	return p.regexp != nil && p.regexp.MatchString(s)
}
