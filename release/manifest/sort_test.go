package manifest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/releaseutil"
)

func object(kind, name string, annotations ...string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "apiVersion: v1\nkind: %s\nmetadata:\n  name: %s\n", kind, name)
	if len(annotations) > 0 {
		text.WriteString("  annotations:\n")
		for _, annotation := range annotations {
			fmt.Fprintf(&text, "    %s\n", annotation)
		}
	}
	return text.String()
}

// everyKind is one file of all kinds, in an order that is neither of ours.
func everyKind() string {
	var text strings.Builder
	for _, kind := range []string{"Zebra", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "Aardvark", "Zebra"} {
		text.WriteString("---\n" + object(kind, "first"))
	}
	for i, kind := range append(Kinds(Uninstall, Helm3), Kinds(Install, Helm3)...) {
		text.WriteString("---\n" + object(kind, fmt.Sprint("n", i)))
	}
	return text.String()
}

var sortTable = map[string][]File{
	"no files":       nil,
	"one blank file": {{"c/templates/a.yaml", " \n"}},
	"files are taken in the order of their names": {
		{"c/templates/b.yaml", object("ConfigMap", "b")}, {"c/templates/a.yaml", object("ConfigMap", "a")},
		{"c/charts/z/templates/z.yaml", object("ConfigMap", "z")}, {"c/templates/B.yaml", object("ConfigMap", "B")},
	},
	"partials are left out, by base name only": {
		{"c/templates/_h.tpl", "not: [yaml"}, {"c/templates/_d/x.yaml", object("Pod", "x")}, {"_", "{"}, {"c/_.yaml/", "{"},
	},
	"any extension is a manifest": {{"c/templates/a.txt", object("Pod", "a")}, {"c/templates/b.json", `{"kind":"Pod"}`}, {"x", "kind: X"}},
	"every kind":                  {{"c/templates/all.yaml", everyKind()}},
	"comment-only documents come first among the unknown kinds": {
		{"a", "# only a comment\n---\n" + object("Zebra", "z") + "---\n# another\n---\n" + object("Aardvark", "a")},
	},
	"all events":           {{"a", object("Pod", "p", "helm.sh/hook: pre-install,post-install, pre-delete ,post-delete,pre-upgrade,post-upgrade,pre-rollback,post-rollback,test,test-success")}},
	"upper case events":    {{"a", object("Pod", "p", "helm.sh/hook: Pre-Install,TEST")}},
	"an event named twice": {{"a", object("Pod", "p", "helm.sh/hook: test,test-success,test")}},
	"unknown events drop the document": {
		{"a", object("Pod", "a", "helm.sh/hook: crd-install") + "---\n" + object("Pod", "b", "helm.sh/hook: pre-install,test-failure") +
			"---\n" + object("Pod", "c", "helm.sh/hook: pre-install,")},
		{"b", object("Pod", "d", `helm.sh/hook: ""`) + "---\n" + object("Pod", "e", "helm.sh/hook:") + "---\n" + object("Pod", "f")},
	},
	"weights": {
		{"a", object("Job", "a", "helm.sh/hook: test", `helm.sh/hook-weight: "-5"`) + "---\n" +
			object("Job", "b", "helm.sh/hook: test", "helm.sh/hook-weight: 10") + "---\n" +
			object("Job", "c", "helm.sh/hook: test", `helm.sh/hook-weight: "+3"`) + "---\n" +
			object("Job", "d", "helm.sh/hook: test", `helm.sh/hook-weight: " 3"`) + "---\n" +
			object("Job", "e", "helm.sh/hook: test", "helm.sh/hook-weight: 1.5") + "---\n" +
			object("Job", "f", "helm.sh/hook: test", `helm.sh/hook-weight: "9999999999999999999999"`) + "---\n" +
			object("Job", "g", "helm.sh/hook: test", "helm.sh/hook-weight: 1e3") + "---\n" +
			object("Job", "h", "helm.sh/hook: test", "helm.sh/hook-weight: 0x10")},
	},
	"policies": {
		{"a", object("Job", "a", "helm.sh/hook: test", "helm.sh/hook-delete-policy: Hook-Succeeded, before-hook-creation,,odd",
			"helm.sh/hook-output-log-policy: hook-failed") + "---\n" +
			object("Job", "b", "helm.sh/hook: test", `helm.sh/hook-delete-policy: ""`, "helm.sh/hook-output-log-policy:")},
	},
	"annotations that are no strings": {{"a", object("Job", "a", "helm.sh/hook: true") + "---\n" + object("Job", "b", "x: 1", "y: yes", "z: 1.0", "n: null", "big: 100000000")}},
	"annotations of other forms": {
		{"a", "kind: A\nmetadata:\n  annotations: {}\n---\nkind: B\nmetadata:\n  annotations:\n---\nkind: C\nmetadata:\n---\nkind: D\nmetadata: {}\n---\nkind: E\nmetadata: {annotations: {helm.sh/hook: test}}"},
	},
	"annotations as a list":        {{"a", object("Pod", "ok")}, {"b", "kind: A\nmetadata:\n  annotations: [x]"}},
	"an annotation that is a map":  {{"b", "kind: A\nmetadata:\n  annotations:\n    x: {y: 1}"}},
	"metadata as text":             {{"b", "kind: A\nmetadata: x"}},
	"kind as a list":               {{"b", "kind: [A]"}},
	"kind as a number":             {{"b", "kind: 12\napiVersion: 1.0\nmetadata: {name: 5}"}},
	"a scalar document":            {{"a", object("Secret", "s") + "---\njust text"}},
	"a list document":              {{"a", "- a\n- b"}},
	"null document":                {{"a", "null\n---\n~\n---\nkind: A"}},
	"invalid YAML after good":      {{"a", object("Service", "s") + "---\n" + object("Pod", "p", "helm.sh/hook: test") + "---\n" + object("Namespace", "n")}, {"b", "a: b: c"}, {"c", "{"}},
	"tab indentation":              {{"a", "a:\n\tb: 1"}},
	"unknown escape":               {{"a", `a: "\q"`}},
	"duplicate keys, last wins":    {{"a", "kind: A\nkind: B\nmetadata: {name: x}\nmetadata: {name: y}"}},
	"keys of another case":         {{"a", "KIND: A\nApiVersion: v1\nMetaData: {NAME: x, Annotations: {helm.sh/hook: test}}"}},
	"anchors and merges":           {{"a", "base: &b {name: x, annotations: {helm.sh/hook: test}}\nkind: A\nmetadata:\n  <<: *b\n"}},
	"glued and doubled separators": {{"a", "---kind: A\n---\n---\nkind: B\n"}},
	"doubled separators before a mapping that follows text": {{"a", "---\n# c\n---\n---\nkind: B\n"}},
	"CRLF":                     {{"a", "kind: A\r\nmetadata:\r\n  name: x\r\n---\r\nkind: B\r\n"}},
	"Windows paths":            {{`c\templates\_x.yaml`, "kind: A"}, {`c/templates\a.yaml`, "kind: B"}},
	"block scalars":            {{"a", "kind: A\nx: |\n  ---\n  text\n---\nkind: B\nx: |\n---\n  text\n"}},
	"two document end markers": {{"a", "kind: A\n...\nkind: B\n"}},
	"byte order mark":          {{"a", "\ufeffkind: A\n---\nkind: B"}},
	"control character":        {{"a", "kind: A\nx: \x01"}},
}

func TestSortGivesHelmsHooksDocumentsAndErrors(t *testing.T) {
	for name, files := range sortTable {
		t.Run(name, func(t *testing.T) { compareSort(t, files) })
	}
}

func TestSortDoesNotChangeItsInput(t *testing.T) {
	files := []File{{"b", "kind: B"}, {"a", "kind: A"}}
	if _, err := Sort(files, Options{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]File{{"b", "kind: B"}, {"a", "kind: A"}}, files); diff != "" {
		t.Error(diff)
	}
}

func TestSortNamesTheDocumentsItLeavesOut(t *testing.T) {
	crd, pod := object("CustomResourceDefinition", "x", "helm.sh/hook: crd-install"), object("Pod", "old", "helm.sh/hook: test-failure")
	set, err := Sort([]File{{"c/t.yaml", crd + "---\n" + pod}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Skipped{
		{Path: "c/t.yaml", Kind: "CustomResourceDefinition", Name: "x", Events: "crd-install", Content: strings.TrimSpace(crd)},
		{Path: "c/t.yaml", Kind: "Pod", Name: "old", Events: "test-failure", Content: strings.TrimSpace(pod)},
	}
	if diff := cmp.Diff(want, set.Skipped); diff != "" {
		t.Error(diff)
	}
	if got, want := set.Skipped[0].String(), `info: skipping unknown hook: "crd-install"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSortErrorNamesTheFileAndKeepsTheDocument(t *testing.T) {
	_, err := Sort([]File{{"c/t.yaml", "kind: A\n---\na: b: c"}}, Options{})
	var parse *ParseError
	if !errors.As(err, &parse) {
		t.Fatalf("got %v, want a *ParseError", err)
	}
	if parse.File != "c/t.yaml" || parse.Doc != "a: b: c" || errors.Unwrap(err) != parse.Err {
		t.Errorf("got %#v", parse)
	}
}

func TestSortOfManyFilesReportsTheFirstErrorInFileOrder(t *testing.T) {
	filler := "data: " + strings.Repeat("x", parallelBytes/8) + "\n"
	var files []File
	for i := range 60 {
		text := object("ConfigMap", fmt.Sprint("n", i)) + filler
		if i >= 17 && i%2 == 1 {
			text += "  bad: [\n"
		}
		files = append(files, File{fmt.Sprintf("f%02d", i), text})
	}
	compareSort(t, files)
	set, err := Sort(files, Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "YAML parse error on f17: ") || len(set.Docs) != 17 {
		t.Errorf("got %v and %d documents, want an error on f17 and 17 documents", err, len(set.Docs))
	}
}

func TestKindsAreHelmsKinds(t *testing.T) {
	for order, want := range map[Order]releaseutil.KindSortOrder{Install: releaseutil.InstallOrder, Uninstall: releaseutil.UninstallOrder} {
		if diff := cmp.Diff([]string(want), Kinds(order, Helm3)); diff != "" {
			t.Errorf("order %d: %s", order, diff)
		}
	}
}

func TestHelm4PutsWebhooksLastAndRemovesThemFirst(t *testing.T) {
	text := object("ValidatingWebhookConfiguration", "v") + "---\n" + object("Zebra", "z") + "---\n" +
		object("MutatingWebhookConfiguration", "m") + "---\n" + object("APIService", "a")
	for order, want := range map[Order]string{Install: "a m v z", Uninstall: "v m a z"} {
		set, err := Sort([]File{{"a", text}}, Options{Compat: Helm4, Order: order})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, doc := range set.Docs {
			got = append(got, doc.Head.Metadata.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("order %d: got %v, want %s", order, got, want)
		}
	}
	if c := CompareKinds("MutatingWebhookConfiguration", "Zebra", Install, Helm3); c >= 0 {
		t.Errorf("Helm 3 knows no webhooks and sorts them by name, got %d", c)
	}
	if c := CompareKinds("Zebra", "ValidatingWebhookConfiguration", Install, Helm4); c <= 0 {
		t.Errorf("Helm 4 puts webhooks before unknown kinds, got %d", c)
	}
}

func TestForEventOrdersByWeightThenName(t *testing.T) {
	hooks := []Hook{
		{Name: "c", Events: []Event{Test}, Kind: "first"}, {Name: "b", Weight: 1, Events: []Event{Test}},
		{Name: "a", Events: []Event{PreInstall, Test}}, {Name: "z", Weight: -1, Events: []Event{Test, Test}},
		{Name: "c", Events: []Event{Test}, Kind: "second"}, {Name: "no", Events: []Event{PostDelete}},
	}
	var got []string
	for _, hook := range ForEvent(hooks, Test) {
		got = append(got, hook.Name+hook.Kind)
	}
	if diff := cmp.Diff([]string{"z", "z", "a", "cfirst", "csecond", "b"}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzSort(f *testing.F) {
	for _, files := range sortTable {
		if len(files) > 0 {
			f.Add(files[0].Content, files[len(files)-1].Content)
		}
	}
	for _, text := range splitTable {
		f.Add(text, "kind: A")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		if strings.Count(first+second, "*")+strings.Count(first+second, "&") > 8 {
			t.Skip("aliases make the oracle slow")
		}
		compareSort(t, []File{{"c/a.yaml", first}, {"c/b.yaml", second}})
	})
}
