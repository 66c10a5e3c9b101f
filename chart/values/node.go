package values

import (
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"

	"github.com/e6d26078/slipway/chart"
)

// Dialect says which Helm's results are wanted. The zero value is Helm 3.
type Dialect uint8

const (
	// Helm3 is Helm v3.22.
	Helm3 Dialect = iota
	// Helm4 is Helm v4.3: nulls in a chart's defaults vanish, and the subcharts
	// of an aliased chart know their real parent.
	Helm4
)

// Node is one chart that takes part in a render, as Helm's dependency
// processing leaves it: the alias is applied, disabled subcharts are gone and
// imported values are part of the defaults. A Node never changes after
// [Resolve] returned it; its methods may be called concurrently.
//
// The same Node can stand below two parents: Helm shares the subcharts that
// Chart.yaml does not list between the aliases of a chart.
type Node struct {
	// Chart is the caller's chart, unchanged: its templates, files and schema.
	Chart *chart.Chart
	// Metadata is what templates see as .Chart: the name is the alias,
	// Dependencies holds the enabled ones only, with import-values rewritten.
	Metadata *chart.Metadata
	// Values are the chart's defaults, with those of its subcharts and the
	// imported ones merged in where Helm does so.
	Values map[string]any

	parent  *Node
	kids    *family
	dialect Dialect
}

// family is the list of a chart's subcharts, made when it is first needed. The
// aliases of a chart share it until one of them selects its own.
type family struct {
	nodes []*Node
	raw   []*chart.Chart
	owner *Node

	names     map[string]bool // of the nodes; made by index
	namesakes bool            // two of them have one name
}

// Name is the name by which the parent's values and templates know the chart.
func (n *Node) Name() string { return n.Metadata.Name }

// Parent is the chart Helm considers the parent, nil for the chart given to
// [Resolve]. It decides the names of templates (see [Node.FullPath]) and is not
// always the chart that lists n among its Deps.
func (n *Node) Parent() *Node { return n.parent }

// Deps are the enabled subcharts in Helm's order. The caller must not change
// the slice.
func (n *Node) Deps() []*Node {
	n.kids.expand()
	return n.kids.nodes
}

// IsRoot says what templates see as .Chart.IsRoot.
func (n *Node) IsRoot() bool { return n.parent == nil && n.Chart.Parent() == nil }

// FullPath is the path under which the chart's templates are named, such as
// "umbrella/charts/db".
func (n *Node) FullPath() string {
	switch {
	case n.parent != nil:
		return n.parent.FullPath() + "/charts/" + n.Name()
	case n.Chart.Parent() != nil:
		return n.Chart.Parent().ChartFullPath() + "/charts/" + n.Name()
	}
	return n.Name()
}

// newNode makes the private stand-in for c. Only what dependency processing
// writes to is copied.
func newNode(c *chart.Chart, parent *Node, d Dialect) *Node {
	n := &Node{Chart: c, Metadata: c.Metadata, Values: c.Values, dialect: d}
	if parent != nil && c.Parent() == parent.Chart {
		n.parent = parent
	}
	n.kids = &family{raw: c.Dependencies(), owner: n}
	switch {
	case c.Metadata == nil:
		n.Metadata = &chart.Metadata{}
	case c.Metadata.Dependencies != nil:
		n.Metadata = copyMetadata(c.Metadata)
	}
	return n
}

// copyMetadata copies md and its dependency entries; empty (nil) entries are dropped.
func copyMetadata(md *chart.Metadata) *chart.Metadata {
	out := *md
	if md.Dependencies != nil {
		entries := make([]chart.Dependency, len(md.Dependencies))
		out.Dependencies = make([]*chart.Dependency, 0, len(md.Dependencies))
		for i, dep := range md.Dependencies {
			if dep != nil {
				entries[i] = *dep
				out.Dependencies = append(out.Dependencies, &entries[i])
			}
		}
	}
	return &out
}

func (f *family) expand() {
	if len(f.raw) == 0 {
		return
	}
	f.nodes = make([]*Node, 0, len(f.raw))
	for _, c := range f.raw {
		if c != nil {
			f.nodes = append(f.nodes, newNode(c, f.owner, f.owner.dialect))
		}
	}
	f.raw = nil
}

// setDeps replaces the subcharts; each of them gets n as its parent, also where
// another chart has it too.
func (n *Node) setDeps(deps []*Node) {
	for _, d := range deps {
		d.parent = n
	}
	n.kids = &family{nodes: deps, owner: n}
}

// index returns the names of the subcharts, and whether two share one.
func (n *Node) index() (names map[string]bool, namesakes bool) {
	f := n.kids
	if f.names == nil {
		f.names = make(map[string]bool, len(n.Deps()))
		for _, d := range n.Deps() {
			f.namesakes = f.namesakes || f.names[d.Name()]
			f.names[d.Name()] = true
		}
	}
	return f.names, f.namesakes
}

// depsNamed returns the subcharts that n knows by the name; there are several
// where Chart.yaml gives two of them one name.
func (n *Node) depsNamed(name string) []*Node {
	var found []*Node
	for _, d := range n.Deps() {
		if d.Name() == name {
			found = append(found, d)
		}
	}
	return found
}

// freeze makes all lists of subcharts, so that reading needs no lock.
func (n *Node) freeze() {
	n.index()
	for _, d := range n.Deps() {
		d.freeze()
	}
}

// Tree holds what is known about a chart before any values are given. Programs
// that render one chart many times make it once. It is safe for concurrent
// use; the chart must not change as long as the Tree is used.
type Tree struct {
	chart      *chart.Chart
	compatible sync.Map // [2]string{constraint, version} -> bool
}

// Prepare returns the Tree of c.
func Prepare(c *chart.Chart) *Tree { return &Tree{chart: c} }

var errNoMetadata = errors.New("chart has no metadata (Chart.yaml)")

// accepts says whether version satisfies constraint; what cannot be parsed does not.
func (t *Tree) accepts(constraint, version string) bool {
	if constraint == version && isPlainVersion(version) {
		return true
	}
	key := [2]string{constraint, version}
	if known, ok := t.compatible.Load(key); ok {
		return known.(bool)
	}
	ok := false
	if v, err := semver.NewVersion(version); err == nil {
		if c, err := semver.NewConstraint(constraint); err == nil {
			ok = c.Check(v)
		}
	}
	t.compatible.Store(key, ok)
	return ok
}

// isPlainVersion recognises MAJOR.MINOR.PATCH made of short plain numbers.
func isPlainVersion(s string) bool {
	for part := range 3 {
		number, rest, more := strings.Cut(s, ".")
		if more == (part == 2) || len(number) > 9 || len(number) > 1 && number[0] == '0' {
			return false
		}
		if _, err := strconv.ParseUint(number, 10, 32); err != nil {
			return false
		}
		s = rest
	}
	return true
}
