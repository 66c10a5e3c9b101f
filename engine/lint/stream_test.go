package lint

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	k8syaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine/lint/internal/rules"
	"github.com/e6d26078/slipway/release/manifest"
)

var streams = []string{
	"", "a: 1", "---", "---\n---\n", "--- # c\nkind: A\n---\nkind: B", "kind: A\n--- x\nkind: B", "kind: A\r\n---\r\nkind: B\r\n",
	`{"kind":"A"}`, `{"kind":"A"}{"kind":"B"}x`, "{\"kind\":\"A\"}\n---\nkind: B\n", `{"kind":1}`, "{kind: A}", "{", "{}\n\n\n", "  {\"kind\": \"A\"} \n x",
	`{"kind":"A"} y`, "{\"kind\":\"A\"}  \n\nkind: B\n", "kind: A\nmetadata: {namespace: {a: b}}", "kind: A\nmetadata:\n  namespace: 5\n", "null\n---\n~", "- a", "a: b: c",
	"KIND: A\nMetadata: {NAME: x, NameSpace: [1]}", "kind: A\nmetadata:\n  name: x\n  \"namespace\": y\n", "kind: A\nmetadata:\n  namespace: |\n    x\n",
	"kind: [A]\n---\nkind: B", "\ufeff---\nkind: A", "kind: A\n...\nkind: B",
}

// objectsOf reads objects until the first error, whose text comes last.
func objectsOf(next func() (*rules.K8sYamlStruct, error)) (objects []*rules.K8sYamlStruct, err string) {
	for {
		object, err := next()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return objects, ""
		}
		if err != nil {
			return objects, err.Error()
		}
		if object != nil {
			// The namespace is not read when it cannot matter.
			object.Metadata.Namespace = ""
		}
		objects = append(objects, object)
	}
}

func compareStream(t *testing.T, text string) {
	t.Helper()
	decoder := k8syaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	want, wantErr := objectsOf(func() (object *rules.K8sYamlStruct, err error) {
		err = decoder.Decode(&object)
		return object, err
	})
	got, err := objectsOf(newStream(text).next)
	if diff := cmp.Diff(wantErr, err); diff != "" {
		t.Errorf("%q: error (-Kubernetes +ours):\n%s", text, diff)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q (-Kubernetes +ours):\n%s", text, diff)
	}
}

func TestObjectsAreReadAsKubernetesDecoderDoes(t *testing.T) {
	for _, text := range streams {
		compareStream(t, text)
	}
}

func FuzzStream(f *testing.F) {
	for _, text := range streams {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "*")+strings.Count(text, "&") > 8 {
			t.Skip("aliases make the oracle slow")
		}
		compareStream(t, text)
	})
}

// FuzzReadTemplate checks that reading marks no more than the text names.
func FuzzReadTemplate(f *testing.F) {
	for _, test := range ownTable {
		f.Add(test.archive)
	}
	f.Fuzz(func(t *testing.T, text string) {
		own, shared := &usage{}, &usage{}
		for _, ref := range readTemplate(&chart.File{Name: "x", Data: []byte(text)}, "x", own, shared) {
			if !own.reads(ref.path) && !shared.reads(ref.path) {
				t.Errorf("%q: %v is referenced and not read", text, ref.path)
			}
			if place := ref.source.place(ref.offset); place.line < 1 || place.col < 1 {
				t.Errorf("%q: %v is at %+v", text, ref.path, place)
			}
		}
	})
}

func TestSuspicionMissesNothingInRealOutput(t *testing.T) {
	folder := t.TempDir()
	if out, err := exec.Command("tar", "-xzf", filepath.Join(corpus(t), "goldens.tar.gz"), "-C", folder).CombinedOutput(); err != nil {
		t.Fatalf("unpack: %v %s", err, out)
	}
	goldens, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(goldens) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, golden := range goldens {
		text, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range manifest.Split(string(text), manifest.Helm3) {
			positions, err := yaml.Index([]byte(doc))
			if err != nil || suspiciousKeys(doc) {
				continue
			}
			if twice := positions.Duplicates(); len(twice) > 0 {
				t.Errorf("%s: line %d of %q", golden, twice[0].Last.Position().Line, doc)
			}
			for _, node := range positions.Nodes() {
				if wordOfKey(node) != "" {
					t.Errorf("%s: key %s of %q", golden, node.Key.Value, doc)
				}
			}
		}
	}
}
