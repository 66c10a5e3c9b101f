package schema

// keywords are the values of an object's keywords, nil where it has none.
type keywords struct {
	ref                   *node
	allOf                 *node
	anyOf                 *node
	oneOf                 *node
	not                   *node
	items                 *node
	additionalItems       *node
	properties            *node
	patternProperties     *node
	additionalProperties  *node
	minLength             *node
	maxLength             *node
	minItems              *node
	maxItems              *node
	minProperties         *node
	maxProperties         *node
	multipleOf            *node
	maximum               *node
	exclusiveMaximum      *node
	minimum               *node
	exclusiveMinimum      *node
	contains              *node
	propertyNames         *node
	when                  *node
	then                  *node
	orElse                *node
	recursiveRef          *node
	minContains           *node
	maxContains           *node
	dependentSchemas      *node
	unevaluatedItems      *node
	unevaluatedProperties *node
	dynamicRef            *node
	prefixItems           *node
	format                *node
	dependencies          *node
	typ                   *node
	enum                  *node
	pattern               *node
	uniqueItems           *node
	required              *node
	constant              *node
	recursiveAnchor       *node
	dependentRequired     *node
	dynamicAnchor         *node
}

// read sorts the members of an object into k.
func (k *keywords) read(n *node) {
	for i := range n.kids {
		if at := k.slot(n.kids[i].name); at != nil {
			*at = n.kids[i].node
		}
	}
}

// slot is where the value of a keyword goes; nil for any other name.
func (k *keywords) slot(name string) **node {
	switch name {
	case "$ref":
		return &k.ref
	case "allOf":
		return &k.allOf
	case "anyOf":
		return &k.anyOf
	case "oneOf":
		return &k.oneOf
	case "not":
		return &k.not
	case "items":
		return &k.items
	case "additionalItems":
		return &k.additionalItems
	case "properties":
		return &k.properties
	case "patternProperties":
		return &k.patternProperties
	case "additionalProperties":
		return &k.additionalProperties
	case "minLength":
		return &k.minLength
	case "maxLength":
		return &k.maxLength
	case "minItems":
		return &k.minItems
	case "maxItems":
		return &k.maxItems
	case "minProperties":
		return &k.minProperties
	case "maxProperties":
		return &k.maxProperties
	case "multipleOf":
		return &k.multipleOf
	case "maximum":
		return &k.maximum
	case "exclusiveMaximum":
		return &k.exclusiveMaximum
	case "minimum":
		return &k.minimum
	case "exclusiveMinimum":
		return &k.exclusiveMinimum
	case "contains":
		return &k.contains
	case "propertyNames":
		return &k.propertyNames
	case "if":
		return &k.when
	case "then":
		return &k.then
	case "else":
		return &k.orElse
	case "$recursiveRef":
		return &k.recursiveRef
	case "minContains":
		return &k.minContains
	case "maxContains":
		return &k.maxContains
	case "dependentSchemas":
		return &k.dependentSchemas
	case "unevaluatedItems":
		return &k.unevaluatedItems
	case "unevaluatedProperties":
		return &k.unevaluatedProperties
	case "$dynamicRef":
		return &k.dynamicRef
	case "prefixItems":
		return &k.prefixItems
	case "format":
		return &k.format
	case "dependencies":
		return &k.dependencies
	case "type":
		return &k.typ
	case "enum":
		return &k.enum
	case "pattern":
		return &k.pattern
	case "uniqueItems":
		return &k.uniqueItems
	case "required":
		return &k.required
	case "const":
		return &k.constant
	case "$recursiveAnchor":
		return &k.recursiveAnchor
	case "dependentRequired":
		return &k.dependentRequired
	case "$dynamicAnchor":
		return &k.dynamicAnchor
	}
	return nil
}
