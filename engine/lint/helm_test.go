package lint

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"helm.sh/helm/v3/pkg/chartutil"
	helmlint "helm.sh/helm/v3/pkg/lint"

	"github.com/e6d26078/slipway/engine"
)

var kube137 = engine.KubeVersion{Version: "v1.37.0", Major: "1", Minor: "37"}

// helmMessages are the lines that Helm prints for the chart in a folder.
func helmMessages(folder string, values map[string]any) []string {
	log.SetOutput(io.Discard)
	version := chartutil.KubeVersion{Version: kube137.Version, Major: kube137.Major, Minor: kube137.Minor}
	linter := helmlint.AllWithKubeVersionAndSchemaValidation(folder, copyMap(values), "ns", &version, false)
	var lines []string
	for _, message := range linter.Messages {
		lines = append(lines, message.Error())
	}
	return lines
}

// ourMessages are the lines for Helm's rules, rendered by our engine.
func ourMessages(t *testing.T, folder string, values map[string]any) []string {
	t.Helper()
	findings, err := Lint(context.Background(), folder, values, Options{Namespace: "ns", KubeVersion: &kube137, HelmRules: true})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, finding := range findings {
		lines = append(lines, finding.String())
	}
	return lines
}

// folderOf writes the files of a txtar archive to a folder.
func folderOf(t *testing.T, archive string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "web")
	for _, file := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(folder, file.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func compareMessages(t *testing.T, folder string, values map[string]any) {
	t.Helper()
	want, got := helmMessages(folder, values), ourMessages(t, folder, values)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-Helm +ours):\n%s", diff)
	}
}

const goodChart = "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.2.3\nicon: https://example.com/i.png\n-- values.yaml --\na: 1\n"

func template(text string) string { return goodChart + "-- templates/x.yaml --\n" + text + "\n" }

var chartTable = map[string]string{
	"good":                       template("kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: x\n"),
	"no icon, no values":         "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.2.3\n",
	"empty Chart.yaml":           "-- Chart.yaml --\n",
	"null Chart.yaml":            "-- Chart.yaml --\nnull\n",
	"Chart.yaml is a folder":     "-- Chart.yaml/x --\n",
	"Chart.yaml is a list":       "-- Chart.yaml --\n- a\n",
	"Chart.yaml is no YAML":      "-- Chart.yaml --\na: b: c\n",
	"numbers for texts":          "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.10\nappVersion: 1.10\n",
	"everything wrong":           "-- Chart.yaml --\napiVersion: v3\nname: a/b\nversion: x.y\nappVersion: true\ntype: odd\nicon: nowhere\nsources: [x]\nmaintainers:\n- name: a\n  email: no\ndependencies:\n- name: a\n",
	"v1 with type":               "-- Chart.yaml --\napiVersion: v1\nname: web\nversion: 0.0.0\ntype: application\ndependencies:\n- name: a\n",
	"version zero":               "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 0.0.0-0\n",
	"maintainer without name":    "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.0.0\nmaintainers:\n- email: a@b.cd\n",
	"maintainer null":            "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.0.0\nmaintainers:\n-\n",
	"maintainer url":             "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.0.0\nmaintainers:\n- name: a\n  url: 'no where'\n",
	"icon without scheme":        "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.0.0\nicon: /icon.png\nsources: ['']\n",
	"values are no YAML":         strings.Replace(goodChart, "a: 1", "a: b: c", 1),
	"values are a list":          strings.Replace(goodChart, "a: 1", "- 1", 1),
	"values break the schema":    goodChart + "-- values.schema.json --\n{\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"b\"]}\n",
	"the schema is no JSON":      goodChart + "-- values.schema.json --\n{\n",
	"templates is a file":        goodChart + "-- templates --\nx\n",
	"template does not parse":    template("{{ if }}"),
	"template fails":             template("a: {{ .Values.x.y.z }}"),
	"required and fail":          template("kind: A\nmetadata: {name: a{{ required \"needed\" .Values.x }}}\nx: {{ fail \"no\" }}"),
	"unknown function":           template("{{ nothing }}"),
	"rendered text is no YAML":   template("a: b: c") + "-- templates/y.yaml --\n a: 1\n",
	"rendered text is a list":    template("- a"),
	"rendered text is a word":    template("word"),
	"kind is a map":              template("kind: {a: b}"),
	"namespace is a map":         template("kind: A\nmetadata:\n  name: x\n  namespace: {a: b}"),
	"namespace is a number":      template("kind: A\nmetadata:\n  name: x\n  namespace: 12"),
	"metadata is text":           template("kind: A\nmetadata: x"),
	"annotations are a list":     template("kind: A\nmetadata:\n  name: x\n  annotations: [a]"),
	"indented start":             template("\n  kind: A\n  metadata: {name: x}"),
	"tab at the start":           template("\n\tkind: A"),
	"long first line":            template("# " + strings.Repeat("x", 70_000) + "\n  a: 1"),
	"extensions":                 goodChart + "-- templates/a.json --\n{}\n-- templates/b.yml --\na: b: c\n-- templates/c --\nx\n-- templates/d.txt --\nx\n",
	"Helm 2 leftovers":           template("kind: A\nmetadata:\n  name: x\n  annotations:\n    \"helm.sh/hook\":   crd-install\nx: {{ default \"\" .Release.Time }}"),
	"names":                      template("kind: Pod\nmetadata: {name: Bad_Name}\n---\nkind: Service\nmetadata: {name: 1x}\n---\nkind: Namespace\nmetadata: {name: a.b}\n---\nkind: Namespace\nmetadata: {name: A}\n---\nkind: Role\nmetadata: {name: 'a/b%c'}\n---\nkind: ClusterRole\nmetadata: {name: ..}\n---\nkind: CertificateSigningRequest\nmetadata: {name: 'A/B'}\n---\nkind: ServiceAccount\nmetadata: {name: " + strings.Repeat("a", 254) + "}\n---\nkind: service\nmetadata: {name: " + strings.Repeat("A", 64) + "}\n---\n# nothing\n---\n{}\n---\nkind: A"),
	"deprecated":                 template("apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: x}\n---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: x}\n---\napiVersion: a/b/c\nkind: Ingress\nmetadata: {name: x}"),
	"no selector":                template("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: y}"),
	"list with policies":         template("apiVersion: v1\nkind: List\nmetadata: {name: x}\nitems:\n- metadata:\n    annotations:\n      helm.sh/resource-policy: keep"),
	"list in the second place":   template("kind: A\nmetadata: {name: x}\n---\napiVersion: v1\nkind: List\nmetadata: {name: x}\nitems: 5"),
	"odd separators":             template("kind: A\nmetadata: {name: x}\n--- x\nkind: B"),
	"separator with comment":     template("--- # c\nkind: A\nmetadata: {name: x}\n--- # c\n---\nkind: B\nmetadata: {name: y}"),
	"glued separator":            template("kind: A\nmetadata: {name: x}\n---kind: B"),
	"CRLF":                       template("kind: A\r\nmetadata:\r\n  name: X\r\n---\r\nkind: B\r\nmetadata: {name: y}\r\n"),
	"JSON":                       template("{\"kind\": \"A\", \"metadata\": {\"name\": \"X\"}}"),
	"two JSON objects":           template("{\"kind\": \"A\", \"metadata\": {\"name\": \"X\"}}\n{\"kind\": \"B\", \"metadata\": {\"name\": \"Y\"}}"),
	"JSON, then rubbish":         template("{\"kind\": \"A\"}{\"kind\": \"B\"} x y: z: a"),
	"JSON, then YAML":            template("{\"kind\": \"A\", \"metadata\": {\"name\": \"X\"}}\n---\nkind: B\nmetadata: {name: Y}"),
	"flow mapping, no JSON":      template("{kind: A, metadata: {name: X}}"),
	"broken JSON and YAML":       template("{\"kind\": \"A\","),
	"JSON with wrong type":       template("{\"kind\": 12, \"metadata\": {\"name\": \"X\"}}"),
	"subchart not listed":        goodChart + "-- charts/db/Chart.yaml --\napiVersion: v2\nname: db\nversion: 1.0.0\n",
	"dependency without chart":   strings.Replace(goodChart, "icon:", "dependencies:\n- name: db\n  version: 1.x.x\n  repository: https://example.com\nicon:", 1),
	"dependencies of one name":   strings.Replace(goodChart, "icon:", "dependencies:\n- {name: db, version: 1.x.x}\n- {name: db, version: 1.x.x}\nicon:", 1),
	"a subchart that is broken":  goodChart + "-- charts/db/Chart.yaml --\na: b: c\n",
	"library":                    strings.Replace(goodChart, "icon:", "type: library\nicon:", 1) + "-- templates/_h.tpl --\n{{ define \"x\" }}a{{ end }}\n",
	"kubeVersion does not count": strings.Replace(goodChart, "icon:", "kubeVersion: '>99.0.0'\nicon:", 1) + "-- templates/x.yaml --\nkind: A\nmetadata: {name: X}\n",
	"install or upgrade":         template("kind: A\nmetadata: {name: 'I{{ .Release.IsInstall }}-U{{ .Release.IsUpgrade }}-R{{ .Release.Revision }}'}"),
	"folder order":               goodChart + "-- templates/a/x.yaml --\nkind: A\nmetadata: {name: X}\n-- templates/a-b.yaml --\nkind: A\nmetadata: {name: Y}\n-- templates/a.yaml --\nkind: A\nmetadata: {name: Z}\n",
	"empty folder templates":     goodChart + "-- templates/.keep --\n",
	"notes are YAML by name":     goodChart + "-- templates/NOTES.yaml --\na: b: c\n",
}

func TestHelmsRulesGiveHelmsMessages(t *testing.T) {
	for name, archive := range chartTable {
		t.Run(name, func(t *testing.T) { compareMessages(t, folderOf(t, archive), nil) })
	}
}

func TestTheUsersValuesCountAsInHelm(t *testing.T) {
	chart := strings.Replace(goodChart, "a: 1", "a: {b: 1, c: {d: 2}}\nlist: [1]\nn: 5", 1) +
		"-- values.schema.json --\n{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"number\"}}}}}\n" +
		"-- templates/x.yaml --\nkind: A\nmetadata: {name: 'X{{ toJson .Values }}'}\n"
	for name, values := range map[string]map[string]any{
		"none":              nil,
		"nested null":       {"a": map[string]any{"b": nil}},
		"null":              {"a": nil},
		"null of a list":    {"list": nil, "new": nil},
		"text for a number": {"a": map[string]any{"b": "x"}},
		"text for a table":  {"a": "x"},
		"table for a text":  {"list": map[string]any{"x": 1}},
	} {
		t.Run(name, func(t *testing.T) { compareMessages(t, folderOf(t, chart), values) })
	}
}

func TestNoChartAtAllIsAnError(t *testing.T) {
	folder := t.TempDir()
	for path, want := range map[string]string{
		folder:                             "unable to check Chart.yaml file in chart: stat ",
		filepath.Join(folder, "x.tgz"):     "unable to open tarball: open ",
		filepath.Join("testdata", "x.tgz"): "unable to open tarball: ",
	} {
		if _, err := Lint(context.Background(), path, nil, Options{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s...", path, err, want)
		}
	}
}

// corpus returns the folder of real charts.
func corpus(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("SLIPWAY_CORPUS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "corpus")
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			t.Skip("no corpus")
		}
	}
	return folder
}

func TestRealChartsGiveHelmsMessages(t *testing.T) {
	charts, err := filepath.Glob(filepath.Join(corpus(t), "*.tgz"))
	if err != nil || len(charts) == 0 {
		t.Fatalf("no charts: %v", err)
	}
	for _, path := range charts {
		t.Run(filepath.Base(path), func(t *testing.T) {
			folder := expanded(t, path)
			want, got := sortedNames(helmMessages(folder, nil)), sortedNames(ourMessages(t, folder, nil))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-Helm +ours):\n%s", diff)
			}
		})
	}
}

// sortedNames sorts the names of subcharts in messages, which Helm has in
// random order. #DIFFERS ours are sorted by folder.
func sortedNames(lines []string) []string {
	for i, line := range lines {
		if before, names, found := strings.Cut(line, "these dependencies: "); found {
			list := strings.Split(names, ",")
			sort.Strings(list)
			lines[i] = before + "these dependencies: " + strings.Join(list, ",")
		}
	}
	return lines
}

func expanded(t testing.TB, archive string) string {
	t.Helper()
	folder := t.TempDir()
	if err := chartutil.ExpandFile(folder, archive); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Fatalf("expand %s: %v", archive, err)
	}
	return filepath.Join(folder, entries[0].Name())
}
