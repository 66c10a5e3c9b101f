package repo

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
)

// TestAWarmCatalogSaysWhatAColdOneDoes has texts in an index of JSON that a writer of
// YAML does not get right.
func TestAWarmCatalogSaysWhatAColdOneDoes(t *testing.T) {
	for _, text := range []string{"<<", "a\nb\u0085c", "~\n\u0085 x\u2028z\nb", "\ufeff", "plain"} {
		data, err := json.Marshal(map[string]any{"apiVersion": "v1", "entries": map[string]any{"none": []any{}, "web": []any{map[string]any{
			"name": "web", "version": "1.0.0", "urls": []string{text}, "digest": text, "annotations": map[string]string{"<<": text},
			"created":      "2026-01-02T03:04:05.000000006+02:00",
			"dependencies": []any{map[string]any{"name": "d", "import-values": []any{text, map[string]any{"child": text, "n": 1.5}}}},
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "index.yaml")
		write(t, path, data)
		var seen []string
		for _, kind := range []string{"cold", "warm"} {
			c := openCatalog(t, path)
			if (c.full == nil) != (kind == "warm") {
				t.Fatalf("the catalog is not %s", kind)
			}
			list, err := c.Versions("web")
			text, bad := json.Marshal(list)
			seen = append(seen, fmt.Sprintf("%s %v %v", text, err, bad))
			if list, err := c.Versions("none"); err != nil || len(list) != 0 {
				t.Errorf("%s: a chart without versions is %v, %v", kind, list, err)
			}
		}
		if seen[0] != seen[1] {
			t.Errorf("cold: %s\nwarm: %s", seen[0], seen[1])
		}
	}
}
