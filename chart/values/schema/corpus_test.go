package schema_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// found is a schema of the corpus with the default values beside it.
type found struct {
	name   string
	schema []byte
	values map[string]any
}

// corpus reads every values.schema.json of the corpus, those of nested charts
// and of archives within archives included.
func corpus(t testing.TB) []found {
	t.Helper()
	dir := os.Getenv("SLIPWAY_CORPUS")
	if dir == "" {
		dir = filepath.FromSlash("../../../../shared/corpus")
	}
	archives, _ := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if len(archives) == 0 {
		t.Skip("no corpus")
	}
	var out []found
	seen := make(map[string]bool)
	for _, a := range archives {
		data, err := os.ReadFile(a)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range readArchive(t, filepath.Base(a), data) {
			if !seen[string(f.schema)] {
				seen[string(f.schema)] = true
				out = append(out, f)
			}
		}
	}
	return out
}

func readArchive(t testing.TB, name string, data []byte) []found {
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	files := make(map[string][]byte)
	var out []found
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = content
		if strings.HasSuffix(h.Name, ".tgz") {
			out = append(out, readArchive(t, name+"!"+h.Name, content)...)
		}
	}
	paths := make([]string, 0, len(files))
	for p := range files {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	for _, p := range paths {
		base, ok := strings.CutSuffix(p, "values.schema.json")
		if !ok {
			continue
		}
		values := map[string]any{}
		if err := yaml.Unmarshal(files[base+"values.yaml"], &values); err != nil {
			t.Fatalf("%s!%s: %v", name, p, err)
		}
		if values == nil {
			values = map[string]any{}
		}
		if _, ok := values["global"]; !ok {
			values["global"] = map[string]any{}
		}
		out = append(out, found{name + "!" + p, bytes.TrimPrefix(files[p], []byte("\xef\xbb\xbf")), values})
	}
	return out
}

func TestSchemasOfTheCorpusJudgeValuesAsHelmDoes(t *testing.T) {
	cases := 0
	for _, f := range corpus(t) {
		values := []any{f.values}
		for seed := range 100 {
			values = append(values, mutated(f.values, rand.New(rand.NewSource(int64(seed)))))
		}
		t.Run(f.name, func(t *testing.T) {
			cases += compareAll(t, f.schema, values, nil)
		})
	}
	t.Logf("%d cases", cases)
}

// mutated copies v and damages a few places of it.
func mutated(v any, r *rand.Rand) any {
	odds := 60
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			switch r.Intn(odds) {
			case 0:
			case 1:
				out[name] = anything(r)
			default:
				out[name] = mutated(v[name], r)
			}
		}
		if r.Intn(odds) == 0 {
			out[fmt.Sprintf("unknown%d", r.Intn(3))] = anything(r)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			out = append(out, mutated(item, r))
		}
		if r.Intn(odds/4) == 0 {
			out = append(out, anything(r))
		}
		return out
	}
	if r.Intn(odds) == 0 {
		return anything(r)
	}
	return v
}

func anything(r *rand.Rand) any {
	choices := []any{nil, true, false, "", "text", "-1", 0.0, -1.0, 1.5, 70000.0, int64(12), 1e6,
		[]any{}, []any{"a", "a"}, []any{1.0}, map[string]any{}, map[string]any{"a": 1.0, "name": "x"}}
	return choices[r.Intn(len(choices))]
}

func BenchmarkCorpus(b *testing.B) {
	all := corpus(b)
	size := 0
	for _, f := range all {
		size += len(f.schema)
	}
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(size))
		for b.Loop() {
			for _, f := range all {
				ours(f.schema, f.values, nil)
			}
		}
	})
	b.Run("santhosh", func(b *testing.B) {
		b.SetBytes(int64(size))
		for b.Loop() {
			for _, f := range all {
				oracle(f.schema, f.values, nil)
			}
		}
	})
}
