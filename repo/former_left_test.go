package repo

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart"
)

// TestWhatAVersionDoesNotSayIsNotTakenFromOneBefore has a version that is left to the
// full parser between one that says something and one that does not.
func TestWhatAVersionDoesNotSayIsNotTakenFromOneBefore(t *testing.T) {
	const end = "    name: web\n    urls:\n    - a\n    version: 1.0."
	text := "apiVersion: v1\nentries:\n  web:\n" +
		"  - apiVersion: v2\n    deprecated: true\n    digest: abc\n    home: here\n    removed: true\n" + end + "3\n" +
		"  - apiVersion: v2\n    description: >-\n      folded\n      text\n" + end + "2\n" +
		"  - apiVersion: v2\n    description: plain text\n" + end + "1\n"
	x := parseCanonical([]byte(text))
	if x == nil {
		t.Fatal("it is not read as what Helm writes")
	}
	compareReaders(t, []byte(text))
	if last := x.Entries["web"][2]; last.Home != "" || last.Digest != "" || last.Deprecated || last.Removed {
		t.Errorf("the last version is %+v of %+v", last, last.Metadata)
	}
}

// TestVersionsThatDifferALittle reads random charts whose versions have most fields in
// common, with lines that are missing, there twice, moved or indented, by both parsers.
func TestVersionsThatDifferALittle(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	word := func() string {
		words := []string{"a", "b", " ", "\n", "# x", ": ", "- ", "'", "\"", "1", "true", "null", "|", "&", "some words", "2020-01-01", "long enough to be compared"}
		return words[r.Intn(len(words))] + words[r.Intn(len(words))]
	}
	read := 0
	for range 3000 {
		m := chart.Metadata{Name: "web", Home: word(), Sources: []string{word()}, Description: word(), Keywords: []string{word(), word()}, Maintainers: []*chart.Maintainer{{Name: word()}}}
		text := "apiVersion: v1\nentries:\n  web:\n"
		for i := range 4 {
			next := m
			next.Version = fmt.Sprint("1.0.", i)
			v := &Version{Metadata: &next, URLs: []string{"a"}, Digest: "abc", Removed: r.Intn(2) == 0}
			switch r.Intn(5) {
			case 0:
				next.Description = word()
			case 1:
				next.Home = ""
			case 2:
				next.Sources = nil
			case 3:
				v.Digest, v.URLs = "", []string{word()}
			}
			item, err := v.AppendYAML(nil)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.SplitAfter(string(item), "\n")
			switch at := r.Intn(len(lines)); r.Intn(8) {
			case 0:
				lines = slices.Delete(lines, at, at+1)
			case 1:
				lines[at] += lines[at]
			case 2:
				other := r.Intn(len(lines))
				lines[at], lines[other] = lines[other], lines[at]
			case 3:
				lines[at] = " " + lines[at]
			}
			text += strings.Join(lines, "")
		}
		if parseCanonical([]byte(text)) != nil {
			read++
			compareReaders(t, []byte(text))
		}
	}
	if read < 300 {
		t.Errorf("only %d were read as what Helm writes", read)
	}
}
