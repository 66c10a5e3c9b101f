package lint

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
)

// chartUse is what the templates of one chart of the tree read.
type chartUse struct {
	chart *chart.Chart
	own   *usage
	deps  map[string]*chartUse // by the key of their values in the parent
}

// treeUse is what all templates of a chart and its subcharts read.
type treeUse struct {
	root       *chartUse
	shared     *usage // by named templates, of whichever chart
	global     *usage // by any chart, below global
	references []reference
}

// readTree goes through all templates of the loaded chart.
func readTree(c *chart.Chart) *treeUse {
	t := &treeUse{shared: &usage{}, global: &usage{}}
	t.root = t.read(c, "", 0)
	return t
}

// readFiles marks what the files of a chart mention, which may go through tpl.
func readFiles(c *chart.Chart, used *usage) {
	for _, file := range c.Raw {
		if !strings.HasPrefix(file.Name, "templates/") && !strings.HasPrefix(file.Name, "charts/") && !strings.HasSuffix(file.Name, ".md") {
			readText(string(file.Data), used)
		}
	}
}

// readGiven marks what the user's values mention, which may go through tpl.
func readGiven(value any, used *usage) {
	switch value := value.(type) {
	case string:
		readText(value, used)
	case map[string]any:
		for _, inner := range value {
			readGiven(inner, used)
		}
	case []any:
		for _, inner := range value {
			readGiven(inner, used)
		}
	}
}

// maxCharts bounds the depth of subcharts that is looked at.
const maxCharts = 64

func (t *treeUse) read(c *chart.Chart, prefix string, depth int) *chartUse {
	use := &chartUse{chart: c, own: &usage{}, deps: map[string]*chartUse{}}
	readFiles(c, t.shared)
	for _, file := range c.Templates {
		found := readTemplate(file, path.Join(prefix, file.Name), use.own, t.shared)
		if depth == 0 {
			t.references = append(t.references, found...)
		}
	}
	if c.Metadata == nil || depth >= maxCharts {
		return use
	}
	use.own.mark([]string{"tags"}, true)
	use.own.mark([]string{"exports"}, true)
	for _, entry := range c.Metadata.Dependencies {
		for condition := range strings.SplitSeq(entry.Condition, ",") {
			use.own.mark(strings.Split(strings.TrimSpace(condition), "."), true)
		}
	}
	for _, sub := range c.Dependencies() {
		subUse := t.read(sub, path.Join(prefix, "charts", sub.Name()), depth+1)
		for _, entry := range c.Metadata.Dependencies {
			if entry.Name != sub.Name() {
				continue
			}
			markImports(subUse.own, entry.ImportValues)
			if entry.Alias != "" {
				use.deps[entry.Alias] = subUse
			}
		}
		use.deps[sub.Name()] = subUse
	}
	for _, entry := range c.Metadata.Dependencies {
		if key := cmp.Or(entry.Alias, entry.Name); use.deps[key] == nil { // what it reads is not known
			use.own.mark([]string{key}, true)
		}
	}
	return use
}

// markImports counts the values that a parent imports as read.
func markImports(own *usage, imports []any) {
	for _, entry := range imports {
		if table, ok := entry.(map[string]any); ok {
			if child, ok := table["child"].(string); ok {
				own.mark(strings.Split(child, "."), true)
			}
		}
	}
}

// reads applies a check, (*usage).reads or (*usage).readsAll, to all templates
// that can see the value at a path of a chart.
func (t *treeUse) reads(use *chartUse, path []string, check func(*usage, []string) bool) bool {
	if check(use.own, path) || check(t.shared, path) {
		return true
	}
	if path[0] == "global" {
		return anyReads(use, path, check)
	}
	sub := use.deps[path[0]]
	if sub == nil {
		return false
	}
	if len(path) == 1 {
		return check(sub.own, nil)
	}
	return t.reads(sub, path[1:], check)
}

// anyReads looks for a reader of a global value in a chart and its subcharts.
func anyReads(use *chartUse, path []string, check func(*usage, []string) bool) bool {
	if check(use.own, path) {
		return true
	}
	for _, sub := range use.deps {
		if anyReads(sub, path, check) {
			return true
		}
	}
	return false
}

// unusedValues reports the keys of values.yaml that no template reads. Of a
// table that is not read at all only the table itself is named.
func (l *linter) unusedValues(t *treeUse, positions *yaml.Positions) {
	const unlimited = 1 << 30
	lines := strings.Split(string(l.valuesText), "\n")
	depth := unlimited // nodes deeper than this belong to a value that is done with
	for _, node := range positions.Nodes() {
		path := node.Path()
		if len(path) > depth {
			continue
		}
		depth = unlimited
		switch {
		case node.Key.Value == "<<" && node.Key.Style == yaml.Plain, hasAnchor(lines, node):
			depth = len(path)
		case !t.reads(t.root, path, (*usage).reads):
			depth = len(path)
			l.add("unused-value", Info, valuesYAML, placeOf(node.Position()),
				"no template reads the value %s", strings.Join(path, "."))
		case node.Kind != yaml.Mapping || t.reads(t.root, path, (*usage).readsAll):
			depth = len(path)
		}
	}
}

// hasAnchor reports whether a value has an anchor, by which other values may
// repeat it.
func hasAnchor(lines []string, node *yaml.Node) bool {
	at := node.Position().Line - 1
	if at < 0 || at >= len(lines) {
		return false
	}
	_, value, _ := strings.Cut(lines[at], ":")
	return strings.HasPrefix(strings.TrimLeft(value, " "), "&")
}

// misspeltReferences reports values that the chart's templates read and
// values.yaml lacks, when it has one of a similar name beside them that no
// template reads.
func (l *linter) misspeltReferences(t *treeUse, defaults map[string]any) {
	seen := map[string]bool{}
	for _, ref := range t.references {
		if t.root.deps[ref.path[0]] != nil || ref.path[0] == "global" {
			continue
		}
		table := defaults
		for i, name := range ref.path {
			if next, set := table[name]; set {
				table, _ = next.(map[string]any)
				continue
			}
			above := ref.path[:i:i]
			like := similar(name, sortedKeys(table), func(candidate string) bool {
				return !t.reads(t.root, append(above, candidate), (*usage).reads)
			})
			full := strings.Join(ref.path[:i+1], ".")
			if key := ref.source.file + "\x00" + full; like != "" && !seen[key] {
				seen[key] = true
				l.add("misspelt-value", Warning, ref.source.file, ref.source.place(ref.offset),
					".Values.%s is not in values.yaml, which has %s; is that meant?",
					full, strings.Join(append(above, like), "."))
			}
			break
		}
	}
}

func sortedKeys(table map[string]any) []string { return slices.Sorted(maps.Keys(table)) }

// userValues reports what the user sets and neither the chart's values nor
// its templates know.
func (l *linter) userValues(t *treeUse, use *chartUse, user, defaults map[string]any, at, below []string) {
	for _, name := range sortedKeys(user) {
		full, path := append(at[:len(at):len(at)], name), append(below[:len(below):len(below)], name)
		inner, isTable := user[name].(map[string]any)
		if sub := use.deps[name]; sub != nil && len(below) == 0 {
			if isTable {
				l.userValues(t, sub, inner, sub.chart.Values, full, nil)
			}
			continue
		}
		known, set := defaults[name]
		table, knownTable := known.(map[string]any)
		switch {
		case t.reads(use, path, (*usage).readsAll):
		case set && isTable && knownTable:
			l.userValues(t, use, inner, table, full, path)
		case !set && !t.reads(use, path, (*usage).reads):
			l.strangeValue(full, name, defaults)
		}
	}
}

func (l *linter) strangeValue(full []string, name string, defaults map[string]any) {
	file, place := "", position{}
	if l.options.Origin != nil {
		if origin, line, col, known := l.options.Origin(full); known {
			file, place = origin, position{line, col}
		}
	}
	path := strings.Join(full, ".")
	if like := similar(name, sortedKeys(defaults), func(string) bool { return true }); like != "" {
		l.add("misspelt-value", Warning, file, place, "no template reads the value %s; is %s meant?",
			path, strings.Join(append(full[:len(full)-1:len(full)-1], like), "."))
		return
	}
	l.add("unused-value", Info, file, place, "no template reads the value %s", path)
}
