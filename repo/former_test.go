package repo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// twoVersions is an index of a chart whose versions have the same lines, the
// second one with more behind them.
func twoVersions(lines, more string) string {
	const head = "  - apiVersion: v2\n    created: \"2026-01-02T03:04:05Z\"\n"
	const tail = "    name: web\n    urls:\n    - web.tgz\n    version: "
	return "apiVersion: v1\nentries:\n  web:\n" + head + lines + tail + "1.1.0\n" + head + lines + more + tail + "1.0.0\n" +
		head + lines + tail + "0.9.0\ngenerated: \"2026-01-02T03:04:05Z\"\n"
}

// repeatedLines are fields that versions have in common.
var repeatedLines = []string{
	"    keywords:\n    - a\n    - b\n",
	"    sources:\n    - https://example.com/a\n",
	"    maintainers:\n    - email: a@example.com\n      name: A\n    - name: B\n",
	"    dependencies:\n    - name: db\n      repository: https://example.com\n      tags:\n      - front\n      - back\n      version: 1.x.x\n",
	"    dependencies:\n    - import-values:\n      - child: a\n        parent: b\n      - c\n      name: db\n",
	"    keywords:\n    - a\n      b\n    maintainers:\n    - name: |\n        text\n",
	"    keywords: []\n", "    keywords:\n", "    maintainers: null\n",
}

// moreLines are what may follow, part of the value or not.
var moreLines = []string{
	"", "\n", "\n\n", "      more\n", "    - c\n", "      - d\n", "    # c\n", "      # c\n", "# c\n", "    type: library\n", "      url: u\n", "     x\n", "    keywords:\n    - twice\n", "  \n", "      \n",
}

func TestFieldsOfTheVersionBefore(t *testing.T) {
	for _, lines := range repeatedLines {
		for _, more := range moreLines {
			compareReaders(t, []byte(twoVersions(lines, more)))
		}
	}
	if parseCanonical([]byte(twoVersions(repeatedLines[0], "    - c\n"))) == nil {
		t.Error("one more item is not in the usual layout")
	}
	for _, lines := range repeatedLines[:5] {
		x := parseCanonical([]byte(twoVersions(lines, "")))
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

// A caller may change a version: the others stay as they are.
func TestVersionsShareNothing(t *testing.T) {
	text := twoVersions(strings.Join(repeatedLines[:4], ""), "")
	x, want := parseCanonical([]byte(text)), parseCanonical([]byte(text))
	v := x.Entries["web"][0]
	v.Keywords[0], v.Sources[0], v.Maintainers[0].Name = "changed", "changed", "changed"
	v.Dependencies[0].Name, v.Dependencies[0].Tags[0] = "changed", "changed"
	v.Keywords, v.Dependencies[0].Tags = append(v.Keywords, "more"), append(v.Dependencies[0].Tags, "more")
	if diff := cmp.Diff(want.Entries["web"][1:], x.Entries["web"][1:]); diff != "" {
		t.Error(diff)
	}
}

// FuzzFormer holds versions with the same lines against the full parser.
func FuzzFormer(f *testing.F) {
	for _, lines := range repeatedLines {
		for _, more := range moreLines {
			f.Add(lines, more)
		}
	}
	f.Fuzz(func(t *testing.T, lines, more string) { compareReaders(t, []byte(twoVersions(lines, more))) })
}
