package repo

import "testing"

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
