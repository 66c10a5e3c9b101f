package repo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/chart"
)

// threeVersions is an index of a chart with three versions: the second one has other
// lines in the middle than those before and behind it.
func threeVersions(lines, others string) string {
	const head = "  - apiVersion: v2\n    created: \"2026-01-02T03:04:05Z\"\n"
	const tail = "    name: web\n    urls:\n    - web.tgz\n    version: "
	return "apiVersion: v1\nentries:\n  web:\n" + head + lines + tail + "1.1.0\n" + head + others + tail + "1.0.0\n" +
		head + lines + tail + "0.9.0\ngenerated: \"2026-01-02T03:04:05Z\"\n"
}

// repeatedLines are fields that versions have in common.
var repeatedLines = []string{
	"    keywords:\n    - a\n    - b\n    - c\n",
	"    sources:\n    - https://example.com/a\n",
	"    maintainers:\n    - email: a@example.com\n      name: A\n    - name: B\n",
	"    dependencies:\n    - name: db\n      repository: https://example.com\n      tags:\n      - front\n      - back\n      version: 1.x.x\n    - name: b\n    - name: c\n",
	"    dependencies:\n    - import-values:\n      - child: a\n        parent: b\n      - c\n      name: db\n",
	"    keywords:\n    - a\n      b\n    maintainers:\n    - name: |\n        text\n",
	"    annotations:\n      a: b\n      c: |\n        d\n    deprecated: true\n    description: one\n      more\n    digest: x\n",
	"    keywords: []\n", "    keywords:\n", "    maintainers: null\n",
}

// moreLines are what may follow, part of the value or not.
var moreLines = []string{
	"", "\n", "\n\n", "      more\n", "    - c\n", "      - d\n", "    # c\n", "      # c\n", "# c\n", "    type: library\n", "      url: u\n", "     x\n", "    keywords:\n    - twice\n", "  \n", "      \n", "   xtype: library\n",
}

func TestFieldsOfTheVersionBefore(t *testing.T) {
	for _, lines := range repeatedLines {
		for _, more := range moreLines {
			compareReaders(t, []byte(threeVersions(lines, lines+more)))
		}
		for _, others := range repeatedLines {
			compareReaders(t, []byte(threeVersions(lines, others)))
			compareReaders(t, []byte(threeVersions(lines+others, others)))
			compareReaders(t, []byte(threeVersions(lines+others, others+lines)))
		}
	}
	for _, lines := range repeatedLines[:6] {
		x := parseCanonical([]byte(threeVersions(lines, repeatedLines[0])))
		if x == nil {
			t.Fatalf("not in the usual layout:\n%s", lines)
		}
		for _, v := range x.Entries["web"] {
			v.Version, v.APIVersion = "", ""
		}
		if diff := cmp.Diff(x.Entries["web"][0], x.Entries["web"][2]); diff != "" {
			t.Errorf("the same lines, read differently:\n%s", diff)
		}
	}
}

// What a version has too much or lacks is nothing to those beside it.
func TestFieldsThatComeAndGo(t *testing.T) {
	x := parseCanonical([]byte(threeVersions("    icon: a\n    type: library\n", "    home: b\n    type: library\n")))
	if x == nil {
		t.Fatal("not in the usual layout")
	}
	for i, want := range [][2]string{{"", "a"}, {"b", ""}, {"", "a"}} {
		if v := x.Entries["web"][i]; v.Home != want[0] || v.Icon != want[1] || v.Type != "library" {
			t.Errorf("version %d: home %q, icon %q, type %q", i, v.Home, v.Icon, v.Type)
		}
	}
}

// A caller may put other values into a version: the others stay as they are.
func TestVersionsStayApart(t *testing.T) {
	text := threeVersions(strings.Join(repeatedLines[:4], ""), strings.Join(repeatedLines[:4], ""))
	x, want := parseCanonical([]byte(text)), parseCanonical([]byte(text))
	v, w := x.Entries["web"][0], x.Entries["web"][1]
	v.Name, v.Digest, v.Maintainers = "changed", "changed", nil
	v.Keywords, v.Dependencies = append(v.Keywords, "v"), append(v.Dependencies, &chart.Dependency{Name: "v"})
	w.Keywords, w.Dependencies = append(w.Keywords, "w"), append(w.Dependencies, &chart.Dependency{Name: "w"})
	if v.Keywords[3] != "v" || v.Dependencies[3].Name != "v" {
		t.Errorf("%q, %+v", v.Keywords, v.Dependencies[3])
	}
	if diff := cmp.Diff(want.Entries["web"][2], x.Entries["web"][2]); diff != "" {
		t.Error(diff)
	}
}

// A version is checked however much of it is in the one before.
func TestWhatDiffersIsChecked(t *testing.T) {
	const good = "    appVersion: a\n    description: b\n    dependencies:\n    - name: db\n    keywords:\n    - c\n"
	const bell = "\"\\x07\"\n"
	for _, bad := range []string{
		strings.Replace(good, "a\n", bell, 1), strings.Replace(good, "b\n", bell, 1), strings.Replace(good, "c\n", bell, 1), strings.Replace(good, "db\n", bell, 1),
		"    home: " + bell + good, "    icon: " + bell + good, "    kubeVersion: " + bell + good, "    condition: " + bell + good, "    tags: " + bell + good,
		"    maintainers:\n    - name: " + bell + good, "    sources:\n    - " + bell + good, "    type: x\n" + good,
	} {
		compareFileWithHelm(t, []byte(threeVersions(good, bad)))
	}
	for _, change := range [][2]string{{"name: web", "name: a/b"}, {"version: 1.0.0", "version: x"}, {"version: 1.0.0", "version: v1.0.0"}} {
		first, others, _ := strings.Cut(threeVersions(good, good), "1.1.0\n")
		compareFileWithHelm(t, []byte(first+"1.1.0\n"+strings.Replace(others, change[0], change[1], 1)))
	}
}

// FuzzFormer holds versions that have lines in common against the full parser.
func FuzzFormer(f *testing.F) {
	for _, lines := range repeatedLines {
		for _, more := range moreLines {
			f.Add(lines, lines+more)
		}
		for _, others := range repeatedLines {
			f.Add(lines+others, others)
		}
	}
	f.Fuzz(func(t *testing.T, lines, others string) { compareReaders(t, []byte(threeVersions(lines, others))) })
}
