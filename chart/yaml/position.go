package yaml

import (
	"errors"
	"fmt"
	"strconv"

	yamlv3 "go.yaml.in/yaml/v3"
)

// Position is a place in a YAML text. Both numbers begin at 1, and columns count characters; the zero value is no
// place.
type Position struct {
	Line, Column int
}

// Kind is the kind of a node.
type Kind uint8

// The kinds of nodes.
const (
	Scalar Kind = iota
	Mapping
	Sequence
	Alias // stands for the node of an anchor
)

// Style is how a scalar is written.
type Style uint8

// The styles of scalars.
const (
	Plain Style = iota
	SingleQuoted
	DoubleQuoted
	Literal // |
	Folded  // >
)

// Text is a scalar as it is written: its text without quotes and indentation, before any conversion.
type Text struct {
	Value string
	Style Style
	Tag   string // an explicit tag such as !!str, else empty
	Position
}

// Node is a value with its places in the text.
type Node struct {
	// Key is the key as it is written, for values of mappings. `n: 300` has the key "false" in its path and the value
	// "n" here. For items of sequences and for the root it is zero.
	Key Text
	// Kind tells scalars from collections and aliases.
	Kind Kind
	// Text is a scalar as it is written. For collections and aliases only its Position is set.
	Text Text
	// Merged is set on nodes that a merge key (<<) brings in; their places are those of the anchor.
	Merged bool

	parent   *Node
	step     string
	anchored *Node // of an alias
	fields   map[string]*Node
	items    []*Node
}

// Position returns the place of the key, or of the value itself where there is no key.
func (n *Node) Position() Position {
	if n.Key.Position != (Position{}) {
		return n.Key.Position
	}
	return n.Text.Position
}

// Path returns the way to the node from the root: keys as Decode returns them, and decimal indexes of sequences. It is
// the place where the node is written, which for what an alias stands for is the anchor's.
func (n *Node) Path() []string {
	depth := 0
	for m := n; m.parent != nil; m = m.parent {
		depth++
	}
	path := make([]string, depth)
	for m := n; m.parent != nil; m = m.parent {
		depth--
		path[depth] = m.step
	}
	return path
}

// Duplicate is a key that stands twice in a mapping. The last one counts; a key that is there three times makes two
// duplicates.
type Duplicate struct {
	First, Last *Node
}

// Positions tells where the keys and values of a document are. It may be read by several goroutines at once.
type Positions struct {
	root       *Node
	nodes      []*Node
	duplicates []Duplicate
}

// Index finds the places of the keys and values in the first document of data. Its errors are syntax errors, in words
// that may differ from those of Decode. A document without content has a root that is an empty scalar.
func Index(data []byte) (*Positions, error) {
	var doc yamlv3.Node
	if err := yamlv3.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("find positions: %w", err)
	}
	x := indexer{anchors: make(map[*yamlv3.Node]*Node)}
	root := &doc
	if doc.Kind == yamlv3.DocumentNode {
		root = doc.Content[0]
	}
	n, err := x.node(root, Text{}, nil, "")
	if err != nil {
		return nil, fmt.Errorf("find positions: %w", err)
	}
	x.root = n
	return &x.Positions, nil
}

// At returns the node at a path, or nil if there is none. Paths lead through aliases and merge keys to the place where
// the value is written. Of equal keys it is the last.
func (p *Positions) At(path ...string) *Node {
	n := p.root
	for _, step := range path {
		n = n.child(step)
		if n == nil {
			return nil
		}
	}
	return n
}

// Nodes returns all nodes but the root in the order of the text, each once: what an alias or a merge key repeats is
// not in it, a value that a later key of the same name hides is. The slice must not be changed.
func (p *Positions) Nodes() []*Node { return p.nodes }

// Duplicates returns the keys that stand twice in one mapping, in the order of the text. The slice must not be
// changed.
func (p *Positions) Duplicates() []Duplicate { return p.duplicates }

func (n *Node) child(step string) *Node {
	if n.Kind == Alias {
		n = n.anchored
	}
	if n.Kind == Sequence {
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(n.items) || strconv.Itoa(i) != step {
			return nil
		}
		return n.items[i]
	}
	return n.fields[step]
}

// indexer builds Positions.
type indexer struct {
	Positions
	anchors map[*yamlv3.Node]*Node
	merged  int // keys that came by merge keys
}

// maxMerged bounds what merge keys may make of a document.
const maxMerged = 1_000_000

var errTooMuchMerged = errors.New("merge keys repeat too many keys")

func textOf(n *yamlv3.Node) Text {
	t := Text{Value: n.Value, Position: Position{n.Line, n.Column}}
	if n.Style&yamlv3.TaggedStyle != 0 {
		t.Tag = n.Tag
	}
	switch {
	case n.Style&yamlv3.SingleQuotedStyle != 0:
		t.Style = SingleQuoted
	case n.Style&yamlv3.DoubleQuotedStyle != 0:
		t.Style = DoubleQuoted
	case n.Style&yamlv3.LiteralStyle != 0:
		t.Style = Literal
	case n.Style&yamlv3.FoldedStyle != 0:
		t.Style = Folded
	}
	return t
}

var errUnknownAlias = errors.New("alias of an anchor that is not complete")

func (x *indexer) node(n *yamlv3.Node, key Text, parent *Node, step string) (*Node, error) {
	node := &Node{Key: key, Text: textOf(n), parent: parent, step: step}
	if parent != nil {
		x.nodes = append(x.nodes, node)
	}
	switch n.Kind {
	case yamlv3.AliasNode:
		node.Kind = Alias
		node.Text.Value = ""
		if node.anchored = x.anchors[n.Alias]; node.anchored == nil {
			return nil, errUnknownAlias
		}
		return node, nil
	case yamlv3.SequenceNode:
		node.Kind = Sequence
		node.items = make([]*Node, 0, len(n.Content))
		for i, c := range n.Content {
			item, err := x.node(c, Text{}, node, strconv.Itoa(i))
			if err != nil {
				return nil, err
			}
			node.items = append(node.items, item)
		}
	case yamlv3.MappingNode:
		node.Kind = Mapping
		if err := x.mapping(n, node); err != nil {
			return nil, err
		}
	}
	x.anchors[n] = node
	return node, nil
}

func (x *indexer) mapping(n *yamlv3.Node, node *Node) error {
	node.fields = make(map[string]*Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		text := textOf(key)
		if text.Value == "<<" && text.Style == Plain && key.Kind == yamlv3.ScalarNode {
			source, err := x.node(value, text, node, "<<")
			if err != nil {
				return err
			}
			if !x.merge(node, source) {
				return errTooMuchMerged
			}
			continue
		}
		name := keyOf(key)
		field, err := x.node(value, text, node, name)
		if err != nil {
			return err
		}
		if before := node.fields[name]; before != nil && !before.Merged {
			x.duplicates = append(x.duplicates, Duplicate{First: before, Last: field})
		}
		node.fields[name] = field
	}
	return nil
}

// keyOf returns the key as Decode does. A key that Decode refuses stays as it is written.
func keyOf(key *yamlv3.Node) string {
	if key.Kind == yamlv3.AliasNode {
		key = key.Alias
	}
	if text := textOf(key); text.Style == Plain && text.Tag == "" {
		if name, ok := resolveKey(text.Value); ok {
			return name
		}
	}
	return key.Value
}

// merge adds what a merge key brings into n. As in Decode, it hides keys before it, and of several sources the first
// wins.
func (x *indexer) merge(n, source *Node) bool {
	if source.Kind == Alias {
		source = source.anchored
	}
	for i := len(source.items) - 1; i >= 0; i-- {
		item := source.items[i]
		if item.Kind == Alias {
			item = item.anchored
		}
		if item.Kind == Mapping && !x.merge(n, item) {
			return false
		}
	}
	if x.merged += len(source.fields); x.merged > maxMerged {
		return false
	}
	for name, field := range source.fields {
		merged := *field
		merged.Merged = true
		n.fields[name] = &merged
	}
	return true
}
