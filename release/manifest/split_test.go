package manifest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

var splitTable = map[string]string{
	"empty text":                             "",
	"blanks only":                            " \n\t\r\n",
	"no-break space only":                    "\u00a0",
	"one document":                           "a: 1\n",
	"separator only":                         "---",
	"separator with line end":                "---\n",
	"two separators in a row":                "---\n---\nkind: D",
	"three separators in a row":              "---\n---\n---\nkind: D",
	"four separators and blank lines":        "---\n\n---\n---\n\n\n---\na: 1\n---\n---",
	"separators between documents":           "a: 1\n---\nb: 2\n---\nc: 3",
	"separator after blanks":                 "a: 1\n \t\n\r\n---\nb: 2",
	"separator after form feed":              "a: 1\n\f\n---\nb: 2",
	"separator after vertical tab":           "a: 1\n\v\n---\nb: 2",
	"vertical tab alone in between":          "a: 1\n---\v\n---\nb: 2",
	"no-break space alone in between":        "a: 1\n---\u00a0\n---\nb: 2",
	"next-line character before separator":   "a: 1\u0085\n---\nb: 2",
	"glued separator":                        "---kind: X\n---kind: Y",
	"comment on the separator line":          "--- # c\nkind: X",
	"tag on the separator line":              "a: 1\n--- !tag\nb: 2",
	"comment-only document":                  "# hello\n---\nkind: A\n---\n# bye",
	"four dashes":                            "a: 1\n----\nb: 2",
	"six dashes":                             "------\nb: 2",
	"indented dashes are no separator":       "a: |\n  x\n  ---\n  y",
	"dashes inside a line are no separator":  "a: x---y\n---\nb: a ---",
	"separator inside a block scalar":        "a: |\n---\n  x",
	"CRLF":                                   "a: 1\r\n---\r\nb: 2\r\n",
	"CRLF inside a document":                 "a: 1\r\nb: 2\r\n",
	"lone carriage return before dashes":     "a: 1\r---\nb: 2",
	"separator at the end":                   "a: 1\n---",
	"separator and blanks at the end":        "a: 1\n---  \n\n",
	"blanks before the first separator":      "\n  \n---\na: 1",
	"spaces right before the dashes":         "a: 1\n  ---\nb: 2",
	"source comment, then its own separator": "---\n# Source: x\n---\nkind: D\n",
	"block scalar at the end":                "a: |\n  text\n\n---\nb: |\n  text\n",
	"blank line before the next separator":   "a: 1\n\n---\n\nb: 2\n",
	"invalid UTF-8":                          "a: \xff\n---\n\xff\n \xff\n---\nb",
	"byte order mark":                        "\ufeff---\na: 1\n---\nb: 2",
	"document end marker":                    "a: 1\n...\n---\nb: 2",
}

func TestSplitGivesTheDocumentsHelmGives(t *testing.T) {
	for name, text := range splitTable {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(helmSplit(text), Split(text, Helm3)); diff != "" {
				t.Errorf("Helm 3 (-Helm +ours):\n%s", diff)
			}
			if diff := cmp.Diff(helm4Split(text), Split(text, Helm4)); diff != "" {
				t.Errorf("Helm 4 (-Helm +ours):\n%s", diff)
			}
		})
	}
}

func TestSplitKnownResults(t *testing.T) {
	text := "---\n---\nkind: A\ns: |\n  x\n\n---kind: B\n--- # c\n"
	tests := []struct {
		name   string
		compat Compat
		want   []string
	}{
		{"Helm 3 keeps the second separator and trims", Helm3, []string{"---\nkind: A\ns: |\n  x", "kind: B", "# c"}},
		{"Helm 4 drops both and keeps line ends", Helm4, []string{"kind: A\ns: |\n  x\n\n", "kind: B\n", "# c\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Split(text, test.compat)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNumberedNamesDocumentsByTheirPlace(t *testing.T) {
	got := Numbered("---\na: 1\n---\n\n---b: 2", Helm3)
	want := []File{{"manifest-0", "a: 1"}, {"manifest-1", "---b: 2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzSplit(f *testing.F) {
	for _, text := range splitTable {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if diff := cmp.Diff(helmSplit(text), Split(text, Helm3)); diff != "" {
			t.Errorf("Helm 3 (-Helm +ours):\n%s", diff)
		}
		if diff := cmp.Diff(helm4Split(text), Split(text, Helm4)); diff != "" {
			t.Errorf("Helm 4 (-Helm +ours):\n%s", diff)
		}
	})
}
