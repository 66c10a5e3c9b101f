package yaml

import (
	"testing"

	sigs "sigs.k8s.io/yaml"
)

func TestFaultLineIsTheLineThatCannotStand(t *testing.T) {
	type head struct {
		Metadata struct{ Name string } `json:"metadata"`
	}
	for _, test := range []struct {
		name, text string
		want       int
	}{
		{"two colons on the first line", "a: b: c\nd: e\n", 1},
		{"two colons further down", "# c\na: 1\n\nb: c: d\ne: f\n", 4},
		{"an indent between two levels, deep inside", "a: 1\nb:\n  c:\n    d: 1\n    e: 2\n   f: 3\ng: 4\n", 6},
		{"a tab", "a:\n\tb: 1\n", 2},
		{"a quote that is never closed", "a: 1\nb: \"x\nc: d\ne: f\n", 2},
		{"a brace that is never closed", "a: 1\nb: {c\nd: e\n", 2},
		{"an unknown anchor", "a: 1\nb: *x\nc: 1\n", 2},
		{"text in the place of a key", "a: 1\nfoo\nb: 2\n", 2},
		{"a field of another type", "a: 1\nmetadata: text\n", 2},
		{"a document of another type", "text\n", 0},
		{"CRLF", "a: 1\r\nb: c: d\r\n", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			var h head
			err := sigs.Unmarshal([]byte(test.text), &h)
			if err == nil {
				t.Fatal("no error")
			}
			if got := FaultLine(test.text, err); got != test.want {
				t.Errorf("line %d, want %d: %v", got, test.want, err)
			}
		})
	}
	if got := FaultLine("a: 1\n", sigs.Unmarshal([]byte("a: b: c"), new(any))); got != 0 {
		t.Errorf("an error of another text: line %d", got)
	}
}
