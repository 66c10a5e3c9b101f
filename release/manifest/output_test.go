package manifest

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/releaseutil"
)

func TestNotesTakesTheChartsOwnNotes(t *testing.T) {
	files := []File{
		{"web/templates/NOTES.txt", "own"}, {"web/templates/svc.yaml", "kind: Service"},
		{"web/charts/db/templates/NOTES.txt", "db"}, {"web/charts/app/templates/NOTES.txt", "app"},
		{"web/templates/MORENOTES.txt", "more"}, {"web/templates/sub/NOTES.txt", ""}, {"web/templates/notes.txt", "x"},
	}
	notes, rest := Notes(files, "web", false)
	if notes != "own" {
		t.Errorf("got %q, want the chart's own notes", notes)
	}
	if diff := cmp.Diff([]File{{"web/templates/svc.yaml", "kind: Service"}, {"web/templates/notes.txt", "x"}}, rest); diff != "" {
		t.Error(diff)
	}
	all, _ := Notes(files, "web", true)
	if want := "app\ndb\nmore\nown\n"; all != want {
		t.Errorf("got %q, want %q", all, want)
	}
}

// helmOutput states how Helm puts the text of "helm template" together.
func helmOutput(set *Set, crds []File, hide, noHooks, skipTests bool) string {
	var body, text bytes.Buffer
	for _, crd := range crds {
		fmt.Fprintf(&body, "---\n# Source: %s\n%s\n", crd.Name, crd.Content)
	}
	for _, doc := range set.Docs {
		if hide && doc.Head.Kind == "Secret" && doc.Head.APIVersion == "v1" {
			fmt.Fprintf(&body, "---\n# Source: %s\n# HIDDEN: The Secret output has been suppressed\n", doc.Name)
			continue
		}
		fmt.Fprintf(&body, "---\n# Source: %s\n%s\n", doc.Name, doc.Content)
	}
	fmt.Fprintln(&text, strings.TrimSpace(body.String()))
	for _, hook := range set.Hooks {
		if noHooks || skipTests && hook.RunsAt(Test) {
			continue
		}
		fmt.Fprintf(&text, "---\n# Source: %s\n%s\n", hook.Path, hook.Manifest)
	}
	return text.String()
}

func TestOutputIsTheTextOfHelmTemplate(t *testing.T) {
	files := []File{
		{"web/templates/a.yaml", object("Secret", "s") + "---\n" + object("Pod", "p", "helm.sh/hook: test") + "---\n# comment"},
		{"web/templates/b.yaml", object("Job", "j", "helm.sh/hook: pre-install,test") + "---\n" + object("Job", "k", "helm.sh/hook: pre-install")},
		{"web/templates/c.yaml", "kind: Secret\napiVersion: other/v1"},
	}
	set, err := Sort(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	crdLists := [][]File{nil, {{"web/crds/x.yaml", "---\nkind: CustomResourceDefinition\n\n"}}}
	for _, from := range []*Set{set, {}, {Hooks: set.Hooks}} {
		for _, crds := range crdLists {
			for choice := range 8 {
				hide, noHooks, skipTests := choice&1 != 0, choice&2 != 0, choice&4 != 0
				got := Output(from.Body(crds, BodyOptions{HideSecrets: hide}), from.Hooks, OutputOptions{NoHooks: noHooks, SkipTests: skipTests})
				if diff := cmp.Diff(helmOutput(from, crds, hide, noHooks, skipTests), got); diff != "" {
					t.Errorf("choice %d (-Helm +ours):\n%s", choice, diff)
				}
			}
		}
	}
}

func TestDumpShowsEveryFileThatIsNotBlank(t *testing.T) {
	got := Dump([]File{{"c/b.yaml", "a: b: c\n"}, {"c/a.yaml", "\n"}, {"c/_h.tpl", "x"}})
	if want := "---\n# Source: c/_h.tpl\nx\n---\n# Source: c/b.yaml\na: b: c\n\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

var sourceComment = regexp.MustCompile("# Source: [^/]+/(.+)")

// helmShowOnly states the rule of --show-only with Helm's splitter and the
// expression it uses.
func helmShowOnly(text string, patterns []string) (string, error) {
	var shown strings.Builder
	for _, pattern := range patterns {
		missing := true
		for _, doc := range helmSplit(text) {
			match := sourceComment.FindStringSubmatch(doc)
			if len(match) == 0 {
				continue
			}
			if fits, _ := path.Match(pattern, match[1]); fits {
				fmt.Fprintf(&shown, "---\n%s\n", doc)
				missing = false
			}
		}
		if missing {
			return "", fmt.Errorf("could not find template %s in chart", pattern)
		}
	}
	return shown.String(), nil
}

var showTable = map[string]string{
	"usual output":       "---\n# Source: web/templates/a.yaml\nkind: A\n---\n# Source: web/charts/db/templates/b.yaml\nkind: B\n---\n# Source: web/templates/a.yaml\nkind: C\n",
	"no source":          "kind: A",
	"name over lines":    "# Source: web\nmore: x/templates/a.yaml\n",
	"slash at line end":  "# Source: web/\n# Source: web/templates/a.yaml",
	"slash comes first":  "# Source: /x\n# Source: web/templates/a.yaml",
	"mark after a mark":  "# Source: # Source: web/templates/a.yaml",
	"no slash at all":    "# Source: web # Source: ",
	"mark in the middle": "a: 1 # Source: web/templates/a.yaml\n",
	"carriage return":    "# Source: web/templates/a.yaml\r\nkind: A\r\n",
}

var showPatterns = [][]string{
	{"templates/a.yaml"}, {"templates/*.yaml"}, {"charts/*/templates/*"}, {"templates/[", "templates/a.yaml"},
	{"templates/a.yaml", "charts/db/templates/b.yaml", "templates/a.yaml"}, {"templates"}, {"*"}, {""}, {"templates/a.yaml", "nothing"},
}

func TestShowOnlyGivesTheDocumentsHelmGives(t *testing.T) {
	for name, text := range showTable {
		for _, patterns := range showPatterns {
			t.Run(fmt.Sprint(name, patterns), func(t *testing.T) { compareShowOnly(t, text, patterns) })
		}
	}
}

func compareShowOnly(t *testing.T, text string, patterns []string) {
	t.Helper()
	want, wantErr := helmShowOnly(text, patterns)
	got, err := ShowOnly(text, patterns, Helm3)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Errorf("got error %v, want %v", err, wantErr)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-Helm +ours):\n%s", diff)
	}
}

func FuzzShowOnly(f *testing.F) {
	for _, text := range showTable {
		f.Add(text, "templates/*")
	}
	f.Fuzz(func(t *testing.T, text, pattern string) { compareShowOnly(t, text, []string{pattern}) })
}

func TestUninstallOrderOfAStoredManifestIsHelms(t *testing.T) {
	var text strings.Builder
	for i := range 14 {
		text.WriteString("---\n# Source: web/templates/x.yaml\n" + object("ConfigMap", fmt.Sprint("n", i)))
	}
	_, want, err := releaseutil.SortManifests(releaseutil.SplitManifests(text.String()), nil, releaseutil.UninstallOrder)
	if err != nil {
		t.Fatal(err)
	}
	set, err := Sort(Numbered(text.String(), Helm3), Options{Order: Uninstall})
	if err != nil {
		t.Fatal(err)
	}
	for i, doc := range set.Docs {
		if doc.Name != want[i].Name || doc.Content != want[i].Content {
			t.Errorf("place %d: got %s, want %s", i, doc.Name, want[i].Name)
		}
	}
}
