package values

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
)

// Origin is one place that gives a value.
type Origin struct {
	// Chart is the chart whose values.yaml it is, as a path of names such as
	// "umbrella.db"; empty for what the user gave.
	Chart string
	// File is the values file: as given with -f, or "values.yaml" of the Chart.
	File string
	// Flag and Text are another flag than -f, such as "--set" and "a.b=1". For
	// values that a program handed over without saying where they come from,
	// Flag is "values".
	Flag, Text string
	// Line and Column are the place in File, zero where it is not known.
	Line, Column int
	// Path is where the value stands in that source.
	Path []string
	// Value is what that source says; a table where the path leads on, nil for null.
	Value any
	// Via tells how the value gets to the path that was asked for, if it was
	// written for another: through "global" or import-values. Else empty.
	Via string
}

// String is a short text such as "umbrella.db/values.yaml:12",
// "-f prod.yaml:3" or "--set image.tag=1".
func (o Origin) String() string {
	var s string
	switch {
	case o.Chart != "":
		s = o.Chart + "/" + o.File
	case o.File != "":
		s = "-f " + o.File
	default:
		s = strings.TrimSpace(o.Flag + " " + o.Text)
	}
	if o.Line > 0 {
		s += ":" + strconv.Itoa(o.Line)
	}
	if o.Via != "" {
		s += " (" + o.Via + ")"
	}
	return s
}

// Explanation says what stands at a path of the final values, and why.
type Explanation struct {
	Path  []string
	Found bool
	Value any
	// Origins are all places that give a value for the path, the one that won
	// first, then those it overrides in order. With Found false and a first
	// Origin whose Value is nil, that null removed the key. For a table they
	// are all the places that write to it.
	Origins []Origin
	// Children are the sorted keys of a table, or the indexes of a list.
	Children []string
	// Nearest is, with Found false, the existing path that was probably meant; else nil.
	Nearest []string
}

// Explainer answers where values come from. It is slow compared with the
// merging itself and made when somebody asks. It is not for concurrent use.
type Explainer struct {
	root  *Node
	user  *Merged
	final map[string]any
	index map[string]*yaml.Positions // by chart path, or "-f" and the layer's number
	files map[int]map[string]any     // by the layer's number
}

// NewExplainer returns an Explainer for a chart and what the user gave; user may be nil.
func NewExplainer(root *Node, user *Merged) (*Explainer, error) {
	if user == nil {
		user = &Merged{}
	}
	final, err := root.Coalesce(user.Values, CoalesceOptions{Share: true})
	if err != nil {
		return nil, err
	}
	return &Explainer{root: root, user: user, final: final, index: map[string]*yaml.Positions{}, files: map[int]map[string]any{}}, nil
}

// Values returns the final values. They must not be changed.
func (e *Explainer) Values() map[string]any { return e.final }

// Explain explains a path of the final values of the root chart: keys, and
// list indexes such as "[0]" (see [ParsePath]).
func (e *Explainer) Explain(path ...string) Explanation {
	x := Explanation{Path: path}
	x.Value, x.Found = At(e.final, path)
	nodes, rest := e.locate(path)
	origins := e.candidates(nodes, rest)
	slices.SortStableFunc(origins, func(a, b Origin) int { return rank(a, x) - rank(b, x) })
	x.Origins = origins
	switch v := x.Value.(type) {
	case map[string]any:
		for key := range v {
			x.Children = append(x.Children, key)
		}
		slices.Sort(x.Children)
	case []any:
		for i := range v {
			x.Children = append(x.Children, "["+strconv.Itoa(i)+"]")
		}
	}
	if !x.Found {
		x.Nearest = nearest(e.final, path)
	}
	return x
}

// rank is 0 for the origin whose value is the final one, so that it comes
// first; the others keep their order.
func rank(o Origin, x Explanation) int {
	if reflect.DeepEqual(o.Value, x.Value) && (x.Found || o.Value == nil) {
		return 0
	}
	if _, isTable := x.Value.(map[string]any); isTable {
		return 0
	}
	return 1
}

// ParsePath reads a path such as `ingress.hosts[0].host`. A dot or bracket
// that belongs to a key stands behind a backslash.
func ParsePath(text string) []string {
	var path []string
	var key strings.Builder
	flush := func() {
		if key.Len() > 0 {
			path = append(path, key.String())
			key.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			key.WriteByte(text[i])
		case c == '.':
			flush()
		case c == '[':
			flush()
			key.WriteByte(c)
		default:
			key.WriteByte(c)
		}
	}
	flush()
	return path
}

// FormatPath is the opposite of [ParsePath].
func FormatPath(path []string) string {
	var b strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, `.`, `\.`, `[`, `\[`)
	for i, key := range path {
		if _, isIndex := IndexOf(key); isIndex {
			b.WriteString(key)
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(escape.Replace(key))
	}
	return b.String()
}

// IndexOf reads a step of a path that names an item of a list, such as "[3]", and
// reports whether it is one.
func IndexOf(key string) (int, bool) {
	if len(key) < 3 || key[0] != '[' || key[len(key)-1] != ']' {
		return 0, false
	}
	i, err := strconv.Atoi(key[1 : len(key)-1])
	return i, err == nil && i >= 0
}

// At returns what stands at a path of values, and whether anything does. Items of
// lists are named as [FormatPath] and [Origin] do, "[3]".
func At(v any, path []string) (any, bool) {
	for _, key := range path {
		switch t := v.(type) {
		case map[string]any:
			next, ok := t[key]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, ok := IndexOf(key)
			if !ok || i >= len(t) {
				return nil, false
			}
			v = t[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// locate splits a path into the charts it leads through and what is left. Of
// subcharts with one name it takes the one that leads furthest.
func (e *Explainer) locate(path []string) ([]*Node, []string) {
	nodes := deepest(e.root, path)
	return nodes, path[len(nodes)-1:]
}

func deepest(n *Node, path []string) []*Node {
	var best []*Node
	if len(path) > 0 {
		for _, sub := range n.depsNamed(path[0]) {
			if found := deepest(sub, path[1:]); len(found) > len(best) {
				best = found
			}
		}
	}
	return append([]*Node{n}, best...)
}

// places returns the positions of a YAML text; nil where it cannot be indexed.
func (e *Explainer) places(key string, data []byte) *yaml.Positions {
	p, ok := e.index[key]
	if !ok {
		p, _ = yaml.Index(data)
		e.index[key] = p
	}
	return p
}

// locateIn fills in the line of o, whose source is data.
func (e *Explainer) locateIn(o *Origin, key string, data []byte) {
	p := e.places(key, data)
	if p == nil {
		return
	}
	steps := slices.Clone(o.Path)
	for i, step := range steps {
		if n, ok := IndexOf(step); ok {
			steps[i] = strconv.Itoa(n)
		}
	}
	if n := p.At(steps...); n != nil {
		o.Line, o.Column = n.Position().Line, n.Position().Column
	}
}

// defaultsFile returns the text of the chart's values.yaml.
func defaultsFile(c *chart.Chart) []byte {
	for _, f := range c.Raw {
		if f != nil && f.Name == "values.yaml" {
			return f.Data
		}
	}
	return nil
}

// via joins two reasons.
func via(outer, inner string) string {
	if outer == "" || inner == "" {
		return outer + inner
	}
	return fmt.Sprintf("%s, %s", inner, outer)
}
