package yaml

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// tokens are what random documents are put together from.
var tokens = []string{
	"a", "b", "a", "kind", "name", "metadata", "annotations", "apiVersion", "y", "n", "1", "-1", "0x1", "1.5", "~", "null", ".inf", "<<", "x y", "é", "2001-01-01", "0",
	":", ": ", ": ", ": ", ":\n", ":\n  ", ":\n", ":\n    ", "- ", "- ", "-", "-\n", "\n", "\n", "\n", "\n\n", "\n  ", "\n  ", "\n ", "\n    ", "\n- ", "\n  - ", "\n   ", " ", "  ",
	"#", " #", " # c", "# c\n", "'", "'", "\"", "\"", "'a'", "\"b\"", "'c'", "\"d\\n\"", "''", "\\", "\\\n",
	"|\n", ">\n", "|", ">", "|-\n  ", ">-\n  ", "|+\n ", "|2\n  ", ">1\n ", "+", "-",
	"[", "]", "{", "}", ",", ", ", "[]", "{}", "[a, b]", "{a: b}", "[a,\n b]", "{a: b,\n c: d}",
	"&a ", "&b ", "*a", "*b", "&a", "*a ", "<<: *a\n", "<<: [*a, *b]\n", "!!str ", "!x ", "?", "? ",
	"---\n", "---", "...\n", "...", "\n---\n", "\n--- ", "%", "@", "`", "\t", "\t", "\r\n", "\r", "\ufeff",
	"a: b\n", "a:\n  b: c\n", "- a\n- b\n", "  a: b\n", "  - a\n", "kind: a\n", "metadata:\n  name: a\n", "  annotations:\n    a: 1\n",
}

// randomDocument puts a document together, from tokens alone or by changing a snippet in a few places.
func randomDocument(r *rand.Rand) string {
	var b strings.Builder
	if r.IntN(2) == 0 {
		for range 1 + r.IntN(14) {
			b.WriteString(tokens[r.IntN(len(tokens))])
		}
		return b.String()
	}
	doc := commonSnippets[r.IntN(len(commonSnippets))]
	if r.IntN(4) == 0 {
		doc += commonSnippets[r.IntN(len(commonSnippets))]
	}
	for range 1 + r.IntN(3) {
		at := r.IntN(len(doc) + 1)
		end := min(len(doc), at+r.IntN(4)*r.IntN(3))
		insert := ""
		if r.IntN(4) > 0 {
			insert = tokens[r.IntN(len(tokens))]
		}
		doc = doc[:at] + insert + doc[end:]
	}
	return doc
}

func checkRandom(t *testing.T, seed uint64) {
	t.Helper()
	doc := randomDocument(rand.New(rand.NewPCG(seed, 1)))
	checkDecode(t, []byte(doc))
	checkHead(t, doc)
}

func TestRandomDocumentsGiveTheLibrarysResult(t *testing.T) {
	for seed := range uint64(10_000) {
		checkRandom(t, seed)
	}
}

func FuzzRandomDocuments(f *testing.F) {
	f.Add(uint64(0))
	f.Fuzz(checkRandom)
}
