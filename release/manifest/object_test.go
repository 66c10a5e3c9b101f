package manifest

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/resource"
)

// kubectlObjects reads a manifest with the builder that kubectl and Helm use.
func kubectlObjects(body string) ([]Object, error) {
	infos, err := resource.NewLocalBuilder().Unstructured().Stream(strings.NewReader(body), "").Flatten().Do().Infos()
	if err != nil {
		return nil, err
	}
	var objects []Object
	for _, info := range infos {
		u := info.Object.(*unstructured.Unstructured)
		objects = append(objects, Object{Fields: u.Object, Ref: Ref{
			APIVersion: u.GetAPIVersion(), Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: u.GetName(),
		}})
	}
	return objects, nil
}

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"

var objectTable = map[string]string{
	"nothing":                            "",
	"comments and separators":            "---\n# Source: a/b.yaml\n---\n# nothing\n---\n",
	"null documents":                     "---\nnull\n---\n~\n---\n" + pod,
	"a document":                         "---\n# Source: c/templates/p.yaml\n" + pod,
	"namespace":                          "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: n}\n",
	"whole numbers":                      "---\n" + pod + "x: [0, 1, -1, 9007199254740991, 9007199254740992, 9007199254740993, 9223372036854775807]\n",
	"least whole number":                 "---\n" + pod + "x: -9223372036854775808\n",
	"numbers beyond 64 bits":             "---\n" + pod + "x: [9223372036854775808, 18446744073709551615, 1e30]\n",
	"whole numbers written as floats":    "---\n" + pod + "x: [1.0, 1e3, -0.0, 5e-1, 1e20, 1e21, 4503599627370497.0]\n",
	"octal, hex and underscores":         "---\n" + pod + "x: [0777, 0o17, 0x1F, 1_000, 0b11]\n",
	"fractions":                          "---\n" + pod + "x: [0.1, 1.5, -2.25, 1e-7]\n",
	"booleans of YAML 1.1":               "---\n" + pod + "x: [yes, no, on, off, y, n, true]\n",
	"keys that are no strings":           "---\n" + pod + "x: {1: a, true: b, 2.5: c}\n",
	"dates stay text":                    "---\n" + pod + "x: [2001-12-14, 2001-12-14t21:59:43.10-05:00]\n",
	"anchors and merge keys":             "---\n" + pod + "a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}\n",
	"binary":                             "---\n" + pod + "x: !!binary aGVsbG8=\n",
	"block scalar at the end":            "---\n" + pod + "x: |\n  text\n",
	"kept line ends at the end":          "---\n" + pod + "x: |+\n  text\n\n\n---\n" + strings.Replace(pod, "p}", "q}", 1),
	"block scalar at the end of a text":  "---\n" + pod + "x: |\n  text",
	"CRLF":                               "---\r\n" + strings.ReplaceAll(pod, "\n", "\r\n") + "x: |\r\n  text\r\n",
	"a key twice":                        "---\n" + pod + "x: 1\nx: 2\n",
	"JSON":                               "---\n{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"p\"}, \"n\": [1, \"\\u00e9\\/\"]}\n",
	"nulls":                              "---\n" + pod + "x: null\nm: {a: ~}\n",
	"a list":                             "---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}, x: 1}\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n",
	"a typed list":                       "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleList\nitems:\n- {metadata: {name: a}}\n- {kind: Role, apiVersion: rbac.authorization.k8s.io/v1, metadata: {name: b}}\n",
	"a list in a list":                   "---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: a}}]}\n",
	"an empty list":                      "---\napiVersion: v1\nkind: ConfigMapList\nitems: []\n",
	"a list of null":                     "---\napiVersion: v1\nkind: ConfigMapList\nitems: null\n",
	"items of another kind":              "---\napiVersion: example.com/v1\nkind: Basket\nmetadata: {name: a}\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: a}}]\n",
	"generateName":                       "---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: p-}\n---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: p-}\n",
	"a comment beside the separator":     "--- # one\n" + pod,
	"blanks around":                      "\n\n---\n\n" + pod + "\n   \n---\n   \n",
	"a separator that a template wrote":  "---\n# Source: c/templates/p.yaml\n---\n" + pod,
	"not YAML":                           "---\na: [\n",
	"a tab":                              "---\na:\n\tb: 1\n",
	"no kind":                            "---\napiVersion: v1\nmetadata: {name: a}\n",
	"an empty kind":                      "---\napiVersion: v1\nkind: \"\"\nmetadata: {name: a}\n",
	"a list instead of an object":        "---\n- 1\n",
	"text instead of an object":          "---\nhello\n",
	"items that are no list":             "---\napiVersion: v1\nkind: List\nitems: {a: 1}\n",
	"an item that is no object":          "---\napiVersion: v1\nkind: List\nitems: [1]\n",
	"unknown alias":                      "---\n" + pod + "x: *x\n",
	"infinity":                           "---\n" + pod + "x: .inf\n",
	"two documents without a line end":   "---\n" + pod + "---\n" + strings.TrimSpace(strings.Replace(pod, "p}", "q}", 1)),
	"large text":                         "---\n" + pod + "x: \"" + strings.Repeat("x", 9000) + "\"\n",
	"escapes of HTML":                    "---\n" + pod + "x: \"<a> & b \\u2028\"\n",
	"numbers that only look whole":       "---\n" + pod + "x: [\"1\", '2', !!str 3]\n",
	"a float where a whole number fails": "---\n" + pod + "x: [9007199254740993.0, 9007199254740993]\n",
}

func TestObjectsAreThoseThatKubectlReads(t *testing.T) {
	for name, body := range objectTable {
		t.Run(name, func(t *testing.T) { compareWithKubectl(t, body) })
	}
}

func compareWithKubectl(t *testing.T, body string) {
	t.Helper()
	want, wantErr := kubectlObjects(body)
	got, err := Objects(body)
	if (wantErr != nil) != (err != nil) {
		t.Fatalf("kubectl: %v; ours: %v", wantErr, err)
	}
	for i := range got {
		got[i].Source = ""
	}
	if diff := cmp.Diff(inOrder(lastOfEach(want)), inOrder(got)); diff != "" {
		t.Errorf("(-kubectl +ours):\n%s", diff)
	}
}

// inOrder sorts objects: those of lists in lists come in another order.
func inOrder(objects []Object) []Object {
	sort.SliceStable(objects, func(i, j int) bool { return fmt.Sprint(objects[i]) < fmt.Sprint(objects[j]) })
	if len(objects) == 0 {
		return nil
	}
	return objects
}

func TestObjectsThatCannotBeSentAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"no apiVersion":         {"---\n# Source: c/templates/a.yaml\nkind: Pod\nmetadata: {name: a}\n", "YAML parse error on c/templates/a.yaml: apiVersion is missing"},
		"no name":               {"kind: Pod\napiVersion: v1\nmetadata: {}\n", "YAML parse error on manifest: metadata.name is missing"},
		"no metadata":           {"kind: Pod\napiVersion: v1\n", "YAML parse error on manifest: metadata is missing"},
		"name is a number":      {"kind: Pod\napiVersion: v1\nmetadata: {name: 1}\n", "YAML parse error on manifest: metadata.name is not a string"},
		"name beside a prefix":  {"kind: Pod\napiVersion: v1\nmetadata: {name: 1, generateName: a}\n", "YAML parse error on manifest: metadata.name is not a string"},
		"namespace is a number": {"kind: Pod\napiVersion: v1\nmetadata: {name: a, namespace: 1}\n", "YAML parse error on manifest: metadata.namespace is not a string"},
		"labels are a list":     {"kind: Pod\napiVersion: v1\nmetadata: {name: a, labels: []}\n", "YAML parse error on manifest: metadata.labels is not a mapping"},
		"kind is a number":      {"kind: 1\napiVersion: v1\nmetadata: {name: a}\n", "YAML parse error on manifest: kind is not a string"},
		"in a list":             {"kind: List\napiVersion: v1\nitems: [{kind: Pod, apiVersion: v1}]\n", "YAML parse error on manifest: items[0]: metadata is missing"},
		"a list in a list":      {"{kind: List, apiVersion: v1, items: [{kind: List, apiVersion: v1, items: []}]}", "YAML parse error on manifest: items[0]: a list cannot stand in a list"},
		"not even a comment":    {"---\n# Source: c/templates/a.yaml\n#\x00\n", "YAML parse error on c/templates/a.yaml: error converting YAML to JSON: yaml: control characters are not allowed"},
		"too deep":              {pod + "x: " + strings.Repeat("[", 1001) + strings.Repeat("]", 1001), "YAML parse error on manifest: more than 1000 levels"},
		"too long":              {strings.Repeat(" ", 64<<20+1), "YAML parse error on manifest: more than 67108864 bytes"},
		"too many":              {"kind: List\napiVersion: v1\nitems:\n" + strings.Repeat("- {kind: A, apiVersion: v1, metadata: {name: a}}\n", 100_001), "YAML parse error on manifest: items[100000]: more than 100000 objects"},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := Objects(test.body)
			var parse *ParseError
			if !errors.As(err, &parse) || objects != nil {
				t.Fatalf("got %v, %v", objects, err)
			}
			if err.Error() != test.want {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}

func TestObjectsKnowTheirTemplate(t *testing.T) {
	body := "---\n# Source: c/templates/a.yaml\n" + pod +
		"---\n# Source: c/templates/b.yaml\n---\n" + strings.Replace(pod, "p}", "q}", 1) +
		"---\n" + strings.Replace(pod, "p}", "r}", 1) +
		"---\n# Source: c/templates/l.yaml\n# more\nkind: List\napiVersion: v1\nitems: [{kind: Pod, apiVersion: v1, metadata: {name: s}}]\n"
	objects, err := Objects(body)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, o := range objects {
		got[o.Name] = o.Source
	}
	want := map[string]string{"p": "c/templates/a.yaml", "q": "c/templates/b.yaml", "r": "", "s": "c/templates/l.yaml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheLastOfEqualReferencesCounts(t *testing.T) {
	objects, err := Objects(pod + "x: 1\n---\nkind: A\napiVersion: v1\nmetadata: {name: p}\n---\n" + pod + "x: 2\n---\n" + strings.Replace(pod, "v1", "v2", 1))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, fmt.Sprint(o.Ref, " ", o.APIVersion, " ", o.Fields["x"]))
	}
	if diff := cmp.Diff([]string{"A p v1 <nil>", "Pod p v1 2", "Pod p v2 <nil>"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestObjectsOfRealChartsAreThoseThatKubectlReads(t *testing.T) {
	for name, text := range goldens(t) {
		if !strings.HasPrefix(text, "---") || len(text) > 300<<10 {
			continue // notes and errors; long ones add nothing but time
		}
		if _, err := kubectlObjects(text); err != nil {
			if _, err := Objects(text); err == nil {
				t.Errorf("%s: kubectl cannot read it", name)
			}
			continue
		}
		t.Run(name, func(t *testing.T) { compareWithKubectl(t, text) })
	}
}

func FuzzObjects(f *testing.F) {
	for _, body := range objectTable {
		f.Add(strings.TrimPrefix(body, "---\n"))
	}
	f.Fuzz(func(t *testing.T, doc string) {
		// Other separators than Helm writes are for the splitter's tests.
		if len(doc) > 20_000 || strings.Contains("\n"+doc, "\n---") || strings.Contains(doc, "\r") || !utf8.ValidString(doc) {
			return
		}
		body := "---\n" + doc
		got, err := Objects(body)
		if err != nil {
			if got != nil {
				t.Error("objects beside an error")
			}
			return // stricter than kubectl, which leaves much to the server
		}
		want, err := kubectlObjects(body)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("kubectl: %v; ours: %v", err, got)
		}
		for i := range got {
			got[i].Source = ""
		}
		if diff := cmp.Diff(inOrder(lastOfEach(want)), inOrder(got)); diff != "" {
			t.Errorf("(-kubectl +ours):\n%s", diff)
		}
	})
}

func BenchmarkObjects(b *testing.B) {
	body := manyObjects(400)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if objects, err := Objects(body); err != nil || len(objects) != 400 {
			b.Fatal(len(objects), err)
		}
	}
}

func manyObjects(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `---
# Source: big/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%d
  labels: {app: web, tier: "front"}
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: "registry.example.com/web:1.2.3"
          args: ["--port", "8080"]
          ports:
            - containerPort: 8080
              name: http
          resources:
            limits: {cpu: 500m, memory: 128Mi}
          env:
            - name: A
              value: "1"
`, i)
	}
	return b.String()
}
