package rollouttest

import "github.com/google/go-cmp/cmp"

// Untouched is invariant 8: what an abort leaves is what there was. Both sides
// hold normalised objects by kind and name, histories left out.
func Untouched(before, after map[string]any) []Violation {
	if diff := cmp.Diff(before, after); diff != "" {
		return []Violation{{Invariant: UntouchedName, What: "(-before +after)\n" + diff}}
	}
	return nil
}
