package schema

import (
	"encoding/json"
	"sort"
	"strconv"
	"strings"
)

// kind says what a JSON value is.
type kind uint8

const (
	kindNull kind = iota
	kindFalse
	kindTrue
	kindNumber
	kindString
	kindArray
	kindObject
)

// node is one value of a schema document. Its address is its identity: rules,
// resources and anchors are found through it.
type node struct {
	kind    kind
	scanned bool      // seen as a schema while looking for ids and anchors
	text    string    // the string, or the number as written
	kids    []member  // members of an object sorted by name, or items of an array
	res     *resource // the resource that a scanned schema belongs to
	rule    *rule     // the compiled form, once something refers to it
}

type member struct {
	name string
	node *node
}

// document is one parsed file with the resources found in it.
type document struct {
	url       string
	root      *node
	scanned   bool
	resources map[string]*resource // by id
}

// get finds the member called name of an object.
func (n *node) get(name string) *node {
	if n.kind != kindObject {
		return nil
	}
	i := sort.Search(len(n.kids), func(i int) bool { return n.kids[i].name >= name })
	if i < len(n.kids) && n.kids[i].name == name {
		return n.kids[i].node
	}
	return nil
}

// str is the string called name of an object.
func (n *node) str(name string) (string, bool) { return n.get(name).asString() }

// asString is the text of a string; n may be nil.
func (n *node) asString() (string, bool) {
	if n == nil || n.kind != kindString {
		return "", false
	}
	return n.text, true
}

// isTrue tells whether n, which may be nil, is true.
func (n *node) isTrue() bool { return n != nil && n.kind == kindTrue }

// strings are the strings among the items of an array.
func (n *node) strings() []string {
	var out []string
	for i := range n.kids {
		if n.kids[i].node.kind == kindString {
			out = append(out, n.kids[i].node.text)
		}
	}
	return out
}

// value is the node as plain Go data; numbers become json.Number.
func (n *node) value() any {
	switch n.kind {
	case kindFalse, kindTrue:
		return n.kind == kindTrue
	case kindNumber:
		return json.Number(n.text)
	case kindString:
		return n.text
	case kindArray:
		out := make([]any, len(n.kids))
		for i := range n.kids {
			out[i] = n.kids[i].node.value()
		}
		return out
	case kindObject:
		out := make(map[string]any, len(n.kids))
		for i := range n.kids {
			out[n.kids[i].name] = n.kids[i].node.value()
		}
		return out
	}
	return nil
}

// nodeOf is the inverse of value.
func nodeOf(v any) *node {
	switch v := v.(type) {
	case bool:
		if v {
			return &node{kind: kindTrue}
		}
		return &node{kind: kindFalse}
	case json.Number:
		return &node{kind: kindNumber, text: string(v)}
	case string:
		return &node{kind: kindString, text: v}
	case []any:
		n := &node{kind: kindArray, kids: make([]member, len(v))}
		for i := range v {
			n.kids[i].node = nodeOf(v[i])
		}
		return n
	case map[string]any:
		n := &node{kind: kindObject, kids: make([]member, 0, len(v))}
		for name, item := range v {
			n.kids = append(n.kids, member{name, nodeOf(item)})
		}
		n.kids = sortedMembers(n.kids)
		return n
	}
	return &node{kind: kindNull}
}

// child follows one token of a JSON pointer.
func (n *node) child(token string) *node {
	switch n.kind {
	case kindObject:
		return n.get(token)
	case kindArray:
		i, err := strconv.Atoi(token)
		if err == nil && i >= 0 && i < len(n.kids) {
			return n.kids[i].node
		}
	}
	return nil
}

// lookup follows a JSON pointer from the node from, which belongs to res. It
// also tells the innermost resource on the way.
func (d *document) lookup(from *node, res *resource, pointer string) (*node, *resource, error) {
	n := from
	for rest := pointer; rest != ""; {
		var token string
		token, rest = cutToken(rest)
		name, ok := unescapeToken(token)
		if !ok {
			return nil, nil, textError("invalid json-pointer " + strconv.Quote(locationOf(d.url, d.pointerOf(from)+pointer)))
		}
		if n = n.child(name); n == nil {
			return nil, nil, textError("json-pointer in " + strconv.Quote(locationOf(d.url, d.pointerOf(from)+pointer)) + " not found")
		}
		if n.res != nil && n.res.node == n {
			res = n.res
		}
	}
	return n, res, nil
}

// cutToken splits "/a/b" into "a" and "/b".
func cutToken(pointer string) (token, rest string) {
	pointer = pointer[1:]
	if i := strings.IndexByte(pointer, '/'); i >= 0 {
		return pointer[:i], pointer[i:]
	}
	return pointer, ""
}

// pointerOf is the JSON pointer of a node. Only messages need it, so it is not
// kept while compiling.
func (d *document) pointerOf(n *node) string { return d.pointersTo(n)[n] }

// pointersTo gives the JSON pointers of the wanted nodes. It stops short when
// they become absurdly long.
func (d *document) pointersTo(wanted ...*node) map[*node]string {
	left := make(map[*node]bool, len(wanted))
	for _, n := range wanted {
		left[n] = true
	}
	out := make(map[*node]string, len(left))
	size := 0
	var at []byte
	var walk func(n *node)
	walk = func(n *node) {
		if left[n] {
			out[n] = string(at)
			size += len(at)
			delete(left, n)
		}
		for i := 0; i < len(n.kids) && len(left) > 0 && size < maxPointers; i++ {
			mark := len(at)
			at = append(at, '/')
			if n.kind == kindArray {
				at = strconv.AppendInt(at, int64(i), 10)
			} else {
				at = append(at, escapeToken(n.kids[i].name)...)
			}
			walk(n.kids[i].node)
			at = at[:mark]
		}
	}
	walk(d.root)
	return out
}

const maxPointers = 64 << 20
