package schema

import "strings"

// The metaschemas decide what a valid schema document is, and they word the
// errors. To run them costs more than all the rest of compiling, so the
// scanner first looks at each keyword by the plain rules below, which accept
// nothing that the metaschema refuses. Only a document with a keyword that
// they do not vouch for is run against its metaschema.

// schemaShaped tells whether a schema may be written as n at all.
func schemaShaped(n *node, version int) bool {
	return n.kind == kindObject || version > 4 && (n.kind == kindTrue || n.kind == kindFalse)
}

// check looks at the keywords of the object n, not at what is below.
func (s *scanner) check(n *node, d dialect) {
	if s.suspect {
		return
	}
	if d.vocabs != nil || d.draft != s.doc.root.res.dialect.draft {
		s.suspect = true
		return
	}
	for i := range n.kids {
		if !s.vouch(n, n.kids[i].name, n.kids[i].node, d.draft.version) {
			s.suspect = true
			return
		}
	}
}

// vouch tells whether the value of a keyword is right beyond doubt. A keyword
// that the draft does not know may hold anything.
func (s *scanner) vouch(owner *node, keyword string, v *node, version int) bool {
	switch keyword {
	case "title", "description", "format":
		return v.kind == kindString
	case "type":
		return typesShaped(v)
	case "properties", "definitions":
		return schemasShaped(v, version)
	case "patternProperties":
		return schemasShaped(v, version) && (version < 7 || s.patternNames(v))
	case "required":
		return stringsShaped(v, version)
	case "additionalProperties", "not":
		return schemaShaped(v, version) || keyword != "not" && isBool(v)
	case "additionalItems":
		return version < 2020 && (schemaShaped(v, version) || isBool(v))
	case "items":
		return schemaShaped(v, version) || version < 2020 && listShaped(v, version)
	case "allOf", "anyOf", "oneOf":
		return listShaped(v, version)
	case "enum":
		return v.kind == kindArray && (version >= 2019 || len(v.kids) > 0 && distinct(v))
	case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
		return isCount(v)
	case "minimum", "maximum":
		return v.kind == kindNumber
	case "exclusiveMinimum", "exclusiveMaximum":
		if version == 4 {
			return isBool(v) && owner.get(strings.ToLower(keyword[len("exclusive"):])) != nil
		}
		return v.kind == kindNumber
	case "multipleOf":
		return v.kind == kindNumber && isPositive(v.text)
	case "uniqueItems":
		return isBool(v)
	case "pattern":
		return v.kind == kindString && s.c.pattern(v.text).err == nil
	case "dependencies":
		return dependenciesShaped(v, version)
	}
	return vouchCore(keyword, v, version) && vouchLater(keyword, v, version)
}

// vouchCore is vouch for the keywords of references and names.
func vouchCore(keyword string, v *node, version int) bool {
	switch keyword {
	case "$schema":
		return v.kind == kindString && strings.HasPrefix(v.text, "http") && draftOf(v.text) != nil
	case "id":
		return version > 4 || v.kind == kindString
	case "$id":
		return version == 4 || v.kind == kindString && isPlainReference(v.text) &&
			(version < 2019 || strings.IndexByte(v.text, '#') < 0)
	case "$ref":
		return v.kind == kindString && (version == 4 || isPlainReference(v.text))
	case "$anchor", "$dynamicAnchor":
		return version < 2019 || v.kind == kindString && isPlainAnchor(v.text)
	case "$dynamicRef":
		return version < 2020 || v.kind == kindString && isPlainReference(v.text)
	case "$recursiveRef", "$recursiveAnchor", "$vocabulary":
		return version < 2019
	}
	return true
}

// vouchLater is vouch for what draft 6 and later added.
func vouchLater(keyword string, v *node, version int) bool {
	switch keyword {
	case "contains", "propertyNames":
		return version < 6 || schemaShaped(v, version)
	case "if", "then", "else":
		return version < 7 || schemaShaped(v, version)
	case "$comment", "contentEncoding", "contentMediaType":
		return version < 7 || v.kind == kindString
	case "readOnly", "writeOnly":
		return version < 7 || isBool(v)
	case "examples":
		return version < 7 || v.kind == kindArray
	case "deprecated":
		return version < 2019 || isBool(v)
	case "$defs", "dependentSchemas":
		return version < 2019 || schemasShaped(v, version)
	case "unevaluatedItems", "unevaluatedProperties", "contentSchema":
		return version < 2019 || schemaShaped(v, version)
	case "minContains", "maxContains":
		return version < 2019 || isCount(v)
	case "dependentRequired":
		if version < 2019 {
			return true
		}
		for i := range v.kids {
			if !stringsShaped(v.kids[i].node, version) {
				return false
			}
		}
		return v.kind == kindObject
	case "prefixItems":
		return version < 2020 || listShaped(v, version)
	}
	return true
}

func isBool(n *node) bool { return n.kind == kindTrue || n.kind == kindFalse }

// isCount accepts whole numbers written in digits alone.
func isCount(n *node) bool {
	if n.kind != kindNumber {
		return false
	}
	for i := 0; i < len(n.text); i++ {
		if n.text[i] < '0' || n.text[i] > '9' {
			return false
		}
	}
	return true
}

// isPositive accepts numbers above zero without an exponent.
func isPositive(number string) bool {
	return !strings.ContainsAny(number, "-eE") && strings.ContainsAny(number, "123456789")
}

// isPlainReference accepts URI references of letters and harmless signs.
func isPlainReference(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '/', c == '#', c == '.', c == '-', c == '_', c == '$', c == '~':
		default:
			rest, ok := strings.CutPrefix(s, "https://")
			if !ok {
				rest, ok = strings.CutPrefix(s, "http://")
			}
			return ok && strings.IndexByte(rest, ':') < 0 && isPlainReference(rest)
		}
	}
	return true
}

func isPlainAnchor(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'):
		default:
			return false
		}
	}
	return s != ""
}

func listShaped(n *node, version int) bool {
	for i := range n.kids {
		if !schemaShaped(n.kids[i].node, version) {
			return false
		}
	}
	return n.kind == kindArray && len(n.kids) > 0
}

func schemasShaped(n *node, version int) bool {
	if n.kind != kindObject {
		return false
	}
	for i := range n.kids {
		if !schemaShaped(n.kids[i].node, version) {
			return false
		}
	}
	return true
}

func dependenciesShaped(n *node, version int) bool {
	if n.kind != kindObject {
		return false
	}
	for i := range n.kids {
		if dep := n.kids[i].node; !schemaShaped(dep, version) && !stringsShaped(dep, version) {
			return false
		}
	}
	return true
}

func (s *scanner) patternNames(n *node) bool {
	for i := range n.kids {
		if s.c.pattern(n.kids[i].name).err != nil {
			return false
		}
	}
	return true
}

func stringsShaped(n *node, version int) bool {
	if n.kind != kindArray || version == 4 && len(n.kids) == 0 {
		return false
	}
	for i := range n.kids {
		if n.kids[i].node.kind != kindString {
			return false
		}
	}
	return distinct(n)
}

func typesShaped(n *node) bool {
	if n.kind == kindString {
		return typeNamed(n.text) != 0
	}
	if n.kind != kindArray || len(n.kids) == 0 {
		return false
	}
	var seen types
	for i := range n.kids {
		t := n.kids[i].node
		bit := typeNamed(t.text)
		if t.kind != kindString || bit == 0 || seen&bit != 0 {
			return false
		}
		seen |= bit
	}
	return true
}

// distinct tells whether the items of an array are different from each other;
// it gives up on nested values and on numbers not written in digits.
func distinct(n *node) bool {
	const few = 16
	var seen map[scalar]bool
	if len(n.kids) > few {
		seen = make(map[scalar]bool, len(n.kids))
	}
	for i := range n.kids {
		v := n.kids[i].node
		if v.kind == kindArray || v.kind == kindObject || v.kind == kindNumber && (!isCount(v) || v.text != "0" && v.text[0] == '0') {
			return len(n.kids) == 1
		}
		key := scalar{v.kind, v.text}
		if seen != nil {
			if seen[key] {
				return false
			}
			seen[key] = true
			continue
		}
		for j := 0; j < i; j++ {
			if w := n.kids[j].node; w.kind == key.kind && w.text == key.text {
				return false
			}
		}
	}
	return true
}

// scalar is what makes two scalars equal.
type scalar struct {
	kind kind
	text string
}
