package chart

import (
	"reflect"
	"testing"

	"sigs.k8s.io/yaml"
)

// FuzzMetadata holds against the library that Helm uses, for a fresh Metadata
// and for one that has values already.
func FuzzMetadata(f *testing.F) {
	for _, text := range []string{
		"", "null", "[]", "x", "name: web\nversion: 1.0.0\n",
		"name: 1\nversion: 1.10\nappVersion: 0.0001\nicon: 123456\nhome: 1e3\ntype: 012\ntags: true\n",
		"Name: a\nname: b\nNAME: c\n", "name: null\nkeywords: null\ndependencies: null\nmaintainers: null\nannotations: null\n",
		"keywords: [a, 1, 1.5, true, null]\nsources: []\n", "annotations: {a: 1, b: x, c: true, d: null, e: 0.1, f: []}\n", "annotations: {}\n",
		"maintainers: [{name: a, email: b, url: c}, {name: 1, x: y}, null]\n", "maintainers: [{Name: a}]\n", "maintainers: x\n",
		"dependencies:\n- {name: a, version: 1, repository: r, condition: c, tags: [t], enabled: true, import-values: [x, {child: c, parent: 1}], alias: b}\n- {name: z, importValues: [1]}\n",
		"dependencies: [{name: a, enabled: yes}, {}, {tags: []}]\n", "dependencies: [{name: a, enabled: x}]", "deprecated: true\n", "deprecated: null\n", "deprecated: 1\n",
		"\u212aeywords: [a]\n", "\u017fources: [a]\n", "kubeVersion: 1.20\nunknown: {a: [b]}\n", "apiVersion: v2\na b: c\n", "version: 99999\n", "version: -1\n", "version: 16777217\n", "version: 0.1234567891\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, start := range []func() *Metadata{
			func() *Metadata { return new(Metadata) },
			func() *Metadata {
				return &Metadata{Name: "n", Keywords: []string{"k", "l"}, Annotations: map[string]string{"x": "y"}, Dependencies: []*Dependency{{Name: "d", Alias: "e"}, {Name: "f"}}}
			},
		} {
			got, want := start(), start()
			err, wantErr := decodeMetadata([]byte(text), got), yaml.Unmarshal([]byte(text), want)
			if (err == nil) != (wantErr == nil) {
				t.Fatalf("%q: ours %v, library %v", text, err, wantErr)
			}
			if err == nil && !reflect.DeepEqual(got, want) {
				t.Fatalf("%q:\nours    %#v\nlibrary %#v", text, got, want)
			}
		}
	})
}
