package yaml

import "testing"

func TestWhatStandsBehindTheFirstDocumentIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"a: 1":                    "",
		"---\na: 1\n":             "",
		"# only a comment\n---\n": "",
		"a: 1\n---\n# nothing\n":  "",
		"a: 1\n...\n":             "",
		"a: [":                    "", // others tell of it
		"a: |\n  ---\n":           "",
		"a: 1\n---\nb: 2\n":       "f.yaml:3: the file has to be one document, and another one begins here",
		"a: 1\n---\n---\n\n- 2\n": "f.yaml:5: the file has to be one document, and another one begins here",
		"a: 1\n--- text\n":        "f.yaml:2: the file has to be one document, and another one begins here",
		"a: 1\n---\nb: [\n":       "f.yaml: the file has to be one document, and what follows it is none: yaml: line 3: did not find expected node content",
	} {
		got := ""
		if err := CheckSingle("f.yaml", []byte(text)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
