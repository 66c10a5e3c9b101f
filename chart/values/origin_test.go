package values

import (
	"reflect"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart"
)

// eachLeaf calls visit for everything in v that is no filled table.
func eachLeaf(v any, path []string, visit func([]string, any)) {
	t, ok := v.(map[string]any)
	if !ok || len(t) == 0 {
		visit(path, v)
		return
	}
	for key, v := range t {
		eachLeaf(v, append(path[:len(path):len(path)], key), visit)
	}
}

// unexplained returns the leaves whose first origin does not give their value.
func unexplained(t *testing.T, root *Node, user *Merged) (leaves int, wrong []string) {
	t.Helper()
	e, err := NewExplainer(root, user)
	if err != nil {
		t.Fatal(err)
	}
	eachLeaf(e.Values(), nil, func(path []string, v any) {
		if table, ok := v.(map[string]any); ok && len(table) == 0 {
			return // every chart has a table "global" that nobody wrote
		}
		leaves++
		x := e.Explain(path...)
		if !x.Found || len(x.Origins) == 0 || !reflect.DeepEqual(x.Origins[0].Value, v) {
			wrong = append(wrong, FormatPath(path))
		}
	})
	return leaves, wrong
}

func TestEveryLeafOfTheCorpusHasAnOrigin(t *testing.T) {
	if testing.Short() {
		t.Skip("explains every leaf of every chart")
	}
	total := 0
	for _, one := range loadCorpus(t) {
		user := &Merged{Values: one.vals}
		root, err := Resolve(one.chart, one.vals, ResolveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		leaves, wrong := unexplained(t, root, user)
		total += leaves
		if len(wrong) > 0 {
			t.Errorf("%s: %d leaves without origin: %v", one.name, len(wrong), wrong[:min(len(wrong), 8)])
		}
	}
	t.Logf("%d leaves", total)
}

// umbrella is a chart with two subcharts, imports and globals.
func umbrella() *chart.Chart {
	withFile := func(name, values string) *chart.Chart {
		return &chart.Chart{
			Metadata: &chart.Metadata{Name: name, Version: "1.0.0"},
			Values:   parse(values),
			Raw:      []*chart.File{{Name: "Chart.yaml"}, {Name: "values.yaml", Data: []byte(values)}},
		}
	}
	root := withFile("top", "replicas: 1\nglobal:\n  registry: r1\ndb:\n  user: admin\n  gone: null\n  size:\n    disk: 10\nlist: [a, b]\nimage:\n  tag: v1\n")
	db := withFile("db", "user: nobody\nport: 1\ngone: 5\nsize:\n  disk: 1\n  memory: 2\nglobal:\n  registry: r2\n  own: o\nexports:\n  shared:\n    endpoint: db:1\nout:\n  deep: x\n")
	root.AddDependency(db)
	root.Metadata.Dependencies = []*chart.Dependency{{Name: "db", Version: "1.0.0", ImportValues: []any{"shared", map[string]any{"child": "out", "parent": "in.from"}}}}
	return root
}

func explainer(t *testing.T, o Options, files map[string]string) *Explainer {
	t.Helper()
	user, err := o.Merge(Source{ReadFile: func(name string) ([]byte, error) { return []byte(files[name]), nil }})
	if err != nil {
		t.Fatal(err)
	}
	root, err := Resolve(umbrella(), user.Values, ResolveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewExplainer(root, user)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOriginsNameEveryLayerInOrder(t *testing.T) {
	files := map[string]string{
		"a.yaml": "replicas: 2\nimage:\n  tag: v2\nlist:\n- x\n- z: 1\ndb:\n  port: 5\n  gone2: 1\n",
		"b.yaml": "# comment\nreplicas: 3\nimage: {tag: null}\n",
	}
	e := explainer(t, Options{ValueFiles: []string{"a.yaml", "b.yaml"}, Values: []string{"db.size.disk=7,replicas=4"}, JSONValues: []string{`extra={"k":[1,2]}`}}, files)
	for path, want := range map[string]string{
		"replicas":           "--set db.size.disk=7,replicas=4 | -f b.yaml:2 | -f a.yaml:1 | top/values.yaml:1",
		"image.tag":          "-f b.yaml:3 | -f a.yaml:3 | top/values.yaml:11",
		"db.user":            "top/values.yaml:5 | top.db/values.yaml:1",
		"db.port":            "-f a.yaml:8 | top.db/values.yaml:2",
		"db.size.disk":       "--set db.size.disk=7,replicas=4 | top/values.yaml:8 | top.db/values.yaml:5",
		"db.size.memory":     "top.db/values.yaml:6",
		"db.gone":            "top/values.yaml:6 | top.db/values.yaml:3",
		"db.global.registry": "top/values.yaml:3 (global of top) | top.db/values.yaml:8",
		"db.global.own":      "top.db/values.yaml:9",
		"endpoint":           "top.db/values.yaml:12 (import-values of top from db)",
		"in.from.deep":       "top.db/values.yaml:14 (import-values of top from db)",
		"list[1].z":          "-f a.yaml:6",
		"extra.k[1]":         `--set-json extra={"k":[1,2]}`,
		"nothing":            "",
		"image.tag.x":        "-f b.yaml:3",
	} {
		var got []string
		for _, o := range e.Explain(ParsePath(path)...).Origins {
			got = append(got, o.String())
		}
		if s := strings.Join(got, " | "); s != want {
			t.Errorf("%s:\n got %s\nwant %s", path, s, want)
		}
	}
}

func TestAMissingPathGetsASuggestion(t *testing.T) {
	e := explainer(t, Options{}, nil)
	for path, want := range map[string]string{
		"replica":        "replicas",
		"Replicas":       "replicas",
		"db.sise.memory": "db.size.memory",
		"db.sise.other":  "db.size",
		"memory":         "db.size.memory",
		"bd.size.memory": "db.size.memory",
		"repliacs":       "replicas",
		"completely":     "",
		"replicas.x":     "",
		"list[7]":        "",
	} {
		if got := FormatPath(e.Explain(ParsePath(path)...).Nearest); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestATableListsItsChildrenAndWriters(t *testing.T) {
	x := explainer(t, Options{Values: []string{"db.size.x=1"}}, nil).Explain("db", "size")
	if !x.Found || !reflect.DeepEqual(x.Children, []string{"disk", "memory", "x"}) || len(x.Origins) != 3 {
		t.Errorf("got %+v", x)
	}
}

func TestPathsCanBeWrittenAndReadBack(t *testing.T) {
	for text, want := range map[string][]string{
		"a.b[0].c":     {"a", "b", "[0]", "c"},
		`a.b\.c\[0].d`: {"a", "b.c[0]", "d"},
		"[3]":          {"[3]"},
		"":             nil,
		`x.a\\b`:       {"x", `a\b`},
	} {
		got := ParsePath(text)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q", text, got)
		}
		if back := FormatPath(got); back != text {
			t.Errorf("%s: written as %s", text, back)
		}
	}
}

func TestAnImportIntoItselfEnds(t *testing.T) {
	c := umbrella()
	c.Metadata.Dependencies[0].ImportValues = []any{
		map[string]any{"child": "size", "parent": "db.size.size"},
		map[string]any{"child": "size", "parent": "db.size"},
		map[string]any{"child": "out", "parent": "db.out.out"},
	}
	_, err := Resolve(c, nil, ResolveOptions{})
	if err == nil {
		return
	}
	if !strings.Contains(err.Error(), "nest") {
		t.Errorf("error %v", err)
	}
}

func TestEveryLeafOfRandomChartsHasAnOrigin(t *testing.T) {
	total, missed := 0, 0
	for seed := range uint64(1500) {
		c := &choices{data: randomBytes(9000 + seed)}
		ch, vals := c.chart("root", 3), c.table(4)
		root, err := Resolve(ch, vals, ResolveOptions{})
		if err != nil {
			continue // the values of a subchart are not a map
		}
		if _, err := root.Coalesce(vals, CoalesceOptions{}); err != nil {
			continue
		}
		leaves, wrong := unexplained(t, root, &Merged{Values: vals})
		total += leaves
		missed += len(wrong)
	}
	// What an import writes into another child's table, by Helm's merging in
	// place, is not traced.
	if total < 10_000 || missed*1000 > total {
		t.Errorf("%d of %d leaves have no origin", missed, total)
	}
}
