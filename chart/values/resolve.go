package values

import (
	"fmt"
	"strings"

	"github.com/e6d26078/slipway/chart"
)

// ResolveOptions adjusts [Resolve]. The zero value is Helm 3 without warnings.
type ResolveOptions struct {
	// Dialect is the Helm whose results are wanted.
	Dialect Dialect
	// Warn receives the warnings Helm would log, one message a call without a
	// line end. Nil drops them.
	Warn func(message string)
}

// Resolve selects the subcharts of c that vals enable and imports values from
// children, as Helm does before it installs or renders. Neither c nor vals is
// changed. An error says that the values of a subchart are not a map.
func Resolve(c *chart.Chart, vals map[string]any, o ResolveOptions) (*Node, error) {
	return Prepare(c).Resolve(vals, o)
}

// Resolve is [Resolve] for the prepared chart.
func (t *Tree) Resolve(vals map[string]any, o ResolveOptions) (*Node, error) {
	if t.chart == nil || t.chart.Metadata == nil {
		return nil, errNoMetadata
	}
	r := resolver{tree: t, dialect: o.Dialect, warn: o.Warn}
	root := newNode(t.chart, nil, o.Dialect)
	if err := r.selectDeps(root, vals, ""); err != nil {
		return nil, err
	}
	if err := r.importAll(root); err != nil {
		return nil, err
	}
	root.freeze()
	return root, nil
}

type resolver struct {
	tree    *Tree
	dialect Dialect
	warn    func(string)
}

func (r *resolver) warnf(format string, args ...any) {
	if r.warn != nil {
		r.warn(fmt.Sprintf(format, args...))
	}
}

// selectDeps decides which subcharts of n take part, and goes on with those.
// vals are the values of the level above (all of them, not n's part), path is
// where n's part begins, "" or "a.b.".
func (r *resolver) selectDeps(n *Node, vals map[string]any, path string) error {
	reqs := n.Metadata.Dependencies
	if reqs == nil {
		return nil
	}
	n.setDeps(r.listed(n, reqs))
	for _, req := range reqs {
		req.Enabled = true
	}
	cvals, err := coalesce(n, vals, mergeOptions{})
	if err != nil {
		return err
	}
	r.applyTags(reqs, cvals)
	r.applyConditions(reqs, cvals, path)

	disabled := map[string]bool{}
	var kept []*chart.Dependency
	for _, req := range reqs {
		if !req.Enabled {
			disabled[req.Name] = true
		}
	}
	for _, req := range reqs {
		if !disabled[req.Name] {
			kept = append(kept, req)
		}
	}
	var deps []*Node
	for _, d := range n.Deps() {
		if !disabled[d.Name()] {
			deps = append(deps, d)
		}
	}
	for _, d := range deps {
		if err := r.selectDeps(d, cvals, path+d.Name()+"."); err != nil {
			return err
		}
	}
	n.Metadata.Dependencies = kept
	n.setDeps(deps)
	return nil
}

// listed returns the subcharts before anything is disabled: first those that
// no entry of Chart.yaml describes, then one for each entry that has a chart,
// under its alias. An entry whose version does not fit leaves its chart in the
// first group, without alias and condition.
func (r *resolver) listed(n *Node, reqs []*chart.Dependency) []*Node {
	byName := make(map[string][]*chart.Dependency, len(reqs))
	for _, req := range reqs {
		byName[req.Name] = append(byName[req.Name], req)
	}
	existing := n.Deps()
	found := make(map[string][]*Node, len(existing))
	out := make([]*Node, 0, len(existing))
	for _, d := range existing {
		found[d.Name()] = append(found[d.Name()], d)
		if !r.described(d, byName[d.Name()]) {
			out = append(out, d)
		}
	}
	for _, req := range reqs {
		for _, d := range found[req.Name] {
			if r.tree.accepts(req.Version, d.Metadata.Version) {
				out = append(out, aliased(d, req.Alias))
				break
			}
		}
		if req.Alias != "" {
			req.Name = req.Alias
		}
	}
	return out
}

func (r *resolver) described(d *Node, reqs []*chart.Dependency) bool {
	for _, req := range reqs {
		if r.tree.accepts(req.Version, d.Metadata.Version) {
			return true
		}
	}
	return false
}

// aliased is a copy of d for one dependency entry. In Helm 3 it shares the
// dependency entries and subcharts with the other copies, so that what is done
// to them shows in all; Helm 4 copies one level of them.
func aliased(d *Node, alias string) *Node {
	out := *d
	switch {
	case d.dialect == Helm4:
		out.Metadata = copyMetadata(d.Metadata)
		deps := make([]*Node, len(d.Deps()))
		for i, dep := range d.Deps() {
			shallow := *dep
			deps[i] = &shallow
		}
		out.setDeps(deps)
	case alias != "" || d.Metadata.Dependencies != nil:
		md := *d.Metadata
		out.Metadata = &md
	}
	if alias != "" {
		out.Metadata.Name = alias
	}
	return &out
}

// applyTags enables by the table "tags": one true tag enables, else one false
// tag disables.
func (r *resolver) applyTags(reqs []*chart.Dependency, vals map[string]any) {
	tags, ok := vals["tags"].(map[string]any)
	if !ok {
		return
	}
	for _, req := range reqs {
		var on, off bool
		for _, tag := range req.Tags {
			switch v, ok := tags[tag]; v := v.(type) {
			case bool:
				on, off = on || v, off || !v
			default:
				if ok {
					r.warnf("Warning: Tag '%s' for chart %s returned non-bool value", tag, req.Name)
				}
			}
		}
		req.Enabled = on || !off
	}
}

// applyConditions enables by the first path of each condition that holds a bool.
func (r *resolver) applyConditions(reqs []*chart.Dependency, vals map[string]any, path string) {
	for _, req := range reqs {
		for cond := range strings.SplitSeq(strings.TrimSpace(req.Condition), ",") {
			if cond == "" {
				continue
			}
			v, ok := leaf(vals, path+cond)
			if !ok {
				continue
			}
			if on, ok := v.(bool); ok {
				req.Enabled = on
				break
			}
			r.warnf("Warning: Condition path '%s' for chart %s returned non-bool value", cond, req.Name)
		}
	}
}

// table returns the table at the dotted path.
func table(vals map[string]any, path string) (map[string]any, bool) {
	for key := range strings.SplitSeq(path, ".") {
		next, ok := vals[key].(map[string]any)
		if !ok {
			return nil, false
		}
		vals = next
	}
	return vals, true
}

// leaf returns what stands at the dotted path unless it is a table.
func leaf(vals map[string]any, path string) (any, bool) {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		t, ok := table(vals, path[:i])
		if !ok {
			return nil, false
		}
		vals, path = t, path[i+1:]
	}
	v, ok := vals[path]
	if _, isTable := v.(map[string]any); !ok || isTable {
		return nil, false
	}
	return v, true
}
