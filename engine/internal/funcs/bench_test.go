package funcs

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// benchmarkCalls are calls as charts make them.
func benchmarkCalls() []struct {
	name string
	args []any
} {
	labels := map[string]any{"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "rel", "tier": "front"}
	pod := map[string]any{
		"image":     map[string]any{"repository": "registry/web", "tag": "1.2.3", "pullPolicy": "IfNotPresent"},
		"resources": map[string]any{"limits": map[string]any{"cpu": "100m", "memory": "128Mi"}, "requests": map[string]any{"cpu": "50m"}},
		"env":       []any{map[string]any{"name": "A", "value": "1"}, map[string]any{"name": "B", "value": "2"}},
		"labels":    labels, "replicas": 3.0, "enabled": true,
	}
	multi := strings.Repeat("some line: of text\n", 20)
	return []struct {
		name string
		args []any
	}{
		{"default", []any{"x", ""}}, {"quote", []any{"value"}}, {"trunc", []any{63, "a-name"}}, {"trimSuffix", []any{"-", "a-name"}}, {"replace", []any{"+", "_", "chart-1.0+x"}},
		{"nindent", []any{4, multi}}, {"indent", []any{4, multi}}, {"dict", []any{"a", 1, "b", labels, "c", "d"}}, {"list", []any{1, 2, 3}}, {"hasKey", []any{labels, "tier"}},
		{"get", []any{labels, "tier"}}, {"pick", []any{labels, "tier"}}, {"omit", []any{labels, "tier"}}, {"keys", []any{labels}}, {"merge", []any{map[string]any{"labels": map[string]any{"x": 1}}, pod}},
		{"mergeOverwrite", []any{map[string]any{"labels": map[string]any{"x": 1}}, pod}}, {"deepCopy", []any{pod}}, {"toYaml", []any{pod}}, {"toJson", []any{pod}}, {"toPrettyJson", []any{pod}},
		{"dig", []any{"resources", "limits", "cpu", "", pod}}, {"kindIs", []any{"map", pod}}, {"typeOf", []any{pod}}, {"empty", []any{pod}}, {"coalesce", []any{nil, "", "x"}}, {"ternary", []any{1, 2, true}},
		{"regexMatch", []any{"^[a-z]+$", "web"}}, {"regexReplaceAll", []any{"[^a-z]", "Web-App", "-"}}, {"semverCompare", []any{">=1.19-0", "1.29.3"}}, {"join", []any{",", []any{"a", "b", "c"}}},
		{"splitList", []any{",", "a,b,c"}}, {"has", []any{"c", []any{"a", "b", "c"}}}, {"append", []any{[]any{"a"}, "b"}}, {"uniq", []any{[]any{"a", "b", "a"}}}, {"int", []any{8080.0}}, {"add", []any{1, 2.0}},
		{"toString", []any{pod}}, {"fromYaml", []any{"a: 1\nb:\n- c\n"}}, {"b64enc", []any{multi}}, {"sha256sum", []any{multi}}, {"contains", []any{"a", "abc"}},
	}
}

func BenchmarkCalls(b *testing.B) {
	table := Helm3()
	for _, c := range benchmarkCalls() {
		f, ok := table[c.name]
		if !ok {
			continue
		}
		if f.Fast != nil {
			b.Run(c.name+"/fast", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, _, _ = f.Fast(nil, c.args)
				}
			})
		}
		if f.Append != nil {
			b.Run(c.name+"/append", func(b *testing.B) {
				b.ReportAllocs()
				var dst []byte
				for b.Loop() {
					dst, _, _ = f.Append(nil, dst[:0], c.args)
				}
			})
		}
		b.Run(c.name+"/original", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				callOriginal(f.Fn, c.args)
			}
		})
	}
}

func TestFastFormsMayBeUsedAtOnce(t *testing.T) {
	table := Helm3()
	calls := benchmarkCalls()
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 300 {
				for _, c := range calls {
					if f := table[c.name]; f.Fast != nil && !f.Mutates {
						_, _, _ = f.Fast(nil, c.args)
					}
				}
				pattern := fmt.Sprintf("^x{%d}$", (i*worker)%900+1)
				text := strings.Repeat("x", (i*worker)%900+1)
				if got, ok, _ := table["regexMatch"].Fast(nil, []any{pattern, text}); got != true || !ok {
					t.Errorf("%s does not match (%v, %v)", pattern, got, ok)
					return
				}
			}
		})
	}
	wg.Wait()
}
