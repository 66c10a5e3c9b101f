package values

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
)

// candidates returns every place that gives a value for rest in the values of
// the last of nodes, the strongest first.
func (e *Explainer) candidates(nodes []*Node, rest []string) []Origin {
	var out []Origin
	isGlobal := len(rest) > 0 && rest[0] == globalKey
	if up := len(nodes) - 1; isGlobal && up > 0 {
		for _, o := range e.candidates(nodes[:up], rest) {
			o.Via = via(o.Via, "global of "+chartPath(nodes[:up]))
			out = append(out, o)
		}
	}
	path := rest
	for _, n := range slices.Backward(nodes[1:]) {
		path = append([]string{n.Name()}, path...)
	}
	out = append(out, e.given(path)...)
	out = append(out, e.defaults(nodes[:1], path, true)...)
	if isGlobal && len(rest) > 3 {
		out = append(out, e.leaked(nodes[len(nodes)-1], path[:len(path)-len(rest)], rest)...)
	}
	return unique(out)
}

// leaked returns what the subcharts of n give for rest, a path at least three
// levels below "global": tables that deep are shared with the parent, so that
// what a subchart adds shows there. prefix leads to the values of n.
func (e *Explainer) leaked(n *Node, prefix, rest []string) []Origin {
	var out []Origin
	for _, sub := range n.Deps() {
		below := append(prefix[:len(prefix):len(prefix)], sub.Name())
		path := append(below[:len(below):len(below)], rest...)
		found := append(e.given(path), e.defaults([]*Node{e.root}, path, true)...)
		found = append(found, e.leaked(sub, below, rest)...)
		for _, o := range found {
			o.Via = via(o.Via, "global of subchart "+sub.Name())
			out = append(out, o)
		}
	}
	return out
}

// unique drops an origin that came by two ways; the first stays.
func unique(origins []Origin) []Origin {
	var out []Origin
	for _, o := range origins {
		if !slices.ContainsFunc(out, func(p Origin) bool {
			p.Via = o.Via
			return reflect.DeepEqual(o, p)
		}) {
			out = append(out, o)
		}
	}
	return out
}

func chartPath(nodes []*Node) string {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.Name()
	}
	return strings.Join(names, ".")
}

// given returns what the user gave for a path, the last flag first.
func (e *Explainer) given(path []string) []Origin {
	var out []Origin
	if len(e.user.Layers) == 0 {
		if v, ok := At(e.user.Values, path); ok {
			out = append(out, Origin{Flag: "values", Path: path, Value: v})
		}
		return out
	}
	for i, layer := range slices.Backward(e.user.Layers) {
		if layer.Flag == "-f" {
			o := Origin{File: layer.Text, Path: path}
			found, hides := e.inFile(i, &o)
			if found {
				e.locateIn(&o, "-f "+strconv.Itoa(i), layer.Data)
				out = append(out, o)
			}
			if hides {
				break
			}
			continue
		}
		found, hides := inFlag(layer, path)
		out = append(out, found...)
		if hides {
			break
		}
	}
	return out
}

// inFile looks the path of o up in a values file. hides says that the file
// replaces the value as a whole, so that nothing given before it matters; if it
// does so with something the path cannot lead into, o becomes that.
func (e *Explainer) inFile(layer int, o *Origin) (found, hides bool) {
	vals, path := e.fileValues(layer), o.Path
	for i := range path[:max(0, len(path)-1)] {
		prefix, ok := At(vals, path[:i+1])
		if _, isTable := prefix.(map[string]any); !ok || isTable {
			continue
		}
		if o.Value, found = At(vals, path); !found {
			o.Path, o.Value = path[:i+1], prefix
		}
		return true, true
	}
	o.Value, found = At(vals, path)
	return found, false
}

// fileValues returns the content of a values file, which could be read before.
func (e *Explainer) fileValues(layer int) map[string]any {
	vals, ok := e.files[layer]
	if !ok {
		vals, _ = yaml.DecodeMap(e.user.Layers[layer].Data)
		e.files[layer] = vals
	}
	return vals
}

// inFlag looks a path up in what a flag sets, the last setting first.
func inFlag(layer Layer, path []string) (out []Origin, hides bool) {
	o := Origin{Flag: layer.Flag, Text: layer.Text, Path: path}
	for _, set := range slices.Backward(layer.Sets) {
		switch {
		case len(set.Path) <= len(path) && slices.Equal(set.Path, path[:len(set.Path)]):
			v, ok := At(set.Value, path[len(set.Path):])
			if !ok {
				o.Path, v = set.Path, set.Value
			}
			o.Value = v
			return append(out, o), len(set.Path) < len(path)
		case len(set.Path) > len(path) && slices.Equal(set.Path[:len(path)], path):
			part := o
			part.Path, part.Value = set.Path, set.Value
			out = append(out, part)
		}
	}
	return out, false
}

// defaults returns what the charts say for a path of the last of nodes: the
// chart itself, then the subchart that the path leads into, then, if wanted,
// what the chart imports.
func (e *Explainer) defaults(nodes []*Node, path []string, imports bool) []Origin {
	var out []Origin
	n := nodes[len(nodes)-1]
	if v, ok := At(n.Chart.Values, path); ok {
		name := chartPath(nodes)
		o := Origin{Chart: name, File: "values.yaml", Path: path, Value: v}
		e.locateIn(&o, name, defaultsFile(n.Chart))
		out = append(out, o)
	}
	if len(path) == 0 {
		return out
	}
	for _, sub := range n.depsNamed(path[0]) {
		out = append(out, e.defaults(append(nodes[:len(nodes):len(nodes)], sub), path[1:], true)...)
	}
	if !imports {
		return out
	}
	for _, dep := range n.Metadata.Dependencies {
		for _, entry := range dep.ImportValues {
			out = append(out, e.imported(nodes, dep.Name, entry, path)...)
		}
	}
	return out
}

// imported returns what one import-values entry brings to a path.
func (e *Explainer) imported(nodes []*Node, from string, entry any, path []string) []Origin {
	names, ok := entry.(map[string]string)
	if !ok {
		return nil
	}
	if names["parent"] != "." {
		parent := strings.Split(names["parent"], ".")
		if len(path) < len(parent) || !slices.Equal(path[:len(parent)], parent) {
			return nil
		}
		path = path[len(parent):]
	}
	source := append([]string{from}, strings.Split(names["child"], ".")...)
	// A chart does not see its own imports when it imports.
	out := e.defaults(nodes, append(source, path...), false)
	for i := range out {
		out[i].Via = via(out[i].Via, "import-values of "+chartPath(nodes)+" from "+from)
	}
	return out
}
