package yaml

import (
	"fmt"
	"strings"
	"testing"
)

const positionsText = `# comment
image:
  tag: 1.10
  "repo": 'x'
n: 300
list:
- a
-   b: |
      long
defaults: &d
  cpu: 1
  mem: 9007199254740993
app:
  <<: *d
  mem: 2
twin: *d
n: 4
é: [ü, {k: v}]
`

func TestPositionsOfKeysAndValues(t *testing.T) {
	p, err := Index([]byte(positionsText))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{"image", "2:1 key image, Mapping at 3:3"},
		{"image tag", `3:3 key tag, 1.10 at 3:8`},
		{"image repo", `4:3 key repo, x at 4:11`},
		{"false", "17:1 key n, 4 at 17:4"},
		{"list", "6:1 key list, Sequence at 7:1"},
		{"list 0", "7:3 key , a at 7:3"},
		{"list 1", "8:5 key , Mapping at 8:5"},
		{"list 1 b", "8:5 key b, long\n at 8:8"},
		{"app cpu", "11:3 key cpu, 1 at 11:8"},
		{"app mem", "15:3 key mem, 2 at 15:8"},
		{"twin", "16:1 key twin, Alias at 16:7"},
		{"twin mem", "12:3 key mem, 9007199254740993 at 12:8"},
		{"é 0", "18:5 key , ü at 18:5"},
		{"é 1 k", "18:9 key k, v at 18:12"},
	} {
		n := p.At(strings.Fields(c.path)...)
		if n == nil {
			t.Errorf("%s: not found", c.path)
			continue
		}
		value := []string{n.Text.Value, "Mapping", "Sequence", "Alias"}[n.Kind]
		got := fmt.Sprintf("%d:%d key %s, %s at %d:%d", n.Position().Line, n.Position().Column, n.Key.Value, value,
			n.Text.Line, n.Text.Column)
		if got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.path, got, c.want)
		}
	}
	for _, path := range []string{"nothing", "image tag x", "list 2", "list x", "list 00", "list -1"} {
		if n := p.At(strings.Fields(path)...); n != nil {
			t.Errorf("%s: found at %v", path, n.Position())
		}
	}
}

func TestDuplicateKeysHaveBothLines(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{positionsText, "[false] {5 1} {17 1}"},
		{"a: 1\na: 2\na: 3\n", "[a] {1 1} {2 1}, [a] {2 1} {3 1}"},
		{"x:\n- {a: 1, 'a': 2}\n", "[x 0 a] {2 4} {2 10}"},
		{"yes: 1\n\"true\": 2\n", "[true] {1 1} {2 1}"},
		{"a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n", ""},
		{"", ""},
	} {
		p, err := Index([]byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]string, 0)
		for _, d := range p.Duplicates() {
			got = append(got, fmt.Sprint(d.Last.Path(), d.First.Position(), d.Last.Position()))
		}
		if got := strings.Join(got, ", "); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestIndexIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("a: &a {")
	for i := range 2000 {
		fmt.Fprintf(&b, "k%d: v, ", i)
	}
	b.WriteString("}\n<<: [" + strings.Repeat("*a, ", 1000) + "]\n")
	if _, err := Index([]byte(b.String())); err == nil {
		t.Error("merge keys that repeat two million keys have positions")
	}
	p, err := Index([]byte(strings.Repeat("{a: 1, a: ", 4000) + strings.Repeat("}", 4000)))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(p.Duplicates()); got != 4000 {
		t.Errorf("%d duplicates", got)
	}
}

func TestIndexOfInvalidText(t *testing.T) {
	for _, text := range []string{"a: b: c", "a: *b", "\t", "a: &a [*a]", "a: [", "\x00"} {
		if _, err := Index([]byte(text)); err == nil {
			t.Errorf("%q has positions", text)
		}
	}
}

func FuzzIndex(f *testing.F) {
	for _, snippet := range allSnippets() {
		f.Add([]byte(snippet))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 2000 {
			return
		}
		p, err := Index(data)
		if err != nil {
			return
		}
		v, ok := decode(data)
		if !ok {
			return
		}
		checkPaths(t, p, v, nil)
	})
}

// checkPaths demands a position for each value of a tree.
func checkPaths(t *testing.T, p *Positions, v any, path []string) {
	t.Helper()
	n := p.At(path...)
	if n == nil {
		t.Fatalf("no position for %q", path)
	}
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			checkPaths(t, p, value, append(path, key))
		}
	case []any:
		for i, value := range v {
			checkPaths(t, p, value, append(path, fmt.Sprint(i)))
		}
	}
}

func TestCorpusHasPositionsForAllValues(t *testing.T) {
	files, _ := corpus(t)
	seen := make(map[string]bool)
	for _, doc := range files {
		v, ok := decode(doc.data)
		if !ok || seen[string(doc.data)] {
			continue
		}
		seen[string(doc.data)] = true
		p, err := Index(doc.data)
		if err != nil {
			t.Errorf("%s: %v", doc.name, err)
			continue
		}
		checkPaths(t, p, v, nil)
	}
}
