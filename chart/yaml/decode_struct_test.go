package yaml

import (
	"encoding/json"
	"path"
	"reflect"
	"strings"
	"testing"
	"time"

	helmchart "helm.sh/helm/v3/pkg/chart"
	sigs "sigs.k8s.io/yaml"
)

// structTargets are types that documents are decoded into, some of which only the library can do.
var structTargets = map[string]func() any{
	"metadata":     func() any { return new(helmchart.Metadata) },
	"lock":         func() any { return new(helmchart.Lock) },
	"dependencies": func() any { return new(struct{ Dependencies []*helmchart.Dependency }) },
	"filled":       func() any { return &helmchart.Metadata{Name: "old", Keywords: []string{"a", "b"}} },
	"pointers": func() any {
		return new(struct {
			Name *string
			B    **bool
			C    *struct{ Name string }
			D    map[string]*string
			E    [][]string
			F    map[string]map[string]bool
		})
	},
	"special": func() any {
		return new(struct {
			Name    json.Number
			Version time.Time
			B       json.RawMessage
			C       []byte
			D       [2]string
			E       error
		})
	},
	"hidden": func() any {
		return new(struct {
			Name string
			skip string
		})
	},
	"ignored": func() any {
		return new(struct {
			Name, Version string `json:"-"`
		})
	},
	"twice": func() any {
		return new(struct {
			Name string
			B    string `json:"Name"`
		})
	},
	"embedded": func() any { return new(struct{ helmchart.Dependency }) },
	"quoted": func() any {
		return new(struct {
			Name int `json:"name,string"`
		})
	},
	"numbers": func() any {
		return new(struct {
			Name    int
			Version float32
			B       uint8
		})
	},
	"map keys": func() any { return new(map[int]string) },
}

var structDocs = []string{
	"", "~", "{}", "name: a", "name: a\nversion: 1.10\nappVersion: 1\n", "Name: a", "NAME: a\nname: b", "name: 1_000\nversion: 0x10\nappVersion: yes",
	"name:\nversion: ~\nkeywords: ~\ndependencies: ~\n", "name: [a]", "name: {a: b}", "name: 1e3\nversion: 12345678.9\nappVersion: 18446744073709551615",
	"keywords: []", "keywords: [a, 1, true, ~, 1.50]", "keywords: a", "keywords: [[a]]", "annotations: {a: 1, b: true, c: ~, 1: 2.0}", "annotations: []",
	"deprecated: true", "deprecated: 1", "deprecated: \"true\"", "deprecated: ~", "unknown: 1\nother: {a: .5}", "ünknown: 1", "\u212aeywords: [a]",
	"maintainers:\n- name: a\n  email: 5\n- ~\n- {}\n- name: b\n  url: no\n",
	"dependencies:\n- name: a\n  version: 1\n  repository: \"\"\n  condition: a.b,c.d\n  tags: [a, 1]\n  import-values: [a, {child: b, parent: 1}, 1, 2.5, true, ~]\n  alias: x\n  enabled: false\n",
	"- a", "a", "1", "name: .inf", "name: a\nname: b", "a: &a {name: 1}\nc: *a\nd: {x: *a}\n", "b: true\nc: {name: 1, x: y}\nd: {a: 1, b: ~}\ne: [[1, a], ~, []]\nf: {a: {b: on}, c: ~}",
	"b: 1", "f: {a: {b: 1}}", "b: {a: [1]}\nc: aGk=\nd: [a, b]\ne: x", "version: 2020-01-01T00:00:00Z", "version: 2020-01-01", "generated: \"2020-01-01T00:00:00Z\"\ndigest: 5\n", "skip: a\nname: b", "-: a", "import-values: 1", "1: a\n2: b",
	"annotations:\n  a: |\n    - x\n    - y\n  b: >-\n    z\n", "name: a\r\nversion: 1\r\n",
}

func TestStructsGetTheLibrarysResult(t *testing.T) {
	for name, target := range structTargets {
		for _, doc := range append(allSnippets(), structDocs...) {
			checkStruct(t, name, target, doc)
		}
	}
}

func checkStruct(t *testing.T, name string, target func() any, doc string) {
	t.Helper()
	var got, want any
	var err, wantErr error
	for range oracleRuns {
		got, want = target(), target()
		err = Unmarshal([]byte(doc), got)
		wantErr = sigs.Unmarshal([]byte(doc), want)
		if sameError(err, wantErr) && reflect.DeepEqual(got, want) {
			return
		}
	}
	t.Errorf("%s: %q\n got %+v, %v\nwant %+v, %v", name, doc, got, err, want, wantErr)
}

func TestChartsNeedNoLibrary(t *testing.T) {
	for _, doc := range structDocs[:4] {
		if !decodeStruct([]byte(doc), new(helmchart.Metadata)) {
			t.Errorf("%q needs the library", doc)
		}
	}
}

func TestCorpusChartsGiveTheLibrarysResult(t *testing.T) {
	files, _ := corpus(t)
	total, slow := 0, 0
	for _, doc := range files {
		if path.Base(doc.name) != "Chart.yaml" {
			continue
		}
		total++
		if !decodeStruct(doc.data, new(helmchart.Metadata)) {
			slow++
		}
		checkStruct(t, "metadata", structTargets["metadata"], string(doc.data))
	}
	t.Logf("the library for %d of %d charts", slow, total)
	if slow*100 > maxFallback*total {
		t.Errorf("the library for %d of %d charts", slow, total)
	}
}

func FuzzUnmarshalStruct(f *testing.F) {
	for _, doc := range structDocs {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		if len(doc) > 2000 || strings.Count(doc, "&") > 20 {
			return
		}
		checkStruct(t, "metadata", structTargets["metadata"], doc)
		checkStruct(t, "pointers", structTargets["pointers"], doc)
	})
}
